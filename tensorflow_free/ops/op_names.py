"""How the name of an op may be written, and which op was meant by a word that names none. Standard library only."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Callable, Collection, Container, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OpNames:
    """The names under which tables hold PyTorch's ops.

    Attributes:
        all: every name, but those of aten.
        functions: those of functions: `softmax`, `nn.functional.relu`.
        members: those of methods and attributes of a tensor.
    """

    all: Collection[str]
    functions: Container[str]
    members: Collection[str]

    def canonical(self, name: str) -> str | None:
        """The name under which the tables hold what is written `torch.add`, `F.relu`, `Tensor.add`; None if none is."""
        if name in self.all:
            return name
        plain = name.removeprefix("torch.")
        if plain.startswith("Tensor."):
            member = plain.removeprefix("Tensor.")
            return member if member in self.members else None
        if name.startswith("F."):
            plain = f"nn.functional.{name.removeprefix('F.')}"
        return plain if plain in self.functions else None


def plain_of_aten(name: str) -> str:
    """A name without what may stand before `aten`: `torch.ops.aten.add.Tensor` is `aten.add.Tensor`."""
    return name.removeprefix("torch.").removeprefix("ops.")


def is_of_aten(name: str) -> bool:
    """Whether a word is meant to name ops of aten, as `aten.add` is, and `torch.ops.aten.add`."""
    return plain_of_aten(name).startswith("aten.")


def suggestion(name: str, names: Callable[[], tuple[str, ...]], aten_names: Callable[[], tuple[str, ...]]) -> str:
    """`; did you mean 'matmul'?` where an op has a name like this one, else nothing.

    Args:
        name: what is no op.
        names: gives the names of all ops but those of aten.
        aten_names: gives those of aten.
    """
    found = _nearest(plain_of_aten(name), aten_names() if is_of_aten(name) else names())
    return f"; did you mean '{found}'?" if found else ""


def _nearest(wanted: str, known: tuple[str, ...]) -> str | None:
    """The op most like it: of the same last name, then of a like name, then of a like last name."""
    tails = _by_last_name(known)
    tail = wanted.rpartition(".")[2]
    if wanted.startswith("aten."):
        plain = f"{wanted}.default"
        return plain if plain in known else _alike(wanted, known)
    # classes of torch.nn are written `ReLU`, `LogSoftmax`: their ops in small letters, a line between the words
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", tail).lower()
    whole = [name for name in (snake, tail.lower()) if name in known]
    return (
        tails.get(tail)
        or next(iter(whole), None)
        or tails.get(snake)
        or tails.get(tail.lower())
        or _alike(wanted, known)
        or tails.get(_alike(tail, tails) or _alike(snake, tails) or "")
    )


@functools.lru_cache(maxsize=2)
def _by_last_name(known: tuple[str, ...]) -> dict[str, str]:
    """The first op of each last name: `nn.functional.relu` is also `relu`."""
    return {full.rpartition(".")[2]: full for full in reversed(known)}


def _alike(word: str, words: Iterable[str]) -> str | None:
    found = difflib.get_close_matches(word, list(words), n=1, cutoff=0.7)
    return found[0] if found else None
