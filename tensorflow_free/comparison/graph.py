"""Which values a step reads, as its recipe says it: enough to tell what lies upstream. Knows no torch."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tensorflow_free.recipe import Recipe, Step

_NAME: Final = re.compile(r"[A-Za-z_]\w*")


def reads_of(recipe: Recipe) -> dict[str, tuple[str, ...]]:
    """The names that each step reads, in order, those inside blocks too; fields and gradients count as their value."""
    steps = dict(steps_of(recipe.steps))
    known = {*recipe.tensors, *steps}
    return {
        name: tuple(dict.fromkeys(word for word in _words([step.args, step.kwargs, step.carry]) if word in known))
        for name, step in steps.items()
    }


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


def _words(written: Any) -> Iterator[str]:
    """The names that may stand in arguments: the first part of each dotted word, every name in a subscript."""
    if isinstance(written, str):
        for part in re.split(r"[^\w.]+", written):
            if found := _NAME.match(part):
                yield found[0]
    elif isinstance(written, Mapping):
        for value in written.values():
            yield from _words(value)
    elif isinstance(written, (list, tuple)):
        for value in written:
            yield from _words(value)
