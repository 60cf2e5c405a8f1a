"""Runs whose step is named though a device's error showed late: they are run again in a process of their own."""
