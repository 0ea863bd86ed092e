"""Controllers of vehicles at one junction: who may enter it, and how fast those drive who may and who may not."""
