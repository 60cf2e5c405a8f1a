"""Devices that answer no more, as after an error in one of their kernels: found by a small copy there and back.

Such a device is lost to its process for good; another process has it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import torch

from tensorflow_free.errors import words_of
from tensorflow_free.outcome.reasons import StepFailed
from tensorflow_free.plan.calls import Snapshot
from tensorflow_free.run.out_of_memory import is_out_of_memory
from tensorflow_free.run.unsupported import lack_of
from tensorflow_free.tensors.devices import module_of, numbered, synchronize

_used: Final[set[str]] = set()
"""Devices that runs of this process were to use."""

_answered: Final[set[torch.device]] = set()
"""Those that have answered: one that never did was not lost."""

_lost: Final[dict[torch.device, str]] = {}
"""Those that were lost to this process, with what they said."""


class LostError(Exception):
    """A run beside the one that is judged lost a device; `failure` is what it tells."""

    def __init__(self, failure: StepFailed) -> None:
        super().__init__(failure.message)
        self.failure = failure


def will_use(devices: Iterable[str]) -> None:
    """Note that a run uses these devices; one that is new here is tried, as what never answered cannot be lost."""
    for word in devices:
        if word not in _used and module_of(word) is not None:
            _used.add(word)
            _silence(word)


def used_devices() -> list[str]:
    """The devices that runs of this process were to use, besides the CPU."""
    return sorted(_used)


def broken_devices() -> list[str]:
    """The devices used by this process that have answered and do not now: its next run on one of them would fail."""
    return sorted(one for one in _used if numbered(one) in _answered and _silence(one) is not None)


def lost_before(devices: Iterable[str]) -> dict[torch.device, str]:
    """Those of these devices that this process had lost before, with what they said then."""
    return {} if not _lost else {one: _lost[one] for one in map(numbered, devices) if one in _lost}


def lost_among(devices: Iterable[str], values: Iterable[Any] = ()) -> dict[torch.device, str]:
    """Those of these devices that are lost, with what they say.

    Args:
        devices: where to look.
        values: what a run has made. A device is not lost that had nothing yet, or whose tensors can still be read.
    """
    found = {}
    for word in devices:
        said = None if module_of(word) is None else _silence(word)
        if said is None:
            continue
        device = numbered(word)
        there = next(_tensors_on(device, values), None)
        if (there is not None or device in _answered or device in _lost) and not _can_be_read(there):
            found[device] = _lost.setdefault(device, said)
    return found


def touch(word: str) -> None:
    """Wait for a device, and bring a number there and back; raises what it has to tell.

    Not every device tells of an error where it is waited for. One that has no room, or no kernel for that, is there.
    """
    synchronize(word)
    try:
        # a run's own dtype, which is the default one then, may be what the device lacks
        torch.ones(1, dtype=torch.float32).to(word).cpu()
    except Exception as error:
        if not is_out_of_memory(error) and lack_of(error, [word]) is None:
            raise


def _silence(word: str) -> str | None:
    """What a device says to the smallest use of it, where that fails; None where it answers."""
    try:
        touch(word)
    except Exception as error:  # noqa: BLE001 - whatever a vendor raises
        return words_of(error)
    _answered.add(numbered(word))
    return None


def _tensors_on(device: torch.device, values: Iterable[Any]) -> Iterator[torch.Tensor]:
    for value in values:
        one = value.values if isinstance(value, Snapshot) else value
        if isinstance(one, torch.Tensor) and one.device == device:
            yield one


def _can_be_read(tensor: torch.Tensor | None) -> bool:
    """Whether a number of a tensor still comes from its device, which then only has no room for more."""
    if tensor is None or not is_readable_in_part(tensor):
        return False
    try:
        one_of(tensor).cpu()
    except Exception:  # noqa: BLE001 - whatever a vendor raises
        return False
    return True


def is_readable_in_part(tensor: torch.Tensor) -> bool:
    """Whether one of its elements can be asked for: a plain tensor that has some, with memory of its own."""
    plain = tensor.layout == torch.strided and not tensor.is_quantized and not tensor.is_nested and not tensor.is_meta
    # one that autograd knows to be zero has no storage
    return plain and tensor.numel() > 0 and not tensor._is_zerotensor()  # noqa: SLF001 - torch tells it nowhere else


def one_of(tensor: torch.Tensor) -> torch.Tensor:
    """One element of a plain tensor, which is not copied."""
    return tensor.detach().as_strided((1,), (1,), tensor.storage_offset())
