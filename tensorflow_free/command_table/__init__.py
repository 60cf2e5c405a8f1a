"""The table of the two commands: every command and flag as data. Nothing here parses or runs."""
