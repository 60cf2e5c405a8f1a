"""What an expectation holds for, what it fails for, and in which words."""

from __future__ import annotations

import math

import pytest
import torch

from tensorflow_free import RecipeError, StepError, load_recipe, register_op, run_recipe
from tensorflow_free.cell.fate import fate_of
from tensorflow_free.loading import plan_of
from tensorflow_free.relations.judged_run import run_judged


def run(overrides=(), **recipe):
    recipe.setdefault("steps", {"step": "1 * 1"})
    return run_recipe(load_recipe(recipe, list(overrides)))


def verdicts(result):
    return [(one.outcome, one.message) for one in result.expectations]


def judged(data, expected, overrides=(), **recipe):
    """The outcome and the message of what is expected of a starting tensor `y`."""
    return verdicts(run(overrides, tensors={"y": data}, expect={"y": expected}, **recipe))[0]


def holds(data, expected, overrides=(), **recipe):
    outcome, message = judged(data, expected, overrides, **recipe)
    assert outcome in ("holds", "fails"), message
    return outcome == "holds"


# literals


@pytest.mark.parametrize(
    ("data", "expected", "is_held"),
    [
        (5.0, 5.0, True),
        (5.0, 5, True),
        (5.0, 5.001, False),
        (5, 5.0, True),
        (5, 5.00001, False),
        (5, 5, True),
        (5, 6, False),
        ([[1.0, 2.0], [3.0, math.nan]], [[1, 2], [3, math.nan]], True),
        ([1.0, 2.0], [1.0, 3.0], False),
        ([1.0, 2.0], [[1.0, 2.0]], False),
        ([1.0, 2.0], [1.0, 2.0, 3.0], False),
        ([2.0, 2.0], 2.0, True),
        ([2.0, 3.0], 2.0, False),
        ([[2, 2]], 2, True),
        (math.nan, math.nan, True),
        (math.nan, 0.0, False),
        (0.0, math.nan, False),
        (math.inf, math.inf, True),
        (math.inf, -math.inf, False),
        (math.inf, 1e38, False),
        (1e38, math.inf, False),
        (-0.0, 0.0, True),
        (True, True, True),
        (True, False, False),
        ([True, False], [True, False], True),
        ({"data": [], "shape": [0]}, [], True),
        ({"data": [], "shape": [0]}, 1.0, False),
        ({"finfo": "max"}, {"finfo": "max"}, True),
        ("1+2j", "1+2j", True),
        ("1+2j", {"complex": [1, 2]}, True),
        ("1+2j", "1+2.1j", False),
        ("1+2j", 1.0, False),
        ("2+0j", 2.0, True),
        (["1+2j", 3], ["1+2j", 3], True),
        (1.0, "1+0j", True),
        (1.0, "1+1j", False),
        ({"data": {"complex": [math.nan, 1]}}, {"complex": [math.nan, 1]}, True),
        ({"data": {"complex": [math.nan, 1]}}, {"complex": [math.nan, 2]}, False),
        ({"data": {"complex": [math.nan, 1]}}, {"complex": [1, math.nan]}, False),
        ({"data": {"complex": [math.inf, 1]}}, {"complex": [math.inf, 1.000001]}, True),
    ],
)
def test_a_literal_is_held_against_a_value(data, expected, is_held):
    assert holds(data, expected) == is_held


def test_a_value_too_large_for_its_dtype_is_not_close_to_the_literal():
    assert holds({"data": 70000.0, "dtype": "float16"}, math.inf)
    assert not holds({"data": 70000.0, "dtype": "float16"}, 70000.0)


@pytest.mark.parametrize(
    ("data", "expected", "is_held"),
    [
        ({"data": 2**53 + 1}, 2**53 + 1, True),
        ({"data": 2**53 + 1}, 2**53, False),
        ({"data": 2**53 + 1}, float(2**53), False),
        ({"data": 2**53}, float(2**53), True),
        ({"data": 2**63 - 1}, 2**63 - 1, True),
        ({"data": 2**63 - 1}, float(2**63), False),
        ({"data": -(2**63)}, -(2**63), True),
        ({"data": torch.tensor([2**64 - 1, 1], dtype=torch.uint64)}, [2**64 - 1, 1], True),
        ({"data": torch.tensor([2**64 - 1, 1], dtype=torch.uint64)}, [2**64 - 2, 1], False),
        ({"data": torch.tensor([2**64 - 1], dtype=torch.uint64)}, 5.0, False),
        ({"data": torch.tensor([7], dtype=torch.uint64)}, 7.0, True),
        ({"data": 255, "dtype": "uint8"}, 255, True),
        ({"data": 3, "dtype": "uint16"}, 3, True),
        (5, math.nan, False),
        (0, math.nan, False),
    ],
)
def test_integers_are_held_exactly(data, expected, is_held):
    assert holds(data, expected) == is_held


