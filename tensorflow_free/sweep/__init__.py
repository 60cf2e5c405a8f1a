"""Sweeps: the cells of a command line, the workers that run them, the rows that they give, and the folder."""
