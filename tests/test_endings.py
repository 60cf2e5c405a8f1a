"""Signals: one line and the shell's exit code, whatever is going on; a second one ends at once; no worker stays."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.processes import kill, started, waited

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs POSIX's signals")

HEAD = """
import hashlib, os, signal, sys, time
from tensorflow_free import cli
from tensorflow_free.process import endings

def ready():
    print("ready", flush=True)

def long():
    ready()
    time.sleep(60)
"""
TAIL = """
cli._exit(cli._guarded(main, []))
"""
TOLD = {
    "SIGINT": "interrupted; what was written is complete\n",
    "SIGTERM": "ended by SIGTERM; what was written is complete\n",
    "SIGHUP": "ended by SIGHUP; what was written is complete\n",
}


@contextmanager
def command(code, head=HEAD):
    """A command that does what `main` does, once it has said that it is ready."""
    line = [sys.executable, "-c", head + code + TAIL]
    with started(*line, stdout=-1, stderr=-1, text=True) as running:
        assert running.stdout.readline() == "ready\n"
        yield running


def ending(running, seconds=30):
    """The exit code of a process, and what it said."""
    out, err = running.communicate(timeout=seconds)
    return running.returncode, out, err


@pytest.mark.parametrize("name", TOLD)
def test_a_signal_is_told_in_one_line_and_in_the_exit_code(name):
    with command("def main(_): long()") as running:
        running.send_signal(signal.Signals[name])
        assert ending(running) == (128 + signal.Signals[name], "", TOLD[name])


def test_a_second_signal_ends_at_once_what_cleans_up_for_long():
    code = "def main(_):\n    try: long()\n    finally: long()"
    with command(code) as running:
        running.send_signal(signal.SIGINT)
        assert running.stdout.readline() == "ready\n"
        time.sleep(0.7)
        running.send_signal(signal.SIGINT)
        told = "interrupted a second time; it ends at once; what was written is complete\n"
        assert ending(running) == (130, "", told)


def test_a_signal_that_is_sent_twice_at_once_counts_once():
    code = "def main(_):\n    try: long()\n    finally: ready(); time.sleep(0.2); print('clean', flush=True)"
    with command(code) as running:
        running.send_signal(signal.SIGTERM)
        assert running.stdout.readline() == "ready\n"
        running.send_signal(signal.SIGTERM)
        assert ending(running) == (143, "clean\n", TOLD["SIGTERM"])


def test_a_kernel_that_does_not_come_back_is_ended():
    code = "endings.GRACE_S = 0.5\ndef main(_): ready(); hashlib.pbkdf2_hmac('sha256', b'a', b'b', 10**9)"
    with command(code) as running:
        time.sleep(0.3)
        running.send_signal(signal.SIGTERM)
        told = "ended by SIGTERM while something runs that does not return; it ends at once; what was written is complete\n"
        assert ending(running) == (143, "", told)


@pytest.mark.parametrize("error", ["ImportError", "SystemError", "RuntimeError"])
def test_what_a_library_makes_of_an_interrupt_is_an_interrupt(error):
    code = f"def main(_):\n    try: long()\n    except BaseException as e: raise {error}('half imported') from e"
    with command(code) as running:
        running.send_signal(signal.SIGINT)
        assert ending(running) == (130, "", TOLD["SIGINT"])


def test_a_signal_that_is_ignored_goes_on_being_ignored():
    code = "signal.signal(signal.SIGHUP, signal.SIG_IGN)\ndef main(_): ready(); time.sleep(0.5); return 0"
    with command(code) as running:
        running.send_signal(signal.SIGHUP)
        assert ending(running) == (0, "", "")


def test_a_forked_process_answers_for_itself():
    code = """
def main(_):
    child = os.fork()
    if not child:
        time.sleep(60)
    time.sleep(0.3)
    os.kill(child, signal.SIGTERM)
    ready()
    return 0 if os.waitpid(child, 0)[1] == signal.SIGTERM else 1
