"""Inits as calls of plain PyTorch that draw and count the same numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch

from tensorflow_free.recipe.init_kinds import INIT_KINDS
from tensorflow_free.reproduction.python_words import call_of, python_of
from tensorflow_free.tensors.inits import INITS, size_of
from tensorflow_free.tensors.starting_tensors import Start


@dataclass(frozen=True, slots=True)
class InitWords:
    """What an init is given, in words.

    Attributes:
        name: the init, a `_like` one by the name of the plain one.
        size: the size.
        words: its other arguments.
        dtype: the keyword for the dtype that its values are made in; empty where that is float32.
        made_in: that dtype.
        generator: the keyword for a generator of its own; empty where it draws from torch's.
    """

    name: str
    size: str
    words: Mapping[str, str]
    dtype: dict[str, str]
    made_in: str
    generator: dict[str, str]

    def given(self, *names: str) -> list[str]:
        """Arguments in order, those that are not given as they usually are."""
        return [self.words.get(name) or python_of(INIT_KINDS[self.name].usual(name), str) for name in names]


def _plain(one: InitWords) -> str:
    return call_of(f"torch.{one.name}", [one.size], one.dtype | (one.generator if INITS[one.name].draws else {}))


def _counted(one: InitWords) -> str:
    return call_of(f"torch.{one.name}", [], {**one.words, "dtype": one.made_in})


def _arange(one: InitWords) -> str:
    return call_of("torch.arange", one.given("start", "end", "step"), {"dtype": one.made_in})


def _randint(one: InitWords) -> str:
    given = [*one.given("low", "high"), one.size]
    return call_of("torch.randint", given, {"dtype": one.made_in} | one.generator)


def _randperm(one: InitWords) -> str:
    return call_of("torch.randperm", one.given("n"), {"dtype": one.made_in} | one.generator)


def _normal(one: InitWords) -> str:
    mean, std = (str(float(word)) for word in one.given("mean", "std"))
    return call_of("torch.normal", [mean, std, one.size], one.dtype | one.generator)


def _bernoulli(one: InitWords) -> str:
    chance = f"torch.full({one.size}, {float(one.given('p')[0])})"
    return f"{call_of('torch.bernoulli', [chance], one.generator)}.to({one.made_in})"


def _full(one: InitWords) -> str:
    return call_of("torch.full", [one.size, *one.given("fill_value")], one.dtype)


def _filled(one: InitWords) -> str:
    """A tensor that a method fills: `torch.empty([3]).uniform_(0, 1)`."""
    names = [key for key in INIT_KINDS[one.name].names if key != "size"]
    return call_of(f"{_empty(one)}.{one.name}_", one.given(*names), one.generator)


def _nn_init(one: InitWords) -> str:
    drawn = one.generator if INITS[one.name].draws else {}
    return call_of(f"torch.nn.init.{one.name}_", [_empty(one)], {**one.words, **drawn})


def _empty(one: InitWords) -> str:
    return call_of("torch.empty", [one.size], one.dtype)


_TEXTS: Final[Mapping[str, Callable[[InitWords], str]]] = {
    **dict.fromkeys(("zeros", "ones", "rand", "randn"), _plain),
    **dict.fromkeys(("linspace", "logspace", "eye", "tril_indices", "triu_indices"), _counted),
    **dict.fromkeys(("uniform", "exponential", "cauchy", "log_normal", "geometric"), _filled),
    **dict.fromkeys(
        ("xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal", "trunc_normal", "orthogonal", "dirac"),
        _nn_init,
    ),
    "arange": _arange,
    "randint": _randint,
    "randperm": _randperm,
    "normal": _normal,
    "bernoulli": _bernoulli,
    "full": _full,
}


def init_text(start: Start, size: list[int] | None) -> str | None:
    """The values of a starting tensor as plain PyTorch makes them; None where only its numbers can say them.

    Args:
        start: the tensor.
        size: the size of a `_like` init.
    """
    arguments = dict(start.arguments)
    if start.init in ("tensor", "from_numpy", "load"):
        return _literal(start, arguments.get("data"))
    name = start.init if size is None else start.init.removesuffix("_like")
    write = _TEXTS.get(name)
    if write is None:
        return None
    own = arguments.pop("size", size)
    dtype = str(start.made_in or torch.float32)
    words = InitWords(
        name,
        str(size_of(own)) if own is not None else "",
        {key: python_of(value, str) for key, value in arguments.items()},
        {} if dtype == "torch.float32" else {"dtype": dtype},
        dtype,
        {} if start.seed is None else {"generator": f"torch.Generator().manual_seed({start.seed})"},
    )
    return write(words)


def _literal(start: Start, data: Any) -> str | None:
    """Numbers that are written; the dtype is, where the numbers alone would have another one."""
    if isinstance(data, torch.Tensor) or data is None:
        return None
    dtype = start.made_in or start.dtype
    keywords = {} if dtype is None or torch.tensor(data).dtype == dtype else {"dtype": str(dtype)}
    return call_of("torch.tensor", [python_of(data, str)], keywords)
