"""Devices other than the CPU, for the tests."""
