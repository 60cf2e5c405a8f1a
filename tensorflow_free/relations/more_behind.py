"""Relations of what was there to what it is with more behind it: the same once more, or padding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch

from tensorflow_free.relations.changed_dimensions import NO_DIMENSION, NOT_SHOWN, changed_dimensions, narrowed
from tensorflow_free.relations.changed_runs import GRADIENT, Asked, Ground, Rebuilt, cut, missing, plain_value, root_of
from tensorflow_free.relations.targets import BY_A_STEP, Reduction, by_steps, reductions, same_targets
from tensorflow_free.result.result import Result


def concatenation(ground: Ground, asked: Asked) -> Iterator[Rebuilt]:
    """The first half once more behind the whole."""
    dimensions = asked.dimensions()
    more = max(1, ground.length(dimensions) // 2)
    yield _without(cut(ground, dimensions, 0, more), more, ground, asked, f"with {more} more behind it")


def padding(ground: Ground, asked: Asked) -> Iterator[Rebuilt]:
    """More elements of one value behind the whole."""
    dimensions = asked.dimensions()
    sizes = {asked.told(name, "by", None) for name in asked.spec.of} - {None}
    more = min(sizes, default=max(1, ground.length(dimensions) // 2))
    added = {}
    for name, at in dimensions.items():
        shape = list(ground.starts[name].shape)
        shape[at] = more
        added[name] = ground.starts[name].new_full(shape, asked.told(name, "value", 0))
    yield _without(added, more, ground, asked, f"padded by {more}")


def _without(added: Mapping[str, torch.Tensor], more: int, ground: Ground, asked: Asked, how: str) -> Rebuilt:
    """The values of a run with something behind its tensors, without what comes of that."""
    dimensions = asked.dimensions()
    lengths = (ground.length(dimensions), ground.length(dimensions) + more)
    given = {name: torch.cat([ground.starts[name], one], dimensions[name]) for name, one in added.items()}
    longer = ground.run(given)
    # what is added to a sum of products counts nothing where it is zero
    stays = asked.kind.name == "padding" and same_targets(ground, longer)
    reduced: list[Reduction] | str = []
    if not stays:
        parts = [ground.result, ground.run(added, forward=True)]
        reduced = reductions(ground, longer, parts, [lengths[0], more])
    if "mean" in reduced and not isinstance(reduced, str):
        longer = ground.run(given, gradients=[lengths[1] / lengths[0] if one == "mean" else 1.0 for one in reduced])
    rebuilt = Rebuilt(how)
    differentiating = by_steps(ground)
    for name in ground.names(asked):
        found = _part(name, ground.result, longer, lengths)
        if root_of(name) in differentiating or (differentiating and name.endswith(GRADIENT)):
            found = BY_A_STEP
        elif name.endswith(GRADIENT) and isinstance(reduced, str):
            found = reduced
        elif found is None and stays:
            found = longer.records[name].value
        if isinstance(found, torch.Tensor):
            rebuilt.values[name] = found
        else:
            rebuilt.left[name] = NO_DIMENSION if found is None else found
    return rebuilt


def _part(name: str, before: Result, longer: Result, lengths: tuple[int, int]) -> torch.Tensor | str | None:
    """The part of a value that was there before; None where it has no such dimension, and why where it is not known."""
    its, found = plain_value(before.records.get(name)), plain_value(longer.records.get(name))
    if its is None or found is None:
        return "it is not one plain tensor" if its is None else missing(longer, name)
    dimensions = changed_dimensions(its.shape, found.shape, lengths)
    if dimensions is None:
        return NOT_SHOWN
    return narrowed(found, dimensions, 0, lengths[0]) if dimensions else None
