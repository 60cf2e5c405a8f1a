"""A red cell is blamed wherever it is judged: in a sweep, against its golden, in a test."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from tensorflow_free import cli, register_op
from tensorflow_free.asserting import failure_text
from tensorflow_free.cell import blaming_safely
from tensorflow_free.composition.override_texts import as_override
from tensorflow_free.files.opening import read_file
from tensorflow_free.golden import blamed_cases
from tensorflow_free.golden.recording import record
from tensorflow_free.golden.verifying import verify_case
from tensorflow_free.judging.culprits import Blame
from tensorflow_free.judging.verdicts import Comparison
from tensorflow_free.outcome.sentences import words
from tensorflow_free.sweep.cell_worker import CellWorker, judged_row
from tensorflow_free.sweep.cells import Cell
from tensorflow_free.sweep.csv_file import write_csv
from tensorflow_free.sweep.launch import Launch
from tensorflow_free.sweep.rows import Row, row_of
from tensorflow_free.sweep.summary import Summary
from tensorflow_free.sweep.table import page_of
from tensorflow_free.sweep.trial import Trial
from tensorflow_free.text.drawing import text_of
from tensorflow_free.workers import worker
from tensorflow_free.workers.worker import Lost

CASES = Path(__file__).parent / "cases"

calls = {"unsteady": 0}


@register_op("shown.off", replace=True)
def off(input: Tensor, other: Tensor) -> Tensor:
    return input * other * (1 + 1e-5)


@register_op("shown.unsteady", replace=True)
def unsteady(input: Tensor, other: Tensor) -> Tensor:
    calls["unsteady"] += 1
    return input * other * (1 + 1e-4 * calls["unsteady"])


@register_op("shown.infinite", replace=True)
def infinite(input: Tensor, instead: str) -> Tensor:
    found = input.square()
    return torch.where(found.isinf(), float(instead), found)


kept = {}


@register_op("shown.kept", replace=True)
def in_one_buffer(input: Tensor) -> Tensor:
    if input.dtype == torch.float64:
        return torch.nn.functional.silu(input)
    out = kept.setdefault("buffer", torch.empty_like(input))
    out.set_(torch.nn.functional.silu(input)) if out.shape != input.shape else out.copy_(
        torch.nn.functional.silu(input)
    )
    return out


@register_op("shown.zeros", replace=True)
def zeros(input: Tensor, other: Tensor) -> Tensor:
    return input * other * 0


@register_op("shown.drop", replace=True)
def drop(input: Tensor) -> Tensor:
    return input * (torch.rand_like(input) > 0.5) * 2


@register_op("shown.biased", replace=True)
def biased(input: Tensor, other: Tensor) -> Tensor:
    return input * other * (1 + 1.2e-7)


def trial_of(path: Path, folder: Path, *words: str):
    """The row of a cell, and its comparison as it is on disk."""
    told: list = []
    row = Trial(folder, judged=told.append).row(Cell(0, str(path), tuple(map(as_override, words)), folder="0"))
    comparison = Comparison.from_plain(json.loads(read_file(folder / "0/comparison.json")))
    return row, comparison.blame, told


def swapped(step: str, kernel: str, op: str) -> tuple[str, str]:
    return f"steps.{step}.op={kernel}", f"+reference={{steps.{step}.op: {op}}}"


def test_a_sweep_names_the_step_that_is_off_and_keeps_it(tmp_path):
    row, blame, told = trial_of(CASES / "amplify.yaml", tmp_path, *swapped("y", "shown.off", "mul"))
    assert [(one.step, one.direction) for one in blame.culprits] == [("y", "forward")]
    assert blame.right == ("scaled", "e", "total")
    assert [one.outcome for one in told] == [row.outcome] == ["mismatch"]


def test_the_table_the_row_and_the_csv_file_have_the_culprit(tmp_path):
    row, blame, _ = trial_of(CASES / "amplify.yaml", tmp_path, *swapped("y", "shown.off", "mul"))
    again = row_of(row.line())
    assert again.blame == replace(blame, steps=())
    text = text_of(page_of(Summary(None, [again])))
    assert "MISMATCH at y (shown.off, forward): 1 cell\n  culprit y (shown.off, forward), " in text
    write_csv([again], tmp_path / "sweep.csv")
    [line] = csv.DictReader((tmp_path / "sweep.csv").open())
    found = [line[key] for key in ("culprit", "culprit_op", "direction", "round", "shows_at")]
    assert found == ["y", "shown.off", "forward", "", blame.shows_at]
    assert (float(line["noise"]), float(line["amplified"])) == (blame.first.noise, blame.amplified)


def test_a_cell_is_shown_with_its_culprit(tmp_path, capsys):
    trial_of(CASES / "amplify.yaml", tmp_path, *swapped("y", "shown.off", "mul"))
    cli._guarded(cli.recipe_main, ["show", str(tmp_path / "0")])
    assert "\nCulprit y (shown.off, forward), " in capsys.readouterr().out


def test_a_cell_that_is_well_is_not_blamed(tmp_path):
    row, blame, told = trial_of(CASES / "amplify.yaml", tmp_path)
    assert (row.outcome, blame, told) == ("ok", None, [])


def test_what_a_known_fault_bears_is_not_blamed(tmp_path):
    marks = "+xfail=[{reason: known}]"
    row, blame, _ = trial_of(CASES / "amplify.yaml", tmp_path, *swapped("y", "shown.off", "mul"), marks)
    assert (row.outcome, blame) == ("known fault", None)


def test_an_error_while_the_culprit_is_looked_for_is_a_note(tmp_path, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("by\nzero")

    monkeypatch.setattr(blaming_safely, "blamed", broken)
    row, blame, _ = trial_of(CASES / "amplify.yaml", tmp_path, *swapped("y", "shown.off", "mul"))
    assert row.outcome == "mismatch"
    assert "the culprit was not found: ZeroDivisionError: by" in row.told
    assert blame.culprits == ()


def test_that_a_second_run_gives_other_numbers_is_told(tmp_path):
    row, _, _ = trial_of(CASES / "amplify.yaml", tmp_path, *swapped("y", "shown.unsteady", "mul"))
    assert any(one.startswith("a second run gave other numbers, first at y") for one in row.told)


def of_recipe(folder: Path, recipe: dict, *words: str):
    """As `trial_of`, of a recipe that is written first."""
    path = folder / "recipe.yaml"
    path.write_text(json.dumps(recipe))
    return trial_of(path, folder, *words)


X, W = ({"init": "rand", "size": [64], "requires_grad": True} for _ in range(2))
MUL = {"op": "mul", "args": ["x", "w"]}
LOOP = {
    "tensors": {"x": X, "w": {"init": "full", "size": [64], "fill_value": 1.01}},
    "steps": {"loop": {"repeat": 100, "carry": {"x": "h"}, "trace": ["h"], "steps": {"h": MUL}}, "y": "loop.h[-1] * 2"},
}


def test_two_culprits_are_both_named_the_first_first(tmp_path):
    steps = {"y": MUL, "e": "y.exp()", "z": {"op": "mul", "args": ["e", "w"]}, "s": "z.sum()"}
    recipe = {"tensors": {"x": X, "w": W}, "steps": steps, "backward": "s"}
    words = [*swapped("y", "shown.off", "mul"), *swapped("z", "shown.off", "mul")]
    row, blame, _ = of_recipe(tmp_path, recipe, *words)
    assert [one.step for one in blame.culprits] == ["y", "z"]
    assert row.place == "y (shown.off, forward)"
    assert "\n  culprit, too: z (shown.off, forward), " in text_of(page_of(Summary(None, [row])))


def test_in_repeat_the_first_bad_round_is_told(tmp_path):
    row, _, _ = of_recipe(tmp_path, LOOP, *swapped("loop.steps.h", "shown.off", "mul"), "steps.loop.repeat=3")
    assert "culprit h (shown.off, forward), in each of 3 rounds, " in text_of(page_of(Summary(None, [row])))
    assert (row.culprit.rounds, row.culprit.lengths) == ((1,), (3,))


def test_errors_that_add_up_and_that_no_step_explains_are_drift(tmp_path):
    row, blame, _ = of_recipe(tmp_path, LOOP, *swapped("loop.steps.h", "shown.biased", "mul"))
    assert (row.outcome, blame.culprits, blame.drift) == ("mismatch", (), True)
    assert "\n  drift: each step is right for its inputs\n" in text_of(page_of(Summary(None, [row])))


@pytest.mark.parametrize("instead", ["-inf", "nan"])
def test_an_infinity_of_the_other_sign_and_nan_are_no_overflow(instead, tmp_path):
    step = {"op": "shown.infinite", "args": ["x", {"str": instead}]}
    recipe = {"tensors": {"x": [1e30, 2.0]}, "steps": {"y": step}, "reference": {"steps.y": "x.square()"}}
    row, blame, _ = of_recipe(tmp_path, recipe)
    assert (row.outcome, [one.step for one in blame.culprits], blame.overflows) == ("mismatch", ["y"], ())


def test_what_steps_share_and_do_not_tell_is_not_called_drift(tmp_path):
    steps = {"a": "x * 1.0", "y": {"op": "shown.kept", "args": ["a"]}, "z": {"op": "shown.kept", "args": ["w"]}}
    own = {"steps.y.op": "F.silu", "steps.z.op": "F.silu"}
    row, blame, _ = of_recipe(tmp_path, {"tensors": {"x": X, "w": W}, "steps": steps, "reference": own})
    assert (row.outcome, blame.culprits, blame.drift) == ("mismatch", (), True)
    assert "\n  not found: each step is right for its inputs, and this is more" in text_of(
        page_of(Summary(None, [row]))
    )


def test_an_overflow_is_told_as_what_it_is(tmp_path):
    recipe = {"tensors": {"x": [12.0, 1.0]}, "steps": {"e": "x.exp()", "s": "e.sum()"}}
    row, blame, _ = of_recipe(tmp_path, recipe, "dtype=float16")
    assert (row.outcome, blame.drift, [one.step for one in blame.overflows]) == ("mismatch", False, ["e"])


def test_a_random_step_that_cannot_be_replayed_is_named_as_not_judged(tmp_path):
    recipe = {"tensors": {"x": X, "w": W}, "steps": {"d": {"op": "F.dropout", "args": ["x"]}, "y": MUL}}
    row, blame, _ = of_recipe(
        tmp_path, recipe, *swapped("y", "shown.off", "mul"), *swapped("d", "shown.drop", "F.dropout")
    )
    assert ([one.step for one in blame.culprits], blame.unjudged) == (["y"], ("d",))
    assert "\n  not judged alone: d\n" in text_of(page_of(Summary(None, [row])))


EXP = {"tensors": {"x": X}, "steps": {"y": {"op": "exp", "args": ["x"]}, "z": "y.sum()"}, "backward": "z"}


def test_a_result_of_another_shape_is_the_culprit_whatever_gradient_comes_to_it(tmp_path):
    register_op("shown.summed", replace=True)(lambda x: x.exp().sum(0, keepdim=True))
    row, _, _ = of_recipe(tmp_path, EXP, *swapped("y", "shown.summed", "exp"))
    told = "culprit y (shown.summed, forward): the shape is [1], and [64] in float64 of what it read"
    assert told in text_of(page_of(Summary(None, [row])))


def test_of_what_is_not_finite_nothing_is_said_to_be_amplified(tmp_path):
    register_op("shown.nan", replace=True)(lambda x: x.exp() * torch.tensor([torch.nan, *[1.0] * 63]))
    _, blame, _ = of_recipe(tmp_path, EXP, *swapped("y", "shown.nan", "exp"))
    assert ([one.step for one in blame.culprits], blame.amplified) == (["y"], None)


def test_an_operand_that_is_changed_unsaid_is_not_right_for_its_inputs(tmp_path):
    register_op("shown.spoils", replace=True)(lambda x: (torch.sigmoid(x), x.detach().mul_(1.01))[0])
    steps = {"h": "x * 2", "s": {"op": "sigmoid", "args": ["h"]}, "y": "h + 1"}
    row, blame, _ = of_recipe(tmp_path, {"tensors": {"x": X}, "steps": steps}, *swapped("s", "shown.spoils", "sigmoid"))
    assert (row.place, blame.right) == ("h (changed by s)", ("y",))


def test_a_second_run_that_stops_is_told(tmp_path):
    ran: list[int] = []

    def once(x: Tensor) -> Tensor:
        ran.append(1)
        if len(ran) > 1:
            raise RuntimeError("only once")
        return x.exp() * 1.01

    register_op("shown.once", once, replace=True)
    row, _, _ = of_recipe(tmp_path, EXP, *swapped("y", "shown.once", "exp"))
    assert any(one.startswith("the culprit was not found: a second run stopped at 'y': only once") for one in row.told)


STD = {
    "tensors": {"z": {"init": "randn", "size": [4096]}},
    "steps": {"x": "z + 10000", "s": "x.std()", "y": {"op": "mul", "args": ["x", "x"]}},
}


def test_what_amplifies_the_rounding_of_its_input_is_no_culprit(tmp_path):
    _, blame, _ = of_recipe(tmp_path, STD, "dtype=bfloat16", *swapped("y", "shown.zeros", "mul"))
    assert [one.step for one in blame.culprits] == ["y"]


@pytest.mark.parametrize("case", ["ln_sum", "lowp_false_alarm"])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_right_cells_are_green(case, dtype, tmp_path):
    row, blame, _ = trial_of(CASES / f"{case}.yaml", tmp_path, f"dtype={dtype}")
    assert (row.outcome in ("ok", "partly judged"), blame) == (True, None)


@pytest.fixture
def golden(tmp_path) -> Path:
    path = tmp_path / "amplify.yaml"
    path.write_text((CASES / "amplify.yaml").read_text())
    for _ in record(path):
        pass
    return path


def test_a_golden_that_is_red_is_blamed_by_its_own_float64_run(golden):
    found = verify_case(golden, "", ["steps.y.op=shown.off"])
    assert found.outcome == "mismatch"
    assert [one.step for one in found.comparison.blame.culprits] == ["y"]


def test_a_failure_in_a_test_begins_with_the_culprit(golden):
    first, second, *_ = failure_text(verify_case(golden, "", ["steps.y.op=shown.off"])).splitlines()
    assert first.startswith("mismatch: culprit y (shown.off, forward), ")
    assert " is the first value out of bounds: " in second


def test_where_no_step_of_a_golden_is_wrong_no_drift_is_told_but_that_the_golden_may_be(golden, monkeypatch):
    def drifting(*given, **_):
        return replace(given[4], blame=Blame(drift=True, judged=3))

    monkeypatch.setattr(blamed_cases, "blamed_safely", drifting)
    found = verify_case(golden, "", ["steps.y.op=shown.off"]).comparison
    assert not found.blame.drift
    assert "each step is right for its inputs, as float64 has it here: the golden has other numbers than that" in str(
        found.blame.told
    )


OWN = {
    "tensors": {"x": {"init": "rand", "size": [8]}, "w": {"init": "rand", "size": [8]}},
    "steps": {"y": {"op": "shown.changing", "args": ["x", "w"]}, "z": "y.exp()"},
}


@pytest.mark.parametrize(
    ("dtype", "why"),
    [
        ("float64", "the culprit was not found: float64 on the CPU"),
        ("float32", "'shown.changing' is an op of your own"),
    ],
)
def test_where_steps_are_held_against_themselves_no_drift_is_told_but_why(dtype, why, tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(json.dumps(OWN))
    register_op("shown.changing", replace=True)(lambda x, w: x * w)
    list(record(path))
    register_op("shown.changing", replace=True)(lambda x, w: x * w * 1.01)
    blame = verify_case(path, "", [f"dtype={dtype}"]).comparison.blame
    assert (blame.culprits, blame.drift) == ((), False)
    assert words(blame.notes[0]).startswith(why)


class Hanging:
    """A worker's process that has judged a cell and does not come back."""

    def __init__(self, row: Row) -> None:
        self.board = SimpleNamespace(said=lambda: None)
        self.said = iter([b"Sfinding the culprit\n", b"J" + row.line().encode(), None])

    def line(self, until: float) -> bytes | None:
        return next(self.said)

    def send(self, content: bytes) -> None: ...

    def end(self) -> None: ...

    def lines(self) -> list[str]:
        return []


def test_a_worker_that_is_lost_while_it_blames_loses_no_verdict(monkeypatch):
    row = Row(number=0, recipe="a.yaml", outcome="mismatch", reason="y: it is 1")
    monkeypatch.setattr(worker, "Child", lambda *_, **__: Hanging(row))
    with pytest.raises(Lost) as lost:
        CellWorker(Launch(cwd="."), {}).run(Cell(0, "a.yaml"), 3)
    judged = judged_row(lost.value)
    assert (judged.outcome, judged.reason) == ("mismatch", "y: it is 1")
    [told] = judged.told
    assert told == "the culprit was not found: took longer than 3 s (--timeout) while finding the culprit"
