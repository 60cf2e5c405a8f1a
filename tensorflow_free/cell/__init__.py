"""One cell: what it is compared with, and its outcome."""
