"""Outcomes of runs, cells, goldens and values; exit codes; reasons as data, and their one wording."""
