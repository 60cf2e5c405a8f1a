"""Literals that move with a size: the same model made with another batch, seen again, call by call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

from tensorflow_free.tracing.calls_of_run import TracedCall

Path = tuple[Any, ...]


class MovingNumber(int):
    """A whole number that is a parameter of the recipe: it reads as the number, and knows the name."""

    name: str

    def __new__(cls, value: int, name: str) -> Self:
        """The number, with the parameter's name."""
        made = super().__new__(cls, value)
        made.name = name
        return made

    @property
    def word(self) -> str:
        """How a recipe refers to it."""
        return f"${{params.{self.name}}}"


@dataclass(slots=True)
class Sizes:
    """The parameters of a recipe: numbers that move with sizes of the model.

    Attributes:
        base: each size and what it is in the recipe: `batch` and 2.
        params: the recipe's parameters and their values.
        notes: sizes with which the model makes other calls.
        without: these sizes, which are no parameters.
    """

    base: Mapping[str, int]
    params: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    without: set[str] = field(default_factory=set)
    _then: dict[str, dict[str, int]] = field(default_factory=dict)

    def overrides(self, size: str) -> list[str]:
        """What makes the recipe that of the model with one more of a size: `params.batch=3`."""
        return [f"params.{name}={then[size]}" for name, then in self._then.items() if size in then]

    def fixed(self, size: str, why: str) -> None:
        """Note that a size is no parameter, as the model with one more of it fails, or makes other calls."""
        self.without.add(size)
        self.notes.append(f"with {size}={self.base[size] + 1} {why}, so {size} is no parameter of the recipe")

    def named(self, value: int, others: Mapping[str, int]) -> int:
        """A number as a parameter, where it is another one with another size.

        Args:
            value: what it is.
            others: what it is where a size is greater by 1, for each size.
        """
        moved = {size: other for size, other in others.items() if other != value}
        if not moved:
            return value
        name = self._name(value, moved)
        if self.params.setdefault(name, value) != value:
            return value
        self._then.setdefault(name, moved)
        return MovingNumber(value, name)

    def _name(self, value: int, moved: Mapping[str, int]) -> str:
        """`batch`, `batch_seq` for their product, `batch_times_4`, `seq_minus_1`."""
        product = 1
        for size in moved:
            product *= self.base[size]
        name = "_".join(moved)
        if value == product:
            return name
        if len(moved) == 1 and next(iter(moved.values())) == value + 1:
            offset = value - product
            return f"{name}_{'plus' if offset > 0 else 'minus'}_{abs(offset)}"
        if value % product == 0:
            return f"{name}_times_{value // product}"
        return f"{name}_to_{value}"


def parametrized(calls: Sequence[TracedCall], seen: Mapping[str, Sequence[TracedCall]], sizes: Sizes) -> None:
    """Put parameters in place of the literals of calls that move.

    Args:
        calls: of the model as it is captured; changed.
        seen: the calls of the model with each of its sizes greater by 1.
        sizes: takes the parameters.
    """
    alike: dict[str, Sequence[TracedCall]] = {}
    for size, same in seen.items():
        if [one.name for one in same] == [one.name for one in calls]:
            alike[size] = same
        else:
            sizes.fixed(size, "the model makes other calls")
    for position, call in enumerate(calls):
        others = {size: dict(_literals([one[position].args, one[position].kwargs])) for size, one in alike.items()}

        moved = partial(_moved, sizes, others)
        call.args, call.kwargs = _replaced([call.args, call.kwargs], moved, ())


def _moved(sizes: Sizes, others: Mapping[str, Mapping[Path, int]], path: Path, value: int) -> int:
    return sizes.named(value, {size: found.get(path, value) for size, found in others.items()})


def _literals(value: Any, path: Path = ()) -> Iterator[tuple[Path, int]]:
    if type(value) is int:
        yield path, value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _literals(part, (*path, key))
    elif isinstance(value, (list, tuple)):
        for position, part in enumerate(value):
            yield from _literals(part, (*path, position))
    elif isinstance(value, slice):
        yield from _literals([value.start, value.stop, value.step], path)


def _replaced(value: Any, change: Callable[[Path, int], int], path: Path) -> Any:
    if type(value) is int:
        return change(path, value)
    if isinstance(value, Mapping):
        return {key: _replaced(part, change, (*path, key)) for key, part in value.items()}
    if type(value) in (list, tuple) or (isinstance(value, tuple) and not hasattr(value, "_fields")):
        parts = [_replaced(part, change, (*path, position)) for position, part in enumerate(value)]
        return parts if isinstance(value, list) else tuple(parts)
    if isinstance(value, slice):
        return slice(*_replaced([value.start, value.stop, value.step], change, path))
    return value
