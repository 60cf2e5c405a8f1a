"""Workers that share the second device: one process a device, the variable that is split, memory that is given back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from tensorflow_free.composition.override_texts import as_override
from tensorflow_free.sweep.cells import Cell
from tensorflow_free.sweep.preparation import sweep_recipe
from tensorflow_free.sweep.trial import Trial
from tensorflow_free.workers.serving import devices_told

ROOT = Path(__file__).parents[3]

SPLIT = """
import os, pathlib, time
from tensorflow_free import register_device, register_op

register_device("loom", visible="LOOM_VISIBLE_DEVICES")

@register_op("my.seen")
def seen(x):
    # runs until there is another, in another worker
    pathlib.Path("sees", os.environ["LOOM_VISIBLE_DEVICES"]).touch()
    until = time.monotonic() + 60
    while len(os.listdir("sees")) < 2 and time.monotonic() < until:
        time.sleep(0.02)
    return x + 0
"""


@pytest.fixture
def linear(tmp_path, monkeypatch):
    """A folder with one recipe, in which the test runs; each device takes one process at a time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOOM_LOCK", str(tmp_path / "lock"))
    shutil.copy(ROOT / "recipes" / "linear_autograd.yaml", "linear.yaml")
    return "linear.yaml"


def outcomes(sweep):
    return [row.outcome if not row.is_bad else row.reason for row in sorted(sweep, key=lambda row: row.number)]


def test_a_device_that_takes_one_process_has_one_worker_beside_those_of_the_cpu(linear):
    sweep = sweep_recipe(linear, ["seed=1,2", "device=cpu,loom,loom:1"], n_jobs=2, keep=False)
    assert outcomes(sweep) == ["ok"] * 6
    assert sweep.document.environment["devices"] == ["Loom 0 of the tests", "Loom 1 of the tests"]
    assert sweep.notes == []


@pytest.mark.usefixtures("linear")
def test_a_variable_that_is_registered_is_split_among_workers(monkeypatch):
    monkeypatch.setenv("LOOM_DEVICES", "4")
    monkeypatch.setenv("LOOM_VISIBLE_DEVICES", "3,1")
    Path("ops.py").write_text(SPLIT)
    Path("sees").mkdir()
    Path("seen.yaml").write_text("tensors: {x: 2.0}\nsteps: {y: my.seen(x)}\n")
    sweep = sweep_recipe("seen.yaml", ["seed=1,2", "device=auto"], ops=["ops.py"], keep=False)
    assert outcomes(sweep) == ["ok"] * 2
    # the first worker sees all that the user lets it see, and uses the first
    assert {path.name for path in Path("sees").iterdir()} == {"3,1", "1"}


def test_what_a_worker_tells_of_its_devices_takes_none_into_use(linear):
    told = json.loads(json.dumps(devices_told(["loom", "npu"])))
    shared = {"kind": "loom", "count": 2, "processes": 1, "variable": None, "values": []}
    assert told == {"best": "loom", "kinds": [shared]}
    assert not list(Path().glob("lock*"))


def test_its_memory_is_given_back_after_each_cell_that_used_it_and_after_no_other(linear, monkeypatch):
    trial = Trial(None)

    def emptied_by(*overrides):
        before = torch.loom.emptied()
        row = trial.row(Cell(0, linear, tuple(map(as_override, overrides))))
        return row.outcome, torch.loom.emptied() - before

    assert emptied_by("device=cpu") == ("ok", 0)
    assert emptied_by("device=loom:1") == ("ok", 1)
    assert emptied_by("tensors.b.device=loom") == ("ok", 1)
    monkeypatch.setenv("LOOM_MEMORY", "1")
    assert emptied_by("device=loom:1") == ("out of memory", 1)
