"""A run as a lesson: each step as it makes its value, then each as it hands its gradient on, in numbers."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import torch

from tensorflow_free.cell.saved_cells import from_saved_numbers
from tensorflow_free.codec.parts import UNTAKEN
from tensorflow_free.composition.override_texts import as_override
from tensorflow_free.errors import RecipeError, StorageError
from tensorflow_free.isolation.captured import Captured, CapturedCall, GradientPass, operand_name, result_name
from tensorflow_free.isolation.capturing import captured_run
from tensorflow_free.isolation.copies import tensors_in
from tensorflow_free.loading import load_recipe, plan_of
from tensorflow_free.pages.local_derivatives import MOST_NUMBERS, HandedOn, handed_on
from tensorflow_free.pages.pictured_values import numbers_of_value, picture_of_value
from tensorflow_free.picturing.line_texts import line_text
from tensorflow_free.plan.plan import Plan
from tensorflow_free.recipe.graph import steps_of
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.report.value_summary import summary
from tensorflow_free.result.model import RECIPE
from tensorflow_free.result.result import Result

QUICK_S: Final = 2.0
"""Seconds that a run took up to which it is run again for its lesson without being asked for."""

MOST_STATES: Final = 400
"""States of a lesson; of more, the first."""

MOST_BYTES: Final = 1 << 28
"""Memory of what is kept of a run that is watched."""

EAGER: Final = (as_override("backend=eager"),)
"""What a run that is watched is: a compiler makes one call of all."""

FEW: Final = 6
"""Numbers of a value up to which they stand in the place of its name."""

_NAME: Final = re.compile(r"[A-Za-z_]\w*(?:\.\w+)*")

UseKey = tuple[int, int, str]
"""A value that gradients come to in a pass: the pass, the call that made it (-1 for a starting tensor), its name."""


class NoLessonError(Exception):
    """A run of which no lesson can be made; it says why."""


def lesson_of_run(result: Result, folder: Path | None = None) -> dict[str, Any]:
    """The lesson of a run, which is run again, eagerly, so that each call can be watched.

    Args:
        result: the run.
        folder: where it is saved; None of a result of this process.

    Returns:
        Plain data: `states` as of `lesson_of`, and `count`, how many there are in all.

    Raises:
        NoLessonError: it cannot be run again here.
    """
    try:
        captured, _ = captured_run(_plan_of(result, folder), most_bytes=MOST_BYTES)
    except (RecipeError, StorageError, *UNTAKEN) as error:
        raise NoLessonError(f"it cannot be run again here, step by step: {error}") from error
    return lesson_of(result.recipe, captured)


def is_quick(result: Result) -> bool:
    """Whether a run took so little time that it may be run again without being asked for."""
    took = result.timings
    return took.tensors_s + took.steps_s + took.backward_s <= QUICK_S


def _plan_of(result: Result, folder: Path | None) -> Plan:
    if folder is not None:
        return plan_of(load_recipe(from_saved_numbers(folder / RECIPE, EAGER, result), EAGER))
    if result.recipe.plan is None or result.recipe.backend.name != "eager":
        raise StorageError("it is not saved")
    return plan_of(result.recipe)


def lesson_of(recipe: Recipe, captured: Captured) -> dict[str, Any]:
    """The states of a lesson, in the order in which they happened.

    Args:
        recipe: the recipe that ran.
        captured: its run, call by call.

    Returns:
        Plain data: `states`, of each call what it read and made, and of each backward pass through a call what came in
        and what it handed to each operand, with the sum where a value is used several times; and their `count`, of
        which the first 400 are there.
    """
    states = [_State(call.turn, call) for call in captured.calls]
    differentiated = [(call, number, one) for call in captured.calls for number, one in call.passes.items()]
    # gradients come through a step that differentiates, and it hands none on by itself
    states += [_State(one.turn, call, number, one) for call, number, one in differentiated if call.is_judged]
    states.sort(key=lambda state: state.turn)
    kept = states[:MOST_STATES]
    lesson = _Lesson(recipe, captured, kept)
    return {"count": len(states), "states": [lesson.told(state) for state in kept]}


class _State(NamedTuple):
    """A call, or a backward pass through one."""

    turn: int
    call: CapturedCall
    number: int = 0
    passed: GradientPass | None = None


class _Lesson:
    """A lesson that is being told."""

    def __init__(self, recipe: Recipe, captured: Captured, states: Sequence[_State]) -> None:
        self._steps = dict(steps_of(recipe.steps)) | recipe.checks
        self._names = {*recipe.tensors, *self._steps}
        self._made: dict[str, list[int]] = defaultdict(list)
        """The calls that gave a value of each name, by their numbers."""
        for call in captured.calls:
            self._made[call.site.name].append(call.number)
        self._handed = {
            (state.call.number, state.number): list(handed_on(state.call, state.number))
            for state in states
            if state.passed is not None
        }
        calls = {call.number: call for call in captured.calls}
        self._uses = Counter(
            self._key(one.operand, calls[call], number)
            for (call, number), found in self._handed.items()
            for one in found
        )
        """To how many operands something is handed for each value."""
        self._parts: dict[UseKey, list[torch.Tensor]] = defaultdict(list)
        """What each value was handed so far."""

    def told(self, state: _State) -> dict[str, Any]:
        """A state as plain data."""
        call, one = state.call, state.passed
        return self._forward(call) if one is None else self._backward(call, state.number, one)

    def _key(self, name: str, call: CapturedCall, number: int) -> UseKey:
        origin = self._origin(name, call)
        before = [made for made in self._made.get(origin.partition(".")[0], ()) if made < call.number]
        return number, max(before, default=-1), origin

    def _origin(self, name: str, call: CapturedCall) -> str:
        """What a value that a call reads was called where it was made: in a later round, what the one before gave."""
        root, dot, fields = name.partition(".")
        around = [self._steps[one] for one in call.site.path[1:-1:2] if isinstance(one, str)]
        repeated = [one for one in around if one.repeat is not None]
        for block, number in zip(reversed(repeated), reversed(call.rounds), strict=True):
            if root in block.carry and number > 1:
                return f"{block.carry[root]}{dot}{fields}"
        return name

    def _forward(self, call: CapturedCall) -> dict[str, Any]:
        """What a call read and made."""
        line = self._line(call)
        read = {operand_name(call, at): one for at, one in enumerate(tensors_in(call.operands))}
        return {
            **_place(call, "forward"),
            "line": line,
            "numbers": _in_numbers(line, read),
            "reads": list(read),
            "made": [_value(result_name(call, at), one) for at, one in enumerate(tensors_in(call.result))],
        }

    def _backward(self, call: CapturedCall, number: int, one: GradientPass) -> dict[str, Any]:
        """What came in to a call, and what it handed on."""
        return {
            **_place(call, "backward"),
            "line": self._line(call),
            "incoming": [
                *(_value(f"{result_name(call, at)}.grad", came) for at, came in one.incoming.items()),
                *(_value(f"{operand_name(call, at)}.grad.grad", came) for (_, at), came in one.further.items()),
            ],
            "handed": [self._told(found, call, number) for found in self._handed[call.number, number]],
        }

    def _line(self, call: CapturedCall) -> str:
        step = self._steps.get(call.site.name)
        return "" if step is None else line_text(step, self._names)

    def _told(self, found: HandedOn, call: CapturedCall, number: int) -> dict[str, Any]:
        key = self._key(found.operand, call, number)
        self._parts[key].append(found.handed)
        told = {
            "operand": found.operand,
            "result": found.result,
            "kind": found.kind,
            "local": [number_words(one) for one in found.local],
            "incoming": _listed(found.incoming),
            "handed": _listed(found.handed),
            "shapes": [list(found.incoming.shape), list(found.handed.shape)],
            **_value(f"{found.operand}.grad", found.handed),
        }
        return told | ({"sum": self._sum(key)} if self._uses[key] > 1 else {})

    def _sum(self, key: UseKey) -> dict[str, Any]:
        """What a value that is used several times has been handed so far."""
        parts = self._parts[key]
        total = torch.stack([one.to(parts[0].dtype).reshape(parts[0].shape) for one in parts]).sum(0)
        return {"parts": [summary(one) for one in parts], "of": self._uses[key], **_value(f"{key[2]}.grad", total)}


def _value(name: str, value: torch.Tensor) -> dict[str, Any]:
    picture = picture_of_value(value)
    return {"name": name, "words": picture.words, "picture": picture.to_plain()}


def _place(call: CapturedCall, kind: str) -> dict[str, Any]:
    return {"kind": kind, "step": call.site.name, "op": call.site.op, "rounds": list(call.rounds)}


def _in_numbers(line: str, read: Mapping[str, torch.Tensor]) -> str:
    """A line with numbers in the places of names, where all that it reads has few; else empty."""
    if not read or not all(isinstance(one, torch.Tensor) and one.numel() <= FEW for one in read.values()):
        return ""
    words = {name: summary(one) for name, one in read.items()}

    def put(name: re.Match[str]) -> str:
        found = words.get(name[0])
        return name[0] if found is None else f"({found})" if found.startswith("-") else found

    return _NAME.sub(put, line)


def _listed(one: torch.Tensor) -> list[str]:
    """The numbers of a gradient as words, where they are few enough to be written out."""
    numbers = numbers_of_value(one)
    if numbers is None or numbers.size > MOST_NUMBERS:
        return []
    return [number_words(number) for number in numbers.ravel().tolist()]


def number_words(number: complex) -> str:
    """A number in six digits."""
    return f"{number:.6g}"
