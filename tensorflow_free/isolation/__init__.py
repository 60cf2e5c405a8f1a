"""Each step of a cell alone: its calls captured in a second run, and each held against float64 on its own operands."""
