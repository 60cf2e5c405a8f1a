"""Verdicts: how far values are from a reference, how far they may be, what a recipe expects. Data, not sentences."""
