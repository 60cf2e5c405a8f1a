"""The package's version: one word, for the build, the command line and every result."""

VERSION = "0.1.0"
