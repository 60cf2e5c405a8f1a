"""The names of compilers, without torch: those that it lists, and those that installed packages offer it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tensorflow_free.completion.candidate import Candidate
from tensorflow_free.recipe.backend_words import BACKENDS

OFFERED: Final = "torch_dynamo_backends"
"""The group of entry points by which packages offer compilers to torch."""


def backends() -> Iterator[Candidate]:
    """All that are known by name here."""
    from importlib.metadata import entry_points

    yield from (Candidate(name, says) for name, says in BACKENDS.items())
    yield from (Candidate(point.name, f"of {point.value.partition(':')[0]}") for point in entry_points(group=OFFERED))
