"""What runs for each kind of relation: one function a kind. What it says, `recipe/relation_kinds.py` has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from tensorflow_free.relations.changed_runs import Asked, Ground, Rebuilt
from tensorflow_free.relations.more_behind import concatenation, padding
from tensorflow_free.relations.other_numbers import commutation, idempotence, scaling, shift, transposition
from tensorflow_free.relations.reordered import independence, permutation
from tensorflow_free.relations.surroundings import layout, repeat, threads, upcast
from tensorflow_free.relations.whole_and_parts import batch, chunk

Relate = Callable[[Ground, Asked], Iterator[Rebuilt]]
"""Runs on other tensors, one after another, each made into what the run itself should have; lazily."""

TABLE: Final[Mapping[str, Relate]] = MappingProxyType({
    "batch": batch,
    "chunk": chunk,
    "independence": independence,
    "permutation": permutation,
    "concatenation": concatenation,
    "padding": padding,
    "layout": layout,
    "scaling": scaling,
    "shift": shift,
    "idempotence": idempotence,
    "transposition": transposition,
    "commutation": commutation,
    "upcast": upcast,
    "threads": threads,
    "repeat": repeat,
})  # fmt: skip
"""The functions, by the names of the kinds."""
