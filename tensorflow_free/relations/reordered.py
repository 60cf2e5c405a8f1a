"""Relations to runs on the same elements in another order, or on other elements beside them."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from tensorflow_free.relations.changed_dimensions import NO_DIMENSION, NOT_SHOWN, changed_dimensions, narrowed, picked
from tensorflow_free.relations.changed_runs import (
    GRADIENT,
    Asked,
    Ground,
    Rebuilt,
    UnrelatedError,
    cut,
    missing,
    plain_value,
)
from tensorflow_free.relations.targets import written_gradient


def permutation(ground: Ground, asked: Asked) -> Iterator[Rebuilt]:
    """The elements reversed, and then shifted by one: both, since a reversal leaves every second place even."""
    places = _Places(ground, asked)
    every = torch.arange(places.length)
    fixed = written_gradient(ground)
    for how, order in (("reversed", every.flip(0)), ("shifted by one", every.roll(1))):
        found = ground.run(places.picked(order))
        rebuilt = Rebuilt(how)
        for name in ground.names(asked):
            at, value = places.of(name), plain_value(found.records.get(name))
            if fixed is not None and name.endswith(GRADIENT):
                rebuilt.left[name] = fixed
            elif isinstance(at, str) or value is None:
                rebuilt.left[name] = at if isinstance(at, str) else missing(found, name)
            else:
                rebuilt.values[name] = picked(value, at, order.argsort())
        yield rebuilt


def independence(ground: Ground, asked: Asked) -> Iterator[Rebuilt]:
    """Copies of the first element in place of the second half."""
    places = _Places(ground, asked)
    kept = places.length // 2
    order = torch.cat([torch.arange(kept), torch.zeros(places.length - kept, dtype=torch.int64)])
    found = ground.run(places.picked(order))
    rebuilt = Rebuilt("with copies of the first element in place of the second half")
    for name in ground.names(asked):
        at, value = places.of(name), plain_value(found.records.get(name))
        its = plain_value(ground.result.records.get(name))
        if isinstance(at, str) or value is None or its is None:
            rebuilt.left[name] = at if isinstance(at, str) else missing(found, name)
        elif at:
            rebuilt.values[name] = _with_first(its, narrowed(value, at, 0, kept), at)
        else:
            rebuilt.left[name] = NO_DIMENSION
    return (one for one in [rebuilt])


def _with_first(value: torch.Tensor, first: torch.Tensor, dimensions: tuple[int, ...]) -> torch.Tensor:
    """A value with its first part replaced."""
    whole = value.clone()
    part = whole
    for dimension in dimensions:
        part = part.narrow(dimension, 0, first.shape[dimension])
    part.copy_(first)
    return whole


class _Places:
    """Where each value has the changed dimension, found by a run with one element less."""

    def __init__(self, ground: Ground, asked: Asked) -> None:
        self._ground, self._dimensions = ground, asked.dimensions()
        self.length = ground.length(self._dimensions)
        if self.length < 2:  # noqa: PLR2004 - one element has no order
            raise UnrelatedError(f"the dimension has the length {self.length}")
        self._shorter = ground.run(cut(ground, self._dimensions, 0, self.length - 1), forward=True)

    def picked(self, order: torch.Tensor) -> dict[str, torch.Tensor]:
        """The tensors with their elements in another order."""
        starts = self._ground.starts
        return {name: picked(starts[name], [at], order) for name, at in self._dimensions.items()}

    def of(self, name: str) -> tuple[int, ...] | str:
        """The dimensions of a value, or of that whose gradient it is; or why they are not known."""
        value = name.removesuffix(GRADIENT)
        if value in self._dimensions:
            at, start = self._dimensions[value], self._ground.starts[value]
            record = plain_value(self._ground.result.records.get(name))
            # the gradient of an expanded tensor is that of what it expands
            return NOT_SHOWN if record is None or record.shape != start.shape else (at % start.dim(),)
        if value in self._ground.starts:
            return ()
        its, found = (plain_value(one.records.get(value)) for one in (self._ground.result, self._shorter))
        if its is None or found is None:
            return "it is not one plain tensor" if its is None else missing(self._shorter, value)
        at_all = changed_dimensions(its.shape, found.shape, (self.length, self.length - 1))
        return NOT_SHOWN if at_all is None else at_all
