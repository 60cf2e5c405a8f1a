"""`recipe blame`: the culprit of a recipe, of a saved run, of a cell of a sweep; and of a run that cannot run here."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tensorflow_free import cli, load_recipe, register_op, run_recipe
from tensorflow_free.loading import plan_of
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.runner import run
from tensorflow_free.sweep.rows import Row
from tests.processes import succeeded

RECIPE = """
tensors:
  x: {init: rand, size: [100], requires_grad: true}
  w: {init: rand, size: [100], requires_grad: true}
steps:
  y: {op: mul, args: [x, w]}
  e: (y * 50).exp()
  total: e.sum()
backward: total
"""
READERS = """
tensors: {x: {init: rand, size: [64], requires_grad: true}}
steps: {a: x.sin(), b: {op: sigmoid, args: [x]}, c: x.exp(), d: a + b + c}
backward: {target: d, gradient: 0.5}
"""
WRONG = ("steps.y.op=blamed.off", "+reference={steps.y.op: mul}")
BIN = Path(sys.executable).parent
Typed = Callable[..., tuple[int, str, str]]


@register_op("blamed.off", replace=True)
def off(input: Tensor, other: Tensor) -> Tensor:
    return input * other * (1 + 1e-4)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    Path("amplify.yaml").write_text(RECIPE)
    Path("readers.yaml").write_text(READERS)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str]) -> Typed:
    def type_in(*words: str) -> tuple[int, str, str]:
        code = cli._guarded(cli.recipe_main, ["blame", *words])
        return code, *capsys.readouterr()

    return type_in


def saved(folder: str, recipe: str = "amplify.yaml", words: tuple[str, ...] = WRONG, **changed: Any) -> str:
    """A saved run, of whose records some are multiplied by something."""
    result = run_recipe(load_recipe(recipe, words))
    for name, factor in changed.items():
        result.records[name.replace("__", ".")].value.mul_(factor)
    result.save(folder)
    return folder


def from_elsewhere(folder: str, device: str = "cuda") -> str:
    """The folder as a machine with another device would have written it."""
    path = Path(folder, "recipe.yaml")
    path.write_text(f"{path.read_text()}device: {device}\n")
    written = json.loads(Path(folder, "result.json").read_text())
    written["device"] = device
    written["environment"]["torch"] = "2.9.0+cu126"
    Path(folder, "result.json").write_text(json.dumps(written))
    return folder


# a recipe


def test_a_recipe_of_which_nothing_is_wrong_ends_with_0(typed: Typed) -> None:
    code, out, _ = typed("amplify.yaml")
    assert code == 0
    assert re.search(
        r"Nothing is wrong: \d+ values compared, all within bounds; \d+ calls judged alone, none wrong", out
    )
    assert typed("amplify.yaml", "--quiet")[:2] == (0, "")


def test_the_page_names_the_culprit_its_place_what_it_read_and_how_far_it_is_off(typed: Typed) -> None:
    code, out, _ = typed("amplify.yaml", *WRONG)
    assert code == 1
    assert "Culprit y (blamed.off, forward), " in out
    assert "y (blamed.off, forward)  amplify.yaml:6:3: steps.y" in out
    assert "it read x: float32 [100]; w: float32 [100]" in out
    assert "right for their inputs: e_1, e, total" in out


def test_the_table_has_each_step_alone_beside_the_whole_chain(typed: Typed) -> None:
    rows = {tuple(line.split()[:4]): line for line in typed("amplify.yaml", *WRONG)[1].splitlines()}
    alone, chain = (float(word.rstrip("x").replace(",", "")) for word in rows["e", "exp", "forward", "e"].split()[4:6])
    assert alone < 1 < chain
    assert ("e", "exp", "backward", "e_1.grad") in rows


def test_json_has_the_whole_of_it(typed: Typed) -> None:
    code, out, _ = typed("amplify.yaml", *WRONG, "--json")
    found = json.loads(out)
    blame = found["comparison"]["blame"]
    assert (code, found["exit_code"], found["well"]) == (1, 1, False)
    assert found["places"]["y"] == "amplify.yaml:6:3: steps.y"
    assert [one["step"] for one in blame["culprits"]] == ["y"]
    assert {one["direction"] for one in blame["steps"]} == {"forward", "backward"}


def test_of_a_run_that_stops_what_it_made_is_blamed_and_without_a_culprit_it_ends_with_3(typed: Typed) -> None:
    stops = ("steps.total={op: reshape, args: [e, [7]]}", "backward=null")
    code, out, _ = typed("amplify.yaml", *stops)
    assert code == 3
    assert "'reshape' failed" in out
    code, out, _ = typed("amplify.yaml", *stops, *WRONG)
    assert code == 1
    assert "Culprit y (blamed.off, forward)" in out


def test_of_a_run_that_stops_nothing_before_that_is_wrong(typed: Typed) -> None:
    Path("stops.yaml").write_text("tensors: {x: [1.0, 2.0]}\nsteps: {y: x.exp(), z: 'y.view(3)'}\n")
    code, out, _ = typed("stops.yaml")
    assert (code, "Nothing before it is wrong: 1 value compared" in out, "Nothing is wrong" in out) == (3, True, False)


def test_the_table_has_nothing_in_the_chain_for_an_operand_that_a_step_changes(typed: Typed) -> None:
    Path("changed.yaml").write_text("tensors: {x: [1.0, 2.0]}\nsteps: {b: x.clone(), c: 'b.mul_(3)'}\n")
    rows = [line.split() for line in typed("changed.yaml")[1].splitlines()[-3:]]
    assert [row[:5] for row in rows] == [
        ["b", "clone", "forward", "b", "0"],
        ["c", "mul_", "forward", "c", "0"],
        ["c", "mul_", "forward", "b", "0"],
    ]
    assert [row[5:] for row in rows] == [["0", "rounding"], ["0", "rounding"], ["rounding"]]


def test_an_op_that_raises_when_it_runs_alone_costs_no_verdict(typed: Typed) -> None:
    calls: list[int] = []

    @register_op("blamed.twice", replace=True)
    def twice(input: Tensor) -> Tensor:
        calls.append(1)
        if len(calls) > 1:
            raise KeyError("once too often")
        return input.sigmoid()

    code, out, _ = typed("readers.yaml", "steps.b.op=blamed.twice", "+reference={steps.b.op: sigmoid}")
    assert code == 0
    assert "the culprit was not found: a second run stopped at 'b': 'once too often'" in out


# a saved run


def test_a_saved_run_is_run_again_and_its_culprit_is_placed_in_its_own_recipe(typed: Typed) -> None:
    code, out, _ = typed(saved("kept"))
    assert code == 1
    assert "run again here, it gives the saved bits" in out
    assert "y (blamed.off, forward)  kept/recipe.yaml:5:3: steps.y" in out
    assert typed("kept/result.json")[:2] == (code, out)


def test_a_run_with_as_many_threads_as_it_had_gives_the_saved_bits(typed: Typed) -> None:
    written = json.loads(Path(saved("kept", words=()), "result.json").read_text())
    written["environment"]["num_threads"] = 2
    Path("kept/result.json").write_text(json.dumps(written))
    assert "run again here, it gives the saved bits" in typed("kept")[1]
    assert torch.get_num_threads() == 1


def test_where_another_run_gives_other_bits_what_was_saved_is_judged(typed: Typed) -> None:
    code, out, _ = typed(saved("kept", words=(), y=1 + 1e-4))
    assert code == 1
    assert "it gives other bits, so that what was saved is judged from its records alone: y: " in out
    assert "Culprit y (mul, forward)" in out


def test_what_the_saved_run_started_from_is_what_its_steps_are_held_against(typed: Typed) -> None:
    plan = plan_of(load_recipe("amplify.yaml"))
    run(plan, given={"x": torch.full((100,), 0.5)})[0].save("kept")
    code, out, _ = typed("kept", "--json")
    assert code == 0
    assert [note["code"] for note in json.loads(out)["comparison"]["blame"]["notes"]] == ["same bits again"]


def test_a_saved_run_takes_only_overrides_by_which_it_stays_that_run(typed: Typed) -> None:
    code, _, err = typed(saved("kept"), "dtype=float64")
    assert code == 2
    assert "override 'dtype=float64': it makes another run of it, which only judge and reference do not" in err
    assert typed("kept", "judge.k=1e9", "reference={}")[0] == 0


OPS = """
from torch import Tensor
from tensorflow_free import register_op