def test_the_largest_unsigned_integer_is_not_minus_one():
    tensors = {"a": {"data": torch.tensor([2**64 - 1], dtype=torch.uint64)}, "b": [-1]}
    assert verdicts(run(tensors=tensors, expect={"a": {"close": "b"}}))[0][0] == "fails"


def test_integers_may_be_given_a_tolerance():
    assert holds([10, 20], {"value": [11, 18], "atol": 2})
    assert not holds([10, 20], {"value": [11, 17], "atol": 2})
    assert holds([100], {"value": 101.0, "rtol": 0.01})


@pytest.mark.parametrize("dtype", ["float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz"])
def test_float8_is_held_with_half_a_unit_of_its_own(dtype):
    assert holds({"data": [1.0, math.nan], "dtype": dtype}, [1.05, math.nan])
    assert not holds({"data": [1.0], "dtype": dtype}, [1.3])


def test_sparse_values_are_held_by_what_they_stand_for():
    result = run(tensors={"x": [[0.0, 2.0], [0.0, 0.0]]}, steps={"s": "x.to_sparse()"}, expect={"s": [[0, 2], [0, 0]]})
    assert result.is_well


# values that are not tensors


def test_numbers_sizes_and_words_are_values_too():
    steps = {
        "n": "x.item()",
        "i": "k.item()",
        "b": "f.item()",
        "s": "m.size()",
        "t": "x.dtype",
        "d": "x.device",
        "w": {"op": "type", "args": ["x"]},
        "c": "x.numel()",
    }
    expect = {"n": 0.1, "i": 3, "b": False, "s": [2, 3], "t": "float32", "d": "cpu", "w": "FloatTensor", "c": 1}
    tensors = {"x": 0.1, "k": 3, "f": False, "m": {"init": "zeros", "size": [2, 3]}}
    result = run(tensors=tensors, steps=steps, expect=expect)
    assert verdicts(result) == [("holds", "")] * len(expect)


def test_a_wrong_word_is_told():
    assert verdicts(run(tensors={"x": 0.1}, steps={"t": "x.dtype"}, expect={"t": "float64"})) == [
        ("fails", "it is float32")
    ]
    assert verdicts(run(tensors={"x": 0.1}, steps={"t": "x.dtype"}, expect={"t": 1.0})) == [("fails", "it is float32")]


def test_a_word_may_be_held_against_another_value():
    steps = {"s": "x.dtype", "t": "(x + 1).dtype", "u": "k.dtype"}
    result = run(tensors={"x": 1.0, "k": 1}, steps=steps, expect={"s": [{"equal": "t"}, {"equal": "u"}]})
    assert verdicts(result) == [("holds", ""), ("fails", "it is float32, and int64 is expected")]


def test_the_name_of_what_made_a_value_is_a_word():
    tensors = {"x": {"data": 1.0, "requires_grad": True}}
    assert run(tensors=tensors, steps={"y": "x * 2", "g": "y.grad_fn"}, expect={"g": "MulBackward0"}).is_well


def test_fields_positions_and_rounds_are_values_of_their_own():
    steps = {
        "top": {"op": "topk", "args": ["x", 2]},
        "parts": {"op": "split", "args": ["x", 2]},
        "loop": {"repeat": 3, "carry": {"h": "n"}, "trace": ["n"], "steps": {"n": "h * 2"}},
    }
    expect = {
        "top.values": [4, 3],
        "top.indices": [3, 2],
        "top.0": [4, 3],
        "parts.1": [3, 4],
        "x.2": 3.0,
        "loop.n": [2, 4, 8],
        "loop.n.1": 4.0,
    }
    result = run(tensors={"x": [1.0, 2, 3, 4], "h": 1.0}, steps=steps, expect=expect)
    assert [one for one in verdicts(result) if one[0] != "holds"] == []
    assert len(result.expectations) == 7


def test_a_position_that_is_not_there_fails_in_words():
    result = run(tensors={"x": [1.0]}, steps={"s": {"op": "split", "args": ["x", 1]}}, expect={"s.3": 1.0, "x.3": 1.0})
    assert [outcome for outcome, _ in verdicts(result)] == ["fails", "fails"]
    assert all("is not a value of this run" in message for _, message in verdicts(result))


# tolerances


