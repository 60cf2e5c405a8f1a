"""From a recipe to a script of plain PyTorch that was run: its lines, its run in a fresh process, its bug report."""
