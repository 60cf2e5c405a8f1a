"""Words that the modules of the plugin share: file suffixes, option values, keys."""

from __future__ import annotations

from typing import Final

GOLDEN: Final = ".golden.json"

RECORDING: Final = ("missing", "failing", "all")
"""What `--record-recipes` may say."""

XDIST_KEY: Final = "tensorflow_free"
"""The key under which an xdist worker hands over what it gathered."""
