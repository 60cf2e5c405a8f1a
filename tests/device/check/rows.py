"""The rows of the check: each runs commands as a user would, and tells what came of them or what is wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from tests.device.check.machine import ROOT, Fails, Machine, counted, last_lines, told

Told = Iterator[str]
"""The lines of a row, in the table's last column."""

ROWS: dict[str, Callable[[Machine], Told]] = {}
WELL = frozenset({"ok", "known fault", "unsupported", "partly judged", "not comparable"})
"""Outcomes of cells that are nothing to look at."""
OPS = Path(__file__).with_name("ops_of_check.py")
DTYPES = "float32,float16,bfloat16"


def row(name: str) -> Callable[[Callable[[Machine], Told]], Callable[[Machine], Told]]:
    """Puts a function into the table."""

    def put(function: Callable[[Machine], Told]) -> Callable[[Machine], Told]:
        ROWS[name] = function
        return function

    return put


def surely(holds: object, words: str) -> None:
    """Raises: Fails, with these words, where it does not hold."""
    if not holds:
        raise Fails(words)


@row("environment")
def environment(machine: Machine) -> Told:
    """What a result says of the device."""
    done = machine.command(
        "run_recipe", ROOT / "recipes/linear_autograd.yaml", f"device={machine.device}", "--json", "--no-save"
    )
    surely(done.returncode == 0, last_lines(done))
    kept = json.loads(done.stdout)["environment"]
    surely(kept.get("devices"), "the result names no device")
    yield f"torch {kept.get('torch')}, " + ", ".join(map(str, kept["devices"]))
    yield ", ".join(
        f"{key} {value}" for key, value in kept.items() if value and key not in ("torch", "devices", "used")
    )
    yield from (", ".join(f"{key} {value}" for key, value in one.items() if value) for one in kept.get("used", ()))


@row("seeds")
def seeds(machine: Machine) -> Told:
    """Streams of exactly the devices that are there."""
    found = machine.printed("seeds", machine.device.partition(":")[0])
    surely(found["same"], "two runs on device 0 drew other numbers")
    surely(found["restored"], "a run left a generator in another state")
    yield f"drawn alike twice on device 0, {found['devices']} devices and the CPU put back as they were"


@row("recipes x dtypes")
def recipes(machine: Machine) -> Told:
    """Every recipe in every dtype, against float64 on the CPU; what the CPU gives in the same dtype is not the device's."""
    every = sorted((ROOT / "recipes").glob("*.yaml"))
    rows = machine.sweep(*every, f"device=cpu,{machine.device}", f"dtype={DTYPES}")
    there = [one for one in rows if one["axes"]["device"] != "cpu"]
    here = {key_of(one): one["outcome"] for one in rows if one["axes"]["device"] == "cpu"}
    yield f"{counted(there)}; on the CPU {counted([one for one in rows if one not in there])}"
    yield from (told(one) for one in there if one["outcome"] not in WELL | {here[key_of(one)]})


def key_of(row: dict[str, Any]) -> tuple[str, ...]:
    """What a cell is, but for its device."""
    return row["recipe"], *(word for key, word in sorted(row["axes"].items()) if key != "device")


@row("operator database")
def database(machine: Machine) -> Told:
    """The first sample of each entry."""
    out = machine.folder / "matrix"
    done = machine.command("recipe", "matrix", "--device", machine.device, "--dtype", "float32", "--out", out, "--json")
    surely(done.returncode in (0, 1, 3), last_lines(done))
    yield from in_the_end(done.stdout)


def in_the_end(text: str) -> Told:
    """The counts of a matrix, and its cells that are wrong."""
    cells = [
        (row["name"], dtype, part, cell)
        for row in json.loads(text)["rows"]
        for dtype, parts in row["dtypes"].items()
        for part, cell in parts.items()
        if cell
    ]
    yield counted([cell for *_, cell in cells])
    wrong = [one for one in cells if one[-1]["outcome"] not in NOT_WRONG and not one[-1].get("on_cpu")]
    yield from (f"{name} {dtype} {part}: {cell['outcome']}" for name, dtype, part, cell in wrong[:40])
    surely(len(cells) > MANY, f"there are {len(cells)} cells in the matrix")


NOT_WRONG = WELL | {"skipped"}
MANY = 800
"""Cells that the database has at least in one dtype."""


@row("workers")
def workers(machine: Machine) -> Told:
    """Cells shared out, on the CPU beside the device, and by index."""
    some = [ROOT / f"recipes/{name}.yaml" for name in ("attention", "layer_norm", "losses")]
    kind = machine.device.partition(":")[0]
    rows = machine.sweep(*some, f"device=cpu,{kind},{kind}:0", "seed=1,2", "hydra.launcher.n_jobs=16")
    yield "n_jobs=16: " + counted(rows)
    yield from (told(one) for one in rows if one["outcome"] not in WELL)