def test_rtol_or_atol_alone_leaves_the_other_0():
    assert holds(101.0, {"value": 100.0, "rtol": 0.011})
    assert not holds(1e-9, {"value": 0.0, "rtol": 1.0})
    assert holds(0.5, {"value": 0.0, "atol": 0.5})
    assert not holds(1e8, {"value": 1.0001e8, "atol": 1.0})
    assert not holds(1.0000001, {"value": 1.0, "rtol": 0, "atol": 0})


@pytest.mark.parametrize(
    ("dtype", "rtol"), [("float64", 1e-7), ("float32", 1.3e-6), ("bfloat16", 1.6e-2), ("float16", 1e-3)]
)
def test_the_default_is_the_table_of_assert_close(dtype, rtol):
    written = {"init": "full", "size": [], "fill_value": 1024.0}
    near, one = (torch.tensor(number, dtype=torch.float64) for number in (1024.0, 1024.0 * (1 + 0.9 * rtol)))
    torch.testing.assert_close(near, one, rtol=rtol, atol=1e-5)
    assert holds(written, 1024.0 * (1 + 0.9 * rtol), [f"dtype={dtype}"])
    assert not holds(written, 1024.0 * (1 + 1.2 * rtol), [f"dtype={dtype}"])


def test_the_recipes_own_dtype_is_the_floor():
    assert not holds({"data": 1000.0, "dtype": "float64"}, 1000.3, ["dtype=float32"])
    assert holds({"data": 1000.0, "dtype": "float64"}, 1000.3, ["dtype=float16"])


def test_the_coarsest_floating_input_is_the_floor():
    tensors = {"x": {"data": 1000.0, "dtype": "float16"}, "y": 1000.0}
    assert run(tensors=tensors, expect={"y": 1000.5}).is_well
    tensors["x"] = {"data": 1000, "dtype": "int8"} | {"data": 10}
    assert not run(tensors=tensors, expect={"y": 1000.5}).is_well


def test_the_values_dtype_decides_where_it_is_the_coarser():
    assert holds({"data": 100.0, "dtype": "bfloat16"}, 101.0, ["dtype=float32"])


@pytest.mark.parametrize(
    ("tolerance", "is_held"),
    [
        ({"rtol": 0.1}, True),
        ({"rtol": 0.01}, False),
        ({"atol": 6.0}, True),
        ({"float32": {"rtol": 0.1}}, True),
        ({"float64": {"rtol": 0.1}}, False),
        ({"rtol": 0.01, "float32": {"atol": 6}}, True),
    ],
)
def test_a_stated_tolerance_takes_the_place_of_the_default(tolerance, is_held):
    assert holds(105.0, 100.0, tolerance=tolerance) == is_held


def test_a_stated_tolerance_of_0_is_exact_for_complex_numbers_too():
    assert not holds(1.0000001, 1.0, tolerance={"rtol": 0, "atol": 0})
    assert not holds("1.0000001+1j", "1+1j", tolerance={"rtol": 0, "atol": 0})


def test_a_stated_tolerance_is_the_floor_for_other_dtypes():
    assert holds({"data": 105.0, "dtype": "float64"}, 100.0, tolerance={"rtol": 0.1})


def test_item_is_held_with_the_tolerance_of_the_recipe():
    assert run(tensors={"x": 0.1}, steps={"n": "x.item()"}, expect={"n": 0.1}).is_well


def test_ulp_counts_the_numbers_between():
    near = torch.nextafter(torch.tensor(1.0), torch.tensor(2.0)).item()
    assert holds(near, {"value": 1.0, "ulp": 1})
    assert not holds(near, {"value": 1.0, "ulp": 0})
    assert holds([1.0, math.nan], {"value": [1.0, math.nan], "ulp": 0})
    assert not holds([math.nan], {"value": 1.0, "ulp": 10**9})


@pytest.mark.parametrize("dtype", ["float64", "bfloat16", "float16", "float8_e4m3fn", "float8_e5m2"])
def test_ulp_is_of_the_values_own_dtype(dtype):
    eps = torch.finfo(getattr(torch, dtype)).eps
    assert holds({"data": 1 + 2 * eps, "dtype": dtype}, {"value": 1.0, "ulp": 2})
    assert not holds({"data": 1 + 2 * eps, "dtype": dtype}, {"value": 1.0, "ulp": 1})


def test_ulp_of_a_complex_number_is_of_its_parts():
    eps = torch.finfo(torch.float32).eps
    assert holds({"complex": [1, 1 + 2 * eps]}, {"value": "1+1j", "ulp": 2})
    assert not holds({"complex": [1, 1 + 2 * eps]}, {"value": "1+1j", "ulp": 1})


