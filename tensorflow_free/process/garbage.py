"""Python's garbage collection, put off while many objects are made that all stay."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """No garbage is looked for within it; afterwards it is as before.

    What is made there is kept, so that looking through it, and through all that PyTorch has made, finds nothing; for a
    recipe of ten thousand steps this takes longer than all else.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