"""
    with command(code) as running:
        assert ending(running) == (0, "", "")


def test_a_terminal_that_is_gone_changes_no_exit_code():
    with command("def main(_): long()") as running:
        running.stdout.close()
        running.stderr.close()
        running.send_signal(signal.SIGHUP)
        assert running.wait(30) == 129


# whole commands

OPS = """
import os, pathlib, time
from tensorflow_free import register_op

def nap(x):
    pathlib.Path(f"napping-{os.getpid()}").touch()
    time.sleep(0.05)
    return x + 0

register_op("e_nap", nap)
"""
SLOW = "tensors: {x: 1.0}\nsteps: {y: {op: e_nap, args: [x]}}\n"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("slow.yaml").write_text(SLOW)
    Path("ops.py").write_text(OPS)
    return tmp_path


def alive(process):
    with suppress(ProcessLookupError):
        os.kill(process, 0)
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


EARLY = """
import sys

class Interrupted:
    def find_spec(self, name, path=None, target=None):
        if name == "tensorflow_free.commands.printing":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupted())
from tensorflow_free import entry
"""


@pytest.mark.parametrize("name", ["run_recipe", "recipe"])
def test_interrupting_a_command_that_is_still_being_loaded_is_told_in_one_line(name):
    with started(sys.executable, "-c", f"{EARLY}entry.{name}()", stdout=-1, stderr=-1, text=True) as running:
        assert ending(running) == (130, "", "interrupted\n")


SWEEP = "from tensorflow_free.cli import run_recipe_command; run_recipe_command()"
WORDS = ["-m", "slow.yaml", "seed=range(2000)", "--ops", "ops.py", "hydra.sweep.dir=kept", "hydra.launcher.n_jobs=1"]
FULL = pytest.mark.full


@pytest.mark.parametrize("name", ["SIGTERM", pytest.param("SIGHUP", marks=FULL), pytest.param("SIGINT", marks=FULL)])
def test_a_sweep_that_is_ended_tells_what_is_left_and_leaves_no_worker(here, name):
    with started(sys.executable, "-c", SWEEP, *WORDS, stdout=-1, stderr=-1, text=True) as running:
        found = waited(lambda: list(here.glob("napping-*")))
        waited(lambda: Path("kept/cells.jsonl").exists() and Path("kept/cells.jsonl").read_bytes().count(b"\n") > 1)
        running.send_signal(signal.Signals[name])
        code, out, err = ending(running, 60)
    assert code == 128 + signal.Signals[name]
    left = "resume with run-recipe --resume kept --ops ops.py"
    assert err.endswith(f" of 2,000 cells have not run; {left}\n")
    assert err.startswith("interrupted: " if name == "SIGINT" else f"ended by {name}: ")
    assert err.count("\n") == 1
    assert "ok" in out
    assert not any(alive(int(one.name.partition("-")[2])) for one in found)


@pytest.mark.full
@pytest.mark.parametrize("wait", [0.0, 0.1, 0.6, 0.7, 1.0])
def test_interrupting_a_sweep_twice_leaves_whole_rows_and_no_worker(here, wait):
    with started(sys.executable, "-c", SWEEP, *WORDS, stdout=-1, stderr=-1, text=True) as running:
        found = waited(lambda: list(here.glob("napping-*")))
        running.send_signal(signal.SIGINT)
        time.sleep(wait)
        with suppress(ProcessLookupError):
            running.send_signal(signal.SIGINT)
        code, _, err = ending(running, 60)
        kill(running)
    # a second signal in the last moment, when all is told, ends Python itself; a shell tells that as 130, too
    assert code in (130, -signal.SIGINT)
    assert err.count("\n") == 1
    waited(lambda: not any(alive(int(one.name.partition("-")[2])) for one in found))
    assert all(line.endswith(b"}\n") for line in Path("kept/cells.jsonl").read_bytes().splitlines(keepends=True))
