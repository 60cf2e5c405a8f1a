"""What changes while it is used: files that are written while they are read, folders that two are told, the clock."""

from __future__ import annotations

import datetime as dt
import itertools
import os
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from tensorflow_free import load_recipe, read_result, run_recipe
from tensorflow_free.errors import RecipeError, StorageError
from tensorflow_free.files import new_folders
from tensorflow_free.golden import recording
from tensorflow_free.golden.recording import record
from tensorflow_free.result.writing import RunFolder
from tensorflow_free.sweep import pool
from tensorflow_free.sweep.preparation import resume_sweep, sweep_recipe
from tensorflow_free.tensors import tensor_files as files
from tests.here import Here

LOADS = "tensors: {x: {init: from_numpy, path: x.npy}}\nsteps: {y: x * 2}\n"
PLAIN = "tensors: {x: 3.0}\nsteps: {y: x * 2}\n"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pool, "CellWorker", Here)
    monkeypatch.setattr(Here, "ran", [])
    Path("loads.yaml").write_text(LOADS)
    Path("plain.yaml").write_text(PLAIN)
    np.save("x.npy", np.arange(3.0))
    return tmp_path


# files that are read


def written(path, content):
    """Write a file in place, as no one should, so that its time is another."""
    Path(path).write_bytes(content)
    os.utime(path, ns=(0, time.time_ns() + 10**9))


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".safetensors", ".pt"])
def test_a_file_that_is_written_while_it_is_read_is_refused(monkeypatch, suffix):
    def read(file, key, name):
        written(f"x{suffix}", b"half")
        return torch.zeros(3)

    monkeypatch.setitem(files._READERS, suffix, read)
    Path("x.npy").rename(f"x{suffix}")
    Path("loads.yaml").write_text(LOADS.replace("x.npy", f"x{suffix}"))
    with pytest.raises(RecipeError, match="it changed while it was read; try again when it is complete"):
        load_recipe("loads.yaml")


def test_values_are_those_that_were_read_whatever_becomes_of_the_file():
    from safetensors.torch import save_file

    save_file({"x": torch.arange(3.0)}, "x.safetensors")
    Path("loads.yaml").write_text(LOADS.replace("x.npy", "x.safetensors"))
    recipe = load_recipe("loads.yaml")
    content = Path("x.safetensors").read_bytes()
    with Path("x.safetensors").open("r+b") as file:
        file.write(b"\0" * len(content))
    assert run_recipe(recipe)["y"].tolist() == [0, 2, 4]


@pytest.mark.parametrize("change", [lambda: written("x.npy", b"other"), lambda: Path("x.npy").unlink()])
def test_a_result_whose_file_has_changed_is_kept_and_the_file_is_not(change):
    result = run_recipe(load_recipe("loads.yaml"))
    change()
    with pytest.raises(StorageError, match=r"x\.npy: has changed since the recipe read it, so that kept keeps no copy"):
        result.save("kept")
    assert read_result("kept")["y"].tolist() == [0, 2, 4]
    assert list(Path("kept/inputs").iterdir()) == []


@pytest.mark.parametrize("file", ["x.npy", "loads.yaml"])
def test_a_recipe_that_changes_while_it_is_recorded_is_not(monkeypatch, file):
    def run(*arguments, **more):
        other = {"x.npy": b"\x93NUMPY other", "loads.yaml": LOADS.replace("2", "3").encode()}
        written(file, other[file])
        return true_run(*arguments, **more)

    true_run = recording.run
    monkeypatch.setattr(recording, "run", run)
    (one,) = record("loads.yaml")
    assert one.did == "refused"
    assert "changed while it was recorded; record it again" in one.reason or "x.npy" in one.reason
    assert not Path("loads.golden.json").exists()


