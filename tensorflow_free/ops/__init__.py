"""What an op is, and how torch's tables, schemas, annotations and docstrings tell it. `registry` is the way in."""
