"""What can happen to a worker, and what it costs: one cell, and nothing else."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest
import torch

from tensorflow_free import load_recipe, read_result, run_recipe
from tensorflow_free.errors import RecipeError, StorageError, TensorflowFreeError
from tensorflow_free.process import child
from tensorflow_free.sweep import pool
from tensorflow_free.sweep.cells import Cell
from tensorflow_free.sweep.lanes import Lane
from tensorflow_free.sweep.pool import Launch
from tensorflow_free.sweep.preparation import sweep_recipe
from tensorflow_free.workers.worker import Lost
from tests.processes import is_alive, started, waited

OPS = """
import ctypes, os, pathlib, signal, sys, time
from tensorflow_free import register_op

def op(act):
    def run(x):
        act()
        return x + 0
    register_op("w_" + act.__name__, run)
    return act

@op
def aborts(): print("about to abort", file=sys.stderr, flush=True); os.abort()
@op
def killed(): os.kill(os.getpid(), signal.SIGKILL)
@op
def crashes(): ctypes.string_at(0)
@op
def leaves(): os._exit(7)
@op
def exits(): raise SystemExit(5)
@op
def prints(): print("x" * 1_000_000); print("y" * 1_000_000, file=sys.stderr)
@op
def closes(): sys.stdin.close(); sys.stdout.close()
@op
def hangs(): pathlib.Path("hanging").touch(); time.sleep(1000)
@op
def clings(): pathlib.Path(f"clinging-{os.getpid()}").touch(); ctypes.PyDLL(None).sleep(1000)
@op
def threads():
    import torch
    assert torch.get_num_threads() == 1, torch.get_num_threads()
