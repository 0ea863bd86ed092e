"""Learners that keep their values in tables: kernels over batches, and the learners on top."""
