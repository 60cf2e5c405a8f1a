"""Parts of a run, for `runner`: how far it came, its records, its warnings, torch's errors."""
