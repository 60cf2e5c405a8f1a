"""The commands on the second device: sweeps in workers, its numbers, goldens of its own, recipes as tests."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tensorflow_free import cli

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[3]


@pytest.fixture
def linear(tmp_path, monkeypatch):
    """A folder with one recipe, in which the test runs."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "recipes" / "linear_autograd.yaml", "linear.yaml")
    return "linear.yaml"


def typed(command, *words):
    return cli._guarded({"run-recipe": cli.run_recipe_main, "recipe": cli.recipe_main}[command], words)


def test_a_sweep_over_its_devices_runs_in_workers_and_one_that_is_not_here_costs_its_cells(linear, capsys):
    settings = ["hydra.launcher.n_jobs=1", "hydra.sweep.dir=s", "--no-save"]
    assert typed("run-recipe", "-m", linear, "device=cpu,loom,loom:1,loom:7,npu", *settings) == 0
    rows = map(json.loads, Path("s/cells.jsonl").read_text(encoding="utf-8").splitlines())
    outcomes = {row["axes"]["device"]: row["outcome"] for row in rows}
    assert outcomes == {"cpu": "ok", "loom": "ok", "loom:1": "ok", "loom:7": "unavailable", "npu": "unavailable"}
    assert "there are 2 loom devices" in capsys.readouterr().out


def test_a_fault_of_it_is_found_and_no_other_device_is_blamed(linear, monkeypatch, capsys):
    monkeypatch.setenv("LOOM_WRONG", "mul")
    settings = ["hydra.launcher.n_jobs=1", "hydra.sweep.dir=s", "--no-save"]
    assert typed("run-recipe", "-m", linear, "device=cpu,loom:1", *settings) == 1
    said = capsys.readouterr().out
    assert "culprit wx (mul, forward)" in said
    assert "device=loom:1: 1 of 1 bad, at wx (mul, forward); device=cpu: all well." in said


def test_a_saved_run_of_it_is_blamed_and_once_its_fault_is_mended_by_what_it_recorded(linear, monkeypatch, capsys):
    monkeypatch.setenv("LOOM_WRONG", "mul")
    typed("run-recipe", linear, "device=loom:1", "hydra.run.dir=kept", "--quiet")
    assert typed("recipe", "blame", "kept") == 1
    said = capsys.readouterr().out
    assert "run again here, it gives the saved bits" in said
    assert "Culprit wx (mul, forward)" in said
    monkeypatch.delenv("LOOM_WRONG")
    assert typed("recipe", "blame", "kept") == 1
    said = capsys.readouterr().out
    assert "it gives other bits, so that what was saved is judged from its records alone" in said
    assert "Culprit wx (mul, forward)" in said


def test_a_golden_of_its_own_is_recorded_and_comes_before_the_one_for_all(linear, capsys):
    assert typed("recipe", "record", linear) == 0
    assert typed("recipe", "record", linear, "device=loom:1") == 0
    assert Path("linear.loom.golden.json").is_file()
    assert typed("recipe", "verify", linear, "device=cpu,loom,loom:1,npu") == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if "float32-" in line]
    assert [(line[2], line[-1]) for line in lines] == [
        ("float32-cpu", "linear.golden.json"),
        ("float32-loom", "linear.loom.golden.json"),
        ("float32-loom1", "linear.loom.golden.json"),
    ]


def test_a_case_that_its_golden_holds_and_the_recipe_has_not_is_told(linear, capsys):
    assert typed("recipe", "record", linear, "device=loom") == 0
    path = Path("linear.loom.golden.json")
    golden = json.loads(path.read_text(encoding="utf-8"))
    golden["cases"]["gone"] = golden["cases"][""]
    path.write_text(json.dumps(golden), encoding="utf-8")
    typed("recipe", "verify", linear, "device=loom")
    assert "holds its case 'gone', which the recipe does not have" in capsys.readouterr().out


def test_recipes_are_tests_on_it_and_skipped_on_a_device_that_is_not_here(pytester):
    shutil.copy(ROOT / "recipes" / "linear_autograd.yaml", pytester.path / "test_linear.yaml")
    done = pytester.runpytest_inprocess("-n0", "--recipe-device=loom:1,npu", "test_linear.yaml")
    done.assert_outcomes(passed=1, skipped=1)
