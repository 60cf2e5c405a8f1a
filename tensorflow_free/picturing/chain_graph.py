"""The graph of a chain, from the recipe alone: values, what reads them, blocks, what is differentiated. Without torch.

Example:
    >>> from tensorflow_free import load_recipe
    >>> from tensorflow_free.picturing.chain_graph import chain_graph
    >>> graph = chain_graph(load_recipe("recipes/linear_autograd.yaml"))
    >>> [(one.source, one.to, one.label, one.backward) for one in graph.edges]
    [('w', 'wx', '0', True), ('x', 'wx', '1', False), ('wx', 'y', '0', True), ('b', 'y', '1', False)]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from tensorflow_free.picturing.gradient_ways import with_gradients
from tensorflow_free.picturing.graph_model import (
    ChainEdge,
    ChainGraph,
    ChainGroup,
    ChainNode,
    ChainTarget,
    EdgeKind,
    NodeKind,
)
from tensorflow_free.picturing.line_texts import line_text
from tensorflow_free.picturing.memory_words import changes_in_place, is_view
from tensorflow_free.recipe.dotted import KeyPath
from tensorflow_free.recipe.graph import named_in, steps_of
from tensorflow_free.recipe.models import Recipe, Step


def chain_graph(recipe: Recipe, followed: Mapping[str, bool] | None = None) -> ChainGraph:
    """The graph of a recipe's starting tensors, steps and checks.

    Args:
        recipe: composed; it need not be bound.
        followed: which values autograd recorded in a run, by name; without a run it is told from the ops' names.
    """
    making = _Making(recipe)
    for name, spec in recipe.tensors.items():
        making.nodes[name] = ChainNode(name, "tensor", spec.init, requires_grad=spec.requires_grad)
    making.block(recipe.steps, None)
    for name, check in recipe.checks.items():
        making.step(name, check, None, "check")
    targets = tuple(ChainTarget(one.target, one.gradient) for one in recipe.backward)
    graph = ChainGraph(tuple(making.nodes.values()), tuple(making.edges), tuple(making.groups.values()), targets)
    return with_gradients(graph, recipe, followed)


class _Read(NamedTuple):
    """One value that a step reads: the node, the word as it is written, and where it stands among the arguments."""

    source: str
    word: str
    label: str
    path: KeyPath

    @property
    def memory(self) -> str:
        """What it lies in: a gradient in its own memory, whichever step gave it."""
        return self.word if self.word.endswith(".grad") else self.source


class _Making:
    """A graph that is being made, step by step, in the recipe's order."""

    def __init__(self, recipe: Recipe) -> None:
        self.nodes: dict[str, ChainNode] = {}
        self.edges: list[ChainEdge] = []
        self.groups: dict[str, ChainGroup] = {}
        self._steps = dict(steps_of(recipe.steps))
        self._names = {*recipe.tensors, *self._steps, *recipe.checks}
        self._wholes = recipe.parts
        self._parts: dict[str, dict[str, Step]] = {}
        for part, whole in recipe.parts.items():
            if part in self._steps:
                self._parts.setdefault(whole, {})[part] = self._steps[part]
        self._backward: str | None = None
        """The last step so far that differentiated in mid-chain."""
        self._memory: dict[str, str] = {}
        """The value in whose memory each view lies."""
        self._changed: dict[str, str] = {}
        """The last step that changed each memory in place."""
        self._readers: dict[str, dict[str, None]] = {}
        """The steps that have read each memory since it was last changed."""

    def block(self, steps: Mapping[str, Step], group: str | None) -> None:
        """Add the steps of a block."""
        for name, step in steps.items():
            if step.steps is None:
                self.step(name, step, group, "step")
                continue
            self.groups[name] = ChainGroup(name, title_of(step), group, step.repeat, tuple(step.trace))
            first = len(self.edges)
            self.block(step.steps, name)
            self._carry(step, first)

    def step(self, name: str, step: Step, group: str | None, kind: NodeKind) -> None:
        """Add a step, and an edge for each value that it reads."""
        changes, views = changes_in_place(step), is_view(step)
        line = line_text(step, self._names, self._parts.get(name))
        whole = self._wholes.get(name, "")
        reads = list(self._reads(step))
        self.nodes[name] = ChainNode(name, kind, step.op or "", line, whole, group, in_place=changes, view=views)
        for read in reads:
            is_first = read.path in (("args", 0), ("kwargs", "input"), ("kwargs", "self"))
            touched: EdgeKind = "in_place" if changes else "view" if views else "operand"
            kind_of_edge = "in_place" if read.path == ("kwargs", "out") else touched if is_first else "operand"
            word = read.word if read.word != read.source else ""
            self.edges.append(ChainEdge(read.source, name, read.label, kind_of_edge, word))
            if is_first and (changes or views):
                self._memory[name] = self._root(read.memory)
            self._after(read, name)
        if changes and reads:
            self._change(reads[0], name)
        if step.op == "backward":
            self._backward = name

    def _reads(self, step: Step) -> Iterator[_Read]:
        """The values that a step reads; a gradient is read of the step that gave it, where one did."""
        for part, written in (("args", step.args), ("kwargs", step.kwargs)):
            for path, word in named_in(written):
                root, _, fields = word.partition(".")
                source = self._backward if fields == "grad" and self._backward else self._node(root, fields)
                if source is not None:
                    yield _Read(source, word, ".".join(map(str, path)), (part, *path))

    def _node(self, name: str, fields: str) -> str | None:
        """The node of a value; of a block's trace, `train.loss`, the step that it is of."""
        if name in self.groups:
            traced = fields.partition(".")[0]
            return traced if traced in self.nodes else None
        return name if name in self.nodes else None

    def _root(self, name: str) -> str:
        return self._memory.get(name, name)

    def _after(self, read: _Read, reader: str) -> None:
        """An edge from the step that changed, under another name, the memory which is read."""
        root = self._root(read.memory)
        changer = self._changed.get(root)
        if changer is not None and changer not in (read.source, reader):
            self.edges.append(ChainEdge(changer, reader, read.label, "after", read.word))
        self._readers.setdefault(root, {})[reader] = None

    def _change(self, read: _Read, changer: str) -> None:
        """A memory is changed in place, after all steps that have read it."""
        root = self._root(read.memory)
        for reader in self._readers.pop(root, {}):
            if reader not in (changer, read.source) and self._root(reader) != root:
                self.edges.append(ChainEdge(reader, changer, read.label, "after", read.word))
        self._changed[root] = changer

    def _carry(self, block: Step, first: int) -> None:
        """An edge from what a round hands on, or changes in place, to what reads it in the next.

        Args:
            block: a block; one that runs once hands nothing on.
            first: its first edge.
        """
        if block.repeat is None:
            return
        handed = {taken: self._node(*_split(given)) for taken, given in block.carry.items()}
        reads = [one for one in self.edges[first:] if one.kind not in ("carry", "after")]
        places = {one.to: at for at, one in enumerate(reads)}
        for one in reads:
            changer = None if one.reads.endswith(".grad") else self._changed.get(self._root(one.source))
            changes_later = changer is not None and places.get(changer, -1) > places[one.to]
            source = handed.get(one.source) or (changer if changes_later else None)
            if source is not None:
                self.edges.append(replace(one, source=source, kind="carry", reads=one.source))


def _split(word: str) -> tuple[str, str]:
    name, _, fields = word.partition(".")
    return name, fields


def title_of(block: Step) -> str:
    """What a block is, in a few words: `repeat 100`, `no_grad`, `autocast bfloat16`."""
    words = [] if block.repeat is None else [f"repeat {block.repeat:,}"]
    context = block.context
    if isinstance(context, Mapping):
        words += [f"{name} {_values(given)}".strip() for name, given in context.items()]
    elif context is not None:
        words.append(context)
    return ", ".join(words) or "steps"


def _values(given: Any) -> str:
    listed = given.values() if isinstance(given, Mapping) else [] if given is None else [given]
    return " ".join(str(one) for one in listed)
