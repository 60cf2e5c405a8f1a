"""Random steps replayed: what a cell drew is noted, and drawn again in another dtype's run."""
