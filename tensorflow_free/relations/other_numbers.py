"""Relations to runs on other numbers: times a power of two, plus a number, a value of the run itself, exchanged."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch

from tensorflow_free.relations.changed_runs import (
    GRADIENT,
    Asked,
    Ground,
    Rebuilt,
    UnrelatedError,
    missing,
    plain_value,
)
from tensorflow_free.result.result import Result
from tensorflow_free.tensors.dtypes import word_of

Undone = Callable[[str, torch.Tensor, torch.Tensor], torch.Tensor]
"""Makes a value of the run of that of one on other numbers: by name, and beside its own."""


def scaling(ground: Ground, asked: Asked) -> Iterator[Rebuilt]:
    """Each tensor times a power of two."""
    factors = asked.spec.values if isinstance(asked.spec.values, dict) else {}

    def undone(name: str, found: torch.Tensor, its: torch.Tensor) -> torch.Tensor:
        factor = factors.get(name) or _factor(found, its)
        return found / factor if found.is_floating_point() or found.is_complex() else found

    changed = {name: _rounded(ground, name) * factor for name, factor in asked.spec.of.items()}
    told = ", ".join(f"{name} times {factor:g}" for name, factor in asked.spec.of.items())
    yield _all(ground, asked, ground.run(changed), f"with {told}", undone)


def _rounded(ground: Ground, name: str) -> torch.Tensor:
    """A starting tensor of floating or complex numbers.

    Raises:
        UnrelatedError: it is of integers or booleans, which say which and not how much.
    """
    start = ground.starts[name]
    if not (start.is_floating_point() or start.is_complex()):
        raise UnrelatedError(f"'{name}' is {word_of(start.dtype)}, and not of floating or complex numbers")
    return start


def _factor(found: torch.Tensor, its: torch.Tensor) -> float:
    """The power of two, or the negative of one, that is nearest to how many times a value is another."""
    one, other = (each.detach().to(torch.complex128).nan_to_num(0, 0, 0) for each in (found, its))
    sizes = [float(each.abs().sum()) for each in (one, other)]
    if one.shape != other.shape or not all(sizes) or not all(map(math.isfinite, sizes)):
        return 1.0
    sign = -1.0 if float((one * other.conj()).real.sum()) < 0 else 1.0
    return sign * 2.0 ** round(math.log2(sizes[0] / sizes[1]))


def shift(ground: Ground, asked: Asked) -> Iterator[Rebuilt]:
    """Each tensor plus a number."""
    changed = {name: _rounded(ground, name) + number for name, number in asked.spec.of.items()}
    told = ", ".join(f"{name} plus {number:g}" for name, number in asked.spec.of.items())
    yield _all(ground, asked, ground.run(changed), f"with {told}", _as_it_is)


def idempotence(ground: Ground, asked: Asked) -> Iterator[Rebuilt]:
    """A value that was made of a tensor in its place."""
    changed = {}
    for name, value in asked.spec.of.items():
        made, start = plain_value(ground.result.records.get(value)), ground.starts[name]
        if made is None or made.shape != start.shape:
            shape = "no plain tensor" if made is None else f"of the shape {list(made.shape)}"
            raise UnrelatedError(f"'{value}' is {shape}, and '{name}' of {list(start.shape)}")
        changed[name] = made.to(start.dtype)
    names = list(asked.spec.values or asked.spec.of.values())
    told = ", ".join(f"{value} in place of {name}" for name, value in asked.spec.of.items())
    yield _all(ground, asked, ground.run(changed), f"with {told}", _as_it_is, names)


def transposition(ground: Ground, asked: Asked) -> Iterator[Rebuilt]:
    """Two factors of a product exchanged, each transposed."""
    return _exchanged(ground, asked, lambda value: value.mT if value.dim() > 1 else value, "exchanged and transposed")


def commutation(ground: Ground, asked: Asked) -> Iterator[Rebuilt]:
    """Two operands exchanged."""
    return _exchanged(ground, asked, lambda value: value, "exchanged")


def _exchanged(
    ground: Ground, asked: Asked, turned: Callable[[torch.Tensor], torch.Tensor], how: str
) -> Iterator[Rebuilt]:
    others = {**asked.spec.of, **{other: one for one, other in asked.spec.of.items()}}
    changed = {one: turned(ground.starts[other]).contiguous() for one, other in others.items()}
    found = ground.run(changed)
    # each has the gradient of what stands in its place
    pairs = {f"{one}{GRADIENT}": f"{other}{GRADIENT}" for one, other in others.items()}
    its = {name: found.records[other] for name, other in pairs.items() if other in found.records}
    found.records = {**found.records, **its}

    def undone(name: str, value: torch.Tensor, its: torch.Tensor) -> torch.Tensor:
        del name, its
        return turned(value)

    told = " and ".join(f"{one} and {other}" for one, other in asked.spec.of.items())
    yield _all(ground, asked, found, f"with {told} {how}", undone)


def _as_it_is(_: str, found: torch.Tensor, its: torch.Tensor) -> torch.Tensor:
    del its
    return found


def _all(
    ground: Ground, asked: Asked, found: Result, how: str, undone: Undone, names: list[str] | None = None
) -> Rebuilt:
    """All values of a run on other numbers, each made into what the run itself should have."""
    rebuilt = Rebuilt(how)
    for name in ground.names(asked) if names is None else names:
        its, value = plain_value(ground.result.records.get(name)), plain_value(found.records.get(name))
        if its is None or value is None:
            rebuilt.left[name] = "it is not one plain tensor" if its is None else missing(found, name)
        else:
            rebuilt.values[name] = undone(name, value, its)
    return rebuilt
