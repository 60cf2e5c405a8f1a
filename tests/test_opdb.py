"""PyTorch's operator database: each of its samples, as a recipe, gives bit for bit what plain eager torch gives.

A few samples of each entry are run, in the entry's usual dtype; `--op-samples=all` runs all of them, `--op-dtypes=all`
in all dtypes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from opdb.bits import same_bits
from opdb.entries import ENTRIES
from opdb.exceptions import NOT_COVERED, REFUSED, WAVERING
from opdb.sharing import try_sharing
from opdb.trial import try_case, try_entry

from tensorflow_free import load_recipe, registry, run_recipe
from tensorflow_free.support.database import dtypes_of, usual_dtype
from tensorflow_free.support.sample_calls import SampleCall, SampleForm

NEWEST = torch.__version__.startswith("2.13.")
COUNTED = 702
"""The entries of torch 2.13."""

COMMON = [
    "add", "sub", "mul", "div", "exp", "log", "sin", "tanh", "sqrt", "matmul", "bmm", "sum", "mean", "cumsum", "softmax",
    "nn.functional.gelu", "nn.functional.relu", "nn.functional.layer_norm", "nn.functional.conv2d",
    "nn.functional.linear", "nn.functional.scaled_dot_product_attention",
]  # fmt: skip
HALVES = {"float16": torch.float16, "bfloat16": torch.bfloat16}


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """The samples are small: more threads would only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def wanted_dtypes(entry: Any, option: str) -> list[torch.dtype]:
    """The dtypes that the switch asks for, as far as the entry supports them."""
    if option == "usual":
        return [usual_dtype(entry)]
    listed = [str(dtype).removeprefix("torch.") for dtype in dtypes_of(entry)]
    return [getattr(torch, word) for word in (listed if option == "all" else option.split(",")) if word in listed]


@pytest.mark.timeout(900)  # what all samples of an entry in all dtypes may take
@pytest.mark.parametrize("name", ENTRIES)
def test_samples_give_the_bits_of_plain_torch(name: str, pytestconfig: pytest.Config) -> None:
    every = pytestconfig.getoption("--op-samples") == "all"
    dtypes = wanted_dtypes(ENTRIES[name], pytestconfig.getoption("--op-dtypes"))
    if not dtypes:
        pytest.skip("the entry supports none of the dtypes that --op-dtypes names")
    for dtype in dtypes:
        tally = try_entry(ENTRIES[name], dtype, every=every)
        assert tally.is_well is (name not in NOT_COVERED), (dtype, tally.counts, tally.reasons[:5])
        assert tally.counts["wavers"] == 0 or name in WAVERING
        assert tally.counts["refused"] == 0 or name in REFUSED


@pytest.mark.skipif(not NEWEST, reason="the database of another torch has other entries")
def test_all_entries_are_seen_and_the_exceptions_are_among_them() -> None:
    assert len(ENTRIES) == COUNTED
    assert ENTRIES.keys() >= NOT_COVERED.keys() | WAVERING.keys() | REFUSED.keys()
    assert len(NOT_COVERED) == 10


def test_the_page_gives_each_exception_with_its_reason() -> None:
    page = (Path(__file__).parent.parent / "docs" / "coverage.md").read_text(encoding="utf-8")
    assert [name for name, reason in NOT_COVERED.items() if f"| `{name}` | {reason} |" not in page] == []
    assert [name for name, reason in {**WAVERING, **REFUSED}.items() if f"- `{name}`: {reason}." not in page] == []


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("name", COMMON)
def test_half_precision_is_the_same_too(name: str, dtype: str) -> None:
    entry = ENTRIES.get(name) or next(entry for entry in ENTRIES.values() if entry.name == name)
    assert try_entry(entry, HALVES[dtype]).is_well


# the trial can fail


def case_of(function: Any, op: str, *args: Any) -> SampleCall:
    return SampleCall(ENTRIES["abs"], SampleForm("function", function, op), list(args), {})


def test_a_trial_that_holds_sin_against_cos_says_that_they_differ() -> None:
    x = torch.rand(3)
    assert try_case(case_of(torch.sin, "sin", x)).word == "alike"
    assert try_case(case_of(torch.sin, "cos", x)).word == "differs"


