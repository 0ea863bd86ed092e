"""Matrix games, and games of several states made of them."""
