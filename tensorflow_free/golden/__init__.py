"""Goldens: what a recipe gave once, kept beside it, with which every later run is compared."""
