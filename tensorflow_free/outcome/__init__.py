"""What can become of a run, a cell, a golden, a value: outcomes, exit codes, and reasons as data, worded once."""
