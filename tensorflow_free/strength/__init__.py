"""What a recipe would let through: each step made wrong in turn, and which of its tests tell."""
