"""Files of this machine: opened only where plain and small enough, written whole or not at all. Knows no format."""
