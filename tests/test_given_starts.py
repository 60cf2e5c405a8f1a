"""Runs that begin from the starting tensors of a saved run: `--starts`, and `values` of a tensor."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tensorflow_free import RecipeError, cli, load_recipe, read_result, run_recipe
from tensorflow_free.result.saved_runs import saved_starts
from tests.here import Here
from tests.processes import succeeded

RECIPE = """\
tensors:
  x: {init: randn, size: [4, 8], requires_grad: true}
  n: {init: randint, low: 0, high: 9, size: [8]}
  z: {init: ones_like, input: x, dtype: float64}
steps:
  y: (x * n + z).sum(1)
  d: F.dropout(y)
  s: d.sum()
backward: s
"""


@pytest.fixture(autouse=True)
def begun(tmp_path, monkeypatch):
    """A folder with a recipe and a run of it whose numbers nothing here draws."""
    monkeypatch.chdir(tmp_path)
    Path("r.yaml").write_text(RECIPE)
    run_recipe(load_recipe("r.yaml", ["seed=7"])).save("before")


def typed(command, *words):
    return cli._guarded({"run-recipe": cli.run_recipe_main, "recipe": cli.recipe_main}[command], words)


def told(*overrides, source="r.yaml"):
    with pytest.raises(RecipeError) as error:
        load_recipe(source, overrides)
    return str(error.value)


def test_a_run_begins_from_the_tensors_of_another_and_says_whose_they_are(capsys):
    assert typed("run-recipe", "r.yaml", "--starts", "before", "hydra.run.dir=after") == 0
    before, after = read_result("before"), read_result("after/result.json")
    assert all(torch.equal(before[name], after[name]) for name in ("x", "n", "z", "y"))
    document = json.loads(Path("after/result.json").read_text())
    assert document["starts"] == {"recipe": "r", "digest": saved_starts("before").digest}
    assert "starts from the tensors of r (sha256 " in capsys.readouterr().out
    assert str(Path.cwd()) not in Path("after/result.json").read_text()


def test_the_stored_recipe_of_such_a_run_gives_its_bits_again_random_steps_included():
    first = run_recipe(load_recipe("r.yaml", ["starts=before"]))
    first.save("after")
    again = run_recipe(load_recipe("after/recipe.yaml"))
    assert "starts" not in Path("after/recipe.yaml").read_text()
    assert all(torch.equal(first[name], again[name]) for name in ("d", "s", "x.grad"))


def test_random_steps_draw_what_they_draw_where_the_recipe_makes_its_tensors():
    plain, begun = run_recipe(load_recipe("r.yaml")), run_recipe(load_recipe("r.yaml", ["starts=before"]))
    assert torch.equal(plain["d"] == 0, begun["d"] == 0)
    assert not torch.equal(plain["x"], begun["x"])


def test_given_numbers_are_rounded_as_the_recipes_own_would_be():
    begun = run_recipe(load_recipe("r.yaml", ["starts=before", "dtype=bfloat16"]))
    assert torch.equal(begun["x"], read_result("before")["x"].bfloat16())
    assert (begun["n"].dtype, begun["z"].dtype) == (torch.int64, torch.float64)
    coarse = run_recipe(load_recipe("r.yaml", ["starts=before", "input_precision=float16"]))
    assert torch.equal(coarse["x"], read_result("before")["x"].half().float())


def test_what_does_not_fit_is_told_all_at_once():
    said = told("starts=before", "tensors.x.size=[4, 9]", "+tensors.v=1.0", "tensors.n.dtype=float32", "~tensors.z")
    lines = [line for line in said.splitlines() if "starts: " in line]
    assert [line.partition("starts: ")[2].partition(" of the run")[0] for line in lines] == ["'x'", "'n'", "'v'", "'z'"]
    assert "it has the shape [4, 8], and [4, 9] in the recipe" in said
    assert "it is int64, and float32 in the recipe" in said
    assert "it is not among the tensors in its folder" in said
    assert "the recipe has no tensor of this name" in said


def test_a_run_that_does_not_hold_its_numbers_says_what_to_do():
    path = Path("before/result.json")
    document = json.loads(path.read_text())
    document["values"][0] |= {"stored": None, "unstored": "no memory"}
    path.write_text(json.dumps(document))
    assert "its numbers are not in the folder (no memory); run it again with record=all" in told("starts=before")


def test_what_is_not_the_folder_of_a_run_is_told_beside_all_else():
    Path("swept").mkdir()
    Path("swept/sweep.json").write_text("{}")
    said = told("starts=nowhere", "dtype=half")
    assert "starts: nowhere: is not a run's folder; there is no result.json in it" in said
    assert "'half' is not a dtype" in said
    assert "name that of one of its cells, such as swept/0" in told("starts=swept")


def test_a_file_cannot_say_which_run_it_begins_from_and_nor_can_a_reference():
    Path("r.yaml").write_text("starts: before\n" + RECIPE)
    assert "r.yaml:1:1: starts: 'starts' names a run that lies anywhere" in told()
    Path("r.yaml").write_text("reference: {starts: before}\n" + RECIPE)
    assert "reference.starts: a reference starts from the cell's own numbers" in told()


def test_a_sweep_its_references_and_its_files_begin_from_the_run(monkeypatch):
    monkeypatch.setattr("tensorflow_free.sweep.pool.CellWorker", Here)
    settings = ["hydra.sweep.dir=s", "hydra.launcher.n_jobs=1", "-q"]
    assert typed("run-recipe", "-m", "r.yaml", "--starts", "before", "dtype=float32,bfloat16", *settings) == 0
    cells = [read_result(f"s/{number}") for number in range(2)]
    assert torch.equal(cells[0]["x"], read_result("before")["x"])
    assert torch.equal(cells[1]["x"], read_result("before")["x"].bfloat16())
    assert {cell.starts.digest for cell in cells} == {saved_starts("before").digest}


def test_a_golden_recorded_from_a_run_verifies_keeps_its_numbers_and_refuses_others(capsys):
    assert typed("recipe", "record", "r.yaml", "--starts", "before") == 0
    golden = Path("r.golden.json").read_bytes()
    assert json.loads(golden)["cases"][""]["starts_from"]["digest"] == saved_starts("before").digest
    assert typed("recipe", "verify", "r.yaml", "--starts", "before", "dtype=float32,bfloat16") == 0
    assert typed("recipe", "record", "r.yaml") == 0
    assert Path("r.golden.json").read_bytes() == golden
    run_recipe(load_recipe("r.yaml")).save("drawn")
    capsys.readouterr()
    assert typed("recipe", "verify", "r.yaml", "--starts", "drawn") == 2
    assert "the golden was recorded from other numbers of 'x' than the run has" in capsys.readouterr().out


def test_a_golden_whose_run_does_not_fit_any_more_is_not_recorded_from_other_numbers(capsys):
    assert typed("recipe", "record", "r.yaml", "--starts", "before") == 0
    Path("r.yaml").write_text(RECIPE.replace("[4, 8]", "[5, 8]"))
    assert typed("recipe", "record", "r.yaml") == 3
    assert "give --starts RUN, or delete the golden" in " ".join(capsys.readouterr().out.split())


def test_the_values_of_a_tensor_are_read_below_the_recipes_folder_alone(tmp_path):
    save_file({"x": torch.ones(4, 8)}, tmp_path / "x.safetensors")
    recipe = RECIPE.replace("size: [4, 8]", "size: [4, 8], values: x.safetensors")
    Path("r.yaml").write_text(recipe)
    assert torch.equal(run_recipe(load_recipe("r.yaml"))["x"], torch.ones(4, 8))
    Path("r.yaml").write_text(recipe.replace("x.safetensors", "../x.safetensors"))
    assert "tensors.x.values: '../x.safetensors' lies outside the recipe's folder" in told()


SAME = {
    "rand": {"init": "rand", "size": [400]},
    "bernoulli": {"init": "bernoulli", "size": [400]},
    "randint": {"init": "randint", "high": 9, "size": [400]},
    "randperm": {"init": "randperm", "n": 400},
    "arange": {"init": "arange", "end": 40.0, "step": 0.1},
    "literal": {"data": [0.1, 0.2]},
    "few": {"init": "randn", "size": [15]},
}
OTHER = {
    "randn": {"init": "randn", "size": [400]},
    "kaiming_normal": {"init": "kaiming_normal", "size": [20, 20]},
    "xavier_uniform": {"init": "xavier_uniform", "size": [20, 20]},
    "linspace": {"init": "linspace", "start": 0, "end": 1, "steps": 400},
}


@pytest.mark.skipif(torch.backends.cpu.get_cpu_capability() == "DEFAULT", reason="this CPU has one capability alone")
def test_what_the_page_says_of_two_machines_holds_under_another_capability_of_the_cpu():
    Path("i.json").write_text(json.dumps({"tensors": SAME | OTHER, "steps": {"m": "F.dropout(rand)"}}))
    code = (
        "import json; from tensorflow_free import *; run_recipe(load_recipe(json.load(open('i.json')))).save('other')"
    )
    succeeded(sys.executable, "-c", code, env={**os.environ, "ATEN_CPU_CAPABILITY": "default"})
    here, there = run_recipe(load_recipe(json.loads(Path("i.json").read_text()))), read_result("other")
    differing = {name for name in here if not torch.equal(here[name], there[name])}
    assert differing == set(OTHER)
    begun = run_recipe(load_recipe(json.loads(Path("i.json").read_text()), ["starts=other"]))
    assert all(torch.equal(begun[name], there[name]) for name in begun)
