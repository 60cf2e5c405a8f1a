"""Valid recipes, mutated, run, reported, saved and read back: all of it ends well, in RecipeError or in a step error."""
