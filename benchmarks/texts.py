"""Loading recipes, from their files to bound plans, against libyaml reading the same files."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import yaml

from benchmarks.figures import Effort, Figure, Side, excess, ratio
from tensorflow_free import Recipe, load_recipe

RECIPES: Final = 1000
STEPS: Final = 10_000
PAIRS: Final = 15

SMALL: Final = """\
description: Recipe number {number}, of the size of the first example.

tensors:
  x: {{init: tensor, data: {number}.5}}
  w: {{init: tensor, data: 2.0, requires_grad: true}}
  b: {{init: tensor, data: 3.0}}

steps:
  wx: {{op: {first}, args: [w, x]}}
  y: {{op: {second}, args: [wx, b]}}

backward: y

expect:
  w.grad: {{shape: []}}
"""
"""recipes/linear_autograd.yaml in other words and numbers."""

SMALL_OPS: Final = ("mul", "add", "sub", "maximum", "minimum", "div", "hypot", "atan2", "logaddexp", "fmax")

LINES: Final = (
    "{before} * w",
    "torch.add({before}, w, alpha=0.5)",
    "F.softmax({before}, dim=-1)",
    "{before} - w",
    "{before}.clamp(min=-1.0, max=1.0)",
    "{before}[:]",
    "{before}.to(torch.float32)",
    "linalg.norm({before}, keepdim=True)",
)
"""The steps of a long recipe, in turn: operators, functions, methods, with numbers, keywords, dtypes, subscripts."""

WRITTEN_OUT: Final = (
    "{{op: '*', args: [{before}, w]}}",
    "{{op: torch.add, args: [{before}, w], kwargs: {{alpha: 0.5}}}}",
    "{{op: F.softmax, args: [{before}], kwargs: {{dim: -1}}}}",
    "{{op: '-', args: [{before}, w]}}",
    "{{op: clamp, args: [{before}], kwargs: {{min: -1.0, max: 1.0}}}}",
    "{{op: '[]', args: [{before}, ':']}}",
    "{{op: to, args: [{before}, {{dtype: float32}}]}}",
    "{{op: linalg.norm, args: [{before}], kwargs: {{keepdim: true}}}}",
)
"""What these lines stand for."""


def small(effort: Effort) -> Figure:
    """What loading each of a thousand small recipes costs above reading it."""
    count = effort.size_of(RECIPES)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"recipe_{number}.yaml" for number in range(count)]
        for number, path in enumerate(paths):
            path.write_text(_small_text(number), encoding="utf-8")
        ours, theirs = Side(lambda _: _load_all(paths)), Side(lambda _: _read_all(paths))
        return excess(ours, theirs, effort.pairs_of(PAIRS), share=count)


def lines(effort: Effort) -> Figure:
    """A recipe of a thousand one-line steps, against the same written out."""
    return _compared(effort.size_of(STEPS // 10, 8), effort)


def long_lines(effort: Effort) -> Figure:
    """A recipe of ten thousand one-line steps, against the same written out."""
    return _compared(effort.size_of(STEPS, 8), effort)


def against_yaml(effort: Effort) -> Figure:
    """A recipe of a thousand one-line steps, against libyaml and PyYAML reading its text."""
    steps = effort.size_of(STEPS // 10, 8)
    with tempfile.TemporaryDirectory() as folder:
        fresh = _Fresh(Path(folder))
        ours, theirs = (Side(act, lambda: [fresh.recipe(LINES, steps)]) for act in (_load_all, _read_all))
        return ratio(ours, theirs, effort.pairs_of(PAIRS))


def linear(effort: Effort) -> Figure:
    """A recipe of ten thousand one-line steps, against ten of a thousand: 1 if the time is linear in the steps."""
    steps = effort.size_of(STEPS // 10, 8)
    with tempfile.TemporaryDirectory() as folder:
        fresh = _Fresh(Path(folder))
        whole = Side(_load_all, lambda: [fresh.recipe(LINES, 10 * steps)])
        parts = Side(_load_all, lambda: [fresh.recipe(LINES, steps) for _ in range(10)])
        return ratio(whole, parts, effort.pairs_of(PAIRS))


def _compared(steps: int, effort: Effort) -> Figure:
    with tempfile.TemporaryDirectory() as folder:
        fresh = _Fresh(Path(folder))
        ours = Side(_load_all, lambda: [fresh.recipe(LINES, steps)])
        theirs = Side(_load_all, lambda: [fresh.recipe(WRITTEN_OUT, steps)])
        return ratio(ours, theirs, effort.pairs_of(PAIRS))


def _small_text(number: int) -> str:
    first, second = (SMALL_OPS[index % len(SMALL_OPS)] for index in (number, number // len(SMALL_OPS)))
    return SMALL.format(number=number, first=first, second=second)


class _Fresh:
    """Long recipes, each with names that none had before, since the last few texts and lines stay read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = 0

    def recipe(self, kinds: Sequence[str], steps: int) -> Path:
        """A new file of so many steps, of these kinds in turn; what went before has left no garbage to be collected."""
        self._made += 1
        path = self._folder / f"recipe_{self._made}.yaml"
        names = ["x", *(f"s{self._made}_{index}" for index in range(steps))]
        made = [
            f"  {name}: {kinds[index % len(kinds)].format(before=before)}"
            for index, (before, name) in enumerate(pairwise(names))
        ]
        head = (
            "tensors:",
            "  x: {init: ones, size: [4]}",
            "  w: {init: ones, size: [4], requires_grad: true}",
            "steps:",
        )
        path.write_text("\n".join([*head, *made, ""]), encoding="utf-8")
        gc.collect()
        return path


def _load_all(paths: Sequence[Path]) -> list[Recipe]:
    return [load_recipe(path) for path in paths]


def _read_all(paths: Sequence[Path]) -> list[Any]:
    return [yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader) for path in paths]
