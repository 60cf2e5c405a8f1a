"""One value of a run: as it was, and what detaching it loses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import torch

from tensorflow_free.plan.calls import Snapshot, grad_fn_name, named_fields
from tensorflow_free.result.model import EntryKind


@dataclass(frozen=True, slots=True)
class Record:
    """One value of a run. A tensor is detached, and as it stood; what detaching loses stands beside it."""

    name: str
    kind: EntryKind
    value: Any
    op: str | None = None
    stride: tuple[int, ...] | None = None
    requires_grad: bool = False
    grad_fn: str | None = None
    unstored: str | None = None
    """Why the numbers of a tensor are not there: it was read back without, or its device was lost."""
    device: str | None = None
    """Where a tensor lay in its run, if it does not lie there now: it was lost, or read back from files."""

    @property
    def is_tensor(self) -> bool:
        """Whether the value is a tensor."""
        return isinstance(self.value, torch.Tensor)


AFTER: Final = ".after"
"""What follows the name of a value as it was at the end, where a step may have changed it."""

Kept = TypeVar("Kept")


def of_name(kept: Mapping[str, Kept], name: str) -> Kept | None:
    """What is kept under a name; under `NAME.after`, what is under NAME where no step may have changed that."""
    found = kept.get(name)
    return kept.get(name.removesuffix(AFTER)) if found is None else found


def recorded(name: str, kind: EntryKind, value: Any, op: str | None = None) -> Iterator[Record]:
    """A value's records: itself, or each field of several values under its own name."""
    if isinstance(value, torch.Tensor):
        yield Record(name, kind, value.detach(), op, stride_of(value), value.requires_grad, grad_fn_name(value))
    elif isinstance(value, Snapshot):
        yield Record(name, kind, value.values, op, value.stride, value.requires_grad, value.grad_fn)
    elif isinstance(value, Mapping):
        for part, inner in value.items():
            yield from recorded(f"{name}.{part}", kind, inner, op)
    elif isinstance(value, (tuple, list)) and any(isinstance(part, (torch.Tensor, tuple, list)) for part in value):
        for part, inner in named_fields(value):
            yield from recorded(f"{name}.{part}", kind, inner, op)
    else:
        yield Record(name, kind, value, op)


def stride_of(value: torch.Tensor) -> tuple[int, ...] | None:
    """The steps of a tensor in memory; None of one that has none."""
    return tuple(value.stride()) if value.layout == torch.strided and not value.is_nested else None
