"""Goldens: what a recipe gave once, kept beside it, to hold every later run against."""
