"""Files on this machine: read only where plain and not too large, written whole or not at all. Knows no format."""