def test_a_recipe_that_changes_while_its_sweep_runs_is_told(monkeypatch):
    sweep = sweep_recipe("plain.yaml", ["seed=1,2"], folder="kept", n_jobs=1)
    for _ in sweep:
        Path("plain.yaml").write_text(PLAIN.replace("2", "4"))
    assert "plain.yaml: the recipe has changed since the sweep began; 'steps.y' differs" in sweep.notes[0]
    assert sweep.notes[0].endswith("as its cells may not be alike")


def test_a_file_that_changes_while_a_sweep_runs_costs_no_row_and_is_told(monkeypatch):
    sweep = sweep_recipe("loads.yaml", ["seed=1,2"], folder="kept", n_jobs=1)
    true_save = RunFolder.packed
    monkeypatch.setattr(RunFolder, "packed", lambda *args, **more: (written("x.npy", b"x"), true_save(*args, **more)))
    first, second = sweep
    assert (first.outcome, second.outcome) == ("ok", "refused")
    assert "x.npy: has changed since the recipe read it, so that" in first.told[0]
    assert "x.npy: has changed since the recipe read it" in sweep.table()


# folders that two are told


def test_of_two_sweeps_that_begin_in_one_folder_the_second_is_refused():
    first, second = (sweep_recipe("plain.yaml", ["seed=1,2"], folder="kept", n_jobs=1) for _ in range(2))
    first.create()
    before = Path("kept/sweep.json").read_bytes()
    with pytest.raises(RecipeError, match="the folder 'kept' holds something already; name one that is new or empty"):
        second.create()
    assert Path("kept/sweep.json").read_bytes() == before
    assert sorted(path.name for path in Path("kept").iterdir()) == ["sweep.json"]


def test_a_sweep_that_another_process_is_at_work_on_is_told():
    sweep_recipe("plain.yaml", ["seed=range(3)"], folder="kept", n_jobs=1).create()
    rows = iter(resume_sweep("kept"))
    next(rows)
    with pytest.raises(StorageError, match="kept: another process is at work on this sweep; wait for it, or end it"):
        list(resume_sweep("kept"))
    assert len(list(rows)) == 2


def test_who_waited_for_another_runs_no_cell_again():
    sweep_recipe("plain.yaml", ["seed=range(3)"], folder="kept", n_jobs=1).create()
    first, second = resume_sweep("kept"), resume_sweep("kept")
    first.run()
    assert [row.outcome for row in second] == ["ok"] * 3
    assert sorted(Here.ran) == [0, 1, 2]


def test_two_runs_that_are_told_one_folder_leave_one_whole_result():
    results = [run_recipe(load_recipe({"tensors": {"x": x}, "steps": {"y": "x + 1"}})) for x in (1.0, [2.0, 3.0])]
    for result in results:
        result.save("kept")
    assert read_result("kept")["y"].tolist() == [3, 4]
    assert sorted(path.name for path in Path().iterdir() if path.name.startswith(".")) == []


# the clock


def test_a_clock_that_goes_back_makes_no_two_folders_one_and_no_time_negative(monkeypatch):
    days = itertools.count(60, -1)

    class Clock(dt.datetime):
        @classmethod
        def now(cls, tz=None):
            return dt.datetime(2026, 1, 1, tzinfo=tz) + dt.timedelta(days=next(days) // 2)

    monkeypatch.setattr(new_folders, "datetime", Clock)
    seconds = itertools.count(10**9, -1000)
    monkeypatch.setattr(time, "time", lambda: float(next(seconds)))
    monkeypatch.setattr(time, "time_ns", lambda: next(seconds) * 10**9)
    assert len({new_folders.moment() for _ in range(20)}) == 20
    result = run_recipe(load_recipe("plain.yaml"))
    assert all(value >= 0 for value in result.timings.model_dump().values() if isinstance(value, float))
    rows = sweep_recipe("plain.yaml", ["seed=range(3)"], folder="kept", n_jobs=1).run().rows
    assert [row.outcome for row in rows] == ["ok"] * 3
    assert all(row.seconds >= 0 for row in rows)
