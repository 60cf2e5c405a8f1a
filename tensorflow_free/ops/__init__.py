"""What an op is, and how it is found in torch's tables, schemas, annotations and docstrings. Start at `registry`."""
