"""Tensors before any op: dtypes, devices, inits, literals, memory, the files they are read from. Knows no steps."""
