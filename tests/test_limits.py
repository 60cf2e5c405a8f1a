"""The limits of the command line: a run or a cell that goes over one is ended, and a result says at which step."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tensorflow_free import cli, read_result
from tensorflow_free.commands.run_flags import run_flags
from tensorflow_free.errors import RecipeError
from tensorflow_free.process.board import SLOT, Board, packed
from tensorflow_free.process.limits import Limits, kills_for_memory, resident
from tensorflow_free.sweep.preparation import sweep_recipe

OPS = """
import ctypes, mmap, os, signal, sys, time, torch
from tensorflow_free import register_op

def hangs(x):
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGXCPU])
    ctypes.PyDLL(None).sleep(1000)

def naps(x):
    time.sleep(0.01)
    return x + 0

def crashes(x): ctypes.string_at(0)

def leaves(x): os._exit(0)

def grows(x):
    shared = mmap.mmap(-1, 1 << 30)
    for start in range(0, 1 << 30, 4096):
        shared[start] = 1
    time.sleep(1000)

def asks(x): return torch.empty(1 << 40, dtype=torch.uint8)

for op in (hangs, naps, crashes, leaves, grows, asks):
    register_op("m." + op.__name__, op)
"""
RECIPE = """
tensors: {x: {data: [1.0, 2.0], requires_grad: true}}
steps:
  a: x * 2
  y: {op: m.naps, args: [a]}
  s: y.sum()
backward: s
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ops.py").write_text(OPS)
    (tmp_path / "one.yaml").write_text(RECIPE)
    return tmp_path


def run(*words):
    """The exit code and the result of a run, whose process is ended with it."""
    code = cli._guarded(cli.run_recipe_main, [*words, "--ops", "ops.py", "hydra.run.dir=out"])
    return code, read_result("out")


# a plain run


def test_a_run_within_its_limits_is_as_one_without(capfd):
    code, result = run("one.yaml", "--timeout", "60", "--max-memory=4")
    assert (code, result.is_well, result["x.grad"].tolist()) == (0, True, [2.0, 2.0])
    out, err = capfd.readouterr()
    assert (out.rstrip().endswith("result.json"), err) == (True, "")


def test_a_step_that_never_comes_back_is_ended_and_named(capfd):
    code, result = run("one.yaml", "steps.y.op=m.hangs", "--timeout", "3")
    assert (code, result.error.step, result.error.type) == (3, "y", "TimedOut")
    assert result.error.message == "timed out: it took longer than 3 s (--timeout)"
    assert (result.error.file, result.error.path) == (
        "override 'steps.y.op=m.hangs'",
        "steps.y",
    ) or result.error.line == 5
    assert "'m.hangs' failed: timed out: it took longer than 3 s (--timeout)" in capfd.readouterr().out
    assert not list(Path("out").glob(".*-*"))


def test_steps_that_go_on_for_ever_are_stopped_with_the_values_so_far():
    Path("one.yaml").write_text(
        "tensors: {x: [1.0, 2.0]}\nsteps: {a: x * 2, r: {repeat: 100000000, steps: {z: a * 3}}}\n"
    )
    code, result = run("one.yaml", "--timeout=3")
    assert (code, result.error.type, result["a"].tolist()) == (3, "TimedOut", [2.0, 4.0])


@pytest.mark.parametrize("expected", ["expect: {error: {step: r}}", "xfail: [{reason: known}]"])
def test_a_limit_that_is_met_is_no_error_that_a_recipe_expects(expected):
    Path("one.yaml").write_text(
        f"tensors: {{x: [1.0]}}\nsteps: {{r: {{repeat: 100000000, steps: {{z: x * 3}}}}}}\n{expected}\n"
    )
    code, result = run("one.yaml", "--timeout=2")
    assert (code, result.error.type, result.error.expected) == (3, "TimedOut", False)


@pytest.mark.parametrize(
    ("op", "kind", "said"),
    [
        ("m.grows", "OutOfMemory", "out of memory: it took more than 0.25 GiB (--max-memory)"),
        ("m.asks", "RuntimeError", "out of memory: [enforce fail at alloc_cpu"),
        ("m.crashes", "Crashed", "crashed: SIGSEGV: it accessed memory that is not its own"),
        ("m.leaves", "Crashed", "crashed: the process ended with exit code 0"),
    ],
)
def test_a_step_that_takes_the_memory_or_the_process_with_it_is_named(op, kind, said):
    code, result = run("one.yaml", f"steps.y.op={op}", "--max-memory", "0.25", "--timeout=60")
    assert (code, result.error.step, result.error.type) == (3, "y", kind)
    assert result.error.message.startswith(said)


# sweeps


