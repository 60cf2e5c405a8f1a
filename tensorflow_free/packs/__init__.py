"""Cells in one file, with their starting tensors and float64 values, for a machine that has nothing else."""