def test_ulp_and_rtol_must_both_hold():
    assert not holds(1.0 + 2**-20, {"value": 1.0, "ulp": 100, "rtol": 1e-9})
    assert not holds(1.0 + 2**-20, {"value": 1.0, "ulp": 1, "rtol": 1e-3})
    assert holds(1.0 + 2**-20, {"value": 1.0, "ulp": 8, "rtol": 1e-3})


# other values


def test_close_holds_a_value_against_another_or_a_literal():
    tensors = {"y": [0.1, 0.2], "z": [0.1000001, 0.2]}
    assert run(tensors=tensors, expect={"y": [{"close": "z"}, {"close": [0.1, 0.2]}, {"close": "y.after"}]}).is_well
    assert (
        verdicts(run(tensors={"y": [0.1, 0.2], "z": 0.1}, expect={"y": {"close": "z"}}))[0][1]
        == "the shape is [2], and [] is expected"
    )


@pytest.mark.parametrize(
    ("one", "other", "is_held"),
    [
        (0.0, -0.0, False),
        (0.0, 0.0, True),
        ([1, 2], [1, 2], True),
        (1.0, 1, False),
        ("1+2j", "1+2j", True),
        ("0j", {"complex": [0.0, -0.0]}, False),
    ],
)
def test_equal_is_bit_for_bit(one, other, is_held):
    result = run(tensors={"y": one, "z": other}, expect={"y": {"equal": "z"}})
    assert result.is_well == is_held


def test_equal_takes_literals():
    assert holds([0.5, 0.5], {"equal": 0.5})
    assert holds([0.1], {"equal": [0.1]})
    assert holds("1+2j", {"equal": "1+2j"})
    assert run(tensors={"y": 1.0, "j": 1.0}, expect={"y": {"equal": "j"}}).is_well
    assert not holds(-0.0, {"equal": 0.0})
    assert holds(-0.0, {"equal": -0.0})
    assert holds({"data": 0.1, "dtype": "bfloat16"}, {"equal": 0.1})
    assert holds([1, 2], {"equal": [1, 2]})


def test_equal_tells_nans_of_different_bits_apart():
    bits = torch.tensor([0x7FC00000, 0x7FC00001], dtype=torch.int32).view(torch.float32)
    tensors = {"y": {"data": bits[:1]}, "z": {"data": bits[1:]}, "w": {"data": bits[:1]}}
    result = run(tensors=tensors, expect={"y": [{"equal": "z"}, {"equal": "w"}, {"close": "z"}]})
    assert [one for one, _ in verdicts(result)] == ["fails", "holds", "holds"]
    assert "nan (float32 0x7fc00000) at [0], and nan (float32 0x7fc00001)" in result.expectations[0].message


def test_a_value_is_held_against_what_a_step_gave():
    assert run(
        tensors={"x": 2.0}, steps={"n": "x.item()", "y": "x * 1"}, expect={"y": {"close": "n"}, "n": {"close": "y"}}
    ).is_well


# form and memory


def test_shape_dtype_stride_and_contiguous_are_asked_for():
    tensors = {"x": {"init": "rand", "size": [2, 3]}}
    ask = {"shape": [3, 2], "dtype": "floating", "stride": [1, 3], "contiguous": False}
    result = run(["dtype=float64"], tensors=tensors, steps={"y": "x.t()"}, expect={"y": ask, "x": {"contiguous": True}})
    assert verdicts(result) == [("holds", "")] * 5


def test_a_wrong_form_is_told():
    ask = {"shape": [2, 3], "dtype": "float64", "stride": [3, 1], "contiguous": True}
    result = run(tensors={"x": {"init": "rand", "size": [2, 3]}}, steps={"y": "x.t()"}, expect={"y": ask})
    assert [message for _, message in verdicts(result)] == [
        "the shape is [3, 2]",
        "the dtype is float32",
        "the stride is [1, 3]",
        "the stride is [1, 3]",
    ]


def test_the_strides_are_those_that_the_run_had():
    steps = {"y": "x.t()", "z": {"op": "mul_", "args": ["y", 2.0]}}
    result = run(
        tensors={"x": {"init": "rand", "size": [2, 3]}},
        steps=steps,
        expect={"y": {"stride": [1, 3]}, "x.0": {"stride": [1]}},
    )
    assert verdicts(result) == [("holds", "")] * 2


