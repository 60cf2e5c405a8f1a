"""Other launchers of Hydra's, each for real: joblib, submitit's local executor, Ray on a cluster of two nodes.

Each is an extra of its own, and no environment holds the newest of all three: what is not installed is skipped.
"""

from __future__ import annotations

import importlib.util
import json
import os
import pickle
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from tensorflow_free.errors import StorageError
from tensorflow_free.files.opening import read_file
from tensorflow_free.sweep import job_crew
from tensorflow_free.sweep.folder import SweepFolder
from tensorflow_free.sweep.jobs import Chunks
from tensorflow_free.sweep.preparation import sweep_recipe
from tensorflow_free.sweep.rows import Row
from tests.processes import finished

BIN = Path(sys.executable).parent
FILES = {
    "linear.yaml": "tensors: {x: {init: randn, size: [9]}, w: {init: randn, size: [9], requires_grad: true}}\n"
    "steps: {y: w * x, s: y.sum()}\nbackward: s\n",
    "overflow.yaml": "tensors: {x: {data: [1.0, 12.0], requires_grad: true}}\n"
    "steps: {e: x.exp(), s: e.sum()}\nbackward: s\n",
    "long.yaml": "tensors: {x: {init: rand, size: [1000000]}}\nsteps: {s: x.sum()}\n",
    "dying.yaml": "tensors: {x: {init: randn, size: [4]}}\nsteps: {y: {op: l_dies_in_float16, args: [x]}}\n",
    "ending.yaml": "tensors: {x: {init: randn, size: [4]}}\nsteps: {y: {op: l_ends_its_job_once, args: [x]}}\n",
    "ops.py": """
import os, pathlib, signal, time, torch
from tensorflow_free import register_op

def l_dies_in_float16(x):
    if x.dtype is torch.float16:
        os.abort()
    return x * 2

def l_ends_its_job_once(x):
    flag = pathlib.Path("ended")
    if x.dtype is torch.float32 and not flag.exists():
        flag.touch()
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
    return x * 2

register_op("l_dies_in_float16", l_dies_in_float16)
register_op("l_ends_its_job_once", l_ends_its_job_once)
""",
}
MIXED = (
    *("linear.yaml", "overflow.yaml", "long.yaml", "dying.yaml"),
    *("dtype=float64,float32,float16", "device=cpu,cuda", "--ops", "ops.py"),
)
ENDING = ("linear.yaml", "ending.yaml", "dtype=float64,float32", "--ops", "ops.py")
LAUNCHERS = {
    "joblib": "hydra_plugins.hydra_joblib_launcher",
    "submitit_local": "hydra_plugins.hydra_submitit_launcher",
    "ray": "hydra_plugins.hydra_ray_launcher",
}
"""Each launcher, and the module that it comes with."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Where a Ray cluster of two nodes is, begun in a folder that is no sweep's."""
    from ray.cluster_utils import Cluster

    with elsewhere(tmp_path_factory.mktemp("cluster")):
        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        with elsewhere(tmp_path_factory.mktemp("node")):
            made.add_node(num_cpus=1)
        made.wait_for_nodes(timeout=60)
        yield made.address
    finally:
        made.shutdown()


@pytest.fixture
def words(request, launcher):
    """What chooses a launcher on the command line."""
    if importlib.util.find_spec(LAUNCHERS[launcher]) is None:
        pytest.skip(f"{LAUNCHERS[launcher]} is not installed; it comes with an extra of this package")
    if launcher == "ray":
        return ["hydra/launcher=ray", f"hydra.launcher.ray.init.address={request.getfixturevalue('cluster')}"]
    return [f"hydra/launcher={launcher}"]


@contextmanager
def elsewhere(folder):
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def swept(folder, *arguments):
    """The exit code of `run-recipe` in a folder of its own, and what it says."""
    folder.mkdir(exist_ok=True)
    for name, text in FILES.items():
        (folder / name).write_text(text)
    environment = {name: text for name, text in os.environ.items() if name != "OMP_NUM_THREADS"}
    typed = [BIN / "run-recipe", *arguments]
    done = finished(*typed, cwd=folder, env=environment)
    return done.returncode, done.stdout, done.stderr


def rows(folder):
    """The rows of a sweep by their cells, but for how long each took."""
    lines = (folder / "out" / "cells.jsonl").read_text().splitlines()
    return sorted(({**json.loads(line), "seconds": 0} for line in lines), key=lambda row: row["number"])


