"""PyTorch's operator database compared with recipes: each sample input as a recipe, and the same call in plain eager torch."""
