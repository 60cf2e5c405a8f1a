"""From a `Recipe` to a `Plan`: every name bound, every argument checked, every problem found before anything runs."""
