"""What Python objects of a model hold, kept before a run and put back: attributes, buffers, lists of a cache."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from tensorflow_free.tracing.reachable import has_attributes

Restore = Callable[[], None]


class PythonState:
    """What objects hold, to be put back; tensors are no part of it.

    Args:
        objects: modules, containers, objects of a user's; what can hold nothing else is passed over.
    """

    def __init__(self, objects: Iterable[Any]) -> None:
        self._restores = [restore for one in objects for restore in _restores(one)]

    def restore(self) -> None:
        """Put back what they held."""
        for one in self._restores:
            one()


def _restores(thing: Any) -> Iterator[Restore]:
    if isinstance(thing, torch.nn.Module):
        for own in (thing._parameters, thing._buffers, thing._modules, vars(thing)):
            yield partial(_refill, own, dict(own))
    elif isinstance(thing, dict):
        yield partial(_refill, thing, dict(thing))
    elif isinstance(thing, (list, deque)):
        yield partial(_replace, thing, list(thing))
    if has_attributes(thing) and not isinstance(vars(thing), MappingProxyType):
        yield partial(_refill, vars(thing), dict(vars(thing)))


def _refill(thing: dict[Any, Any], held: dict[Any, Any]) -> None:
    if list(map(id, thing.values())) == list(map(id, held.values())) and list(thing) == list(held):
        return
    thing.clear()
    thing.update(held)


def _replace(thing: Any, held: list[Any]) -> None:
    if list(map(id, thing)) != list(map(id, held)):
        thing.clear()
        thing.extend(held)


@contextmanager
def process_kept() -> Iterator[None]:
    """Inside it, random numbers may be drawn: of torch, NumPy and Python; the generators are put back behind it."""
    of_python, of_numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - the stream that models draw from
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)  # noqa: NPY002 - as above


def seed_all(seed: int) -> None:
    """Seed the streams that a model may draw from."""
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - the stream that models draw from
