"""From code that runs to a recipe: the calls of a model, seen one by one, written as a person would, and proven."""