def numbers(folder):
    """Every number that a sweep computed, as its bytes."""
    cells = [row["folder"] for row in rows(folder) if row["folder"]]
    return {cell: read_file(folder / "out" / cell / "tensors.safetensors") for cell in cells}


def files(folder):
    """What lies in a sweep's folder, but for the archives, of which each worker begins one of its own."""
    return {path.name for path in (folder / "out").iterdir() if not path.match("cells-*.tar.gz")}


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    """The sweep by the launcher of our own: its folder, and what it said."""
    folder = tmp_path_factory.mktemp("usual")
    return folder, swept(folder, "-m", *MIXED, "hydra.sweep.dir=out")


@pytest.mark.parametrize("launcher", ["joblib", "ray", pytest.param("submitit_local", marks=pytest.mark.full)])
def test_every_launcher_gives_the_same_table_rows_and_numbers(tmp_path, usual, words, launcher):
    folder, (code, table, _) = usual
    assert swept(tmp_path, "-m", *MIXED, "hydra.sweep.dir=out", *words)[:2] == (code, table)
    assert rows(tmp_path) == rows(folder)
    assert numbers(tmp_path) == numbers(folder)
    assert files(tmp_path) ^ files(folder) <= {".submitit"}
    assert SweepFolder(tmp_path / "out").document().launcher.name == launcher


def test_the_sweep_that_they_are_compared_by_has_every_outcome(usual):
    folder, (code, table, said) = usual
    assert (code, said) == (3, "")
    assert {row["outcome"] for row in rows(folder)} == {"ok", "mismatch", "crashed", "unavailable"}
    assert "24 cells: 9 ok, 1 crashed, 2 mismatch, 12 unavailable" in table
    assert len(numbers(folder)) >= 11


@pytest.mark.full
@pytest.mark.parametrize("launcher", ["joblib", "ray"])
def test_a_job_that_is_killed_costs_no_row_and_the_sweep_ends_as_an_unbroken_one(tmp_path, words, launcher):
    whole, folder = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    (whole / "ended").touch()
    expected = swept(whole, "-m", *ENDING, "hydra.sweep.dir=out")
    assert expected[::2] == (0, "")
    found = swept(folder, "-m", *ENDING, "hydra.sweep.dir=out", *words, "hydra.sweeper.cells_per_job=4")
    if launcher == "joblib":
        assert (found[0], [row["number"] for row in rows(folder)]) == (3, [0, 1, 2])
        assert "joblib: a job ended early: TerminatedWorkerError: " in found[2]
        assert "1 of 4 cells have not run" in found[2]
        found = swept(folder, "--resume", "out", "--ops", "ops.py")
    # Ray itself begins such a job anew
    assert (found[:2], rows(folder)) == (expected[:2], rows(whole))


@pytest.mark.parametrize("launcher", ["joblib"])
def test_a_launcher_that_cannot_begin_is_told_in_one_line(tmp_path, words, launcher):
    code, table, said = swept(tmp_path, "-m", "linear.yaml", "hydra.sweep.dir=out", *words, "hydra.launcher.n_jobs=0")
    assert (code, table) == (2, "")
    refusal, *_ = said.splitlines()
    assert refusal == "command line: Hydra refuses it: n_jobs == 0 in Parallel has no meaning"


@pytest.mark.parametrize("size", [0, -1])
def test_jobs_without_cells_are_refused(tmp_path, size):
    said = swept(tmp_path, "-m", "linear.yaml", "hydra/launcher=basic", f"hydra.sweeper.cells_per_job={size}")
    assert said == (
        2,
        "",
        f"hydra.sweeper.cells_per_job: '{size}' is not a number of cells; give an integer of at least 1\n",
    )
    assert not (tmp_path / "multirun").exists()


def test_jobs_find_the_folder_of_a_sweep_whatever_its_name_is(tmp_path):
    folder = tmp_path / "it's \\ 50 % ${here}"
    words = ["linear.yaml", "dtype=float64", "hydra.sweep.dir=out/${dtype}", "hydra/launcher=basic"]
    code, table, said = swept(folder, "-m", *words)
    assert (code, said) == (0, "")
    assert table.endswith("\nout/float64/sweep.json\n")
    assert {path.name for path in folder.iterdir()} == {*FILES, "out"}
    assert [path.name for path in (folder / "out").iterdir()] == ["float64"]


# a job, as a launcher calls it


JOB = OmegaConf.create({"chunk": 0})
"""The config of the first job."""


