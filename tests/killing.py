"""Kills a command wherever it changes the disk, and sees that nothing is lost. Run in a process of its own, which forks.

Everything is imported once; each command runs in a child, which ends itself with SIGKILL just before the nth thing that
it does to the disk, or in the middle of it where it writes. Beside those, children are killed at random moments.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import torch

from tensorflow_free import cli, load_recipe, read_result, run_recipe
from tensorflow_free.codec import arrays
from tensorflow_free.files.archived_cells import broken_in, cells_in, files_of
from tensorflow_free.files.cell_archives import archives_in
from tensorflow_free.golden.places import read_golden
from tensorflow_free.golden.reading import read_case
from tensorflow_free.result.environment import environment_of
from tensorflow_free.sweep import pool
from tensorflow_free.sweep.preparation import resume_sweep
from tensorflow_free.sweep.trial import Trial

CALLS = ("open", "mkdir", "rename", "replace", "unlink", "rmdir", "link", "ftruncate")
BIG = "tensors: {x: {init: randn, size: [300, 300]}}\nsteps: {y: x * 2, z: y + 1}\nexpect: {y: {shape: [300, 300]}}\n"
MOST = 300


class Here:
    """A worker that runs its cells in this process."""

    devices: ClassVar = {"best": "cpu", "kinds": []}
    broken = ()
    is_there = False  # no process that could wait for another job

    def __init__(self, launch, *_) -> None:
        self.trial = Trial(launch.folder)

    def ready(self):
        return environment_of(1).model_dump()

    def run(self, cell, limit_s):
        return self.trial.row(cell)

    def kill(self): ...

    def end(self): ...


class Killing:
    """SIGKILL at the nth thing that is done to the disk; half of what is written then is there."""

    def __init__(self, at: int) -> None:
        self._left = at
        for name in CALLS:
            setattr(os, name, self._killed(getattr(os, name), name == "open"))
        os.write = self._torn(os.write)
        for name in ("write_text", "write_bytes"):
            setattr(Path, name, self._halved(getattr(Path, name)))
        arrays.serialize_file = self._saved(arrays.serialize_file)

    def _is_now(self) -> bool:
        self._left -= 1
        return self._left == 0

    def _killed(self, function, reads):
        def call(*args, **more):
            if not (reads and not args[1] & os.O_CREAT) and self._is_now():
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*args, **more)

        return call

    def _torn(self, function):
        def call(descriptor, content):
            # before anything of it is there, and with half of it
            for there in (0, len(content) // 2):
                if self._is_now():
                    function(descriptor, content[:there])
                    os.kill(os.getpid(), signal.SIGKILL)
            return function(descriptor, content)

        return call

    def _halved(self, function):
        def call(path, content, *args, **more):
            if self._is_now():
                function(path, content[: len(content) // 2], *args, **more)
                os.kill(os.getpid(), signal.SIGKILL)
            return function(path, content, *args, **more)

        return call

    def _saved(self, function):
        def call(specs, path):
            function(specs, path)
            if self._is_now():
                Path(path).write_bytes(Path(path).read_bytes()[:1000])
                # safetensors writes beside its place, too
                Path(path).with_name(".tmpAbCd").write_bytes(b"half")
                os.kill(os.getpid(), signal.SIGKILL)

        return call


def child(act: Callable[[], object], at: int = 0, after_s: float | None = None) -> bool:
    """Whether a command was killed: at the nth thing that it does to the disk, or after some time."""
    process = os.fork()
    if not process:
        with suppress(BaseException):
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 1)
            os.dup2(quiet, 2)
            if at:
                Killing(at)
            os._exit(int(act()))
        os._exit(99)
    if after_s is not None:
        time.sleep(after_s)
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    assert code in (0, -signal.SIGKILL), code
    return code != 0


def litter() -> list[str]:
    """What is there under names of what is being written."""
    return [str(path) for path in Path().rglob("*") if path.name.startswith((".tensorflow_free-", ".tmp"))]


# what is killed, what must hold then, and what makes it good


class Run:
    """`run-recipe`, which saves a large result in a new folder."""

    def begin(self) -> None:
        Path("r.yaml").write_text(BIG)

    def act(self) -> int:
        return cli._guarded(cli.run_recipe_main, ["r.yaml", "-q"])

    mend = act

    def check(self) -> None:
        for folder in Path("outputs/r").glob("[!.]*"):
            assert read_result(folder)["y"].shape == (300, 300)

    def whole(self) -> object:
        return None


class Save(Run):
    """`Result.save` where another result is: the old one, the new one, or for a moment none."""

    def begin(self) -> None:
        super().begin()
        run_recipe(load_recipe("r.yaml", ["seed=1"])).save("kept")

    def act(self) -> int:
        run_recipe(load_recipe("r.yaml", ["seed=2"])).save("kept")
        return 0

    mend = act

    def check(self) -> None:
        if Path("kept/result.json").exists():
            kept = read_result("kept")
            again = run_recipe(load_recipe("r.yaml", [f"seed={kept.recipe.seed}"]))
            assert kept["y"].equal(again["y"])

    def whole(self) -> object:
        return sorted(path.name for path in Path("kept").iterdir()), read_result("kept").recipe.seed


class Record:
    """`recipe record`, over a golden that is there."""

    words = ("record", "r.yaml", "-q")

    def begin(self) -> None:
        for path in Path().glob("r.*"):
            path.unlink()
        Path("r.yaml").write_text(BIG)
        assert cli._guarded(cli.recipe_main, ["record", "r.yaml", "-q"]) == 0
        Path("r.yaml").write_text(BIG.replace("x * 2", "x * 3"))

    def act(self) -> int:
        return cli._guarded(cli.recipe_main, self.words)

    def check(self) -> None:
        golden = read_golden("r.yaml")
        case = read_case(golden, "")
        assert {one.name for one in case.values} == {"y", "z"}

    mend = act

    def whole(self) -> object:
        return {path.name: path.read_bytes() for path in Path().glob("r.*")}


class Review(Record):
    """`recipe review`, which accepts all."""

    words = ("review", "r.yaml", "--accept-all", "-q")


class Sweep:
    """`run-recipe -m`, and `--resume`."""

    def begin(self) -> None:
        Path("r.yaml").write_text(BIG)
        shutil.rmtree("kept", ignore_errors=True)

    def act(self) -> int:
        words = [
            "r.yaml",
            "seed=1,2",
            "dtype=float32,bfloat16",
            "hydra.sweep.dir=kept",
            "hydra.launcher.n_jobs=1",
            "-q",
        ]
        return cli._guarded(cli.run_recipe_main, ["-m", *words])

    def check(self) -> None:
        if Path("kept/sweep.json").exists():
            for row in resume_sweep("kept").rows:
                assert read_result(Path("kept", row.folder))["y"].shape == (300, 300)

    def mend(self) -> int:
        if not Path("kept/sweep.json").exists():
            return self.act()
        return cli._guarded(cli.run_recipe_main, ["--resume", "kept", "-q"])

    def whole(self) -> object:
        sweep = resume_sweep("kept")
        rows = [row.model_copy(update={"seconds": 0.0}).line() for row in sweep.rows]
        home = Path("kept")
        # each process begins an archive, so that only what they hold together is the same
        assert broken_in(home) == []
        archives = archives_in(home)
        files = [str(path) for path in home.rglob("*") if ".hydra" not in path.parts and path not in archives]
        files += [f"{home}/{name}/{file}" for name, cell in cells_in(home).items() for file in files_of(cell)]
        return rows, sweep.table(), Path("kept/sweep.csv").read_text(), sorted(files)


WHAT = {"run": Run, "save": Save, "record": Record, "review": Review, "sweep": Sweep}


def kill_all(what: str, most: int) -> int:
    """Kill a command up to `most` times, at the things that it does to the disk and at random moments: how often."""
    kind = WHAT[what]()
    kind.begin()
    begun = time.monotonic()
    assert not child(kind.act)
    took, whole = time.monotonic() - begun, kind.whole()
    points = _points(kind)
    chance = random.Random(0)
    moments = [(at, None) for at in (points if len(points) <= most else chance.sample(points, most))]
    kills = 0
    # a child may have ended before its moment comes
    later = ((0, 0.9 * took * chance.random()) for _ in range(2 * most))
    for at, after_s in itertools.chain(moments, later):
        if kills == most:
            break
        kind.begin()
        kills += child(kind.act, at, after_s)
        kind.check()
        assert not child(kind.mend)
        kind.check()
        assert kind.whole() == whole, (at, after_s)
        assert litter() == [], (at, after_s)
    return kills


def _points(kind) -> range:
    """The things that a command does to the disk, by their numbers."""
    low, high = 1, MOST
    while low < high:
        middle = (low + high) // 2
        kind.begin()
        if child(kind.act, middle):
            low = middle + 1
        else:
            high = middle
    kind.begin()
    child(kind.mend)
    return range(1, low)


if __name__ == "__main__":
    torch.set_num_threads(1)
    pool.CellWorker = Here
    os.fsync = lambda _: None
    os.chdir(sys.argv[1])
    print(json.dumps({what: kill_all(what, int(sys.argv[2])) for what in sys.argv[3:]}))
