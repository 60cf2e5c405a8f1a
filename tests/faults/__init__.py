"""A bench of faults put into ops, one at a time, to see whether the fixtures of this repository catch them."""
