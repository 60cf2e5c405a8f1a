"""What stands around a run, for `runner`: how far it came, what it has made, its warnings, what its errors say."""
