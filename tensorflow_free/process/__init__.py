"""Processes: signals that end them, limits on them, a child that may crash. Knows no recipe; does not import torch."""
