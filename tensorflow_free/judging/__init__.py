"""Verdicts: how far values are from their reference, how far they may be, what a recipe expects. Data, no words."""
