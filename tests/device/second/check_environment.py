"""What a run on the second device tells of it: in its result, in the row of a cell, in the report."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from tensorflow_free import cli, load_recipe, read_result, register_device, run_recipe
from tensorflow_free.composition.override_texts import as_override
from tensorflow_free.files.opening import read_file
from tensorflow_free.result import device_facts
from tensorflow_free.sweep.cells import Cell
from tensorflow_free.sweep.trial import Trial
from tensorflow_free.tensors import device_kinds

ROOT = Path(__file__).parents[3]
LINEAR = str(ROOT / "recipes" / "linear_autograd.yaml")


@pytest.fixture(autouse=True)
def asked_anew(monkeypatch):
    monkeypatch.setattr(device_kinds, "_KINDS", dict(device_kinds._KINDS))
    device_facts._lasting.cache_clear()
    device_facts._name.cache_clear()


def environment_on(*overrides):
    return run_recipe(load_recipe(LINEAR, list(overrides))).environment


def test_a_run_tells_the_device_that_it_used_and_all_of_its_kind():
    found = environment_on("device=loom:1")
    assert found.devices == ["Loom 0 of the tests", "Loom 1 of the tests"]
    (used,) = found.used
    assert (used.kind, used.index, used.name) == ("loom", 1, "Loom 1 of the tests")
    assert (used.memory_bytes, used.driver, used.versions["torch-loom"]) == (None, None, "1")
    assert used.precision == {"float32_matmul_precision": "highest"}


def test_each_device_that_values_lie_on_is_told_once_and_the_cpu_is_not():
    tensors = {"x": {"data": [1.0], "device": "loom:1"}, "w": {"data": [2.0], "device": "loom"}, "b": [3.0]}
    mixed = run_recipe(load_recipe({"tensors": tensors, "steps": {"y": "x.to('loom:0') * w"}})).environment
    assert [(one.kind, one.index) for one in mixed.used] == [("loom", 1), ("loom", 0)]
    assert (environment_on().used, environment_on().devices) == ([], [])


def test_what_a_vendor_registers_and_what_its_module_tells_stand_beside_it(monkeypatch):
    about = {"total_memory": 2**30, "name": "not asked for"}
    monkeypatch.setattr(torch.loom, "get_device_properties", lambda device: about, raising=False)
    register_device("loom", visible="LOOM_VISIBLE_DEVICES", versions=lambda: {"driver": 1.5, "shuttle": None})
    monkeypatch.setenv("LOOM_VISIBLE_DEVICES", "0,1")
    (used,) = environment_on("device=loom").used
    assert (used.memory_bytes, used.driver, used.versions["shuttle"]) == (2**30, "1.5", None)
    assert used.visible == {"LOOM_VISIBLE_DEVICES": "0,1"}


def test_a_module_that_fails_in_all_that_it_is_asked_costs_the_run_nothing(monkeypatch):
    def broken(*_):
        raise RuntimeError("the driver is gone")

    for name in ("get_device_name", "get_device_properties", "mem_get_info", "current_device"):
        monkeypatch.setattr(torch.loom, name, broken, raising=False)
    register_device("loom", versions=broken)
    found = environment_on("device=loom:1")
    assert found.devices == ["loom:0", "loom:1"]
    assert (found.used[0].kind, found.used[0].index, found.used[0].name) == ("loom", 1, None)


def test_the_precision_is_that_of_the_run(monkeypatch):
    monkeypatch.setattr(torch.backends, "loom", type("", (), {"allow_tf32": True}), raising=False)
    (used,) = environment_on("device=loom", "settings.float32_matmul_precision=high").used
    assert used.precision == {"float32_matmul_precision": "high", "loom.allow_tf32": "True"}


def test_a_saved_run_and_the_row_of_a_cell_tell_it_and_the_report_shows_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copy(LINEAR, "linear.yaml")
    cell = Cell(0, "linear.yaml", (as_override("device=loom:1"),), folder="0")
    (told,) = Trial(tmp_path).row(cell).devices
    assert read_result("0").environment.used == [told]
    assert json.loads(read_file(Path("0/result.json")))["environment"]["used"][0]["name"] == "Loom 1 of the tests"
    assert cli._guarded(cli.recipe_main, ["show", "0"]) == 0
    assert "loom:1: Loom 1 of the tests, torch-loom 1" in capsys.readouterr().out
