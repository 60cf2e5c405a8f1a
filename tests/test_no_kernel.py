"""What float64 has no kernel for: decoded numbers, float32 for one op, for all, and what is told of it."""

from __future__ import annotations

import math

import pytest
import torch

from tensorflow_free import load_recipe, register_op, run_recipe
from tensorflow_free.cell.reference import yardstick_of
from tensorflow_free.cell.yardstick import KeptRuns, NoReference, Yardstick
from tensorflow_free.errors import StepError
from tensorflow_free.outcome.sentences import words

HALF = ["bfloat16", "float16"]

SCALED = {
    "tensors": {
        "x": {"init": "randn", "size": [16, 32]},
        "w": {"init": "randn", "size": [16, 32]},
        "s": {"data": 0.5, "dtype": "float32"},
    },
    "steps": {
        "a": "x.to(torch.float8_e4m3fn)",
        "bt": "w.to(torch.float8_e4m3fn).t()",
        "y": {"op": "aten._scaled_mm.default", "args": ["a", "bt", "s", "s"], "kwargs": {"out_dtype": "floating"}},
    },
}
PACKED = {
    "tensors": {
        "x": {"init": "randn", "size": [4, 32]},
        "w": {"init": "randint", "low": -9, "high": 9, "size": [16, 32], "dtype": "int8"},
        "s": {"init": "rand", "size": [16]},
    },
    "steps": {"y": {"op": "aten._weight_int8pack_mm.default", "args": ["x", "w", "s"]}, "z": "y * 0.3"},
}
GROUPED = {
    "tensors": {
        "x": {"init": "randn", "size": [24, 32]},
        "w": {"init": "randn", "size": [2, 32, 16]},
        "ends": {"data": [8, 24], "dtype": "int32"},
    },
    "steps": {"y": "F.grouped_mm(x, w, offs=ends)"},
}
MKLDNN = {
    "tensors": {"x": {"init": "randn", "size": [8, 8]}},
    "steps": {"p": "x * 1.1", "m": "p.to_mkldnn()", "d": "m.to_dense()", "y": "d.exp()"},
}
MIXED = {
    "tensors": {
        "x": {"init": "randn", "size": [8, 8], "requires_grad": True},
        "w": {"init": "randn", "size": [8, 8], "dtype": "float16", "requires_grad": True},
    },
    "steps": {"y": "x @ w", "loss": "y.exp().sum()"},
    "backward": "loss",
}
CONVOLVED = {
    "tensors": {"x": {"init": "rand", "size": [1, 3, 8, 8]}, "w": {"init": "rand", "size": [4, 3, 3, 3]}},
    "steps": {
        "p": "x * 1.1",
        "y": {
            "op": "aten.mkldnn_convolution.default",
            "args": ["p", "w", None, [1, 1], [1, 1], [1, 1], 1],
        },
        "z": "(y * 0.1).exp()",
    },
}


def yardstick(recipe, *overrides) -> Yardstick:
    return yardstick_of(recipe, overrides, load_recipe(recipe, overrides), KeptRuns())


def compared(recipe, *overrides):
    return yardstick(recipe, *overrides).compare(run_recipe(load_recipe(recipe, overrides)))


def stops_in(recipe, dtype) -> bool:
    """Whether this processor has no kernel for a recipe in a dtype: which it has differs from one to the next."""
    try:
        run_recipe(load_recipe(recipe, [f"dtype={dtype}"]))
    except StepError:
        return True
    return False


@pytest.mark.parametrize("dtype", ["float32", *HALF])
@pytest.mark.parametrize("recipe", [SCALED, PACKED, GROUPED, MKLDNN], ids=["scaled", "packed", "grouped", "mkldnn"])
def test_decoded_numbers_take_the_place_of_what_float64_cannot_compute(recipe, dtype):
    comparison = compared(recipe, f"dtype={dtype}")
    assert comparison.is_well, comparison.bad
    assert comparison.not_comparable == 0
    told = "from decoded numbers, as float64 has no kernel for" in comparison.reference
    assert told == stops_in(recipe, "float64")
    # of the three others no processor is known that has one
    assert told or recipe is SCALED


def test_a_float8_product_is_that_of_the_scaled_numbers():
    reference = yardstick(SCALED, "dtype=bfloat16").reference
    a, bt = (reference[name].double() * 0.5 for name in ("a", "bt"))
    assert reference["y"].dtype == torch.float64
    torch.testing.assert_close(reference["y"], a @ bt)


def test_operands_of_dtypes_that_meet_in_the_cell_alone_are_widened():
    found = yardstick(MIXED, "dtype=float16")
    assert torch.equal(found.reference["y"], found.reference["x"] @ found.reference["w"].double())
    comparison = found.compare(run_recipe(load_recipe(MIXED, ["dtype=float16"])))
    assert comparison.is_well
    assert {"x.grad", "w.grad"} <= {one.name for one in comparison.values}


