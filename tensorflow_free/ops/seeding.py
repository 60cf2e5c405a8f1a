"""A random step with its own seed: it draws from its own stream, and the run's stream continues as if it had not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any, Final

import torch

from tensorflow_free.tensors.streams import own_stream

_FAR: Final = 0x9E3779B1
"""How far the seeds of other streams lie from those of the recipe, which are mostly small."""

_shift: ContextVar[int] = ContextVar("_shift", default=0)

_begun: ContextVar[torch.Tensor | None] = ContextVar("_begun", default=None)


def seeded(seed: int, devices: Sequence[str], function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call the function in random streams, of the CPU and of the devices, that are seeded with this number."""
    shift = _shift.get()
    shifted = (seed + shift) % 2**63 if shift else seed
    with torch.random.fork_rng([]), ExitStack() as stack:
        for device in devices:
            stack.enter_context(own_stream(device, shifted))
        torch.default_generator.manual_seed(shifted)
        token = _begun.set(torch.default_generator.get_state())
        try:
            return function(*args, **kwargs)
        finally:
            _begun.reset(token)


def begun() -> torch.Tensor | None:
    """The state of the CPU's generator that the step with a seed of its own began with; None outside of one."""
    return _begun.get()


@contextmanager
def other_streams(stream: int | None) -> Iterator[None]:
    """Inside it, steps with a seed of their own draw from other streams than theirs; None leaves them be."""
    # the CPU's generator takes 32 bits of a seed
    token = _shift.set(0 if stream is None else stream * _FAR)
    try:
        yield
    finally:
        _shift.reset(token)
