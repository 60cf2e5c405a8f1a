"""Data of pictures: the graph of a chain, its layout, drawings of it."""
