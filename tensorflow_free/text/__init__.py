"""Text for people: which characters can be shown, pages of lines and grids, their drawing. Does not import torch."""
