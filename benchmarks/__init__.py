"""How fast tensorflow_free is, against its peers: `python -m benchmarks`. Each module holds one kind of figure."""
