"""What a compiler logs while it compiles: gathered for the result, and not shown on the terminal beside it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from tensorflow_free.plan.dynamo_memory import compiles

MOST: Final = 100
"""Records that are kept of one run."""

TORCH: Final = ("torch", "torch._dynamo", "torch._inductor", "torch._functorch")
"""Loggers of PyTorch's compilers that may have handlers of their own, which write to standard error."""


class _Gathering(logging.Handler):
    """Keeps records; those from `shown_from` on go on to whoever else has set up logging in this process."""

    def __init__(self, kept: list[logging.LogRecord], shown_from: int = logging.WARNING) -> None:
        super().__init__()
        self._kept = kept
        self._shown_from = shown_from

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record, once."""
        if len(self._kept) < MOST and not any(record is one for one in self._kept):
            record.while_compiling = compiles()
            self._kept.append(record)
        root = logging.getLogger()
        others = [one for one in root.handlers if not isinstance(one, _Gathering)]
        if record.levelno >= self._shown_from and others and not record.name.startswith("torch"):
            for handler in others:
                handler.handle(record)


@contextmanager
def gathered_log(names: Sequence[str]) -> Iterator[list[logging.LogRecord]]:
    """Inside it, what the loggers of a compiler say is gathered: theirs all, of all others warnings and errors.

    Args:
        names: the loggers of the back end: its package's, one of its own name.
    """
    kept: list[logging.LogRecord] = []
    # who sets TORCH_LOGS wants to read along
    quiet = [logging.getLogger(name) for name in TORCH if "TORCH_LOGS" not in os.environ]
    quiet = [one for one in quiet if one.handlers]
    own = [logging.getLogger(name) for name in dict.fromkeys(names) if not f"{name}.".startswith("torch.")]
    parts = [part for one in own for part in _below(one)]
    root = logging.getLogger()
    before = [(one, one.handlers[:], one.propagate, one.level) for one in (*quiet, *own, *parts, root)]
    try:
        for one in quiet:
            one.handlers = [_Gathering(kept)]
        for one in own:
            # a back end tells of its fallback at the level of debugging: OpenVINO's does
            shown_from = max(one.getEffectiveLevel(), logging.WARNING)
            one.handlers, one.propagate = [*one.handlers, _Gathering(kept, shown_from)], False
            one.setLevel(logging.DEBUG)
        for one in parts:
            one.setLevel(logging.NOTSET)
        root.addHandler(_AtLeastWarnings(kept))
        yield kept
    finally:
        for one, handlers, propagate, level in before:
            one.handlers, one.propagate = handlers, propagate
            one.setLevel(level)


def _below(logger: logging.Logger) -> list[logging.Logger]:
    """The loggers of a package's modules that have a level of their own: OpenVINO's keep its fallback to themselves."""
    known = logging.getLogger().manager.loggerDict
    inside = [one for name, one in list(known.items()) if name.startswith(f"{logger.name}.")]
    return [one for one in inside if isinstance(one, logging.Logger) and one.level != logging.NOTSET]


class _AtLeastWarnings(_Gathering):
    """At the root, the others' handlers are called anyway."""

    def __init__(self, kept: list[logging.LogRecord]) -> None:
        super().__init__(kept, logging.CRITICAL + 1)
        self.setLevel(logging.WARNING)
