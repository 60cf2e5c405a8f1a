"""Goldens under pytest, against tests written by hand; what collecting and a mere installation cost; many fixtures."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from time import process_time
from typing import Any, Final

from benchmarks.commands import installed, whole
from benchmarks.figures import Effort, Figure, Side, excess, figure, of_children, ratio
from benchmarks.memory import printed

RECIPES: Final = 1000
DISTINCT: Final = 10
"""Of so many recipes one is recorded; the others are copies, with their ops and numbers and a name of their own."""
STEPS: Final = 5
PAIRS: Final = 4
COLLECTING_PAIRS: Final = 6

TIMES: Final = 10
"""How many times as many fixtures there are in the larger folder."""
VERIFYING_PAIRS: Final = 2

PROJECT_PAIRS: Final = 60

OPS: Final = ("mul", "add", "sub", "maximum", "minimum", "div", "hypot", "atan2", "logaddexp", "fmax")
"""The ops of the recipes, in an order that hangs on the recipe's number."""

X: Final = "[{number}.5, 1.5, 2.5, 3.5]"
W: Final = "[0.75, 0.5, 0.25, 1.25]"
"""The starting tensors, as YAML and Python both read them."""

INI: Final = "[pytest]\n"

NAMING: Final = """\
import pytest


class Item(pytest.Item):
    def runtest(self):
        pass


class File(pytest.File):
    def collect(self):
        yield Item.from_parent(self, name="float32-cpu")


def pytest_collect_file(file_path, parent):
    return File.from_parent(parent, path=file_path) if file_path.suffix == ".yaml" else None
"""
"""A `conftest.py` that names the files, and reads none."""

TEST: Final = """\
def test_one_and_one():
    assert 1 + 1 == 2
"""

PLUGIN: Final = "tensorflow_free"
WITHOUT: Final = ("-p", f"no:{PLUGIN}")


def against_tests(effort: Effort) -> Figure:
    """Recipes with goldens, against a function each with the same lines and `assert_close` on values and gradients."""
    return _against_tests(effort, is_named=False)


def named_one_by_one(effort: Effort) -> Figure:
    """The same, each recipe named on the command line."""
    return _against_tests(effort, is_named=True)