@pytest.mark.parametrize("dtype", HALF)
def test_an_op_that_is_not_decoded_runs_in_float32_alone(dtype):
    if stops_in(CONVOLVED, dtype):
        pytest.skip(f"this processor has no mkldnn convolution in {dtype}")
    comparison = compared(CONVOLVED, f"dtype={dtype}")
    assert comparison.is_well
    assert comparison.not_comparable == 0
    assert comparison.reference.startswith("cpu eager float64, own inputs; y in float32, as float64 has no kernel")


def test_a_kernel_that_is_its_own_judge_is_told_and_not_passed():
    comparison = compared(CONVOLVED, "dtype=float32")
    assert [one.name for one in comparison.values if one.outcome == "not comparable"] == ["y"]
    assert "ran the same kernel" in comparison["y"].reason
    assert comparison["p"].outcome == comparison["z"].outcome == "ok"


def test_what_was_computed_otherwise_is_noted():
    assert [words(one) for one in yardstick(PACKED, "dtype=bfloat16").notes] == [
        "y from decoded numbers, as float64 has no kernel for 'aten._weight_int8pack_mm.default'"
    ]
    assert not yardstick({"tensors": {"x": [1.0]}, "steps": {"y": "x.exp()"}}, "dtype=bfloat16").notes


def test_a_dtype_that_the_reference_names_stays():
    with pytest.raises(NoReference, match=r"float64\) failed at 'y'"):
        yardstick({**PACKED, "reference": {"dtype": "float64"}}, "dtype=bfloat16")


PINNED = {"tensors": {"x": {"init": "randn", "size": [500]}}, "steps": {"h": "x.half()", "e": "h.exp()", "y": "e * 2"}}


def test_a_pinned_step_is_computed_in_float64_and_rounded_once():
    reference = yardstick(PINNED, "dtype=float32").reference
    assert torch.equal(reference["e"], reference["h"].double().exp().half())
    assert compared(PINNED, "dtype=float32").is_well


def half_exp_is_off(one: torch.Tensor) -> torch.Tensor:
    return torch.exp2(one * (1.45 if one.dtype == torch.float16 else math.log2(math.e)))


@pytest.mark.filterwarnings("ignore:Warning only once for all operators")
def test_a_wrong_kernel_of_a_pinned_dtype_is_not_its_own_judge():
    library = torch.library.Library("aten", "IMPL")
    library.impl("exp", half_exp_is_off, "CPU")
    try:
        comparison = compared(PINNED, "dtype=float32")
    finally:
        library._destroy()
    assert [one.name for one in comparison.bad] == ["e", "y"]


def no_float64(input: torch.Tensor) -> torch.Tensor:
    if input.dtype == torch.float64:
        raise ValueError("no double here")
    return input.exp()


OWN = {"tensors": {"x": [1.0, 2.0]}, "steps": {"h": "x * 1.1", "y": {"op": "no_kernel.own", "args": ["h"]}}}


@pytest.fixture(scope="module")
def own() -> None:
    register_op("no_kernel.own", no_float64)


@pytest.mark.usefixtures("own")
def test_a_recipe_that_float64_cannot_run_is_held_against_float32():
    comparison = compared(OWN, "dtype=bfloat16")
    assert comparison.is_well
    assert comparison["y"].outcome == "ok"
    assert comparison.reference.startswith("cpu eager float32, own inputs; as float64 stops at 'y' (no double here")


@pytest.mark.usefixtures("own")
def test_a_recipe_that_float64_cannot_run_is_not_held_against_itself():
    with pytest.raises(NoReference, match=r"float64\) failed at 'y': no double here"):
        yardstick(OWN, "dtype=float32")


@pytest.mark.usefixtures("own")
def test_an_error_in_float32_against_float32_shows():
    wrong = {**OWN, "steps": {**OWN["steps"], "y": "(h * 1.02).exp()"}, "reference": {"steps.y": OWN["steps"]["y"]}}
    assert [one.name for one in compared(wrong, "dtype=bfloat16").bad] == ["y"]
    assert [one.name for one in compared(wrong, "dtype=float32").bad] == ["y"]


BITS = {"tensors": {"x": {"init": "randn", "size": [8]}}, "steps": {"b": "x.view(torch.int32)", "y": "x * 1.1"}}


@pytest.mark.parametrize("cell", [["dtype=float32"], ["dtype=bfloat16"], ["dtype=float32", "backend=aot_eager"]])
def test_a_shape_that_hangs_on_the_dtype_is_no_mismatch_and_not_judged(cell):
    comparison = compared(BITS, *cell)
    assert [one.outcome for one in comparison.values if one.name in BITS["steps"]] == ["not comparable", "ok"]
    assert "hangs on the dtype" in comparison["b"].reason


def test_a_shape_that_is_not_even_that_of_the_dtype_is_a_mismatch():
    wrong = {**BITS, "steps": {**BITS["steps"], "b": "x.view(torch.int16)"}}
    comparison = compared({**wrong, "reference": {"steps.b": "x.view(torch.int32)"}}, "dtype=float32")
    assert comparison["b"].outcome == "mismatch"
