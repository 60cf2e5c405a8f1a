"""How the name of an op may be written, and which op was meant by a word that names none."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable, Collection, Container
from dataclasses import dataclass
from typing import Final

from tensorflow_free.recipe.names import most_alike

OWN_OP: Final = "an op of your own comes with --ops FILE.py, or from register_op"
"""What is said of a name in a module in which no op lies."""

FEWEST_INITIALS: Final = 3
"""Words of which an op's name must be made to be known by their first letters."""


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

    A name in a module that has no ops is first taken for that of an op of the user's own, which is not registered.

    Args:
        name: what is no op.
        names: gives the names of all ops but those of aten.
        aten_names: gives those of aten.
    """
    plain = plain_of_aten(name)
    if is_of_aten(name):
        found = _nearest(plain, aten_names())
    elif _is_elsewhere(name.removeprefix("torch.ops."), names()):
        tail, known = plain.rpartition(".")[2], names()
        found = tail if tail in known else _by_last_name(known).get(tail) or most_alike(plain, known, 0.8)
        if found is None and plain.partition(".")[0] in sys.stdlib_module_names:
            return ""
        return f"; did you mean '{found}'? {OWN_OP[0].upper()}{OWN_OP[1:]}" if found else f"; {OWN_OP}"
    else:
        found = _nearest(plain, names())
    return f"; did you mean '{found}'?" if found else ""


def _is_elsewhere(name: str, known: tuple[str, ...]) -> bool:
    """Whether a name lies in a module, as `my.swiglu` does, and no op lies in a module of that name."""
    module = name.partition(".")[0]
    if module == name or not module.isidentifier() or module in ("torch", "F", "Tensor"):
        return False
    return not any(one.startswith(f"{module}.") for one in known)


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
        or _by_initials(known).get(tail)
    )


@functools.lru_cache(maxsize=2)
def _by_last_name(known: tuple[str, ...]) -> dict[str, str]:
    """The first op of each last name: `nn.functional.relu` is also `relu`."""
    return {full.rpartition(".")[2]: full for full in reversed(known)}


@functools.lru_cache(maxsize=2)
def _by_initials(known: tuple[str, ...]) -> dict[str, str]:
    """The first op of three words or more by their first letters: `sdpa` is `scaled_dot_product_attention`."""
    words = {full: full.rpartition(".")[2].split("_") for full in reversed(known)}
    return {
        "".join(word[0] for word in of): full for full, of in words.items() if len(of) >= FEWEST_INITIALS and all(of)
    }


def _alike(word: str, words: Collection[str]) -> str | None:
    return most_alike(word, words, 0.7)