def _against_tests(effort: Effort, *, is_named: bool) -> Figure:
    count = effort.size_of(RECIPES)
    recorded = max(1, count // DISTINCT)
    with _project() as few, _project() as ours, _project() as theirs:
        _record(few, recorded)
        paths = _copy(few, ours, recorded, count)
        (theirs / "test_written.py").write_text(_written_tests(recorded, count), encoding="utf-8")
        named = [f"recipes/{path.name}" for path in paths] if is_named else []
        sides = _pytest(ours, *named), _pytest(theirs, *WITHOUT)
        return ratio(*sides, effort.pairs_of(PAIRS), warm=effort.warm)


def collecting(effort: Effort) -> Figure:
    """What collecting recipes with their goldens costs, each, above naming their files."""
    count, only = effort.size_of(RECIPES), "--collect-only"
    with _project() as ours, _project() as theirs:
        for folder in (ours, theirs):
            _write(folder, count)
            for path in folder.glob("recipes/*.yaml"):
                # collecting notes it, and reads none
                path.with_suffix(".golden.json").write_text(f'{{"recipe": "{path.stem}"}}\n', encoding="utf-8")
        (theirs / "conftest.py").write_text(NAMING, encoding="utf-8")
        sides = _pytest(ours, only), _pytest(theirs, only, *WITHOUT)
        return excess(*sides, effort.pairs_of(COLLECTING_PAIRS), share=count, warm=effort.warm)


def linear(effort: Effort) -> Figure:
    """`recipe verify` of a folder of fixtures, against a tenth of them, each in a process of its own, torch loaded."""
    count = effort.size_of(RECIPES)
    with _project() as few, _project() as many:
        _record(few, count)
        _copy(few, many, count, TIMES * count)
        ours, theirs = (
            partial(printed, "benchmarks.goldens", str(folder / "recipes"), str(here))
            for folder, here in ((many, TIMES * count), (few, count))
        )
        values = [float(ours()) / float(theirs()) for _ in range(effort.pairs_of(VERIFYING_PAIRS))]
        return figure(values, "ratio")


def without_recipes(effort: Effort) -> Figure:
    """A session of one test, in a project without recipes, against the same without the plugin."""
    with _project() as folder:
        (folder / "test_plain.py").write_text(TEST, encoding="utf-8")
        others = _without_other_plugins()
        sides = _pytest(folder, *others), _pytest(folder, *others, *WITHOUT)
        return excess(*sides, effort.pairs_of(PROJECT_PAIRS), warm=effort.warm)


# the sides


def _pytest(folder: Path, *words: str) -> Side:
    # without an ini that asks for workers, xdist runs everything in this process
    return whole([installed("pytest"), "-q", "-p", "no:cacheprovider", *words], folder, clock=of_children)


def _without_other_plugins() -> list[str]:
    """Words that keep out what else is installed and takes its time, and more or less of it from run to run."""
    named = {point.name for point in entry_points(group="pytest11")} - {PLUGIN}
    return [word for name in sorted(named) for word in ("-p", f"no:{name}")]


def _verified(folder: Path, count: int) -> float:
    """Seconds that `recipe verify` of a folder takes, when all that it needs is loaded."""
    from tensorflow_free.cli import recipe_main  # noqa: PLC0415 - the parent has no need of it

    one = next(folder.glob("*.yaml"))
    if recipe_main(["verify", "--quiet", str(one)]):
        message = f"{one} is not as it was recorded"
        raise AssertionError(message)
    start = process_time()
    code = recipe_main(["verify", "--quiet", str(folder)])
    seconds = process_time() - start
    if code or len(list(folder.glob("*.yaml"))) != count:
        message = f"{folder}: not every one of {count} fixtures is well"
        raise AssertionError(message)
    return seconds


# what is tested


@contextmanager
def _project() -> Iterator[Path]:
    """A project's folder, with a folder for recipes."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "pytest.ini").write_text(INI, encoding="utf-8")
        yield Path(folder)


def ops_of(number: int) -> list[str]:
    return [OPS[(number // len(OPS) ** (step % 3) + step) % len(OPS)] for step in range(STEPS)]


def _steps(number: int) -> Iterator[tuple[str, str, str]]:
    """Each step's name, its op, and the value before it."""
    before = "x"
    for step, op in enumerate(ops_of(number)):
        yield f"s{step}", op, before
        before = f"s{step}"


def recipe_text(number: int) -> str:
    steps = "".join(f"  {name}: {{op: {op}, args: [{before}, w]}}\n" for name, op, before in _steps(number))
    x, w = (f"{{data: {data}, requires_grad: true}}" for data in (X.format(number=number), W))
    return (
        f"tensors:\n  x: {x}\n  w: {w}\n\nsteps:\n{steps}  loss: {{op: sum, args: [s{STEPS - 1}]}}\n\nbackward: loss\n"
    )


def _write(project: Path, count: int) -> list[Path]:
    folder = project / "recipes"
    folder.mkdir()
    paths = [folder / f"recipe_{number}.yaml" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_text(recipe_text(number), encoding="utf-8")
    return paths


def _record(project: Path, count: int) -> None:
    """Recipes, each with its golden."""
    from tensorflow_free.golden.recording import record  # noqa: PLC0415 - it loads torch, and the parent may not need it

    for path in _write(project, count):
        for done in record(path):
            if done.did != "written":
                raise AssertionError(done.reason)


def _copy(few: Path, many: Path, recorded: int, count: int) -> list[Path]:
    """So many fixtures of the numbers of those that are recorded, under names of their own in one folder."""
    (many / "recipes").mkdir()
    for number in range(count):
        stem = f"recipe_{number % recorded}"
        for suffix in (".yaml", ".golden.json"):
            text = (few / "recipes" / f"{stem}{suffix}").read_text(encoding="utf-8")
            copied = text.replace(f'"recipe": "{stem}"', f'"recipe": "recipe_{number}"')
            (many / "recipes" / f"recipe_{number}{suffix}").write_text(copied, encoding="utf-8")
    return [many / "recipes" / f"recipe_{number}.yaml" for number in range(count)]


def _written_tests(distinct: int, count: int) -> str:
    """The module of the tests written by hand."""
    head = "import torch\nfrom torch.testing import assert_close\n"
    bodies = [test_body(number) for number in range(distinct)]
    return "\n\n".join([head, *(f"def test_{number}():\n{bodies[number % distinct]}" for number in range(count))])


def test_body(number: int) -> str:
    names: dict[str, Any] = {}
    steps = [name for name, _, _ in _steps(number)]
    lines = [f"{name} = torch.tensor({data}, requires_grad=True)" for name, data in (("x", X), ("w", W))]
    lines = [line.format(number=number) for line in lines]
    lines += [f"{name} = torch.{op}({before}, w)" for name, op, before in _steps(number)]
    lines += [f"loss = {steps[-1]}.sum()", *(f"{name}.retain_grad()" for name in (*steps, "loss")), "loss.backward()"]
    exec("\n".join(["import torch", *lines]), names)
    kept = [*steps, "loss", *(f"{name}.grad" for name in ("x", "w", *steps, "loss"))]
    lines += [f"assert_close({name}, torch.tensor({eval(name, names).tolist()}))" for name in kept]
    return "\n".join(f"    {line}" for line in lines)


if __name__ == "__main__":
    print(_verified(Path(sys.argv[1]), int(sys.argv[2])))
