"""A recipe without what needs gradients: which of its steps do, and what is left of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, Protocol, TypeVar

from tensorflow_free.binding.aliasing import Aliases
from tensorflow_free.binding.assembly import follow_all
from tensorflow_free.binding.scope import Scope
from tensorflow_free.ops.backward import OPS
from tensorflow_free.ops.seeding import seeded
from tensorflow_free.plan.call_rows import CallRow, read_ids
from tensorflow_free.plan.calls import read_field
from tensorflow_free.plan.conditions import holds
from tensorflow_free.plan.left_out import LeftOut
from tensorflow_free.recipe.dotted import KeyPath
from tensorflow_free.recipe.graph import steps_of
from tensorflow_free.recipe.keys import ERROR, ERROR_KEYS, KINDS
from tensorflow_free.recipe.models import Expectation, Recipe, RelationSpec, Step
from tensorflow_free.recipe.relation_kinds import RELATION_KINDS
from tensorflow_free.registry import find
from tensorflow_free.tensors.starting_tensors import Start

TOLD_BY_AUTOGRAD: Final = frozenset({"grad", "grad_fn", "requires_grad", "is_leaf", "retains_grad", "output_nr"})
"""The attributes of a tensor that say how autograd sees it."""

NEEDING: Final = frozenset({*OPS, *TOLD_BY_AUTOGRAD, "retain_grad"})
"""The ops that need a graph of autograd's."""


class BoundRecipe(Protocol):
    """What binding has read of a recipe."""

    recipe: Recipe
    scope: Scope
    starts: list[Start]
    rows: list[CallRow]
    checks: list[CallRow]
    standing: dict[str, int]


class _Following(Aliases):
    """Follows the rows in order, and finds those that need gradients.

    A row does that differentiates, that asks what autograd knows, or that reads what such a row would give or change.
    Only changes by these are noted, so that a value with a changer is not what it would be.
    """

    def __init__(self, steps: set[str]) -> None:
        super().__init__()
        self.steps = steps
        """The names of the steps that need gradients, as far as they are known; more are added."""
        self.missing = set[int]()
        """The ids of values that are never made."""
        self._has_drawn = False

    def follow(self, rows: Sequence[CallRow]) -> None:
        """Go through the rows in order, and note those that need gradients."""
        for row in rows:
            if row.block is not None:
                self.missing |= {inside for inside, outside in row.block.enters if outside in self.missing}
            elif self._needs(row):
                self.steps.add(row.site.name)
                self.missing.add(row.out)
                self._has_drawn = self._has_drawn or _draws(row)
            super().follow([row])

    def change(self, values: Iterable[int], path: KeyPath = ()) -> None:
        """As of `Aliases`, of those steps alone that are left out."""
        if path and path[-1] in self.steps:
            super().change(values, path)

    def join(self, value: int, other: int) -> None:
        """As of `Aliases`; what is handed to the next round and not made is missing there."""
        super().join(value, other)
        if other in self.missing:
            self.missing.add(value)

    def is_else(self, value: int) -> bool:
        """Whether a value is not there, or not what it would be."""
        return value in self.missing or bool(self.changers(value))

    def _needs(self, row: CallRow) -> bool:
        if row.site.name in self.steps or _op(row) in NEEDING or _field(row) in TOLD_BY_AUTOGRAD:
            return True
        # without the draws of a step before, those that follow are of other numbers
        return any(map(self.is_else, read_ids(row))) or (self._has_drawn and _draws(row))


def _op(row: CallRow) -> str | None:
    """The name of the op that a row calls; None where it reads a field."""
    op = find(row.site.op)
    return None if op is None else op.name


def _field(row: CallRow) -> str | None:
    """The field that a row reads; None where it is another call."""
    function = row.function
    is_field = isinstance(function, partial) and function.func is read_field
    return function.keywords["field"] if is_field else None  # type: ignore[union-attr]


def _draws(row: CallRow) -> bool:
    """Whether a row draws from the random stream that the steps share."""
    if isinstance(row.function, partial) and row.function.func is seeded:
        return False
    op = find(row.site.op)
    given = any(isinstance(one, Start) for one in (*row.args, *row.kwargs.values()))
    return given or (op is not None and op.random)


def left_out_of(bound: BoundRecipe) -> LeftOut:
    """What a bound recipe leaves out where it runs forward only."""
    steps, known = set[str](), -1
    while len(steps) > known:
        # what a round hands on, or changes, is seen by the steps before it in the next
        known = len(steps)
        following = _Following(steps)
        follow_all(following, bound.starts, bound.scope, bound.rows)
        standing = {identity: bound.scope.live[name] for name, identity in bound.standing.items()}
        following.missing |= {one for one, live in standing.items() if live in following.missing}
        following.follow(bound.checks)
    recipe = bound.recipe
    _add_blocks(recipe.steps, steps)
    ends = [f"{name}.after" for name, one in bound.scope.live.items() if name not in steps and following.changers(one)]
    traces = [f"{block}.{name}" for block, names in bound.scope.traces.items() for name in names if name in steps]
    order = [name for name, _ in (*steps_of(recipe.steps), *steps_of(recipe.checks)) if name in steps]
    found = LeftOut(
        leaves=tuple(name for name, one in recipe.tensors.items() if one.requires_grad),
        steps=tuple(order),
        values=(*ends, *traces),
    )
    return found.model_copy(
        update={
            "expectations": tuple(path for path, one, _ in _expectations(recipe, found) for _ in _asked(one, recipe)),
            "relations": tuple(path for path, _ in _relations(recipe, found)),
        }
    )


