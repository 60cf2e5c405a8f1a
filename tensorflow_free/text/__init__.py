"""Text for people: what of it can be shown, pages of lines and grids, what draws them. Prints nothing; no torch."""
