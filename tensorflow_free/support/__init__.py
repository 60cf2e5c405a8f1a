"""Support matrices: which ops of PyTorch's operator database a device gives right, dtype by dtype."""
