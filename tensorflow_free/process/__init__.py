"""Processes: what ends one from outside, the limits it is held to, a child that may crash. No recipe, no torch."""
