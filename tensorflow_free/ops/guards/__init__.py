"""What stands between a recipe and a kernel that trusts its arguments: checks, memory filled, handouts copied."""