"""
RECIPE = "tensors: {x: {init: randn, size: [8, 8], requires_grad: true}}\nsteps: {y: {op: w_prints, args: [x]}, z: y.exp().sum()}\nbackward: z\n"
LINEAR = "tensors: {x: 2.0, w: {init: tensor, data: 3.0, requires_grad: true}}\nsteps: {y: w * x}\nbackward: y\n"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in {"ops.py": OPS, "one.yaml": RECIPE, "linear.yaml": LINEAR}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def swept(*words, recipe="one.yaml", **settings):
    sweep = sweep_recipe(recipe, words, folder="swept", ops=["ops.py"], **settings).run()
    return sweep, {row.number: row for row in sweep.rows}


def test_a_cell_whose_process_dies_takes_nothing_else_with_it(capfd):
    names = ["prints", "aborts", "killed", "prints", "crashes", "leaves", "exits", "closes", "threads"]
    sweep, rows = swept("steps.y.op=" + ",".join(f"w_{name}" for name in names), n_jobs=2)
    assert [rows[number].outcome for number in (0, 3, 7, 8)] == ["ok"] * 4
    said = {names[number]: row.reason.splitlines()[0] for number, row in rows.items() if row.is_bad}
    assert said == {
        "aborts": "SIGABRT: it aborted itself while running the cell",
        "killed": "killed (SIGKILL), perhaps because memory ran out while running the cell",
        "crashes": "SIGSEGV: it accessed memory that is not its own while running the cell",
        "leaves": "the process ended with exit code 7 while running the cell",
        "exits": "one.yaml:2:9: steps.y: 'w_exits' failed: it would have ended the process: SystemExit(5)",
    }
    assert rows[1].reason.splitlines()[1] == "  about to abort"
    assert (rows[1].device, rows[1].dtype, rows[1].backend, rows[1].axes) == (
        "cpu",
        "float32",
        "eager",
        {"steps.y.op": "w_aborts"},
    )
    assert (sweep.exit_code, sweep.is_well) == (3, False)
    assert capfd.readouterr() == ("", "")


def test_a_cell_that_hangs_is_ended_at_its_time_limit_also_where_it_clings_to_pythons_lock():
    _, rows = swept("steps.y.op=w_hangs,w_clings,w_prints", n_jobs=1, cell_timeout_s=2)
    assert [rows[number].outcome for number in range(3)] == ["timed out", "timed out", "ok"]
    assert rows[0].reason == "took longer than 2 s (--timeout) while running the cell, at 'y' (w_hangs)"


def test_a_worker_ends_when_its_parent_is_killed_also_where_its_cell_clings_to_pythons_lock(here):
    code = "from tensorflow_free.sweep.preparation import sweep_recipe; sweep_recipe('one.yaml', ['steps.y.op=w_clings'], ops=['ops.py']).run()"
    with started(sys.executable, "-c", code) as running:
        found = waited(lambda: list(here.glob("clinging-*")))
        worker = int(found[0].name.partition("-")[2])
        running.kill()
        running.wait()
        assert waited(lambda: not is_alive(worker))


def bits(value):
    return value.reshape(-1).view(torch.uint8).tolist()


def test_a_cell_in_a_worker_is_bit_equal_to_the_same_run_in_this_process():
    words = "dtype=float64,float32,bfloat16,float16"
    _, rows = swept(words, "seed=1,2", "steps.y.op=w_prints", n_jobs=2)
    assert [row.outcome for row in rows.values()] == ["ok"] * 8
    torch.set_num_threads(1)
    for row in rows.values():
        here = run_recipe(load_recipe(row.recipe, [*row.overrides, "steps.y.op=add", "steps.y.args=[x, 0]"]))
        there = read_result(Path("swept") / row.folder)
        for name in ("x", "z", "x.grad"):
            assert bits(here[name]) == bits(there[name])


def test_two_capabilities_each_have_a_process_of_their_own():
    best = torch.backends.cpu.get_cpu_capability().lower()
    _, rows = swept(f"settings.cpu_capability=default,{best},default,sve256,avx3", recipe="linear.yaml", n_jobs=1)
    assert [rows[number].outcome for number in range(5)] == ["ok", "ok", "ok", "unavailable", "refused"]
    stood = [read_result(Path("swept") / str(number)).environment.cpu_capability.lower() for number in range(3)]
    assert stood == ["default", best, "default"]
    assert rows[3].reason == f"this CPU has no 'sve256'; torch's best kernels for it are '{best}'"
    assert "'avx3' is not a setting of cpu_capability" in rows[4].reason


@pytest.mark.parametrize(
    ("text", "said"),
    [("1 / 0", "ZeroDivisionError"), ("from tensorflow_free import register_op\nregister_op('mul', abs)", "'mul'")],
)
def test_a_file_of_ops_that_does_not_load_ends_the_sweep_in_words(here, text, said):
    (here / "ops.py").write_text(text)
    with pytest.raises(RecipeError, match=r"ops\.py") as caught:
        swept(recipe="linear.yaml")
    assert said in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_a_worker_that_cannot_start_is_told_with_its_last_words(monkeypatch):
    monkeypatch.setattr(child, "_BOOT", "import sys; sys.exit('no torch today')")
    with pytest.raises(TensorflowFreeError, match=r"could not start: the process ended with exit code 1") as caught:
        swept(recipe="linear.yaml")
    assert "no torch today" in str(caught.value)


def test_a_machine_that_starts_no_more_processes_is_told(monkeypatch):
    def refused(*words, **more):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(child.subprocess, "Popen", refused)
    open_files = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(TensorflowFreeError, match=r"^a worker process could not start: Resource temporarily"):
        swept(recipe="linear.yaml")
    assert len(list(Path("/proc/self/fd").iterdir())) == open_files


def test_a_result_that_cannot_be_written_ends_the_sweep_and_its_rows_stay(here):
    sweep = sweep_recipe("linear.yaml", ["seed=1,2,3"], folder="swept", n_jobs=1)
    rows = iter(sweep)
    next(rows)
    (here / "swept" / "2").write_text("in the way")
    with pytest.raises(StorageError, match=r"swept/2"):
        list(rows)
    assert [row.number for row in sweep.rows] == [0, 1]
    assert json.loads((here / "swept" / "sweep.json").read_text())["finished"] is False


def test_an_error_of_ours_costs_one_cell_and_is_told_as_ours(monkeypatch):
    monkeypatch.setattr(pool, "compose", lambda *_: 1 / 0)
    launch = Launch(cwd=str(Path.cwd()))
    made = pool.Crew(launch, lambda row: None, lambda environment: None)
    worker = made._begun(None, Lane())
    worker._child.send(b"not json\n")
    with pytest.raises(Lost, match="exit code"):
        worker.run(Cell(0, "linear.yaml"), 20)
    made._dismiss(worker)


def test_a_worker_has_one_thread_unless_the_user_says_otherwise(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert pool.environment_of_worker(None, Lane())["OMP_NUM_THREADS"] == "1"
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    given = pool.environment_of_worker("avx2", Lane(variables={"CUDA_VISIBLE_DEVICES": "5"}))
    assert [given[name] for name in ("OMP_NUM_THREADS", "ATEN_CPU_CAPABILITY", "CUDA_VISIBLE_DEVICES")] == [
        "3",
        "avx2",
        "5",
    ]


@pytest.mark.parametrize("code", [-signal.SIGFPE, -signal.SIGTERM, -60, 0, None])
def test_every_end_of_a_process_has_words(code):
    assert child._ending(code)
