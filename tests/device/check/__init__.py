"""What is tried on a machine that has a device, in one table: see `check.sh`."""