def _add_blocks(steps: Mapping[str, Step], left: set[str]) -> bool:
    """Add the blocks whose steps are all left out; whether all of these are."""
    for name, step in steps.items():
        if step.steps is not None and _add_blocks(step.steps, left):
            left.add(name)
    return left.issuperset(steps)


# what is left of it


def without(recipe: Recipe, left: LeftOut) -> Recipe:
    """The recipe without what it leaves out; what it was written as stays."""
    unmet = {position for *_, position in _expectations(recipe, left)}
    unrelated = {position for _, position in _relations(recipe, left)}
    return recipe.model_copy(
        update={
            "tensors": {
                name: one.model_copy(update={"requires_grad": False}) if one.requires_grad else one
                for name, one in recipe.tensors.items()
            },
            "steps": _steps(recipe.steps, left),
            "checks": _steps(recipe.checks, left),
            "backward": [],
            "expect": _but(recipe.expect, unmet),
            "relations": {
                name: [_of_values(one, left) for one in found]
                for name, found in _but(recipe.relations, unrelated).items()
            },
            "record": _record(recipe, left),
        }
    )


def _steps(steps: Mapping[str, Step], left: LeftOut) -> dict[str, Step]:
    kept = {name: step for name, step in steps.items() if name not in left.steps}
    return {name: step if step.steps is None else _block(step, left) for name, step in kept.items()}


def _block(step: Step, left: LeftOut) -> Step:
    carry = dict(step.carry)
    while gone := [name for name, given in carry.items() if given in left.steps or _is_gone(given, carry, step)]:
        carry = {name: given for name, given in carry.items() if name not in gone}
    trace = [name for name in step.trace if name not in left.steps]
    kept = {"steps": _steps(step.steps or {}, left), "carry": carry, "trace": trace}
    return step.model_copy(update={key: value for key, value in kept.items() if key in step.given})


def _is_gone(given: str, carry: Mapping[str, str], step: Step) -> bool:
    """Whether what a round hands on is a value that was handed to it, and no longer is."""
    return given in step.carry and given not in carry


Position = tuple[str, int]
"""A key, and the number of what stands below it."""

Kept = TypeVar("Kept")


def _but(found: Mapping[str, list[Kept]], left: Collection[Position]) -> dict[str, list[Kept]]:
    """Lists by their keys, without what is left out; none that is empty."""
    kept = {name: [one for at, one in enumerate(ones) if (name, at) not in left] for name, ones in found.items()}
    return {name: ones for name, ones in kept.items() if ones}


def _expectations(recipe: Recipe, left: LeftOut) -> Iterator[tuple[str, Expectation, Position]]:
    """Each expectation that is left out, with its path and where it stands."""
    for name, ones in recipe.expect.items():
        for position, one in enumerate(ones):
            if _is_left(name, one, left):
                yield f"expect.{name}" + (f".{position}" if len(ones) > 1 else ""), one, (name, position)


def _asked(one: Expectation, recipe: Recipe) -> list[str]:
    """What an expectation asks in this cell: each would have a verdict of its own."""
    return [key for key in (*KINDS, *ERROR_KEYS[:1]) if key in one.model_fields_set and holds(one.when, recipe)]


def _is_left(name: str, one: Expectation, left: LeftOut) -> bool:
    if name == ERROR:
        return one.step is not None and (one.step == "backward" or one.step in left.steps)
    others = [other for other in (one.close, one.equal, one.shares_memory) if isinstance(other, str)]
    return any(map(left.has, (name, *others)))


def _relations(recipe: Recipe, left: LeftOut) -> Iterator[tuple[str, Position]]:
    """The path of each relation that is left out, and where it stands."""
    for name, ones in recipe.relations.items():
        for position, one in enumerate(ones):
            of = one.of.values() if RELATION_KINDS[name].takes == "value" and isinstance(one.of, dict) else ()
            reads = any(map(left.has, of))
            if reads or (one.values and all(map(left.has, one.values))):
                yield f"relations.{name}" + (f".{position}" if len(ones) > 1 else ""), (name, position)


def _of_values(one: RelationSpec, left: LeftOut) -> RelationSpec:
    """A relation of those of its values that are there."""
    values: list[str] | dict[str, Any] | None = one.values
    if isinstance(values, list):
        values = [word for word in values if not left.has(word)]
    elif values is not None:
        values = {word: factor for word, factor in values.items() if not left.has(word)}
    return one.model_copy(update={"values": values})


def _record(recipe: Recipe, left: LeftOut) -> Any:
    if not isinstance(recipe.record, list):
        return recipe.record
    return [word for word in recipe.record if not left.has(word)] or "outputs"
