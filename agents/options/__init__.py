"""Options: courses of action that are chosen as one, and learners that choose among them."""
