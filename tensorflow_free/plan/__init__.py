"""The waist in the middle: a `Plan` is calls on slots and the settings around them. Knows no text and no files."""
