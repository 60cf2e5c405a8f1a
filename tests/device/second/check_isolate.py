"""Cases on the second device run in a worker process: one that is lost with its device, or aborts, costs itself alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tensorflow_free import cli
from tensorflow_free.golden.recording import record

pytest_plugins = ["pytester"]

RECIPE = "tensors: {x: {init: randn, size: [4], requires_grad: true}}\nsteps: {y: x.OP(), z: y.sum()}\nbackward: z\n"


@pytest.fixture
def recipes(tmp_path, monkeypatch):
    """A folder with three recipes and their goldens, of which the second takes an `erf`."""
    monkeypatch.chdir(tmp_path)
    Path("recipes").mkdir()
    for name, op in {"a": "exp", "b": "erf", "c": "tanh"}.items():
        Path(f"recipes/{name}.yaml").write_text(RECIPE.replace("OP", op))
        list(record(f"recipes/{name}.yaml"))


def outcomes(capsys, *words):
    """The exit code of `recipe verify`, and its outcomes by the recipe and the cell."""
    code = cli._guarded(cli.recipe_main, ["verify", "recipes", *words, "--json"])
    document = json.loads(capsys.readouterr().out)
    return code, {f"{one['recipe'][8]} {one['cell'][8:]}": one for one in document["verifications"]}


def test_an_abort_costs_its_case_and_the_device_stays_free_in_this_process(recipes, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LOOM_ABORT", "erf")
    monkeypatch.setenv("LOOM_LOCK", str(tmp_path / "lock"))
    code, found = outcomes(capsys, "device=cpu,loom:1")
    lost = found.pop("b loom1")
    assert (code, lost["outcome"]) == (3, "crashed")
    assert lost["reason"] == "SIGABRT: it aborted itself while running the cell, at 'y' (erf)"
    assert {one["outcome"] for one in found.values()} == {"ok"}
    assert len(found) == 5
    assert torch.ones(1, device="loom:1").item() == 1


def test_a_recording_that_aborts_is_refused_and_the_others_are_written(recipes, monkeypatch, capsys):
    monkeypatch.setenv("LOOM_ABORT", "erf")
    assert cli._guarded(cli.recipe_main, ["record", "recipes", "device=loom"]) == 3
    assert "crashed: SIGABRT: it aborted itself while recording the case" in capsys.readouterr().out
    assert sorted(path.name for path in Path("recipes").glob("*.loom.*")) == [
        "a.loom.golden.json",
        "c.loom.golden.json",
    ]


def test_a_lost_device_fails_its_test_and_the_next_has_it_again(recipes, tmp_path, pytester, monkeypatch):
    monkeypatch.setenv("LOOM_LOST", "erf")
    Path("pytest.ini").write_text("[pytest]\n")
    monkeypatch.chdir(tmp_path)
    options = ("-p", "no:cacheprovider", "-n0", "--rootdir", tmp_path, "--recipe-device=loom:1", "recipes")
    found = pytester.runpytest_inprocess(*options)
    found.assert_outcomes(passed=2, failed=1)
    found.stdout.fnmatch_lines(["*device-side assert*"])
    assert torch.ones(1, device="loom:1").item() == 1
