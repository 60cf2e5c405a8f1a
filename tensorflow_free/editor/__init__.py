"""What an editor is told of a recipe: the JSON Schema of the file as a person writes it."""
