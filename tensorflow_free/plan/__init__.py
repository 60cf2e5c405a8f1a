"""The `Plan`: calls on slots, and the settings around them. Knows no recipe text and no files."""
