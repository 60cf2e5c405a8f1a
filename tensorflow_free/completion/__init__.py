"""Completion in shells: what may follow on a command line, by the table of commands and by files that are only read."""
