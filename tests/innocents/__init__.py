"""Cells in which no step is wrong for its own inputs: blaming calls no culprit there, and leaves nothing unjudged."""
