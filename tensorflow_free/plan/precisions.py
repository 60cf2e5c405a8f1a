"""Torch's two ways to set how float32 is multiplied: `allow_tf32` and the like, and `fp32_precision` by backend.

Torch refuses to read the older where the newer was set to what the older cannot say. A recipe's settings are the older;
for its run the newer are reset, and afterwards both are as they were. Tried on torch 2.13.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Final

import torch

_BACKENDS: Final[Any] = torch.backends

_PLACES: Final[tuple[tuple[Any, str], ...]] = (
    (_BACKENDS, "none"),
    (_BACKENDS.cudnn, "none"),
    (_BACKENDS.cuda.matmul, "none"),
    (_BACKENDS.cudnn.conv, "tf32"),
    (_BACKENDS.cudnn.rnn, "tf32"),
    (_BACKENDS.mkldnn.matmul, "none"),
    (_BACKENDS.mkldnn.conv, "none"),
    (_BACKENDS.mkldnn.rnn, "none"),
)
"""Where `fp32_precision` can be set, those that others inherit from first; and what it is in a new process.

That of `torch.backends.mkldnn` sets the one of `torch.backends`.
"""


@contextmanager
def in_order() -> Iterator[None]:
    """The older settings can be read and written within; afterwards all are as they were."""
    # a process that has imported torch's own test helpers lets its switches be set in such a context alone
    with getattr(torch.backends, "__allow_nonbracketed_mutation", nullcontext)(), _put_in_order():
        yield


@contextmanager
def _put_in_order() -> Iterator[None]:
    stood = _stood()
    matmul, cudnn = _older(torch.get_float32_matmul_precision), _older(lambda: torch.backends.cudnn.allow_tf32)
    mixed = matmul is None or cudnn is None or _older(lambda: torch.backends.cuda.matmul.allow_tf32) is None
    if mixed:
        _set([usual for _, usual in _PLACES])
    _write_older("highest" if matmul is None else matmul, True if cudnn is None else cudnn)
    try:
        if not mixed:
            _set(stood)
        yield
    finally:
        _write_older("highest" if matmul is None else matmul, True if cudnn is None else cudnn)
        _set(stood)


def _write_older(matmul: str, cudnn: Any) -> None:
    torch.set_float32_matmul_precision(matmul)
    torch.backends.cudnn.allow_tf32 = cudnn


def _older(read: Any) -> Any:
    """An older setting; None where torch refuses to tell it."""
    try:
        return read()
    except RuntimeError:
        return None


def _stood() -> list[str]:
    """What each place says of its own: one that says nothing reads as what it inherits from does."""
    found = []
    for place, _ in _PLACES:
        found.append(str(place.fp32_precision))
        if place in (_BACKENDS, _BACKENDS.cudnn):
            place.fp32_precision = "none"
    _set(found)
    return found


def _set(words: list[str]) -> None:
    for (place, _), word in zip(_PLACES, words, strict=True):
        place.fp32_precision = word
