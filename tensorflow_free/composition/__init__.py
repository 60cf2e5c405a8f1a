"""Text to mapping: a recipe file, what its `defaults` list, its case, overrides, references. Alone knows YAML."""
