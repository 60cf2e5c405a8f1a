"""A chain of small ops through the runner's loop, against the same chain in Python and in `torch.fx`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import fx

from benchmarks.figures import Effort, Figure, Side, ratio
from tensorflow_free import load_recipe
from tensorflow_free.loading import plan_of
from tensorflow_free.plan.calls import Values, run_calls
from tensorflow_free.plan.plan import Plan
from tensorflow_free.runner import draw

OPS: Final = ("mul", "add", "sub", "maximum")
"""The ops of a chain, in turn; each takes the value before it and `w`. They keep its numbers near 1."""

LENGTH: Final = 1000
PAIRS: Final = 200


def all_recorded(effort: Effort) -> Figure:
    """All values recorded, against Python that keeps each in a variable."""
    length = effort.size_of(LENGTH, 8)
    return ratio(_loop(_plan(length, "all")), _python(_keeping(length)), effort.pairs_of(PAIRS))


def outputs_recorded(effort: Effort) -> Figure:
    """Only the last value recorded, against Python that lets go of each at its last use."""
    length = effort.size_of(LENGTH, 8)
    return ratio(_loop(_plan(length, "outputs")), _python(_letting_go(length)), effort.pairs_of(PAIRS))


def against_fx(effort: Effort) -> Figure:
    """Only the last value recorded, against `torch.fx.Interpreter`, which lets go of each value too."""
    length = effort.size_of(LENGTH, 8)
    return ratio(_loop(_plan(length, "outputs")), _interpreter(length), effort.pairs_of(PAIRS // 2))


def chain(length: int, record: str, tensors: dict[str, Any] | None = None) -> dict[str, Any]:
    """The chain as a recipe: `s0` is made of `x` and `w`, each step of the one before it and `w`."""
    names = ["x", *(f"s{index}" for index in range(length))]
    steps = {names[index + 1]: {"op": OPS[index % len(OPS)], "args": [names[index], "w"]} for index in range(length)}
    return {"tensors": tensors or {"x": 0.5, "w": 0.75}, "steps": steps, "record": record}


def python_source(length: int, *, keep: bool) -> str:
    """The chain as the body of a Python function of `x` and `w`: a variable for each value, or one for all."""
    names = ["x", *(f"s{index}" if keep else "y" for index in range(length))]
    lines = [f"    {names[index + 1]} = torch.{OPS[index % len(OPS)]}({names[index]}, w)" for index in range(length)]
    given = f"[{', '.join(names[1:])}]" if keep else "y"
    return "\n".join(["def run(x, w):", *lines, f"    return {given}"])


def compiled_source(source: str) -> Callable[..., Any]:
    """The function `run` of some Python source."""
    names: dict[str, Any] = {"torch": torch}
    exec(source, names)
    run: Callable[..., Any] = names["run"]
    return run


def _starts() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor(0.5), torch.tensor(0.75)


def _keeping(length: int) -> Callable[..., Any]:
    return compiled_source(python_source(length, keep=True))


def _letting_go(length: int) -> Callable[..., Any]:
    return compiled_source(python_source(length, keep=False))


def _python(run: Callable[..., Any]) -> Side:
    x, w = _starts()
    return Side(lambda _: run(x, w))


def _plan(length: int, record: str) -> Plan:
    plan = plan_of(load_recipe(chain(length, record)))
    last = plan.recordings[-1].slot
    values = _drawn(plan)
    run_calls(plan.forward, values)
    if not torch.equal(values[last], _letting_go(length)(*_starts())):
        message = "the recipe and the Python code give different numbers"
        raise AssertionError(message)
    return plan


def _drawn(plan: Plan) -> Values:
    values = list(plan.initial)
    draw(plan, plan.starts, values)
    run_calls(plan.prelude, values)
    return values


def _loop(plan: Plan) -> Side:
    """The loop alone, on a list of values of its own."""
    drawn = _drawn(plan)

    def act(values: Values) -> Values:
        run_calls(plan.forward, values)
        return values

    return Side(act, lambda: list(drawn))


def _interpreter(length: int) -> Side:
    graph = fx.Graph()
    value, w = graph.placeholder("x"), graph.placeholder("w")
    for index in range(length):
        value = graph.call_function(getattr(torch, OPS[index % len(OPS)]), (value, w))
    graph.output(value)
    interpreter = fx.Interpreter(fx.GraphModule({}, graph))
    return Side(lambda starts: interpreter.run(*starts), _starts)