def test_a_trial_sees_another_gradient_of_the_same_value() -> None:
    zeros = torch.zeros(3, requires_grad=True)
    verdict = try_case(case_of(lambda x: torch.maximum(x, torch.zeros(3)), "relu", zeros))
    assert verdict.word == "differs"
    assert "t0.grad" in verdict.reason


def test_a_trial_sees_a_view_where_the_recipe_makes_a_copy() -> None:
    verdict = try_sharing(case_of(lambda x: x.view(-1), "clone", torch.rand(3)))
    assert verdict is not None
    assert verdict.word == "differs"


def test_a_trial_sees_bits_that_compare_equal() -> None:
    assert not same_bits(torch.tensor([0.0]), torch.tensor([-0.0]))
    assert same_bits(torch.tensor([torch.nan]), torch.tensor([torch.nan]))


def test_an_op_whose_sharing_nobody_knows_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    op = registry.find("view_as")
    assert op is not None
    blind = [dataclasses.replace(one, shares=()) for one in op.signatures]
    monkeypatch.setitem(registry._found, "view_as", dataclasses.replace(op, signatures=tuple(blind)))
    verdict = try_sharing(case_of(torch.Tensor.view_as, "view_as", torch.rand(4), torch.rand(2, 2)))
    assert verdict is not None
    assert verdict.word == "differs"


# op cases as vendors keep them: an op, and inputs of given strides and storage offsets


STRIDED = """
dtype: {dtype}
tensors:
  x: {{init: randn, size: [4, 6], stride: [1, 4], storage_offset: 3, requires_grad: true}}
  w: {{init: randn, size: [6, 5], stride: [8, 1], storage_offset: 2, requires_grad: true}}
steps:
  y: {{op: {op}, args: {args}}}
backward: {{target: y, gradient: {{init: ones}}}}
"""


def laid_out(values: torch.Tensor, stride: tuple[int, int], offset: int) -> torch.Tensor:
    """The values at these strides, in a storage of their own."""
    view = torch.zeros(200, dtype=values.dtype).as_strided(values.shape, stride, offset)
    return view.copy_(values).requires_grad_()


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize(
    ("op", "args"),
    [("matmul", "[x, w]"), ("softmax", "[x, 1]"), ("cumsum", "[w, 0]"), ("nn.functional.gelu", "[x]"), ("var", "[w]")],
)
def test_an_op_case_with_strides_and_offsets_is_the_same(tmp_path: Path, op: str, args: str, dtype: str) -> None:
    file = tmp_path / "case.yaml"
    file.write_text(STRIDED.format(op=op, args=args, dtype=dtype))
    result = run_recipe(load_recipe(file))
    torch.manual_seed(0)
    x, w = (torch.randn(size).to(getattr(torch, dtype)) for size in ((4, 6), (6, 5)))
    x, w = laid_out(x, (1, 4), 3), laid_out(w, (8, 1), 2)
    y = eval(f"torch.{op}({args[1:-1]})", {"torch": torch, "x": x, "w": w})
    y.backward(torch.ones(y.shape, dtype=y.dtype))
    assert (result.records["x"].stride, result.records["w"].stride) == ((1, 4), (8, 1))
    for name, expected in {"y": y, "x": x, "w": w, "x.grad": x.grad, "w.grad": w.grad}.items():
        assert expected is None if result[name] is None else same_bits(result[name], expected), name


def test_an_expanded_input_is_a_leaf_of_its_own_size(tmp_path: Path) -> None:
    file = tmp_path / "case.yaml"
    file.write_text(
        "tensors: {x: {init: randn, size: [3, 4], stride: [0, 1], requires_grad: true}}\n"
        "steps: {y: {op: prod, args: [x]}}\nbackward: y\n"
    )
    result = run_recipe(load_recipe(file))
    torch.manual_seed(0)
    leaf = torch.randn(3, 4)[:1].clone().requires_grad_()
    y = leaf.expand(3, 4).prod()
    y.backward()
    assert leaf.grad is not None
    assert same_bits(result["y"], y)
    assert same_bits(result["x.grad"], leaf.grad)
