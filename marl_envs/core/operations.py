"""What a family's range kernel can be asked to do to environments; see `Family.play`."""

STEP, RESET, OBSERVE, MEASURE, DESCRIBE = range(5)
MORE = 5  # the first number of a family's own operations: what else its step consists of
