"""A pack that is made on the CPU and checked in on the second device, where its recipes are not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tensorflow_free import cli
from tests.here import Here, HereChecked

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def packed(tmp_path, monkeypatch, capsys):
    """A folder with one pack, in which the test runs."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "recipes" / "attention.yaml", "attention.yaml")
    assert typed("recipe", "pack", "attention.yaml", "case=small", "dtype=float32", "-q") == 0
    Path("attention.yaml").rename("elsewhere.yaml")


def typed(command, *words):
    return cli._guarded({"run-recipe": cli.run_recipe_main, "recipe": cli.recipe_main}[command], words)


def rows(folder):
    return [json.loads(line) for line in Path(folder, "cells.jsonl").read_text(encoding="utf-8").splitlines()]


def test_a_fault_of_it_is_found_at_the_step_that_a_sweep_names_and_the_results_are_compared(monkeypatch, capsys):
    monkeypatch.setattr("tensorflow_free.sweep.pool.CellWorker", HereChecked)
    assert typed("recipe", "check-in", "cells.zip", "device=loom:1,npu", "--jobs", "1", "-o", "well") == 0
    assert [row["outcome"] for row in rows("well")] == ["ok", "unavailable"]
    monkeypatch.setenv("LOOM_WRONG", "_softmax")
    assert typed("recipe", "check-in", "cells.zip", "--device", "loom:1", "--jobs", "1", "-o", "bad") == 1
    assert "culprit weights (F.softmax, forward)" in capsys.readouterr().out
    monkeypatch.setattr("tensorflow_free.sweep.pool.CellWorker", Here)
    words = ["elsewhere.yaml", "case=small", "dtype=float32", "device=loom:1", "hydra.sweep.dir=swept", "-q"]
    assert typed("run-recipe", "-m", *words) == 1
    assert [row["where"] for row in rows("bad")] == [row["where"] for row in rows("swept")]
    assert typed("recipe", "compare", "bad/0", "well/0") == 1
    assert "It starts at weights (F.softmax, forward)." in capsys.readouterr().out


def test_an_abort_costs_one_cell_and_is_told(monkeypatch):
    monkeypatch.setenv("LOOM_ABORT", "_softmax")
    assert typed("recipe", "check-in", "cells.zip", "device=loom,cpu", "--jobs", "1", "-o", "back", "-q") == 3
    assert [row["outcome"] for row in rows("back")] == ["crashed", "ok"]
