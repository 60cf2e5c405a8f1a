"""PyTorch's operator database held against recipes: each sample input as a recipe, and the same call in plain eager torch."""