def test_shares_memory_is_asked_for():
    steps = {"v": "x.view(-1)", "c": "x.clone()", "z": {"op": "add_", "args": ["v", 1.0]}}
    expect = {"v": {"shares_memory": "x"}, "z": {"shares_memory": "x"}, "c": {"shares_memory": "x"}}
    result = run(tensors={"x": [[1.0, 2.0]]}, steps=steps, expect=expect)
    assert verdicts(result) == [("holds", ""), ("holds", ""), ("fails", "it has memory of its own")]


def test_what_a_sparse_tensor_has_not_fails_in_words():
    expect = {"s": [{"stride": [1]}, {"contiguous": True}, {"shares_memory": "x"}]}
    result = run(tensors={"x": [[0.0, 2.0]]}, steps={"s": "x.to_sparse()"}, expect=expect)
    assert [outcome for outcome, _ in verdicts(result)] == ["fails"] * 3
    assert all(message for _, message in verdicts(result))


# gradients


def test_null_expects_that_there_is_no_gradient():
    tensors = {"w": {"data": 2.0, "requires_grad": True}, "v": {"data": 2.0, "requires_grad": True}, "c": 1.0}
    result = run(
        tensors=tensors,
        steps={"y": "w * 3"},
        backward="y",
        expect={"v.grad": None, "c.grad": None, "w.grad": [{"value": None}, {"value": 3.0}]},
    )
    assert verdicts(result) == [("holds", ""), ("holds", ""), ("fails", "there is one: 3.0"), ("holds", "")]


def test_a_gradient_that_is_missing_is_told():
    result = run(tensors={"w": {"data": 2.0, "requires_grad": True}}, steps={"y": "w * 3"}, expect={"w.grad": 3.0})
    assert verdicts(result) == [("fails", "there is none, and 3.0 is expected")]


def test_a_gradient_that_nothing_requires_is_told_with_the_key_to_set():
    tensors = {"x": {"data": [1.0, 2.0], "requires_grad": True}, "w": [1.0, 2.0]}
    result = run(tensors=tensors, steps={"y": "(x * w).sum()"}, backward="y", expect={"w.grad": {"shape": [2]}})
    assert verdicts(result) == [("fails", "there is none: 'w' has no requires_grad: true")]


def test_a_missing_gradient_is_nothing_to_hold_another_against():
    tensors = {name: {"data": 2.0, "requires_grad": True} for name in ("w", "v")}
    result = run(tensors=tensors, steps={"y": "w * 3"}, backward="y", expect={"w.grad": {"close": "v.grad"}})
    assert verdicts(result) == [("fails", "'v.grad' has no value to hold it against")]


def test_gradients_of_steps_are_expected_by_name():
    result = run(
        tensors={"w": {"data": 2.0, "requires_grad": True}},
        steps={"h": "w * 3", "y": "h ** 2"},
        backward="y",
        expect={"h.grad": 12.0, "y.grad": 1.0},
    )
    assert result.is_well


# the end


def test_after_is_the_value_in_the_end_or_the_value_itself():
    steps = {"y": "x * 2", "z": {"op": "add_", "args": ["y", 1.0]}}
    assert run(
        tensors={"x": 1.0}, steps=steps, expect={"y": 2.0, "y.after": 3.0, "z.after": 3.0, "x.after": 1.0}
    ).is_well


def test_checks_may_be_expected_of():
    checks = {"total": "y.sum()", "again": "total + 1"}
    assert run(
        tensors={"x": [1.0, 2.0]}, steps={"y": "x * 2"}, checks=checks, expect={"total": 6.0, "again": 7.0}
    ).is_well


def test_a_check_sees_values_as_they_stood_and_after():
    steps = {"y": "x * 2", "z": {"op": "add_", "args": ["y", 1.0]}}
    checks = {"moved": "y.after - y"}
    assert run(tensors={"x": 1.0}, steps=steps, checks=checks, expect={"moved": 1.0}).is_well


# when


def test_an_expectation_is_for_the_cells_that_when_names():
    expect = {
        "y": [{"value": 1.0, "when": {"dtype": ["float32", "float64"]}}, {"value": 9.0, "when": {"dtype": "float16"}}]
    }
    recipe = {"tensors": {"x": 1.0}, "steps": {"y": "x * 1"}, "expect": expect}
    assert [len(run([f"dtype={one}"], **recipe).expectations) for one in ("float32", "float64")] == [1, 1]
    assert verdicts(run(["dtype=float16"], **recipe))[0][0] == "fails"


