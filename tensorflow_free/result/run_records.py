"""The records of a run by name, each made of what its value was when it is first asked for."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import torch

from tensorflow_free.plan.calls import grad_fn_name
from tensorflow_free.plan.plan import Recording
from tensorflow_free.result.model import EntryKind
from tensorflow_free.result.run_value import Record, stride_of


class RunRecords(UserDict[str, Record]):
    """The records of a run by name: reads, compares and pickles as a dict of them does.

    A record takes longer to make than a small op, and of thousands few are looked at: it is made when it is first asked
    for. Until then its tensor is held alone, which nobody else has, so that nothing can change it.

    Args:
        data: records by name.
        recordings: what is recorded of tensors and steps; a tensor that is held under another name is a gradient.
    """

    def __init__(self, data: dict[str, Any] | None = None, recordings: Sequence[Recording] = ()) -> None:
        self.data: dict[str, Any] = {} if data is None else data
        self._recordings = recordings
        self._functions: dict[str, str | None] = {}
        """The names of the `grad_fn` of tensors that required a gradient, and are held detached."""

    def hold(self, name: str, value: torch.Tensor) -> None:
        """Hold a tensor out of reach of whoever else has it, and without its history."""
        if value.requires_grad:
            self._functions[name] = grad_fn_name(value)
        self.data[name] = value.detach()

    def leave_out(self, is_wanted: Callable[[str], bool]) -> None:
        """Keep those alone whose names are wanted."""
        self.data = {name: one for name, one in self.data.items() if is_wanted(name)}

    @cached_property
    def _by_name(self) -> dict[str, Recording]:
        return {one.name: one for one in self._recordings}

    def __getitem__(self, name: str) -> Record:
        """The record of this name.

        Raises:
            KeyError: there is none.
        """
        found = self.data[name]
        if isinstance(found, torch.Tensor):
            found = self.data[name] = self._made(name, found)
        record: Record = found
        return record

    def _made(self, name: str, value: torch.Tensor) -> Record:
        one = self._by_name.get(name)
        kind: EntryKind = "gradient" if one is None else one.kind
        op = None if one is None else one.op
        requires_grad = name in self._functions or value.requires_grad
        return Record(name, kind, value.detach(), op, stride_of(value), requires_grad, self._functions.get(name))

    def __or__(self, other: Any) -> Any:
        return dict(self) | dict(other)

    def __ror__(self, other: Any) -> Any:
        return dict(other) | dict(self)

    def __repr__(self) -> str:
        return repr(dict(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)
