"""The form of a step: its op fitted to its arguments, found once for all steps of one pattern."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from tensorflow_free.binding.arguments import Bound, Finding, fit
from tensorflow_free.binding.effects import Effects, effects_of
from tensorflow_free.binding.operands import Known, Ref, references
from tensorflow_free.binding.parameters import SUBSCRIPTED
from tensorflow_free.binding.scope import Scope
from tensorflow_free.binding.step_patterns import (
    FIRST_NUMBER,
    KINDS,
    Pattern,
    Patterns,
    RealNumber,
    UnlikeError,
    hole_of,
    speaking_words,
    written,
)
from tensorflow_free.ops.backward import BACKWARD, GRAD
from tensorflow_free.ops.guards.bounds import guarded
from tensorflow_free.ops.signatures import Op
from tensorflow_free.plan.autograd import run_grad
from tensorflow_free.recipe.expressions import Slice
from tensorflow_free.recipe.models import Step
from tensorflow_free.tensors.devices import kinds

MOST_KEPT: Final = 1000
"""Forms that are kept while a recipe is bound."""


@dataclass(frozen=True, slots=True)
class Hole:
    """Which of the names of a step it reads here, and the fields of that value."""

    at: int
    fields: tuple[str, ...] = ()

    def word(self, given: Sequence[Any]) -> str:
        """The reference as it is written: `qr.Q`."""
        name: str = given[self.at]
        return ".".join((name, *self.fields)) if self.fields else name


@dataclass(frozen=True, slots=True)
class NumberHole:
    """Which of the numbers of a step stands here, with its sign."""

    at: int
    negative: bool = False


@dataclass(frozen=True, slots=True)
class StepForm:
    """What all steps of one pattern have in common.

    Attributes:
        bound: the arguments, fitted; where several steps share the form, with stand-ins for names and numbers.
        function: what is called.
        args: what it is called with, by position: constants, `TensorLiteral`, `Slice`, lists, all of these with holes.
        kwargs: the same by name.
        operands: what each argument reads: the hole of a whole value, one with fields, or those in a list.
        effects: what the call does to memory, by holes.
        names_devices: whether an argument may name a device.
    """

    bound: Bound
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    operands: tuple[int | Hole | tuple[Hole, ...], ...]
    effects: Effects[Hole]
    names_devices: bool

    def operand_names(self, given: Sequence[Any]) -> tuple[str, ...]:
        """The values that each argument reads, as errors tell them."""
        return tuple([given[one] if type(one) is int else _words(one, given) for one in self.operands])


def _words(operand: int | Hole | tuple[Hole, ...], given: Sequence[Any]) -> str:
    if isinstance(operand, int):
        return str(given[operand])
    if isinstance(operand, Hole):
        return operand.word(given)
    return f"[{', '.join(one.word(given) for one in operand)}]" if operand else ""


class Forms:
    """The forms of the steps of one recipe."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._kept: dict[tuple[str, Any], StepForm] = {}
        self._patterns: dict[str, Patterns | None] = {}
        self._speaking = speaking_words(scope.named_devices)
        recipe = scope.recipe
        self._stand_ins = Known(
            names=KINDS, later={}, dtype=recipe.dtype, device=recipe.device, kinds=KINDS, traces={},
            devices=scope.named_devices,
        )  # fmt: skip

    def of(self, op: Op, step: Step, name: str) -> tuple[StepForm, list[Any]] | list[Finding]:
        """The form of a step and the names and numbers in its holes, or why its arguments do not fit.

        Args:
            op: what it calls.
            step: the step.
            name: its name.
        """
        found = self._by_pattern(op, step)
        if found is not None:
            return found
        bound = fit(op, step.args, step.kwargs, self._scope.known(name))
        if not isinstance(bound, Bound):
            return bound
        holes = _OwnHoles()
        return self._made(op, bound, holes), holes.given

    def _by_pattern(self, op: Op, step: Step) -> tuple[StepForm, list[Any]] | None:
        """The form by the pattern of the step's arguments; None where these have none, or do not fit."""
        if op.name not in self._patterns:
            self._patterns[op.name] = self._patterns_of(op)
        patterns, given = self._patterns[op.name], list[Any]()
        if patterns is None:
            return None
        try:
            pattern = patterns.of(step.args, step.kwargs, given)
        except UnlikeError:
            return None
        key = (op.name, pattern)
        form = self._kept.get(key)
        if form is None:
            form = self._shared(op, pattern, len(given))
            if form is None:
                return None
            if len(self._kept) < MOST_KEPT:
                self._kept[key] = form
        return form, given

    def _patterns_of(self, op: Op) -> Patterns | None:
        """What reads the arguments of an op; None where the names themselves count."""
        if op in (BACKWARD, GRAD) or op.name in kinds():
            return None
        parameters = chain.from_iterable(one.parameters for one in op.signatures)
        words = self._speaking.union(*(parameter.words or () for parameter in parameters))
        return Patterns(self._scope.kinds, words, subscripted=op.name.removeprefix("Tensor.") in SUBSCRIPTED)

    def _shared(self, op: Op, pattern: Pattern, count: int) -> StepForm | None:
        """The form of a pattern with so many holes; None where what stands in them does not fit, or becomes another."""
        bound, holes = fit(op, *written(pattern), self._stand_ins), _SharedHoles()
        form = self._made(op, bound, holes) if isinstance(bound, Bound) else None
        return form if len(holes.found) == count else None

    def _made(self, op: Op, bound: Bound, holes: _OwnHoles | _SharedHoles) -> StepForm:
        return StepForm(
            bound=bound,
            function=self._function(op, bound),
            args=tuple(_with_holes(one, holes) for one in bound.args),
            kwargs={name: _with_holes(one, holes) for name, one in self._keywords(op, bound).items()},
            operands=tuple(_operand(one, holes) for one in (*bound.args, *bound.kwargs.values())),
            effects=effects_of(op, bound).each(holes.of),
            names_devices=op.name in kinds() or any(isinstance(one, str) for one in bound.by_parameter.values()),
        )

    def _keywords(self, op: Op, bound: Bound) -> dict[str, Any]:
        """The arguments by name, with those that the recipe gives all its calls."""
        keywords, device = dict(bound.kwargs), self._scope.recipe.device
        takes_device = any(parameter.name == "device" for parameter in bound.signature.parameters)
        if op.factory and device != "cpu" and "device" not in keywords and takes_device:
            keywords["device"] = device
        if op is GRAD and self._scope.keeps_graphs:
            keywords.setdefault("retain_graph", True)
        return keywords

    def _function(self, op: Op, bound: Bound) -> Callable[..., Any]:
        """What the step calls: the op, behind the checks and the care for memory that it needs."""
        if op is GRAD:
            return run_grad
        scope = self._scope
        has = {"odd": scope.has_odd, "unseen": scope.has_unseen, "nested": scope.has_nested}
        return guarded(op.name, bound.signature, bound.by_parameter, **has)


