"""Sweeps: the cells of a command line, the workers that run them, the rows that come back, and the folder of all."""
