"""The names of a captured recipe: after modules and calls, each once."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tensorflow_free.recipe.names import name_problem
from tensorflow_free.tracing.calls_of_run import TracedCall

SPELT: dict[str, str] = {
    "[]": "index",
    "[]=": "written",
    "@": "matmul",
    "__getitem__": "index",
    "__setitem__": "written",
}
"""Ops that are no words."""


class Names:
    """Names that are taken: each is given once, with a number from 2 where it is wanted again."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def free(self, wanted: str, parts: int = 0) -> str:
        """A name of the recipe's that is like the one that is wanted.

        Args:
            wanted: the path or word that it is made of.
            parts: how many names `NAME_1`, `NAME_2`, … must be free, too, for the parts of a one-line step.
        """
        word = re.sub(r"\W+", "_", wanted.replace(".", "_")).strip("_") or "value"
        word = f"m{word}" if word[0].isdigit() else word
        word = word if name_problem(word) is None else f"{word}_"
        name, number = word, 2
        while not self._taken.isdisjoint(names := [name, *(f"{name}_{part}" for part in range(1, parts + 1))]):
            name, number = f"{word}_{number}", number + 1
        self._taken.update(names)
        return name

    def take(self, names: Iterable[str]) -> None:
        """Names that nothing else may have."""
        self._taken.update(names)


def wanted_name(call: TracedCall, op: str) -> str:
    """What a step would be called: after the module whose output it is, or the module and the op."""
    if call.output_of:
        return call.output_of
    word = SPELT.get(op, op.rpartition(".")[2] if not op.startswith("aten.") else op.split(".")[1]).strip("_")
    return f"{call.module}.{word}" if call.module else word
