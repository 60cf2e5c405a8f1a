"""What a page tells of a run and of its values, whatever holds their numbers. Does not import torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from tensorflow_free.result.model import EntryKind

if TYPE_CHECKING:
    from tensorflow_free.result.result import Result
    from tensorflow_free.result.stored_run import StoredRun

ToldRun: TypeAlias = "Result | StoredRun"
"""A run of which a page tells: a result, or the folder of one."""


@dataclass(frozen=True, slots=True)
class ToldValue:
    """What is told of one value of a run.

    Attributes:
        name: its name.
        kind: as of its record.
        op: the op that gave it.
        type: its dtype, or its type where it is no tensor; empty of None.
        shape: its shape, in words.
        grad_fn: the name of the node of autograd that made it.
        is_none: whether there is no value.
        words: gives the value in a few words.
    """

    name: str
    kind: EntryKind
    op: str | None
    type: str
    shape: str
    grad_fn: str | None
    is_none: bool
    words: Callable[[], str]
