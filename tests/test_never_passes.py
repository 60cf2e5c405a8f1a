"""Kernels that give zeros, a constant or a wrong gradient are out of bounds; what is right is not, in any dtype."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from tensorflow_free import load_recipe, run_recipe
from tensorflow_free.cell.reference import yardstick_of
from tensorflow_free.cell.yardstick import KeptRuns
from tensorflow_free.judging.verdicts import Comparison
from tests.cases import kernels

CASES = Path(kernels.__file__).parent
SOME = [("float32", "eager"), ("bfloat16", "eager"), ("float16", "aot_eager")]
OTHERS = [("float16", "eager"), ("float32", "aot_eager"), ("bfloat16", "aot_eager")]
CELLS = [*SOME, *(pytest.param(*one, marks=pytest.mark.full) for one in OTHERS)]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Swap(NamedTuple):
    """A case, a step of it, the kernel that stands there, the op that it stands for, and the first value that is bad."""

    case: str
    step: str
    kernel: str
    op: str
    value: str = ""
    more: tuple[str, ...] = ()

    def judged(self, dtype: str, backend: str) -> Comparison:
        """The kernel in place of the op, judged against the op."""
        reference = f"+reference={{steps.{self.step}.op: {self.op}}}"
        words = [f"steps.{self.step}.op={self.kernel}", reference, *self.more]
        return compared(self.case, *words, f"dtype={dtype}", f"backend={backend}", "record=all")


def compared(case: str, *words: str) -> Comparison:
    path = CASES / f"{case}.yaml"
    recipe = load_recipe(path, words)
    return yardstick_of(path, words, recipe, KeptRuns()).compare(run_recipe(recipe))


WRONG = [
    Swap("zeros_softmax", "y", "bad.zeros", "F.softmax", "y"),
    Swap("zeros_softmax", "y", "bad.mean", "F.softmax", "y"),
    Swap("silu_mean", "y", "bad.silu", "F.silu", "x.grad"),
    Swap("small_gradient", "s", "bad.sigmoid", "sigmoid", "x.grad"),
    Swap("integers", "q", "bad.floor_divide", "floor_divide", "q"),
    Swap("integers", "b", "bad.isnan", "isnan", "b"),
]


@pytest.mark.parametrize(("dtype", "backend"), CELLS)
@pytest.mark.parametrize("swap", WRONG, ids=lambda swap: swap.kernel)
def test_a_wrong_kernel_is_out_of_bounds_where_it_stands(swap: Swap, dtype: str, backend: str) -> None:
    found = swap.judged(dtype, backend)
    assert found.where is not None
    assert found.where.value == swap.value
    assert found.where.through == ((swap.step,) if swap.value.endswith(".grad") else ())


def test_a_product_that_is_a_hundred_epsilons_off_is_out_of_bounds() -> None:
    # in half precision, 1e-5 of a number is less than its rounding
    found = Swap("amplify", "y", "bad.mul", "mul").judged("float32", "eager")
    assert "y" in {one.name for one in found.bad}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_a_wrong_kernel_behind_a_dropout_is_out_of_bounds(dtype: str) -> None:
    found = Swap("dropout", "s", "bad.five", "sigmoid").judged(dtype, "eager")
    assert found.where is not None
    assert found.where.value == "s"


RIGHT = [
    Swap("silu_mean", "y", "good.silu", "F.silu"),
    # its gradient goes back through `amax`, too, and is far worse than PyTorch's at the largest number
    Swap(
        "zeros_softmax", "y", "good.softmax_by_hand", "F.softmax", more=("tensors.x.requires_grad=false", "~backward")
    ),
]


@pytest.mark.parametrize(("dtype", "backend"), CELLS)
@pytest.mark.parametrize("swap", RIGHT, ids=lambda swap: swap.kernel)
def test_a_right_kernel_is_within_bounds(swap: Swap, dtype: str, backend: str) -> None:
    found = swap.judged(dtype, backend)
    assert found.bad == []
    assert found.compared >= 2


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_what_a_dtype_holds_of_a_plain_number_is_within_bounds(dtype: str) -> None:
    recipe = {"tensors": {"x": {"data": [0.1, 0.1, 0.1]}}, "steps": {"y": "x - 0.1"}}
    words = (f"dtype={dtype}",)
    loaded = load_recipe(recipe, words)
    assert yardstick_of(recipe, words, loaded, KeptRuns()).compare(run_recipe(loaded)).bad == []


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize(
    "words", [("ln_sum",), ("lowp_false_alarm", "case=with_"), ("lowp_false_alarm", "case=without")]
)
def test_a_sum_over_a_norm_which_cancels_is_within_bounds(words: tuple[str, ...], dtype: str) -> None:
    found = compared(*words, f"dtype={dtype}")
    assert found.bad == []
    assert found.compared >= 3
