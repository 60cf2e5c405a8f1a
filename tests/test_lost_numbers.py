"""Small numbers beside large ones: those that are lost are found, and a right kernel loses none."""

from __future__ import annotations

import pytest
import torch

from tensorflow_free import load_recipe, register_op, run_recipe
from tensorflow_free.cell.reference import yardstick_of
from tensorflow_free.cell.yardstick import KeptRuns
from tensorflow_free.judging.lost_numbers import LostNumbers
from tensorflow_free.judging.measures import Errors
from tensorflow_free.outcome.outcomes import Outcome


class _Exp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, least):
        y = x.exp()
        ctx.save_for_backward(y)
        ctx.least = least
        return y

    @staticmethod
    def backward(ctx, gradient):
        (y,) = ctx.saved_tensors
        return gradient * torch.where(y < ctx.least, 0, y), None


@register_op("faint.exp", replace=True)
def exp(input: torch.Tensor, least: float = 0.0) -> torch.Tensor:
    return _Exp.apply(input, least)


@register_op("faint.cumprod", replace=True)
def cumprod(input: torch.Tensor, written: int) -> torch.Tensor:
    columns = torch.arange(input.shape[-1])
    return torch.where(columns < written, input.double().cumprod(-1).to(input.dtype), 0)


@register_op("faint.expm1", replace=True)
def expm1(input: torch.Tensor) -> torch.Tensor:
    return input.exp() - 1


