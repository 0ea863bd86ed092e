"""The random streams that agents derive from one seed, far from each other and from those of environments.

Environment e of a batch has the stream that lies e behind the first.
"""

LEARNING = 1 << 40  # exploration, and ties while learning
PLAYING = 1 << 41  # ties of a greedy policy
EVALUATING = 1 << 42  # what evaluations during a training play
FIRST_POLICY = 1 << 43  # policies that are drawn before the first step
