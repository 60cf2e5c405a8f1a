"""The graph of a chain as data. Does not import torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

NodeKind = Literal["tensor", "step", "check"]

EdgeKind = Literal["operand", "view", "in_place", "carry", "after"]
"""Why a step hangs on another value: it reads it; its result is a view of it; it changes it in place; it reads it in
the next round of a repeated block; or it only comes after it, as one of the two changed memory that the other reads."""


@dataclass(frozen=True, slots=True)
class ChainNode:
    """A value of the chain.

    Attributes:
        name: the value's name.
        kind: a starting tensor, a step, or a check.
        op: the op, as it was written; of a starting tensor, its init.
        line: the step in one line: `x @ w`.
        whole: of a part of a line, the step that was written: `d1` of `d1_1`; else empty.
        group: the innermost block that it stands in; None outside of all.
        requires_grad: of a starting tensor, whether it has a gradient.
        in_place: whether it changes its operand where it lies.
        view: whether it surely lies in the memory of its operand.
    """

    name: str
    kind: NodeKind
    op: str
    line: str = ""
    whole: str = ""
    group: str | None = None
    requires_grad: bool = False
    in_place: bool = False
    view: bool = False

    def to_plain(self) -> dict[str, Any]:
        """It as JSON holds it; the id is its name, and what is empty is left out."""
        plain: dict[str, Any] = {"id": self.name, "kind": self.kind, "op": self.op}
        kept = ("line", "whole", "group", "requires_grad", "in_place", "view")
        return plain | {key: value for key in kept if (value := getattr(self, key))}


@dataclass(frozen=True, slots=True)
class ChainEdge:
    """One reading of a value by a step; a step that reads a value twice has two.

    Attributes:
        source: the value that is read.
        to: the step that reads it.
        label: which argument it is: `0`, `weight`, `0.1` in a list.
        kind: why.
        reads: what is read, as it is written, where that is not the name alone: `qr.Q`, `w.grad`.
        backward: whether a gradient comes back along it.
    """

    source: str
    to: str
    label: str
    kind: EdgeKind
    reads: str = ""
    backward: bool = False

    def to_plain(self) -> dict[str, Any]:
        """It as JSON holds it."""
        plain: dict[str, Any] = {"from": self.source, "to": self.to, "label": self.label, "kind": self.kind}
        return plain | {key: value for key in ("reads", "backward") if (value := getattr(self, key))}


@dataclass(frozen=True, slots=True)
class ChainGroup:
    """A block.

    Attributes:
        name: the block's name.
        title: what it is: `repeat 100`, `no_grad`, `autocast bfloat16`.
        parent: the block that it stands in; None outside of all.
        repeat: how many times its steps run; None of a block that runs once.
        trace: the values that are recorded in each round.
    """

    name: str
    title: str
    parent: str | None = None
    repeat: int | None = None
    trace: tuple[str, ...] = ()

    def to_plain(self) -> dict[str, Any]:
        """It as JSON holds it; the id is its name."""
        plain: dict[str, Any] = {"id": self.name, "title": self.title, "parent": self.parent}
        plain |= {} if self.repeat is None else {"repeat": self.repeat}
        return plain | ({"trace": list(self.trace)} if self.trace else {})


@dataclass(frozen=True, slots=True)
class ChainTarget:
    """What is differentiated after the steps, and the gradient that it is given; None for 1."""

    name: str
    gradient: Any = None

    def to_plain(self) -> dict[str, Any]:
        """It as JSON holds it."""
        return {"id": self.name, "gradient": self.gradient if isinstance(self.gradient, (str, int, float)) else None}


@dataclass(frozen=True, slots=True)
class ChainGraph:
    """Values, readings, blocks, and what is differentiated, each in the order of the recipe.

    Nodes and groups have their names from one set: no block is called as a value is.
    """

    nodes: tuple[ChainNode, ...] = ()
    edges: tuple[ChainEdge, ...] = ()
    groups: tuple[ChainGroup, ...] = ()
    targets: tuple[ChainTarget, ...] = ()

    def to_plain(self) -> dict[str, Any]:
        """The graph as JSON holds it."""
        return {
            "nodes": [one.to_plain() for one in self.nodes],
            "edges": [one.to_plain() for one in self.edges],
            "groups": [one.to_plain() for one in self.groups],
            "backward": [one.to_plain() for one in self.targets],
        }
