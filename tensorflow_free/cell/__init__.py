"""One cell: what it is held against, and what became of it."""