@pytest.mark.parametrize(
    ("when", "is_held"),
    [
        ({"params.n": 2}, True),
        ({"params.n": [1, 2]}, True),
        ({"params.n": 3}, False),
        ({"params.n": 2, "dtype": "float64"}, False),
        ({"device": "cpu"}, True),
        ({"backend": "eager"}, True),
        ({"backend": ["inductor", "aot_eager"]}, False),
        ({"case": "big"}, True),
        ({"case": None}, False),
        ({"settings.num_threads": 1}, True),
        ({"settings.num_threads": True}, False),
        ({"params.word": "a"}, True),
        ({}, True),
    ],
)
def test_when_names_cells_by_all_that_a_cell_is(when, is_held):
    recipe = {"params": {"n": 1, "word": "a"}, "cases": {"big": {"params": {"n": 2}}}, "settings": {"num_threads": 1}}
    expect = {"x": [{"value": 1.0, "when": when}, {"value": 1.0}]}
    assert len(run(["case=big"], tensors={"x": 1.0}, expect=expect, **recipe).expectations) == 1 + is_held


def test_a_setting_that_when_asks_for_is_one_of_torchs():
    with pytest.raises(
        RecipeError, match=r"'settings\.determinstic' is not something .*; did you mean 'settings\.deterministic'\?"
    ):
        run(tensors={"x": 1.0}, expect={"x": {"value": 1.0, "when": {"settings.determinstic": True}}})


# errors


FAILING = {"tensors": {"a": [1.0, 2.0], "b": [1.0, 2.0, 3.0]}, "steps": {"h": "a * 2", "y": "a + b", "z": "y * 2"}}


@pytest.mark.parametrize(
    "error",
    [
        {"step": "y"},
        {"type": "RuntimeError"},
        {"type": "Exception"},
        {"match": r"size of tensor a \(2\)"},
        {"step": "y", "type": "RuntimeError", "match": "must match the size"},
        [{"step": "y", "when": {"device": "cpu"}}, {"step": "h", "when": {"device": "cuda"}}],
    ],
)
def test_an_error_that_is_expected_is_well(error):
    result = run(**FAILING, expect={"error": error, "h": [2, 4]})
    assert verdicts(result) == [("holds", ""), ("holds", "")]
    assert result.is_well


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ({"step": "h"}, "the run stopped at y, not at h: The size"),
        ({"type": "ValueError"}, "the run stopped with RuntimeError, not ValueError: The size"),
        ({"match": "no such words"}, "does not match 'no such words'"),
    ],
)
def test_another_error_than_the_expected_one_fails(error, message):
    with pytest.raises(StepError):
        run(**FAILING, expect={"error": error})
    result = run_failing(expect={"error": error})
    assert result.expectations[0].outcome == "fails"
    assert message in result.expectations[0].message
    assert not result.is_well


def run_failing(**more):
    """The result of a run that stops, which `run_recipe` raises for."""
    from tensorflow_free.loading import plan_of
    from tensorflow_free.runner import run as run_plan

    return run_plan(plan_of(load_recipe({**FAILING, **more})))[0]


def test_an_error_that_does_not_come_fails():
    result = run(tensors={"x": 1.0}, expect={"error": {"step": "step"}})
    assert verdicts(result) == [("fails", "the run ended without an error")]


def test_values_after_the_error_are_not_judged():
    assert verdicts(run(**FAILING, expect={"error": {"step": "y"}, "z": 1.0}))[1][0] == "not judged"


def test_an_error_of_backward_is_expected_by_that_name():
    recipe = {"tensors": {"x": {"data": [1.0, 2.0], "requires_grad": True}}, "steps": {"y": "x * 2"}, "backward": "y"}
    assert run(**recipe, expect={"error": {"step": "backward", "match": "scalar outputs"}, "y": [2, 4]}).is_well


def test_an_error_in_a_part_of_a_one_line_step_is_an_error_of_the_step():
    assert run(tensors=FAILING["tensors"], steps={"y": "(a + b) * 2"}, expect={"error": {"step": "y"}}).is_well


def test_an_error_in_a_block_and_in_a_check_is_expected_by_its_step():
    steps = {"block": {"with": "no_grad", "steps": {"y": "a + b"}}}
    assert run(tensors=FAILING["tensors"], steps=steps, expect={"error": {"step": "y"}}).is_well
    assert run(tensors=FAILING["tensors"], checks={"c": "a + b"}, expect={"error": {"step": "c"}}).is_well


def test_a_broken_pattern_is_refused():
    with pytest.raises(RecipeError, match=r"expect\.error\.match"):
        run(**FAILING, expect={"error": {"match": "("}})


# what is not recorded, and nothing at all


