"""The records of a run by name, each made of what its value was when it is first asked for."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch

from tensorflow_free.plan.plan import Recording
from tensorflow_free.result.model import EntryKind
from tensorflow_free.result.run_value import Record, recorded, stride_of

WithHistory = tuple[EntryKind, str | None, torch.Tensor, bool, str | None]
"""What a record of a tensor with a history is made of: its kind, its op, the tensor detached, whether it required a
gradient, and the name of its `grad_fn`."""

HeldValue = Record | WithHistory | torch.Tensor
"""What is held of a value: its record, or what that is made of; a tensor alone is one that a recording tells of."""


class RunRecords(UserDict[str, Record]):
    """The records of a run by name: reads, compares and pickles as a dict of them does.

    A record takes longer to make than a small op, and of thousands few are looked at: it is made when it is first asked
    for. What is held until then is nobody else's, so that nothing can change it.
    """

    def __init__(self, held: dict[str, Any] | None = None, recordings: Sequence[Recording] = ()) -> None:
        self.data: dict[str, Any] = {} if held is None else held
        self._recordings = recordings

    @cached_property
    def _recordings_by_name(self) -> dict[str, Recording]:
        return {one.name: one for one in self._recordings}

    def __getitem__(self, name: str) -> Record:
        """The record of this name.

        Raises:
            KeyError: there is none.
        """
        held = self.data[name]
        if not isinstance(held, Record):
            held = self.data[name] = self._made(name, held)
        return held

    def _made(self, name: str, held: WithHistory | torch.Tensor) -> Record:
        if isinstance(held, torch.Tensor):
            one = self._recordings_by_name[name]
            return next(recorded(name, one.kind, held, one.op))
        kind, op, value, requires_grad, grad_fn = held
        return Record(name, kind, value, op, stride_of(value), requires_grad, grad_fn)

    def __repr__(self) -> str:
        return repr(dict(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)