class _Relu(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.relu()

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient * torch.where(x > 0, 1.0, 0.01).to(gradient.dtype)


@register_op("faint.relu", replace=True)
def relu(input: torch.Tensor) -> torch.Tensor:
    return _Relu.apply(input)


@register_op("faint.mm", replace=True)
def mm(input: torch.Tensor, mat2: torch.Tensor, skipped: int = 0) -> torch.Tensor:
    half = input.shape[-1] // 2
    found = input[:, half:] @ mat2[half:] + input[:, :half] @ mat2[:half]
    rows = torch.arange(len(input))[:, None]
    return torch.where(rows < len(input) - skipped, found, 0)


WIDE = {"x": {"init": "normal", "std": 6, "size": [64, 64], "requires_grad": True}}
ROWS = {"init": "logspace", "start": 2, "end": -6, "steps": 64}


def wide(step, reference):
    return {
        "tensors": WIDE,
        "steps": {"y": step, "l": "y.sum()"},
        "backward": "l",
        "reference": {"steps": {"y": reference}},
    }


def product(skipped):
    step = {"op": "faint.mm", "args": ["xs", "w"], "kwargs": {"skipped": skipped}}
    tensors = {"x": {"init": "randn", "size": [64, 32]}, "w": {"init": "randn", "size": [32, 32]}, "scale": ROWS}
    return {
        "tensors": tensors,
        "steps": {"xs": "x * scale[:, None]", "y": step},
        "reference": {"steps": {"y": "xs @ w"}},
    }


def running_product(written):
    return {
        "tensors": {"x": {"init": "randn", "size": [64, 64]}},
        "steps": {"y": {"op": "faint.cumprod", "args": ["x", written]}},
        "reference": {"steps": {"y": "x.cumprod(-1)"}},
    }


def compared(recipe, dtype):
    overrides = [f"dtype={dtype}"]
    found = yardstick_of(recipe, overrides, load_recipe(recipe, overrides), KeptRuns())
    return found.compare(run_recipe(load_recipe(recipe, overrides)))


WRONG = {
    "the gradient of exp is 0 where exp is small": (wide({"op": "faint.exp", "args": ["x", 0.5]}, "x.exp()"), "x.grad"),
    "the last eighth of a running product is not written": (running_product(56), "y"),
    "the rows of the smallest scale are not written": (product(4), "y"),
}
WRONG_ZEROS = {
    "tensors": {"x": {"init": "randn", "size": [64, 64], "requires_grad": True}},
    "steps": {"h": "x * 1.1", "y": {"op": "faint.relu", "args": ["h"]}, "l": "y.sum()"},
    "backward": "l",
    "reference": {"steps": {"y": "h.relu()"}},
}
RIGHT = {
    "exp with its derivative": wide({"op": "faint.exp", "args": ["x"]}, "x.exp()"),
    "a running product in float64": running_product(64),
    "a product in two halves": product(0),
}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("what", WRONG)
def test_small_numbers_that_are_lost_beside_large_ones_are_found(what, dtype):
    recipe, name = WRONG[what]
    found = compared(recipe, dtype)[name]
    assert found.outcome == Outcome.MISMATCH
    assert "one number in 100 is lost" in found.allowed
    # no mean tells of them
    assert found.measure.rmse < 0.02 * found.measure.rms


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_a_gradient_where_there_is_none_is_found(dtype):
    assert compared(WRONG_ZEROS, dtype)["h.grad"].outcome == Outcome.MISMATCH


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("what", RIGHT)
def test_a_right_kernel_loses_none(what, dtype):
    assert compared(RIGHT[what], dtype).is_well


def test_digits_that_a_difference_loses_are_not_told_by_half_precision_alone():
    recipe = wide({"op": "faint.expm1", "args": ["s"]}, "s.expm1()")
    recipe["steps"] = {"s": "x * 1e-8", **recipe["steps"]}
    assert compared(recipe, "bfloat16")["y"].outcome == Outcome.MISMATCH
    assert compared(recipe, "float32")["y"].outcome == Outcome.MISMATCH


EPS = 2**-23
STILL = torch.zeros(300, dtype=torch.float64)


def lost(actual, expected, base, eps=EPS):
    errors = Errors(torch.tensor(actual), torch.tensor(expected, dtype=torch.float64))
    return LostNumbers(errors, torch.tensor(base), eps=eps, smallest=1e-38)


def test_a_number_is_lost_where_half_of_it_is_off_and_the_baseline_keeps_it():
    expected, base = [1e4, 1e-3, 1e-3, 1e-3, 1e-3], [1e4, 1e-3, 1e-3, 4e-4, float("nan")]
    assert lost([1e4, 0.0, 9e-4, 0.0, 0.0], expected, base).reached(STILL).at == 1
    assert not lost([1e4, 1e-3, 9e-4, 0.0, 0.0], expected, base).are_many


@pytest.mark.parametrize(("count", "are_many"), [(100, True), (300, False)])
def test_one_in_a_hundred_must_be_lost(count, are_many):
    expected = [1e4] + [1e-3] * (count - 1)
    found = lost([*expected[:-1], 0.0], expected, expected)
    assert found.are_many == are_many
    assert (found.reached(STILL).share > 1) == are_many


@pytest.mark.parametrize(("eps", "least"), [(EPS, 48 * EPS), (2**-7, 2**-7)])
def test_a_zero_that_all_keep_is_lost_where_it_is_none(eps, least):
    expected = [1.0] * 50 + [0.0] * 50
    assert lost([*expected[:-1], 1.1 * least], expected, expected, eps).reached(STILL).share > 1
    assert not lost([*expected[:-1], 0.9 * least], expected, expected, eps).are_many
    assert not lost([*expected[:-1], 1.1 * least], expected, [*expected[:-1], -least], eps).are_many
    moved = STILL[:100] + least / 7
    assert lost([*expected[:-1], 1.1 * least], expected, expected, eps).reached(moved).share < 1


def test_what_nudged_runs_move_as_far_is_not_lost():
    expected = [1e4] + [1e-3] * 9
    found = lost([1e4] + [0.0] * 9, expected, expected)
    assert found.reached(torch.full((10,), 1e-3 / 7, dtype=torch.float64)).share < 1
    assert found.reached(torch.full((10,), 1e-3 / 9, dtype=torch.float64)).share > 1
