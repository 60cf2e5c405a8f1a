"""`relations`: what must hold between a run and runs on other tensors, made of its own; each kind, right and wrong."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tensorflow_free import load_recipe, register_op, run_recipe
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.recipe.relation_kinds import RELATION_KINDS
from tensorflow_free.relations.relation_table import TABLE

X = {"init": "randn", "size": [6, 4], "requires_grad": True}
CALLS = {"count": 0}


def relu(x: torch.Tensor) -> torch.Tensor:
    return x.relu()


def across_rows(x: torch.Tensor) -> torch.Tensor:
    return x.relu() + x.mean(0, keepdim=True)


def by_place(x: torch.Tensor) -> torch.Tensor:
    return x.relu() * torch.arange(1, len(x) + 1)[:, None]


def by_length(x: torch.Tensor) -> torch.Tensor:
    return x.relu() * (x.shape[0] / 6)


def by_memory(x: torch.Tensor) -> torch.Tensor:
    return x.relu() * (1 if x.is_contiguous() else 2)


def not_homogeneous(x: torch.Tensor) -> torch.Tensor:
    return x.relu() + x**2 / 8


def by_dtype(x: torch.Tensor) -> torch.Tensor:
    return x.relu() * (1.001 if x.dtype == torch.float32 else 1)


def by_threads(x: torch.Tensor) -> torch.Tensor:
    return x.relu() * torch.get_num_threads()


def by_calls(x: torch.Tensor) -> torch.Tensor:
    CALLS["count"] += 1
    return x.relu() * CALLS["count"]


def softmax(x: torch.Tensor) -> torch.Tensor:
    return x.softmax(-1)


def not_shifted(x: torch.Tensor) -> torch.Tensor:
    return x.softmax(-1) + x**2 / 8


def matmul(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return x @ w


def first_row_doubled(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return torch.cat([2 * x[:1] @ w, x[1:] @ w])


def add(x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    return x + z


def more_of_the_second(x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    return x + 1.5 * z


KINDS: dict[str, tuple[Any, Any, Any, tuple[int, int]]] = {
    "batch": ({"x": 0}, relu, across_rows, (3, 5)),
    "chunk": ({"x": {"dim": 0, "size": 2}}, relu, across_rows, (3, 5)),
    "independence": ({"x": 0}, relu, across_rows, (3, 4)),
    "permutation": ({"x": 0}, relu, by_place, (4, 6)),
    "concatenation": ({"x": -2}, relu, across_rows, (3, 4)),
    "padding": ({"x": {"dim": 0, "by": 3, "value": 0}}, relu, by_length, (4, 6)),
    "layout": ({"x": "transposed"}, relu, by_memory, (4, 6)),
    "scaling": ({"x": 4}, relu, not_homogeneous, (4, 6)),
    "shift": ({"x": 2.0}, softmax, not_shifted, (4, 6)),
    "idempotence": ({"of": {"x": "h"}, "values": ["h", "x.grad"]}, relu, not_homogeneous, (1, 1)),
    "transposition": ({"of": {"x": "w"}, "values": ["h", "x.grad", "w.grad"]}, matmul, first_row_doubled, (1, 2)),
    "commutation": ({"x": "z"}, add, more_of_the_second, (4, 7)),
    "upcast": ("float64", relu, by_dtype, (4, 6)),
    "threads": ([1, 2], relu, by_threads, (4, 6)),
    "repeat": (2, relu, by_calls, (4, 6)),
}
"""Each kind: how it is written, a right op, a wrong one, and how many values and gradients it sees."""

OF_TWO = {"transposition": ["x", "w"], "commutation": ["x", "z"]}


def own(right: Any, wrong: Any) -> Any:
    """An op with the right value and the gradient of a wrong one."""

    class Own(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *operands: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(*operands)
            return right(*operands)

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> Any:
            operands = [one.detach().requires_grad_() for one in ctx.saved_tensors]
            with torch.enable_grad():
                value = wrong(*operands)
            return torch.autograd.grad(value, operands, gradient)

    return Own.apply


def of_one(right: Any, wrong: Any) -> Any:
    apply = own(right, wrong)

    def op(x: torch.Tensor) -> torch.Tensor:
        return apply(x)

    return op


def of_two(right: Any, wrong: Any) -> Any:
    apply = own(right, wrong)

    def op(x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        return apply(x, z)

    return op


def recipe(kind: str, op: str) -> dict[str, Any]:
    of, right, _, _ = KINDS[kind]
    others = OF_TWO.get(kind, ["x"])
    y = "h * 1" if kind == "transposition" else "h @ w"
    return {
        "tensors": {"x": X, "z": X, "w": {**X, "size": [4, 3]}},
        "steps": {"h": {"op": op, "args": others}, "y": y, "total": "(y ** 2).sum()"},
        "backward": "total",
        "relations": {kind: of},
        "reference": {"steps.h": {"op": right.__name__ if right is not softmax else "F.softmax", "args": others}
                      | ({"kwargs": {"dim": -1}} if right is softmax else {})},
    }  # fmt: skip


def verdict(kind: str, op: Any) -> Any:
    register_op(f"zz_{kind}", op, replace=True)
    (found,) = run_recipe(load_recipe(recipe(kind, f"zz_{kind}"))).expectations
    return found


def wrong_backward(kind: str) -> Any:
    _, right, wrong, _ = KINDS[kind]
    return (of_two if kind in OF_TWO else of_one)(right, wrong)


def test_each_kind_has_a_row_and_a_function():
    assert set(TABLE) == set(RELATION_KINDS) == set(KINDS)
    assert len(TABLE) >= 12


@pytest.mark.parametrize("kind", KINDS)
def test_a_relation_holds_of_a_right_op_and_tells_how_much_it_saw(kind):
    found = verdict(kind, KINDS[kind][1])
    assert found.outcome == Outcome.HOLDS, found.message
    assert (found.cause.values, found.cause.gradients) == KINDS[kind][3]


@pytest.mark.parametrize("kind", KINDS)
def test_a_relation_is_broken_by_a_wrong_op(kind):
    CALLS["count"] = 0
    found = verdict(kind, KINDS[kind][2])
    assert (found.outcome, found.name, found.cause.in_eager) == (Outcome.FAILS, "h", False), found.message


@pytest.mark.parametrize("kind", KINDS)
def test_a_relation_is_broken_by_a_wrong_gradient(kind):
    CALLS["count"] = 0
    found = verdict(kind, wrong_backward(kind))
    assert found.outcome == Outcome.FAILS, found.message
    assert found.name.endswith(".grad" if kind in OF_TWO else "x.grad")
