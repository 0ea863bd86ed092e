"""Small worlds with known answers: what learners are checked on. They play with the same faces as the large ones."""
