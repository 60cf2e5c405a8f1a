"""What a run gives, and how it lies on disk."""
