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

TELLS = """
import torch
from tensorflow_free import register_op

def told(x: torch.Tensor) -> torch.Tensor:
    print("emptied", torch.loom.emptied())
    return x.exp()

register_op("told_emptied", told)
"""


@pytest.fixture
def recipes(tmp_path, monkeypatch):
    """A folder with recipes and their goldens; the second takes an `erf`, and the third a `tanh`."""
    monkeypatch.chdir(tmp_path)
    Path("recipes").mkdir()
    for name, op in {"a": "exp", "b": "erf", "c": "tanh", "d": "exp"}.items():
        Path(f"recipes/{name}.yaml").write_text(RECIPE.replace("OP", op))
        list(record(f"recipes/{name}.yaml"))


def test_an_abort_and_a_lost_device_each_cost_their_case(recipes, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LOOM_ABORT", "erf")
    monkeypatch.setenv("LOOM_LOST", "tanh")
    monkeypatch.setenv("LOOM_LOCK", str(tmp_path / "lock"))
    code = cli._guarded(cli.recipe_main, ["verify", "recipes", "device=cpu,loom:1", "--json"])
    found = {f"{one['recipe'][8]} {one['cell']}": one for one in json.loads(capsys.readouterr().out)["verifications"]}
    aborted, lost = found.pop("b float32-loom1"), found.pop("c float32-loom1")
    assert (code, aborted["outcome"], lost["outcome"]) == (3, "crashed", "failed")
    assert aborted["reason"] == "SIGABRT: it aborted itself while running the cell, at 'y' (erf)"
    assert "the device loom:1 was lost at step 'y' (steps.y)" in lost["reason"]
    assert "found by running it again" in lost["reason"]
    assert [one["outcome"] for one in found.values()] == ["ok"] * 6
    # this process has not taken the device, of which there can be one process
    assert torch.ones(1, device="loom:1").item() == 1


def test_the_worker_gives_the_memory_of_a_device_back_after_each_case(recipes, capsys):
    Path("ops.py").write_text(TELLS)
    for name in "ef":
        Path(f"recipes/{name}.yaml").write_text(RECIPE.replace("x.OP()", "{op: exp, args: [x]}"))
        list(record(f"recipes/{name}.yaml"))
    words = ["verify", "recipes/e.yaml", "recipes/f.yaml", "device=loom", "steps.y.op=told_emptied", "--ops", "ops.py"]
    assert cli._guarded(cli.recipe_main, words) == 0
    told = [int(line.split()[1]) for line in capsys.readouterr().out.splitlines() if line.startswith("emptied")]
    assert (told[0], told[-1]) == (0, 1)


def test_an_abort_on_the_device_fails_its_test_alone(recipes, tmp_path, pytester, monkeypatch):
    monkeypatch.setenv("LOOM_ABORT", "erf")
    Path("pytest.ini").write_text("[pytest]\n")
    monkeypatch.chdir(tmp_path)
    options = ("-p", "no:cacheprovider", "-n0", "--rootdir", tmp_path, "--recipe-device=loom:1")
    found = pytester.runpytest_inprocess(*options, "recipes/a.yaml", "recipes/b.yaml")
    found.assert_outcomes(passed=1, failed=1)
    found.stdout.fnmatch_lines(["crashed: SIGABRT: it aborted itself while running the cell, at 'y' (erf)"])
