"""A sweep that is killed again and again ends with the same table as one that is not."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from tensorflow_free.sweep.beginning import resume_sweep

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
RESUME = "from tensorflow_free.sweep.beginning import resume_sweep; resume_sweep('torn', ops=['ops.py']).run()"


def like(rows):
    """Rows but for how long they took."""
    return [row.model_copy(update={"seconds": 0.0}) for row in rows]


def test_twenty_kills_at_random_moments_end_with_the_same_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("slow.yaml").write_text(SLOW)
    Path("ops.py").write_text(OPS)
    words = ["slow.yaml", "seed=range(24)", "dtype=float32,float64", "--ops", "ops.py", "hydra.launcher.n_jobs=2"]
    run(BIN / "run-recipe", "-m", *words, "hydra.sweep.dir=whole")
    running, chance = start(BIN / "run-recipe", "-m", *words, "hydra.sweep.dir=torn"), random.Random(0)
    wait(running, lambda: Path("torn/sweep.json").exists())
    for kills in range(20):
        if kills % 2:
            # while cells are at work; there must always be something left to kill
            known = count("torn")
            wait(running, lambda known=known: count("torn") > min(known, 35))
        time.sleep(chance.random() * (0.05 if kills % 2 else 0.8))
        running.kill()
        running.wait()
        running = start(sys.executable, "-c", RESUME)
    running.kill()
    running.wait()
    done = run(BIN / "run-recipe", "--resume", "torn", "--ops", "ops.py")
    whole, torn = (resume_sweep(name, ops=["ops.py"]) for name in ("whole", "torn"))
    assert [row.outcome for row in torn.rows] == ["ok"] * 48
    assert like(torn.rows) == like(whole.rows)
    assert torn.table() == whole.table()
    assert done.stdout.startswith(torn.table())
    assert Path("torn/sweep.csv").read_text() == Path("whole/sweep.csv").read_text()


def start(*command):
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True)


def wait(running, until):
    limit = time.monotonic() + 30
    while not until() and running.poll() is None and time.monotonic() < limit:
        time.sleep(0.005)


def count(folder):
    path = Path(folder, "cells.jsonl")
    return path.read_bytes().count(b"\n") if path.exists() else 0