@register_op("their.off")
def off(input: Tensor, other: Tensor) -> Tensor:
    return input * other * (1 + 1e-4)
"""


def test_a_run_of_a_process_with_other_kernels_is_blamed_with_these(capfd: pytest.CaptureFixture[str]) -> None:
    Path("ops.py").write_text(OPS)
    words = ("steps.y.op=their.off", WRONG[1], "--ops", "ops.py", "hydra.run.dir=kept", "--quiet")
    environment = {**os.environ, "ATEN_CPU_CAPABILITY": "default", "OMP_NUM_THREADS": "1"}
    succeeded(BIN / "run-recipe", "amplify.yaml", *words, env=environment)
    code = cli._guarded(cli.recipe_main, ["blame", "kept", "--ops", "ops.py"])
    out = capfd.readouterr().out
    assert code == 1
    assert "run again here, it gives the saved bits" in out
    assert "Culprit y (their.off, forward)" in out


def test_a_run_that_read_a_file_is_blamed_from_its_own_copy(typed: Typed) -> None:
    torch.save(torch.rand(100), "x.pt")
    Path("reads.yaml").write_text(RECIPE.replace("init: rand, size: [100]", "init: load, path: x.pt", 1))
    saved("kept", "reads.yaml")
    Path("x.pt").unlink()
    code, out, _ = typed("kept")
    assert code == 1
    assert "run again here, it gives the saved bits" in out


# a run from elsewhere


def test_a_run_whose_device_is_not_here_is_judged_by_its_records(typed: Typed) -> None:
    code, out, _ = typed(from_elsewhere(saved("kept", words=(), y=1 + 1e-4)))
    assert code == 1
    assert "it cannot run here ('cuda' is not available" in out
    assert "Culprit y (mul, forward)" in out


IN_PLACE = """
tensors: {x: {init: randn, size: [4, 4]}, w: {init: randn, size: [4]}}
steps: {row: "x[1]", filled: row.add_(w), column: "x[:, 0]", tenfold: column.mul_(10.0), y: x.exp()}
"""


def test_views_that_are_changed_read_by_records_what_the_run_had_there(typed: Typed) -> None:
    Path("in_place.yaml").write_text(IN_PLACE)
    code, out, _ = typed(from_elsewhere(saved("kept", "in_place.yaml", ())))
    assert code == 0, out
    assert "Nothing is wrong" in out


def test_what_was_not_recorded_makes_those_that_may_have_made_it_wrong_candidates(typed: Typed) -> None:
    code, out, _ = typed(from_elsewhere(saved("kept", words=("record=[e, total]",), e=1.5, total=1.5)))
    assert code == 1
    assert "One of these is wrong: e (mul, forward), e (*, forward), e (exp, forward)." in out


def test_what_is_no_tensor_leaves_the_bits_those_that_were_saved(typed: Typed) -> None:
    Path("words.yaml").write_text("tensors: {x: [1.0, 2.0]}\nsteps: {n: x.tolist(), y: x * 3, f: y.is_contiguous()}\n")
    code, out, _ = typed(saved("kept", "words.yaml", ()))
    assert (code, "it gives the saved bits" in out) == (0, True)


def test_of_a_gradient_that_several_steps_share_they_are_candidates(typed: Typed) -> None:
    code, out, _ = typed(from_elsewhere(saved("kept", "readers.yaml", (), x__grad=1.15)))
    assert code == 1
    assert "One of these is wrong: x.grad (backward of a), x.grad (backward of b), x.grad (backward of c)." in out
    assert "where it can, steps that share a gradient" in out


def test_a_run_from_elsewhere_of_which_nothing_is_wrong_ends_with_0(typed: Typed) -> None:
    assert typed(from_elsewhere(saved("kept", words=())))[0] == 0


# what the path may be


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "no recipe is named"),
        (("amplify.yaml", "readers.yaml"), "command line: 2 paths named; give one: a recipe, or the folder of a run"),
        (("amplifi.yaml",), "amplifi.yaml: there is no such file; did you mean 'amplify.yaml'?"),
        (("kepd",), "kepd: there is no such file or folder; did you mean 'kept'?"),
        (("kept",), "kept: is not a run's folder; there is no result.json in it"),
        (("amplify.yaml", "steps.y.op=mull"), "override 'steps.y.op=mull': steps.y.op: 'mull' is not an op; did you"),
    ],
)
def test_what_cannot_be_blamed_is_told_with_what_would_be_right(
    words: tuple[str, ...], told: str, typed: Typed
) -> None:
    Path("kept").mkdir()
    code, out, err = typed(*words)
    assert (code, out) == (2, "")
    assert told in err


def test_of_a_whole_sweep_the_cells_that_are_bad_are_told(typed: Typed) -> None:
    Path("swept").mkdir()
    Path("swept/sweep.json").touch()
    rows = [Row(number=0, recipe="a.yaml", outcome=Outcome.OK, folder="0")]
    rows += [Row(number=number, recipe="a.yaml", outcome=Outcome.MISMATCH, folder=str(number)) for number in (1, 2)]
    Path("swept/cells.jsonl").write_text("".join(one.line() for one in rows))
    told = "swept: it is a sweep; name one of its cells: swept/1 (mismatch), swept/2 (mismatch)"
    assert typed("swept") == (2, "", f"{told}\n")


def test_of_a_cell_that_left_no_result_its_outcome_is_told(typed: Typed) -> None:
    Path("swept").mkdir()
    Path("swept/sweep.json").touch()
    Path("swept/cells.jsonl").write_text(Row(number=3, recipe="a.yaml", outcome=Outcome.CRASHED).line())
    told = "swept/3: the cell left no result, it is 'crashed'; 'recipe table swept' tells why"
    assert typed("swept/3") == (2, "", f"{told}\n")
