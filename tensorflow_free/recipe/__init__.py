"""What a recipe says: models, keys, fixed words, one-line steps, which step reads what. No files, YAML or torch."""