class _OwnHoles:
    """The holes of a step that shares its form with no other: one for each reference."""

    def __init__(self) -> None:
        self.given: list[Any] = []
        self._holes: dict[int, Hole] = {}

    def of(self, ref: Ref) -> Hole:
        """The hole of a reference, which is the same wherever that is met."""
        if id(ref) not in self._holes:
            self._holes[id(ref)] = Hole(len(self.given), ref.fields)
            self.given.append(ref.name)
        return self._holes[id(ref)]

    def of_number(self, number: float) -> NumberHole | None:
        """None: numbers stand for themselves."""
        del number
        return None


class _SharedHoles:
    """The holes of a pattern, found by what stands in them."""

    def __init__(self) -> None:
        self.found: set[int] = set()

    def of(self, ref: Ref) -> Hole:
        """The hole of a reference to a stand-in."""
        at = hole_of(ref.name)
        self.found.add(at)
        return Hole(at, ref.fields)

    def of_number(self, number: float) -> NumberHole | None:
        """The hole of a number; None of a literal."""
        if isinstance(number, bool) or (isinstance(number, float) and not isinstance(number, RealNumber)):
            return None
        at = int(abs(number)) - FIRST_NUMBER
        if at < 0:
            return None
        self.found.add(at)
        return NumberHole(at, negative=number < 0)


def _operand(argument: Any, holes: _OwnHoles | _SharedHoles) -> int | Hole | tuple[Hole, ...]:
    if isinstance(argument, Ref):
        hole = holes.of(argument)
        return hole if hole.fields else hole.at
    return tuple(holes.of(ref) for ref in references(argument))


def _with_holes(argument: Any, holes: _OwnHoles | _SharedHoles) -> Any:
    """An argument with holes for references and stand-ins of numbers."""
    if isinstance(argument, Ref):
        return holes.of(argument)
    if isinstance(argument, int | float):
        hole = holes.of_number(argument)
        return argument if hole is None else hole
    if isinstance(argument, Slice):
        return Slice(*(_with_holes(part, holes) for part in (argument.start, argument.stop, argument.step)))
    if isinstance(argument, list | tuple):
        return type(argument)([_with_holes(part, holes) for part in argument])
    return argument
