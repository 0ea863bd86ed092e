"""Errands (lifelong path finding): robots visit the cells of one task after another on a grid with obstacles."""
