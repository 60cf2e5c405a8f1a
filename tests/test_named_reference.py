"""An op of the user's own is held against the op that `reference` names, in every dtype and back end, never itself."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tensorflow_free import RecipeError, load_recipe, register_op, run_recipe
from tensorflow_free.cell.blaming import blamed
from tensorflow_free.cell.reference import yardstick_of
from tensorflow_free.cell.yardstick import KeptRuns, NoReference
from tensorflow_free.judging.culprits import Blame


class NoSlope(torch.autograd.Function):
    """A SiLU whose backward lacks a term."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx, gradient):
        return gradient * torch.sigmoid(ctx.saved_tensors[0])


class Steep(torch.autograd.Function):
    """A sigmoid whose gradient is 15 % too large."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(torch.sigmoid(x))
        return torch.sigmoid(x)

    @staticmethod
    def backward(ctx, gradient):
        (s,) = ctx.saved_tensors
        return gradient * s * (1 - s) * 1.15


def zeros(input: torch.Tensor, dim: int = -1) -> torch.Tensor:
    return input * 0


def silu(input: torch.Tensor) -> torch.Tensor:
    return NoSlope.apply(input)


def sigmoid(input: torch.Tensor) -> torch.Tensor:
    return Steep.apply(input)


def floor_divide(input: torch.Tensor, other: int) -> torch.Tensor:
    return torch.div(input, other, rounding_mode="trunc")


def isnan(input: torch.Tensor) -> torch.Tensor:
    return ~torch.isfinite(input)


@pytest.fixture(autouse=True, scope="module")
def ops() -> None:
    for function in (zeros, silu, sigmoid, floor_divide, isnan):
        register_op(f"named.{function.__name__}", function)


def of(op: str, size: list[int], **more: Any) -> dict[str, Any]:
    return {
        "tensors": {"x": {"init": "randn", "size": size, "requires_grad": True}},
        "steps": {"y": {"op": op, "args": ["x"]}, "loss": {"op": "mean", "args": ["y"]}},
        "backward": "loss",
        **more,
    }


DTYPES = ("float32", "bfloat16", "float16")

SOFTMAX = {
    "tensors": {"x": {"init": "rand", "size": [1, 4096], "requires_grad": True}},
    "steps": {"y": {"op": "named.zeros", "args": ["x"], "kwargs": {"dim": -1}}, "loss": "(y * x.detach()).sum()"},
    "backward": "loss",
    "record": ["y", "loss"],
    "reference": {"steps.y.op": "F.softmax"},
}
SILU = of("named.silu", [100, 100], reference={"steps.y.op": "F.silu"})
SIGMOID = of("named.sigmoid", [64, 64], reference={"steps.y": "sigmoid(x)"})
INTEGERS = {
    "tensors": {"n": [-7, -5, 3, 9], "x": [1.0, float("inf"), float("nan")]},
    "steps": {"q": {"op": "named.floor_divide", "args": ["n", 4]}, "b": {"op": "named.isnan", "args": ["x"]}},
    "reference": {"steps": {"q": {"op": "floor_divide"}, "b": {"op": "isnan"}}},
}


def bad(recipe: dict[str, Any], *overrides: str) -> set[str]:
    loaded = load_recipe(recipe, list(overrides))
    comparison = yardstick_of(recipe, list(overrides), loaded, KeptRuns()).compare(run_recipe(loaded))
    return {one.name for one in comparison.bad}


def blame_of(recipe: dict[str, Any]) -> Blame:
    loaded, kept = load_recipe(recipe), KeptRuns()
    result = run_recipe(loaded)
    comparison = yardstick_of(recipe, [], loaded, kept).compare(result)
    return blamed(recipe, [], loaded, result, comparison, kept).blame


@pytest.mark.parametrize(
    ("dtype", "backend"),
    [
        *((dtype, "eager") for dtype in DTYPES),
        *(pytest.param(dtype, "aot_eager", marks=pytest.mark.full) for dtype in DTYPES[1:]),
        (DTYPES[0], "aot_eager"),
    ],
)
@pytest.mark.parametrize(
    ("recipe", "wrong"),
    [(SOFTMAX, {"y", "loss"}), (SILU, {"x.grad"}), (SIGMOID, {"x.grad"}), (INTEGERS, {"q", "b"})],
    ids=["softmax of zeros", "silu without a term", "sigmoid too steep", "integers"],
)
def test_a_wrong_op_of_ones_own_is_a_mismatch(recipe, wrong, dtype, backend):
    assert wrong <= bad(recipe, f"dtype={dtype}", f"backend={backend}")


def test_a_reference_is_named_from_the_command_line_and_by_a_case():
    recipe = {key: value for key, value in SIGMOID.items() if key != "reference"}
    assert not bad(recipe)
    assert bad(recipe, "+reference={steps.y.op: sigmoid}") >= {"x.grad"}
    assert bad(recipe, "reference.dtype=float32", "+reference.steps.y.op=sigmoid") >= {"x.grad"}
    cases = {"own": {}, "named": {"reference": {"steps.y": "x.sigmoid()"}}}
    assert not bad({**recipe, "cases": cases}, "case=own")
    assert bad({**recipe, "cases": cases}, "case=named") >= {"x.grad"}


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ({"step.y": "x * 1"}, "reference.step.y: 'step.y' is not a key of a recipe; did you mean 'steps'"),
        ({"dtype": "float33"}, "reference.dtype: 'float33' is not a dtype of a recipe; did you mean 'float32'"),
        ({"inputs": "orig"}, "reference.inputs: 'orig' is not whose inputs a reference has; did you mean 'original'"),
        ({"steps.y": "x * ${params.z}"}, "reference.steps.y: '${params.z}' names no key of the recipe"),
        ({1: 2}, "reference: the key 1 is not a word"),
        (None, "reference: 'null' does not fit `reference`, which is a mapping"),
    ],
)
def test_what_is_no_override_is_refused_at_its_place(reference, told):
    with pytest.raises(RecipeError) as caught:
        load_recipe({**SIGMOID, "reference": reference})
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ({"steps.y.op": "sigmiod"}, "steps.y.op: 'sigmiod' is not an op; did you mean 'sigmoid'"),
        ({"steps.y": {"op": "sigmoid", "args": ["xx"]}}, "steps.y.args.0: 'xx' is not a value of this recipe"),
        ({"steps.y": "x.sigmoid("}, "steps.y: 'x.sigmoid(' cannot be read: '(' was never closed"),
        ({"steps.y": None}, "steps.y: 'null' is not a step"),
        ({"steps": "x"}, "steps: 'x' does not fit `steps`, which is a mapping from names to steps"),
        ({"backward": "nope"}, "backward.target: 'nope' is not a value of this recipe"),
        ({"settings.foo": 1}, "settings.foo: 'foo' is not a setting"),
        ({"tensors.x.init": "zeroes"}, "tensors.x.init: 'zeroes' is not an init; did you mean 'zeros'"),
        ({"case": "three"}, "case: 'three' is not a case of this recipe"),
        ({"backend": "foo"}, "backend: 'foo' is not a backend"),
    ],
)
def test_a_reference_that_is_no_recipe_is_told_at_its_key(reference, told):
    recipe = {**SIGMOID, "reference": reference}
    with pytest.raises(NoReference) as caught:
        yardstick_of(recipe, [], load_recipe(recipe), KeptRuns())
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("op", "value", "said"),
    [
        ("named.silu", "x * torch.sigmoid(x)", [("y", "backward")]),
        ("named.sigmoid", "1 / (1 + torch.exp(-x))", [("y", "backward")]),
        ("named.zeros", "torch.exp(x) / torch.exp(x).sum()", [("y", "forward")]),
        ("nn.functional.silu", "x * torch.sigmoid(x)", []),
    ],
)
def test_a_step_that_the_reference_says_in_several_ops_is_judged_alone_and_so_are_those_behind_it(op, value, said):
    recipe = of(op, [5, 3], reference={"steps": {"y": value}})
    blame = blame_of(recipe)
    assert [(one.step, one.direction) for one in blame.culprits] == said
    assert {"y", "loss"} <= {one.step for one in blame.steps}
    assert blame.unjudged == ()


def test_a_step_of_which_the_reference_reads_something_else_is_not_judged_alone():
    recipe = of("nn.functional.silu", [5], reference={"steps": {"y": "x * torch.sigmoid(w)"}})
    recipe["tensors"]["w"] = [1.0, 2.0, 3.0, 4.0, 5.0]
    blame = blame_of(recipe)
    assert (blame.culprits, blame.unjudged) == ((), ("y",))
    assert "the reference reads 'w', which the step does not" in str([one.cause for one in blame.steps])
