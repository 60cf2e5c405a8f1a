"""A sweep that is killed again and again ends with the same table as one that is not."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from tensorflow_free.sweep.preparation import resume_sweep
from tests.processes import started, succeeded, waited

BIN = Path(sys.executable).parent
SLOW = "tensors: {x: {init: randn, size: [4]}}\nsteps: {y: {op: s_nap, args: [x]}, z: y.exp()}\n"
OPS = """
import time
from tensorflow_free import register_op

def s_nap(x):
    time.sleep(0.02)
    return x + 0

register_op("s_nap", s_nap)
"""
RESUME = "from tensorflow_free.sweep.preparation import resume_sweep; resume_sweep('torn', ops=['ops.py']).run()"


def like(rows):
    """Rows but for how long they took."""
    return [row.model_copy(update={"seconds": 0.0}) for row in rows]


def test_kills_at_random_moments_end_with_the_same_table(tmp_path, monkeypatch, full):
    monkeypatch.chdir(tmp_path)
    Path("slow.yaml").write_text(SLOW)
    Path("ops.py").write_text(OPS)
    words = ["slow.yaml", "seed=range(24)", "dtype=float32,float64", "--ops", "ops.py", "hydra.launcher.n_jobs=2"]
    succeeded(BIN / "run-recipe", "-m", *words, "hydra.sweep.dir=whole")
    killed_while((BIN / "run-recipe", "-m", *words, "hydra.sweep.dir=torn"), Path("torn/sweep.json").exists)
    for kill in range(20 if full else 4):
        # every other one while cells are at work; there must always be something left to kill
        known = min(count("torn"), 35)
        until = (lambda known=known: count("torn") > known) if kill % 2 else (lambda: True)
        killed_while((sys.executable, "-c", RESUME), until, 0.05 if kill % 2 else 0.8, kill)
    done = succeeded(BIN / "run-recipe", "--resume", "torn", "--ops", "ops.py")
    whole, torn = (resume_sweep(name, ops=["ops.py"]) for name in ("whole", "torn"))
    assert [row.outcome for row in torn.rows] == ["ok"] * 48
    assert like(torn.rows) == like(whole.rows)
    assert torn.table() == whole.table()
    assert done.stdout.startswith(torn.table())
    assert Path("torn/sweep.csv").read_text() == Path("whole/sweep.csv").read_text()


def killed_while(command, until, most=0.0, seed=0):
    """Start a command, and kill it some seconds after something has come about, or it is done."""
    with started(*command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        waited(lambda: until() or running.poll() is not None)
        time.sleep(random.Random(seed).random() * most)
        running.kill()
        running.wait()


def count(folder):
    path = Path(folder, "cells.jsonl")
    return path.read_bytes().count(b"\n") if path.exists() else 0
