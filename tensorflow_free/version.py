"""The package's version: one constant for the build, the command line and every result."""

VERSION = "0.1.0"
