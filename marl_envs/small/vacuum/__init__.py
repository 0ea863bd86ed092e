"""Robot vacuums in a two-bedroom apartment."""
