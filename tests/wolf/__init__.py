"""Right cells, none of which may be called wrong: PyTorch's own ops, compilers, and right kernels that differ."""