@pytest.fixture
def begun(tmp_path, no_worker_waits):
    """A sweep of which nothing has run, and what runs its one job."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    with elsewhere(tmp_path):
        sweep = sweep_recipe("dying.yaml", ["dtype=float64,float16"], folder="out", ops=["ops.py"])
        sweep.create()
    return sweep, Chunks(tmp_path / "out", 2, [str(tmp_path / "ops.py")], {})


def test_a_job_runs_its_cells_from_whatever_folder_it_is_in(begun, tmp_path_factory):
    with elsewhere(tmp_path_factory.mktemp("elsewhere")):
        here = Path.cwd()
        begun[1](JOB)
        assert Path.cwd() == here
        assert list(here.iterdir()) == []
    found = list(SweepFolder(begun[1].folder).rows())
    assert [(row.outcome, row.dtype) for row in found] == [("ok", "float64"), ("crashed", "float16")]


@pytest.fixture
def no_worker_waits():
    """No worker waits for a job, before and behind a test."""
    job_crew.end_waiting()
    yield
    job_crew.end_waiting()


def test_the_worker_of_a_job_runs_the_next_job_of_the_sweep_too(begun):
    one = replace(begun[1], size=1)
    environment = one(JOB)
    (worker,) = job_crew._waiting.values()
    assert (one(OmegaConf.create({"chunk": 1})), worker.is_there) == (environment, False)
    # it died in the cell that ends it, and another took its place only when there was something to do
    assert job_crew._waiting == {}


def test_a_worker_that_died_while_it_waited_runs_no_job(begun):
    one = replace(begun[1], size=1)
    one(JOB)
    (worker,) = job_crew._waiting.values()
    worker.kill()
    worker._child.process.wait()
    (begun[1].folder / "cells.0.jsonl").unlink()
    one(JOB)
    (other,) = job_crew._waiting.values()
    assert other is not worker


def test_a_job_runs_its_own_cells_only(begun):
    job = OmegaConf.create({"chunk": 1})
    replace(begun[1], size=1)(job)
    assert [row.number for row in SweepFolder(begun[1].folder, "cells.1.jsonl").rows()] == [1]
    # both its own and those of the other jobs are read, and none is left for a job behind the last
    assert replace(begun[1], size=2)(job) == {}


def test_a_job_has_the_environment_of_the_sweep_and_not_that_of_its_launcher(begun, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setenv("MKL_NUM_THREADS", "2")
    wanted = {"OMP_NUM_THREADS": None, "MKL_NUM_THREADS": None, "MKL_CBWR": "COMPATIBLE"}
    assert replace(begun[1], size=1, environment=wanted)(JOB)["num_threads"] == 1
    assert (os.environ["OMP_NUM_THREADS"], os.environ["MKL_NUM_THREADS"]) == ("2", "2")
    assert "MKL_CBWR" not in os.environ


def test_jobs_are_given_the_variables_that_are_set_where_the_sweep_begins(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("MKL_CBWR", raising=False)
    given = pickle.loads(pickle.dumps(Chunks(tmp_path, 1))).environment
    assert (given["OMP_NUM_THREADS"], given["MKL_CBWR"]) == ("3", None)


def kept(begun, *found):
    """The sweep's folder with the rows of a job that ended before its time."""
    folder = SweepFolder(begun[1].folder, "cells.0.jsonl")
    for number, outcome in found:
        folder.append(Row(number=number, recipe="dying.yaml", outcome=outcome))
    folder.close()
    return folder


def test_a_job_that_is_begun_anew_runs_only_what_has_no_row(begun):
    folder = kept(begun, (0, "not comparable"))
    assert begun[1](JOB)
    assert [(row.number, row.outcome) for row in folder.rows()] == [(0, "not comparable"), (1, "crashed")]
    assert begun[1](JOB) == {}


def test_a_job_of_a_sweep_that_ends_early_does_not_begin_behind_a_bad_cell(begun):
    sweep, chunks = begun
    folder = kept(begun, (0, "mismatch"))
    sweep.document.launcher.fail_fast = True
    folder.write(sweep.document)
    assert (chunks(JOB), len(list(folder.rows()))) == ({}, 1)


@pytest.mark.parametrize("missing", ["folder", "cwd"])
def test_a_job_on_a_machine_without_the_sweeps_folders_says_so(begun, missing):
    sweep, chunks = begun
    if missing == "folder":
        chunks = replace(chunks, folder=Path("/nowhere/out"))
    else:
        sweep.document.cwd = "/nowhere"
        SweepFolder(chunks.folder).write(sweep.document)
    with pytest.raises(StorageError, match=r"^/nowhere.*: (is not|does not exist here)"):
        chunks(JOB)