@row("goldens")
def goldens(machine: Machine) -> Told:
    """A golden of the device made and verified, by the command and as tests."""
    folder = machine.folder / "recipes"
    folder.mkdir()
    for name in ("attention", "layer_norm", "in_place"):
        shutil.copy(ROOT / f"recipes/{name}.yaml", folder)
    for word in ("record", "verify"):
        done = machine.command("recipe", word, folder, f"device={machine.device}")
        surely(done.returncode == 0, f"recipe {word}: {last_lines(done)}")
    made = len(list(folder.glob("*.golden.json")))
    # where the package is installed, pytest finds its plugin by itself
    plugin = () if entry_points(group="pytest11", name="tensorflow_free") else ("-p", "tensorflow_free.pytest_plugin")
    words = (*plugin, "-p", "no:cacheprovider", "-q", "--rootdir", folder, f"--recipe-device={machine.device}")
    done = machine.python("-m", "pytest", *words, folder, PYTEST_ADDOPTS="")
    surely(done.returncode == 0, f"pytest: {last_lines(done)}")
    yield f"{made} recorded and verified; pytest: {done.stdout.splitlines()[-1]}"


@row("TF32")
def tf32(machine: Machine) -> Told:
    """The switches, in plain torch and as settings of a recipe."""
    if not machine.is_cuda:
        yield "CUDA alone has these switches"
        return
    found = machine.printed("tf32", machine.device)
    yield ", ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}" for name, value in found.items()
    )
    recipe = ROOT / "recipes/starting_precision.yaml"
    rows = machine.sweep(recipe, f"device={machine.device}", "+settings.float32_matmul_precision=highest,high")
    yield "starting_precision at highest, high: " + ", ".join(one["outcome"] for one in rows)


@row("deterministic")
def deterministic(machine: Machine) -> Told:
    """`settings.deterministic`, for which cuBLAS wants a workspace."""
    names = ("attention", "convolution", "losses", "pooling")
    rows = machine.sweep(
        *(ROOT / f"recipes/{name}.yaml" for name in names), f"device={machine.device}", "+settings.deterministic=true"
    )
    yield counted(rows)
    yield from (told(one) for one in rows if one["outcome"] != "ok")


@row("compiled")
def compiled(machine: Machine) -> Told:
    """inductor, and CUDA graphs called once and thrice."""
    modes = "{name: inductor},{name: inductor, mode: reduce-overhead},{name: inductor, mode: reduce-overhead, calls: 3}"
    rows = machine.sweep(ROOT / "recipes/layer_norm.yaml", f"device={machine.device}", f"backend={modes}")
    yield ", ".join(f"{one['axes'].get('backend', '')}: {one['outcome']}" for one in rows)
    yield from (told(one) for one in rows if one["outcome"] not in WELL)


@row("out of memory")
def out_of_memory(machine: Machine) -> Told:
    """A tensor that no device holds: told as such, and the next cell is well."""
    yield from costs_one_cell(machine, {"op": "torch.full", "args": [[1 << 46], 1.0]}, {"out of memory"})


@row("device-side assert")
def device_side_assert(machine: Machine) -> Told:
    """An error that shows late and sticks: the step is named, and the next cells are well."""
    yield from costs_one_cell(machine, {"op": "check.assert_async", "args": ["x"]}, {"failed", "crashed"})


def costs_one_cell(machine: Machine, step: dict[str, object], outcomes: set[str]) -> Told:
    """A step that fails in one cell of three on one worker: it is told, and the other two are as they are without it."""
    bad, good = (machine.folder / f"{word}{len(list(machine.folder.iterdir()))}.yaml" for word in ("bad", "good"))
    tensors = {"x": {"init": "randn", "size": [4], "requires_grad": True}}
    bad.write_text(json.dumps({"tensors": tensors, "steps": {"h": "x * 2", "wrong": step, "after": "h.exp()"}}))
    good.write_text(json.dumps({"tensors": tensors, "steps": {"h": "x * 2", "y": "h.exp().sum()"}, "backward": "y"}))
    rows = machine.sweep(good, bad, good, f"device={machine.device}", "--ops", OPS)
    found = {Path(one["recipe"]).stem: one for one in rows if one["recipe"] == str(bad)}
    wrong = found[bad.stem]
    surely({one["outcome"] for one in rows if one["recipe"] == str(good)} == {"ok"}, counted(rows))
    surely(wrong["outcome"] in outcomes, told(wrong))
    surely("wrong" in wrong["reason"], f"the step is not named: {told(wrong)}")
    yield f"{told(wrong)}; the cells beside it are ok"
    done = machine.command("run_recipe", bad, f"device={machine.device}", "--no-save", "--ops", OPS)
    surely(done.returncode == 3 and "Traceback" not in done.stderr, f"run alone: {last_lines(done)}")


@row("timings")
def timings(machine: Machine) -> Told:
    """What run_recipe costs beside the same Python."""
    for name, found in machine.printed("timings", machine.device).items():
        yield f"{name}: {found['run_recipe'] / found['plain']:.2f} times plain PyTorch"
