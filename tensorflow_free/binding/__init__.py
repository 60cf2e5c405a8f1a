"""A `Recipe` to a `Plan`: every name bound, every argument checked, all problems found before anything runs."""
