"""Runs on tensors of other shapes, which a step may refuse: that is told as an outcome, and not by torch's own log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_LOG: Final = "torch._subclasses.fake_tensor"
"""Where torch logs a traceback for each op that refuses its shapes while a compiler traces it."""


@contextmanager
def unlogged() -> Iterator[None]:
    """While it is entered, torch logs no traceback for an op that refuses its shapes under a compiler."""
    log = logging.getLogger(_LOG)
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before
