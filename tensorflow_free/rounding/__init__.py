"""How far rounding may take each value of a run: the same run in float64 with every number nudged as rounding would."""
