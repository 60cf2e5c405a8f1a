"""Text for people: what of it can be shown, pages of lines and grids, columns. Prints nothing; no torch."""