def test_what_is_not_recorded_is_not_judged():
    recipe = {
        "tensors": {"x": {"data": 1.0, "requires_grad": True}},
        "steps": {"h": "x * 2", "y": "h + 1"},
        "backward": "y",
    }
    result = run(["record=outputs"], **recipe, expect={"h": 99.0, "h.grad": 99.0, "y": 3.0, "x.grad": 2.0})
    assert [outcome for outcome, _ in verdicts(result)] == ["not judged", "not judged", "holds", "holds"]
    assert "'h' is not recorded in this cell (record: outputs)" in result.expectations[0].message


@pytest.mark.parametrize("expect", [{"y": {"value": 1.0, "when": {"device": "cuda"}}}, {"h": 2.0}])
def test_expectations_that_compare_nothing_fail(expect):
    result = run(["record=[y]"], tensors={"x": 1.0}, steps={"h": "x * 2", "y": "h + 1"}, expect=expect)
    assert (result.expectations[-1].outcome, result.expectations[-1].name) == ("fails", "expect")
    assert not result.is_well


def test_a_recipe_without_expectations_is_well():
    assert run(tensors={"x": 1.0}).is_well


def test_a_meta_cell_has_forms_to_judge_and_no_values():
    expect = {"y": [{"value": 1.0}, {"equal": 1.0}, {"shares_memory": "x"}, {"shape": [3]}]}
    result = run(["device=meta"], tensors={"x": {"init": "rand", "size": 3}}, steps={"y": "x.view(3)"}, expect=expect)
    assert [outcome for outcome, _ in verdicts(result)] == ["not judged", "not judged", "not judged", "holds"]


# messages


@pytest.mark.parametrize(
    ("data", "expected", "message"),
    [
        (
            [[1.0, 2.5], [3.0, 9.0]],
            [[1, 2], [3, 4]],
            "it is 9 at [1, 1], and 4 is expected, 5 apart (allowed: rtol 1.3e-06, atol 1e-05); 2 of 4 elements differ",
        ),
        (1.0, 2.0, "it is 1, and 2 is expected, 1 apart (allowed: rtol 1.3e-06, atol 1e-05)"),
        (
            [1, 2],
            [1, 3],
            "it is 2 at [1], and 3 is expected, 1 apart (allowed: rtol 0, atol 0); 1 of 2 elements differ",
        ),
        ([True], False, "it is true at [0], and false is expected, 1 apart (allowed: rtol 0, atol 0)"),
        (
            [1.0, math.nan],
            1.0,
            "it is nan at [1], and 1 is expected (allowed: rtol 1.3e-06, atol 1e-05); 1 of 2 elements differ",
        ),
        (-0.0, {"equal": 0.0}, "it is -0, and 0 is expected (allowed: bit for bit)"),
        (
            {"data": 0.1, "dtype": "float64"},
            {"equal": 0.1 + 2**-56},
            "it is 0.10000000000000001, and 0.10000000000000002 is expected, 1.39e-17 apart (allowed: bit for bit)",
        ),
        (1.5, {"value": 1.0, "ulp": 2}, "it is 1.5, and 1 is expected, 4.19e+06 ULP apart (allowed: 2 ULP)"),
        ("1+2j", "1+3j", "it is 1+2j, and 1+3j is expected, 1 apart (allowed: rtol 1.3e-06, atol 1e-05)"),
        ([1.0], [[1.0]], "the shape is [1], and [1, 1] is expected"),
        ({"data": [], "shape": [0, 3]}, 1.0, "it has no elements: the shape is [0, 3]"),
    ],
)
def test_a_failure_names_the_worst_element(data, expected, message):
    assert judged(data, expected) == ("fails", message)


def test_a_verdict_says_what_was_asked_and_where():
    result = run(tensors={"x": 1.0}, expect={"x": [{"value": 1.0, "ulp": 2}, {"shape": [], "dtype": "float32"}]})
    assert [(one.path, one.asks) for one in result.expectations] == [
        ("expect.x.0", "1.0 within 2 ULP"),
        ("expect.x.1", "shape []"),
        ("expect.x.1", "dtype float32"),
    ]


def test_an_op_of_the_users_may_give_what_cannot_be_judged():
    register_op("gives_an_object", lambda x: object(), replace=True)
    result = run(tensors={"x": 1.0}, steps={"y": {"op": "gives_an_object", "args": ["x"]}}, expect={"y": 1.0})
    assert verdicts(result) == [("fails", "it is object")]


