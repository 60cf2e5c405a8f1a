"""What a notebook shows of a thing: its page as a table."""
