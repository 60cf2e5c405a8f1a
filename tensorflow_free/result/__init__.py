"""What a run gives, and how it is stored on disk."""
