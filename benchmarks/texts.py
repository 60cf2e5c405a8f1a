"""Loading recipes, from their files to bound plans, against libyaml reading the same files."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import yaml

from benchmarks.figures import Effort, Figure, Side, excess, ratio
from tensorflow_free import load_recipe

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

LONG_STEPS: Final = (
    "{{op: mul, args: [{before}, w]}}",
    "{{op: add, args: [{before}, w], kwargs: {{alpha: 0.5}}}}",
    "{{op: nn.functional.softmax, args: [{before}], kwargs: {{dim: -1}}}}",
    "{{op: '-', args: [{before}, w]}}",
    "{{op: clamp, args: [{before}], kwargs: {{min: -1.0, max: 1.0}}}}",
    "{{op: '[]', args: [{before}, ':']}}",
    "{{op: to, args: [{before}, float32]}}",
    "{{op: linalg.norm, args: [{before}], kwargs: {{keepdim: true}}}}",
)
"""The steps of a long recipe, in turn: numbers, words, dtypes, subscripts, operators, keywords."""


def small(effort: Effort) -> Figure:
    """What loading each of a thousand small recipes costs above reading it."""
    count = effort.size_of(RECIPES)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"recipe_{number}.yaml" for number in range(count)]
        for number, path in enumerate(paths):
            path.write_text(_small_text(number), encoding="utf-8")
        return excess(_loading(paths), _reading(paths), effort.pairs_of(PAIRS), share=count)


def long(effort: Effort) -> Figure:
    """A recipe of ten thousand steps, against reading it."""
    with tempfile.TemporaryDirectory() as folder:
        path = _long_recipe(Path(folder), effort.size_of(STEPS, 8))
        return ratio(_loading([path]), _reading([path]), effort.pairs_of(PAIRS))


def linear(effort: Effort) -> Figure:
    """A recipe of ten thousand steps, against ten of a thousand: 1 if the time is linear in the steps."""
    steps = effort.size_of(STEPS // 10, 8)
    with tempfile.TemporaryDirectory() as folder:
        whole, part = _long_recipe(Path(folder), 10 * steps), _long_recipe(Path(folder), steps)
        return ratio(_loading([whole]), _loading([part] * 10), effort.pairs_of(PAIRS))


def _small_text(number: int) -> str:
    first, second = (SMALL_OPS[index % len(SMALL_OPS)] for index in (number, number // len(SMALL_OPS)))
    return SMALL.format(number=number, first=first, second=second)


def _long_recipe(folder: Path, steps: int) -> Path:
    path = folder / f"recipe_of_{steps}.yaml"
    lines = ["tensors:", "  x: {init: ones, size: [4]}", "  w: {init: ones, size: [4], requires_grad: true}", "steps:"]
    names = ["x", *(f"s{index}" for index in range(steps))]
    for index in range(steps):
        step = LONG_STEPS[index % len(LONG_STEPS)].format(before=names[index])
        lines.append(f"  {names[index + 1]}: {step}")
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path


def _loading(paths: Sequence[Path]) -> Side:
    return Side(lambda _: [load_recipe(path) for path in paths])


def _reading(paths: Sequence[Path]) -> Side:
    return Side(lambda _: [yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader) for path in paths])