def test_the_limits_hold_for_each_cell_and_its_row_says_so():
    words = ["steps.y.op=m.naps,m.hangs,m.grows,m.asks"]
    sweep = sweep_recipe("one.yaml", words, n_jobs=1, ops=["ops.py"], cell_timeout_s=3, max_memory_gib=0.25, keep=False)
    rows = sweep.run().rows
    assert [row.outcome for row in rows] == ["ok", "timed out", "out of memory", "out of memory"]
    assert rows[1].reason == "took longer than 3 s (--timeout) while running the cell, at 'y' (m.hangs)"
    assert rows[2].reason == "it took more than 0.25 GiB (--max-memory) while running the cell, at 'y' (m.grows)"
    assert "'m.asks' failed: out of memory: " in rows[3].reason
    assert [row.command.partition(" --ops ops.py ")[2] for row in rows[:2]] == ["", "--timeout 3 --max-memory 0.25"]
    assert sweep.exit_code == 3


def test_the_flags_are_those_of_a_sweep_too(capsys):
    words = ["one.yaml", "--ops", "ops.py", "--timeout", "7", "--max-memory", "3", "hydra.sweep.dir=out"]
    with pytest.raises(RecipeError, match="give one of the two"):
        cli.run_recipe_main(["-m", *words, "hydra.launcher.cell_timeout_s=3"])
    cli.run_recipe_main(["-m", *words, "hydra/launcher=basic", "-q"])
    found = json.loads(Path("out/sweep.json").read_text())["launcher"]
    assert (found["cell_timeout_s"], found["max_memory_gib"]) == (7.0, 3.0)


# what is refused


@pytest.mark.parametrize("word", ["0", "-1", "nan", "inf", "4G", "", "1e400"])
@pytest.mark.parametrize(("flag", "such"), [("--timeout", "seconds above 0, such as"), ("--max-memory", "GiB above 0")])
def test_a_limit_is_a_number_above_0(flag, such, word):
    with pytest.raises(RecipeError, match=f"flag '{flag}': .*a number of {such}"):
        run_flags([flag, word])


@pytest.mark.parametrize("flag", ["--timeout", "--max-memory"])
def test_other_commands_have_no_limits(flag):
    with pytest.raises(
        RecipeError, match=f"flag '{flag}': it is a flag of .*run-recipe|flag '{flag}': it is a flag of .* and others"
    ):
        cli.recipe_main(["list", flag, "3"])


@pytest.mark.parametrize("key", ["timeout", "max_memory", "limits"])
def test_a_recipe_cannot_set_them(key, capsys):
    assert cli._guarded(cli.run_recipe_main, ["one.yaml", f"+{key}=3", "--timeout=60"]) == 2
    assert f"'{key}' is not a key of a recipe" in capsys.readouterr().err


def test_what_is_wrong_with_any_recipe_is_told_before_the_first_runs(capsys):
    Path("two.yaml").write_text("tensors: [")
    assert cli._guarded(cli.run_recipe_main, ["one.yaml", "two.yaml", "--timeout=60"]) == 2
    assert not Path("outputs").exists()


# what holds them


def test_a_board_gives_back_what_was_said_last_whole():
    board = Board.made()
    assert (board.said(), board.posted()) == (None, None)
    for words in ({"step": "y" * 100}, {"step": "z"}, {"step": "a" * 2 * SLOT, "op": "b", "path": "c"}):
        board.say(packed(words))
        assert (board.said() or {})["step"] == words["step"][: SLOT // 64 if len(words["step"]) > SLOT else None]
    board.say(packed(None))
    board.post({"recipe": "r" * 100_000})
    assert (board.said(), board.posted()) == (None, {"recipe": "r" * 100_000})
    board.close()


def test_the_system_tells_memory():
    assert resident(os.getpid()) > 2**20
    assert kills_for_memory() >= 0
    assert (bool(Limits()), bool(Limits(memory_gib=1))) == (False, True)


# a folder that is gone


@pytest.mark.parametrize(
    "words", [["one.yaml"], ["-m", "one.yaml", "seed=1,2"], ["one.yaml", "--timeout=9"], ["--resume", "x"]]
)
def test_a_working_folder_that_was_deleted_is_told(here, monkeypatch, capsys, words):
    gone = here / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    message = "working folder: it was deleted; cd to a folder that exists, and run this again\n"
    assert cli._guarded(cli.run_recipe_main, words) == 2
    assert cli._guarded(cli.recipe_main, ["list", str(here)]) == 2
    assert capsys.readouterr().err == message * 2


def test_a_working_folder_that_goes_while_a_command_is_at_work_is_told(here, monkeypatch, capsys):
    gone = here / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)

    def main(arguments):
        gone.rmdir()
        Path.cwd()

    assert cli._guarded(main, []) == 2
    assert capsys.readouterr().err.startswith("working folder: it was deleted")
