"""Guards between a recipe and kernels that trust their arguments: checks, filled memory, copied indices."""
