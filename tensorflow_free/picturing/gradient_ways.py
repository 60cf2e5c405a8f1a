"""Along which readings of a chain a gradient comes back. Does not import torch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from tensorflow_free.picturing.graph_model import ChainEdge, ChainGraph
from tensorflow_free.picturing.memory_words import ends_gradient
from tensorflow_free.recipe.graph import steps_of
from tensorflow_free.recipe.models import Recipe, Step

DIFFERENTIATING: Final = ("backward", "grad")
"""Steps that differentiate in mid-chain; their first operand is what they differentiate."""

_QUIET: Final = ("no_grad", "inference_mode")


def with_gradients(graph: ChainGraph, recipe: Recipe, followed: Mapping[str, bool] | None) -> ChainGraph:
    """The graph, its edges told apart by whether a gradient comes back along them.

    Args:
        graph: of the recipe.
        recipe: whose steps say what ends a gradient.
        followed: which values autograd recorded in a run, by name; what it does not hold is told from the ops' names.
    """
    steps = dict(steps_of(recipe.steps))
    ending = {name for name, step in steps.items() if ends_gradient(step) or step.op in DIFFERENTIATING}
    ending |= set(_quiet(recipe.steps)) | {name for name, was in (followed or {}).items() if not was}
    ways = [one for one in graph.edges if one.kind != "after" and one.to not in ending and not _is_grad(one)]
    leaves = [one.name for one in graph.nodes if one.requires_grad]
    needs = _reached(leaves, ((one.source, one.to) for one in ways))
    asked = [one.name for one in graph.targets]
    asked += [one.source for one in graph.edges if _is_asked(one, steps)]
    wanted = _reached(asked, ((one.to, one.source) for one in ways if one.source in needs))
    going = {id(one) for one in ways if one.source in needs and one.to in wanted}
    return replace(graph, edges=tuple(replace(one, backward=True) if id(one) in going else one for one in graph.edges))


def _is_grad(edge: ChainEdge) -> bool:
    return edge.reads.endswith(".grad")


def _is_asked(edge: ChainEdge, steps: Mapping[str, Step]) -> bool:
    """Whether an edge leads to a step that differentiates what it reads."""
    step = steps.get(edge.to)
    return step is not None and step.op in DIFFERENTIATING and edge.label in ("0", "target", "outputs")


def _quiet(steps: Mapping[str, Step], *, inside: bool = False) -> Iterator[str]:
    """The steps that autograd does not follow, by the blocks that they stand in."""
    for name, step in steps.items():
        words = [step.context] if isinstance(step.context, str) else list(step.context or ())
        quiet = any(one in _QUIET for one in words) or (inside and "enable_grad" not in words)
        if step.steps is not None:
            yield from _quiet(step.steps, inside=quiet)
        elif inside:
            yield name


def _reached(first: Iterable[str], links: Iterable[tuple[str, str]]) -> set[str]:
    """What can be reached along links."""
    following = defaultdict(list)
    for one, other in links:
        following[one].append(other)
    waiting, found = list(first), set[str]()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += following[name]
    return found
