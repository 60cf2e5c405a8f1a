"""Which values a step reads, what lies upstream of it, and what two recipes share. Does not import torch."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tensorflow_free.recipe.dotted import KeyPath
from tensorflow_free.recipe.models import Recipe, Step

_NAME: Final = re.compile(r"[^\W\d]\w*")

_NO_NAMES: Final = frozenset({"str", "dtype", "finfo", "complex"})
"""The one-key mappings that say a word or a number, and name no value."""


def reads_of(recipe: Recipe) -> dict[str, tuple[str, ...]]:
    """The names that each step reads, in order, those inside blocks too; fields and gradients count as their value."""
    steps = dict(steps_of(recipe.steps))
    known = {*recipe.tensors, *steps}
    return {name: tuple(dict.fromkeys(word for word in _words(step) if word in known)) for name, step in steps.items()}


def differentiated(recipe: Recipe) -> set[str]:
    """The names of what lies on the way to anything that is differentiated."""
    reads = reads_of(recipe)
    waiting = [one.target.partition(".")[0] for one in recipe.backward]
    waiting += [name for name, step in steps_of(recipe.steps) if step.op in ("backward", "grad")]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += reads.get(name, ())
    return found


def only_in_one(recipe: Recipe, other: Recipe) -> frozenset[str]:
    """What only one of two recipes has: names, parts of lines that differ in more than numbers, gradients of steps."""
    if all(getattr(recipe, part) is getattr(other, part) for part in ("tensors", "steps", "backward")):
        # the one was made of the other
        return frozenset()
    mine, its = dict(steps_of(recipe.steps)), dict(steps_of(other.steps))
    found = (mine.keys() ^ its.keys()) | (recipe.tensors.keys() ^ other.tensors.keys())
    lines: dict[str, set[str]] = {}
    for part, whole in (*recipe.parts.items(), *other.parts.items()):
        lines.setdefault(whole, set()).add(part)
    for whole, parts in lines.items():
        if any(_said(mine.get(name)) != _said(its.get(name)) for name in (whole, *parts)):
            found |= parts
    on_one_path = differentiated(recipe) ^ differentiated(other)
    return frozenset(found | {f"{name}.grad" for name in on_one_path if name in mine})


def parts_apart(recipe: Recipe, other: Recipe) -> frozenset[str]:
    """The parts of lines that only one of two recipes has, and gradients of the other parts of lines that differ.

    Both have a part where both say the same in it, numbers left aside, and where both have the parts that it reads.
    """
    steps = [dict(steps_of(one.steps)) for one in (recipe, other)]
    mine, its = steps
    names = dict.fromkeys((*mine, *its))
    differs = {name for name in names if _said(mine.get(name)) != _said(its.get(name))}
    if not differs or not (recipe.parts or other.parts):
        return frozenset()
    lines = {
        name: {one.parts.get(name) for one, made in zip((recipe, other), steps, strict=True) if name in made}
        for name in names
    }
    changed = {line or name for name in differs for line in lines[name]}
    reads = reads_of(recipe)
    apart: set[str] = set()
    for name in names:
        if None in lines[name] or changed.isdisjoint(lines[name]):
            continue
        if name in differs or not apart.isdisjoint(reads[name]):
            apart.add(name)
        else:
            apart.add(f"{name}.grad")
    return frozenset(apart)


def _said(step: Step | None) -> Any:
    """What a step says, numbers left aside: those may come from `params`."""
    return None if step is None else (step.op, _without_numbers([step.args, step.kwargs]))


def _without_numbers(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_numbers(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_without_numbers(one) for one in value]
    return value if isinstance(value, str) else None


def readers_of(reads: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The steps that read each name."""
    readers: dict[str, list[str]] = {}
    for step, names in reads.items():
        for name in names:
            readers.setdefault(name, []).append(step)
    return {name: tuple(steps) for name, steps in readers.items()}


def depths_of(reads: Mapping[str, tuple[str, ...]], steps: Mapping[str, Step]) -> dict[str, int]:
    """How many steps lead to each value, itself among them, on the longest way; of starting tensors, to those changed.

    What a `repeat` carries from round to round, or changes in place, leads through all its rounds.
    """
    depths: dict[str, int] = {}
    _deepen(depths, reads, steps)
    return depths


def _deepen(depths: dict[str, int], reads: Mapping[str, tuple[str, ...]], steps: Mapping[str, Step]) -> None:
    for name, step in steps.items():
        if step.steps is not None:
            _deepen_block(depths, reads, step)
        depths[name] = max(depths.get(name, 0), 1 + max((depths.get(one, 0) for one in reads[name]), default=0))
        if reads[name] and ((step.op or "").endswith("_") or step.op == "[]="):
            depths[reads[name][0]] = depths[name]


def _deepen_block(depths: dict[str, int], reads: Mapping[str, tuple[str, ...]], block: Step) -> None:
    before = dict(depths)
    _deepen(depths, reads, block.steps or {})
    joined = [depths.get(given, 0) - before.get(taken, 0) for taken, given in block.carry.items()]
    joined += [depth - before.get(name, 0) for name, depth in depths.items() if name in before or name not in reads]
    grown = max(joined, default=0) * max(0, (block.repeat or 1) - 1)
    depths.update({name: depth + grown for name, depth in depths.items() if depth != before.get(name)})


def steps_of(steps: Mapping[str, Step]) -> Iterator[tuple[str, Step]]:
    """Every step with its name, in order, those inside blocks too."""
    for name, step in steps.items():
        yield name, step
        if step.steps is not None:
            yield from steps_of(step.steps)


def paths_of(steps: Mapping[str, Step], above: KeyPath = ("steps",)) -> Iterator[tuple[str, KeyPath]]:
    """The path of every step with its name, in order, those inside blocks too."""
    for name, step in steps.items():
        path = (*above, name)
        yield name, path
        if step.steps is not None:
            yield from paths_of(step.steps, (*path, "steps"))


def named_in(written: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
    """The dotted words that may name values in arguments, each with the keys and positions that lead to it.

    Those of a subscript are among them; the words inside `{str: mean}` and `{dtype: float32}` name no value.
    """
    if isinstance(written, str):
        yield from ((path, part) for part in re.split(r"[^\w.]+", written) if _NAME.match(part))
        return
    parts = written.items() if isinstance(written, Mapping) else enumerate(written) if _is_list(written) else ()
    for key, value in parts:
        if not (isinstance(value, Mapping) and len(value) == 1 and not _NO_NAMES.isdisjoint(value)):
            yield from named_in(value, (*path, key))


def _is_list(written: Any) -> bool:
    return isinstance(written, (list, tuple))


def _words(step: Step) -> Iterator[str]:
    """The names that may stand in a step's arguments: the first part of each dotted word."""
    for part in (step.args, step.kwargs, step.carry):
        yield from (dotted.partition(".")[0] for _, dotted in named_in(part))