def test_gradient_that_a_stopped_run_did_not_reach_is_not_judged():
    recipe = load_recipe(
        {
            "tensors": {"w": {"data": [1.0, 2.0], "requires_grad": True}, "n": [1, 2]},
            "steps": {"y": "w @ n"},
            "backward": "y",
            "expect": {"w.grad": [1.0, 2.0], "error": {"step": "y"}},
        }
    )
    assert verdicts(run_recipe(recipe)) == [("not judged", "the run stopped before 'w.grad' was there"), ("holds", "")]


# values that a compiled cell keeps to itself

KEEPING = {
    "tensors": {"x": {"data": [1.0, 2.0], "requires_grad": True}, "t": [1.0, 2.0]},
    "steps": {"h": "x * 2", "bent": "h.sin()", "t2": "t.add_(1)", "y": "(h * bent).sum() + t2.sum()"},
    "backward": "y",
}


@pytest.mark.parametrize("name", ["x", "x.0", "h", "h.0", "h.grad", "h.after", "t", "t.0", "t2.after"])
def test_what_a_compiled_cell_does_not_record_is_not_judged_though_its_gradient_or_its_end_is(name):
    result = run(["backend=aot_eager"], **KEEPING, expect={name: {"shape": [7]}, "y": {"shape": []}})
    assert {"x.grad", "t.after"} <= set(result)
    assert [one.outcome for one in result.expectations] == ["not judged", "holds"]
    assert "not recorded in this cell" in result.expectations[0].message


@pytest.mark.parametrize(("name", "outcome"), [("x.grad", "fails"), ("t.after", "fails"), ("y", "fails")])
def test_what_a_compiled_cell_records_is_judged(name, outcome):
    result = run(["backend=aot_eager"], **KEEPING, expect={name: {"shape": [7]}})
    assert [one.outcome for one in result.expectations] == [outcome]


def test_a_compiled_run_all_of_whose_expectations_are_of_what_it_does_not_record_is_well_and_guards_nothing():
    result = run(["backend=aot_eager"], **KEEPING, expect={"h": 99.0})
    assert [one.outcome for one in result.expectations] == ["not judged", "not judged"]
    assert "a compiled cell records the outputs alone" in result.expectations[-1].message
    assert (result.is_well, fate_of(result).outcome) == (True, "ok")
    assert fate_of(result, guards=True).outcome == "nothing compared"
    other = run(["backend=aot_eager"], **KEEPING, expect={"h": {"value": 99.0, "when": {"dtype": "float64"}}})
    assert [one.outcome for one in other.expectations] == ["fails"]


def test_a_check_of_a_value_that_a_compiled_function_keeps_to_itself_does_not_run():
    checks = {"late": "h.after + 1", "more": "late + 1", "seen": "t.after + x"}
    expect = {"late": [3.0, 5.0], "more": [4.0, 6.0], "seen": [3.0, 5.0]}
    outcomes = {
        backend: [
            one.outcome for one in run([f"backend={backend}"], **KEEPING, checks=checks, expect=expect).expectations
        ]
        for backend in ("eager", "aot_eager")
    }
    assert outcomes == {"eager": ["holds"] * 3, "aot_eager": ["not judged", "not judged", "holds"]}


@pytest.mark.parametrize(("expected", "outcome"), [({"step": "y"}, "holds"), ({"step": "backward"}, "fails")])
def test_the_step_of_an_expected_error_is_not_asked_for_where_a_compiler_runs_all_steps_as_one(expected, outcome):
    recipe = {"tensors": {"x": [0.5, 2.0]}, "steps": {"y": "F.binary_cross_entropy(x, x)"}}
    error = {"error": {**expected, "match": "between 0 and 1"}}
    (verdict,) = run_judged(plan_of(load_recipe({**recipe, "expect": error}, ["backend=aot_eager"])))[0].expectations
    assert verdict.outcome == outcome


def test_steps_that_differentiate_what_is_compiled_go_through_one_graph():
    recipe = {
        "tensors": {"w": {"data": [1.0, 2.0], "requires_grad": True}},
        "steps": {
            "a": "(w ** 2).sum()",
            "b": "w.exp().sum()",
            "slope": {"op": "grad", "args": ["a", "w"]},
            "other": {"op": "grad", "args": ["b", "w"]},
            "c": "w.sin().sum()",
            "bw": {"op": "backward", "args": ["c"]},
            "d": "w.cos().sum()",
        },
        "backward": "d",
    }
    eager, compiled = (run([f"backend={backend}"], **recipe) for backend in ("eager", "aot_eager"))
    assert all(compiled[name].equal(eager[name]) for name in ("slope", "other", "bw.w", "w.grad"))
