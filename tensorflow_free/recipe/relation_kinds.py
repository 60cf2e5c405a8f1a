"""The kinds of relations that a recipe may state: what stands below each, and what it says. Does not import torch.

A new kind is a row of `RELATION_KINDS` and a function of the same name in `relations/relation_table.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

Takes = Literal[
    "dimension", "part", "padding", "layout", "factor", "number", "value", "tensor", "dtype", "threads", "count"
]
"""What a relation is told: of each tensor that it changes one of the first eight, or one of the others alone."""

ALONE: Final[frozenset[Takes]] = frozenset({"dtype", "threads", "count"})
"""What no tensor is named for."""

LAYOUTS: Final = ("transposed", "gapped", "offset", "channels_last")
"""Memory that a tensor may lie in: its last two dimensions exchanged, every other element, one element further."""

PARAMETERS: Final[Mapping[Takes, tuple[str, ...]]] = MappingProxyType({
    "part": ("dim", "size"),
    "padding": ("dim", "by", "value"),
})  # fmt: skip
"""What may be said of a tensor in a mapping, instead of its dimension alone."""

RELATION_KEYS: Final = ("of", "values", "bits", "strict", "when")
"""The keys of a relation that is written out."""


@dataclass(frozen=True, slots=True)
class RelationKind:
    """A kind of relation: how the starting tensors, or what is around them, change, and what must then hold.

    Attributes:
        name: the key below `relations`.
        takes: what it is told.
        example: a value that it may have, as it is written.
        changes: what is changed, in words that follow a tensor's name.
        holds: what must then hold, in words.
        bits: whether it must hold bit for bit where nobody says so.
        draws: whether the steps draw the same random numbers for the same elements.
        least: how long the dimension must be for the relation to say anything.
    """

    name: str
    takes: Takes
    example: str
    changes: str
    holds: str
    bits: bool = False
    draws: bool = False
    least: int = 1

    @property
    def wants(self) -> str:
        """What would be right below it, in words."""
        return f"{_WANTS[self.takes]}, such as {self.name}: {self.example}"


_WANTS: Final[Mapping[Takes, str]] = MappingProxyType({
    "dimension": "a mapping from tensors to dimensions",
    "part": "a mapping from tensors to dimensions, or to {dim: 0, size: 2}",
    "padding": "a mapping from tensors to dimensions, or to {dim: 0, by: 2, value: 0}",
    "layout": f"a mapping from tensors to layouts ({', '.join(LAYOUTS)})",
    "factor": "a mapping from tensors to powers of two, or the negative of one",
    "number": "a mapping from tensors to numbers",
    "value": "a mapping from a tensor to the value that is put in its place",
    "tensor": "a mapping from one tensor to another",
    "dtype": "a dtype that is wider than the recipe's",
    "threads": "a number of threads, or a list of such",
    "count": "a number of runs of at least 2",
})  # fmt: skip

RELATION_KINDS: Final[Mapping[str, RelationKind]] = MappingProxyType({
    kind.name: kind
    for kind in (
        RelationKind(
            "batch", "dimension", "{x: 0, y: 0}", "row by row: rows alone, without the others",
            "each row is what it is in the batch; a gradient without the dimension is the sum of those of the rows",
            least=2,
        ),
        RelationKind(
            "chunk", "part", "{x: 0}", "in parts, of half the length or of `size`",
            "the parts put together are the whole; a gradient without the dimension is the sum of those of the parts",
            least=2,
        ),
        RelationKind(
            "independence", "dimension", "{x: 0}", "with other numbers in the second half",
            "the first half stays what it is", bits=True, draws=True, least=2,
        ),
        RelationKind(
            "permutation", "dimension", "{x: 0}", "reversed, and then shifted by one",
            "values that have the dimension are in the same other order, all others stay", least=2,
        ),
        RelationKind(
            "concatenation", "dimension", "{x: 0}", "with its first half once more behind it",
            "what it was before stays",
        ),
        RelationKind(
            "padding", "padding", "{x: 1}", "with more elements of one value (0) behind it",
            "what it was before stays; what does not have the dimension stays",
        ),
        RelationKind(
            "layout", "layout", "{x: transposed}", "the same numbers elsewhere in memory", "all stays",
        ),
        RelationKind(
            "scaling", "factor", "{x: 4}", "times a power of two",
            "each value is times a power of two, which `values` may name", bits=True, draws=True,
        ),
        RelationKind("shift", "number", "{x: 8}", "plus a number", "all stays", draws=True),
        RelationKind(
            "idempotence", "value", "{x: y}", "replaced by a value that was made of it",
            "that value stays", draws=True,
        ),
        RelationKind(
            "transposition", "tensor", "{a: b}", "exchanged, each transposed in its last two dimensions",
            "each matrix is transposed in its last two dimensions; the two have the gradients of each other",
        ),
        RelationKind(
            "commutation", "tensor", "{a: b}", "exchanged", "all stays; the two have the gradients of each other",
            bits=True, draws=True,
        ),
        RelationKind("upcast", "dtype", "float64", "the run in a wider dtype", "rounded, all stays"),
        RelationKind("threads", "threads", "[1, 2]", "the run with so many threads", "all stays", draws=True),
        RelationKind("repeat", "count", "3", "the run once more, so often", "all stays", bits=True, draws=True),
    )
})  # fmt: skip
"""Every kind of relation, by the key that states it."""
