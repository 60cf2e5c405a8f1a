"""`--isolated`: each step judged alone where all values are within bounds, as accumulated noise can hide a fault."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tensorflow_free import cli, load_recipe, register_op, run_recipe
from tensorflow_free.asserting import assert_recipe
from tensorflow_free.cell.blaming import blamed
from tensorflow_free.cell.yardstick import KeptRuns
from tensorflow_free.composition.override_texts import as_override
from tensorflow_free.golden.recording import record
from tensorflow_free.judging.verdicts import Comparison
from tensorflow_free.sweep.cells import Cell
from tensorflow_free.sweep.rows import Row
from tensorflow_free.sweep.summary import Summary
from tensorflow_free.sweep.table import page_of
from tensorflow_free.sweep.trial import Trial
from tensorflow_free.text.drawing import text_of

RECIPE = """
tensors: {x: {init: randn, size: [32, 32], requires_grad: true}}
steps:
  far: x + 1e4
  near: far - 1e4
  y: {op: sin, args: [near]}
  total: y.sum()
backward: total
"""
WRONG = ("steps.y.op=hidden.off", "+reference={steps.y.op: sin}")
TOLD = "hidden: y (hidden.off, forward) is "
Typed = Callable[..., tuple[int, str, str]]


@register_op("hidden.off", replace=True)
def off(input: Tensor) -> Tensor:
    return torch.sin(input) * (1 + 3e-6)


class _Steep(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.sin(x)

    @staticmethod
    def backward(ctx, gradient):
        return gradient * torch.cos(ctx.saved_tensors[0]) * (1 + 3e-6)


@register_op("hidden.steep", replace=True)
def steep(input: Tensor) -> Tensor:
    return _Steep.apply(input)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    Path("hides.yaml").write_text(RECIPE)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str]) -> Typed:
    def type_in(*words: str) -> tuple[int, str, str]:
        main = cli.run_recipe_main if words[0] == "run-recipe" else cli.recipe_main
        code = cli._guarded(main, words[1:])
        return code, *capsys.readouterr()

    return type_in


def row_of(*words: str) -> Row:
    return Trial(None).row(Cell(0, "hides.yaml", tuple(map(as_override, words))))


# sweeps


def test_a_step_whose_fault_noise_hides_is_found_only_alone() -> None:
    assert row_of(*WRONG).outcome == "ok"
    row = row_of(*WRONG, "judge.isolated=true")
    # 3e-6 is 25 of float32's epsilons
    assert 15 < row.causes[0].noise < 60
    assert (row.outcome, row.place, row.code()) == ("mismatch", "y (hidden.off, forward)", 1)
    assert row.reason.startswith(TOLD)


def test_a_hidden_fault_of_a_gradient_names_the_step_that_hands_it_on() -> None:
    row = row_of("steps.y.op=hidden.steep", WRONG[1], "judge.isolated=true")
    assert (row.outcome, row.place) == ("mismatch", "near.grad (backward of y)")
    assert (row.where.direction, row.where.through) == ("backward", ("y",))


def test_a_right_cell_is_ok_alone_too() -> None:
    # of 1e4, which bfloat16 does not hold, its kernels take what it holds
    for dtype in ("float64", "float32", "bfloat16", "float16"):
        assert row_of(f"dtype={dtype}", "judge.isolated=true").outcome == "ok"


def test_the_table_tells_a_hidden_fault_once() -> None:
    text = text_of(page_of(Summary(None, [row_of(*WRONG, "judge.isolated=true")])))
    assert text.count("its noise") == 1
    assert f"\n  {TOLD}" in text


@pytest.mark.parametrize("key", ["y", "total"])
def test_a_mark_bears_a_hidden_fault_of_what_it_is_on(key: str) -> None:
    row = row_of(*WRONG, "judge.isolated=true", f"xfail=[{{reason: the moon is full, keys: [{key}]}}]")
    assert row.outcome == ("known fault" if key == "y" else "mismatch")


def test_a_step_that_stops_leaves_those_before_it_to_be_judged_alone() -> None:
    row = row_of(*WRONG, "judge.isolated=true", "steps.total={op: reshape, args: [y, [7]]}", "backward=null")
    assert (row.outcome, row.place) == ("mismatch", "y (hidden.off, forward)")


@pytest.mark.parametrize(
    "step", ["x - 0.1", "x + 10001", "x * 0.3", "torch.add(x, x, alpha=-1.001)", "(x * 0.7) ** 2.3"]
)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_a_plain_number_may_be_rounded_as_kernels_round_it(step: str, dtype: str) -> None:
    tensors = {"x": {"init": "tensor", "data": [0.1, 0.1, 0.1], "requires_grad": True}}
    recipe = {"tensors": tensors, "steps": {"y": step, "s": "y.sum()"}, "backward": "s"}
    loaded, kept = load_recipe(recipe, [f"dtype={dtype}"]), KeptRuns()
    found = blamed(recipe, [as_override(f"dtype={dtype}")], loaded, run_recipe(loaded), Comparison(()), kept)
    assert found.blame.culprits == ()


# the flags


def test_the_flag_of_a_sweep_asks_for_it_in_each_cell(typed: Typed) -> None:
    code, _, err = typed("run-recipe", "hides.yaml", "--isolated")
    assert (code, err) == (2, "flag '--isolated': it is for sweeps; add -m\n")
    code, _, err = typed("run-recipe", "--resume", "nowhere", "--isolated")
    assert (code, err) == (2, "flag '--isolated': a resumed sweep keeps the settings it began with\n")


def test_a_golden_is_verified_alone_too(typed: Typed) -> None:
    list(record(Path("hides.yaml")))
    words = ("verify", "hides.yaml", WRONG[0])
    assert typed("recipe", *words)[0] == 0
    code, out, _ = typed("recipe", *words, "--isolated")
    assert code == 1
    assert f"\n  {TOLD}" in out
    verified = json.loads(typed("recipe", *words, "--isolated", "--json")[1])["verifications"]
    assert [one["causes"][0]["code"] for one in verified] == ["hidden"]


def test_a_golden_of_which_nothing_is_wrong_is_ok_alone_too(typed: Typed) -> None:
    list(record(Path("hides.yaml")))
    assert typed("recipe", "verify", "hides.yaml", "dtype=float32,bfloat16,float64", "--isolated")[0] == 0


def test_a_test_fails_by_a_hidden_fault_with_a_golden_and_without() -> None:
    Path("expects.yaml").write_text(f"{RECIPE}judge: {{isolated: true}}\nexpect: {{y: {{shape: [32, 32]}}}}\n")
    assert_recipe("expects.yaml")
    text = Path("expects.yaml").read_text().replace("op: sin", "op: hidden.off")
    Path("expects.yaml").write_text(f"{text}reference: {{steps.y.op: sin}}\n")
    with pytest.raises(AssertionError, match="mismatch: hidden: y"):
        assert_recipe("expects.yaml")


# what is found


def beyond(op: Callable[[Tensor], Tensor], eps: float) -> Callable[[Tensor], Tensor]:
    def off_by_24(input: Tensor) -> Tensor:
        return op(input) * (1 + 24 * eps)

    return off_by_24


@pytest.mark.parametrize("op", ["exp", "sigmoid", "square", "sum", "relu"])
@pytest.mark.parametrize(("dtype", "far"), [("float32", 1e4), ("bfloat16", 64.0), ("float16", 512.0)])
def test_24_epsilons_are_found_alone_behind_a_step_that_loses_more(op: str, dtype: str, far: float) -> None:
    register_op("hidden.beyond", beyond(getattr(torch, op), torch.finfo(getattr(torch, dtype)).eps), replace=True)
    steps = {"near": f"x + {far} - {far}", "y": {"op": "hidden.beyond", "args": ["near"]}, "s": "y.sum()"}
    # of one sign, so that no sum cancels: 24 epsilons of one that does may be less than its noise
    recipe = {"tensors": {"x": {"init": "rand", "size": [64]}}, "steps": steps, "reference": {"steps.y.op": op}}
    loaded, kept = load_recipe(recipe, [f"dtype={dtype}"]), KeptRuns()
    found = blamed(recipe, [as_override(f"dtype={dtype}")], loaded, run_recipe(loaded), Comparison(()), kept)
    assert [(one.step, one.direction) for one in found.blame.culprits] == [("y", "forward")]
