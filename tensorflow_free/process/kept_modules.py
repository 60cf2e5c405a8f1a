"""Modules that a command imports and keeps to its end: no garbage is looked for among them. Standard library only."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def modules_kept() -> Iterator[None]:
    """Import modules here that this process keeps to its end.

    What torch and this package hold is some hundred thousand objects, none of which is garbage before the process ends.
    Collections would go through all of them again and again while they are made, in each full one later, and at the
    end: a quarter of the processor's time of a short run. So there are none meanwhile, and those to come leave out what
    stands now; what is made later, a user's own modules too, is collected and finalised as ever. At the end `atexit`'s
    functions run, and logs and standard streams are flushed, as ever; but what refers to itself here is not finalised,
    which Python does not promise. Where all is imported already, nothing changes.

    For processes of the project's own: in another's, what stands may be garbage.
    """
    before, collects = len(sys.modules), gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > before:
            gc.freeze()
        if collects:
            gc.enable()
