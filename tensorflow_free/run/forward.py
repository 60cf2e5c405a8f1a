"""A compiler's view of the forward steps: one function of the starting tensors, and how often it is called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import torch

from tensorflow_free.plan.calls import NOTHING, Values, whole
from tensorflow_free.plan.plan import Plan

Forward = Callable[..., tuple[Any, ...]]

Siteless = tuple[Callable[..., Any], Callable[[Values], Sequence[Any]], int]
"""A call without its site, of which a compiler has no use."""


def input_slots(plan: Plan) -> tuple[int, ...]:
    """The slots of what the forward steps start from: the tensors, and leaves that are not the tensors themselves."""
    return tuple(dict.fromkeys((*plan.start_slots, *plan.leaf_slots)))


def calls_of(plan: Plan) -> int:
    """How many times a compiled function is called."""
    calls = plan.recipe.backend.calls
    return calls if isinstance(calls, int) else len(calls)


def forward_of(plan: Plan) -> Forward:
    """The forward steps as one function of the starting tensors.

    Its calls stand one below the other, not in a loop: of a loop in which a compiler cannot follow one call, it
    compiles none (`torch._dynamo` resumes a frame behind a graph break only outside of loops).
    """
    initial, slots, returned = plan.initial, input_slots(plan), plan.returned
    steps = _straight([(function, arguments, out) for function, arguments, out, _ in plan.forward])

    def forward(*tensors: torch.Tensor) -> tuple[Any, ...]:
        values = list(initial)
        for slot, tensor in zip(slots, tensors, strict=True):
            values[slot] = tensor
        steps(values)
        return tuple([values[slot] for slot in returned])

    return forward


MOST_LINES: Final = 32
"""Calls that stand below each other in one function: its rest is compiled anew behind each graph break."""


_FILE: Final = "<steps of a recipe from {}>"
"""What stands as the file of a function of calls, with the number of its first; a compiler tells it, and the line."""


def index_of_call(file: str, line: int | None) -> int | None:
    """The number of the forward call at this line of a function of calls; None where no such call stands."""
    first = file.removeprefix("<steps of a recipe from ").removesuffix(">")
    return int(first) + line - 2 if line is not None and first.isdigit() else None


def _straight(calls: Sequence[Siteless], first: int | str = 0) -> Callable[[Values], None]:
    """The calls as one function without a loop, or as a function of such functions, by a text of numbers alone."""
    while len(calls) > MOST_LINES:
        begins = range(0, len(calls), MOST_LINES)
        parts = [_straight(calls[begin : begin + MOST_LINES], begin if first == 0 else "") for begin in begins]
        calls, first = [(part, whole, NOTHING) for part in parts], ""
    lines = [f"    values[{out}] = functions[{at}](*arguments[{at}](values))" for at, (_, _, out) in enumerate(calls)]
    names: dict[str, Any] = {"functions": [call[0] for call in calls], "arguments": [call[1] for call in calls]}
    text = "\n".join(["def steps(values):", *lines, "    return None"])
    exec(compile(text, _FILE.format(first), "exec"), names)  # noqa: S102 - numbers alone are in it
    made: Callable[[Values], None] = names["steps"]
    return made
