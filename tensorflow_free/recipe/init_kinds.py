"""The inits that a tensor of a recipe may have, each with its parameters, in words. Does not import torch.

A new init is a row of `INIT_KINDS` and one of `INITS` in `tensors/inits.py`, which makes its values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final, Literal

from tensorflow_free.text.phrases import shown

ParameterForm = Literal[
    "data", "size", "length", "count", "offset", "integer", "real", "number", "switch", "word", "tensor", "path", "text"
]
"""What is written for a parameter. A length is an integer of at least 0, a count one of at least 1; a size is a list of
lengths, or one alone; a number may be complex; an offset is checked with the other keys of a tensor."""


@dataclass(frozen=True, slots=True)
class InitParameter:
    """A parameter of an init.

    Attributes:
        name: as it is written.
        takes: what is written for it.
        says: what it says, in one sentence without a full stop.
        usual: its value where nobody gives it; None where that is no number or word.
        words: the words that it may be, where it takes one.
        required: whether it must be given.
    """

    name: str
    takes: ParameterForm
    says: str
    usual: Any = None
    words: tuple[str, ...] = ()
    required: bool = True


@dataclass(frozen=True, slots=True)
class InitKind:
    """An init: what it makes, and of what.

    Attributes:
        name: the word after `init`.
        says: what it makes, in one sentence without a full stop.
        parameters: its own parameters, those first that must be given.
    """

    name: str
    says: str
    parameters: tuple[InitParameter, ...]

    @property
    def required(self) -> tuple[str, ...]:
        """The parameters that must be given."""
        return tuple(one.name for one in self.parameters if one.required)

    @property
    def optional(self) -> tuple[str, ...]:
        """The parameters that may be left out."""
        return tuple(one.name for one in self.parameters if not one.required)

    @property
    def names(self) -> tuple[str, ...]:
        """All its own parameters."""
        return tuple(one.name for one in self.parameters)

    def parameter(self, name: str) -> InitParameter:
        """One of its parameters."""
        return next(one for one in self.parameters if one.name == name)

    def usual(self, name: str) -> Any:
        """The value of a parameter that is not given."""
        return self.parameter(name).usual


def _maybe(name: str, takes: ParameterForm, says: str, usual: Any = None, words: tuple[str, ...] = ()) -> InitParameter:
    return InitParameter(name, takes, says, usual, words, required=False)


_MADE = InitParameter("size", "size", "its size: a list of lengths such as [2, 3], or one length")
_DATA = InitParameter("data", "data", "a number, true or false, or nested lists of them")
_PATH = InitParameter("path", "path", "the file, below the recipe's folder: .npy, .npz, .safetensors or .pt")
_KEY = _maybe("key", "text", "which of its arrays, where the file holds several")
_INPUT = InitParameter("input", "tensor", "an earlier tensor, whose size, dtype and device it has")
_PERIODIC = _maybe("periodic", "switch", "whether it is made to be repeated; false makes it symmetric", usual=True)
_LENGTH = InitParameter("window_length", "length", "how many numbers it has")
_GAIN = _maybe("gain", "real", "a factor of all its numbers, as torch.nn.init.calculate_gain gives it", usual=1.0)
_MEAN = _maybe("mean", "real", "the mean of the normal distribution", usual=0.0)
_STD = _maybe("std", "real", "the standard deviation of the normal distribution", usual=1.0)
_ROWS = InitParameter("row", "length", "how many rows the matrix has")
_COLUMNS = InitParameter("col", "length", "how many columns the matrix has")
_STEPS = InitParameter("steps", "length", "how many numbers it has")
_KAIMING = (
    _MADE,
    _maybe("a", "real", "the slope of a leaky_relu for negative numbers", usual=0),
    _maybe(
        "mode", "word", "what keeps its variance: the forward pass (fan_in) or the backward pass (fan_out)",
        usual="fan_in", words=("fan_in", "fan_out"),
    ),
    _maybe(
        "nonlinearity", "word", "the function that comes after this layer", usual="leaky_relu",
        # the words of torch.nn.init.calculate_gain
        words=(
            "linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
            "sigmoid", "tanh", "relu", "leaky_relu", "selu",
        ),
    ),
)  # fmt: skip
_PLAIN: Final = (
    InitKind("tensor", "the numbers that you write", (_DATA,)),
    InitKind("from_numpy", "the numbers of a file, as `load` reads them", (_PATH, _KEY)),
    InitKind("load", "the numbers of a file", (_PATH, _KEY)),
    InitKind("zeros", "0 everywhere", (_MADE,)),
    InitKind("ones", "1 everywhere", (_MADE,)),
    InitKind("empty", "memory whose numbers mean nothing and are never compared", (_MADE,)),
    InitKind(
        "full", "one number everywhere",
        (_MADE, InitParameter("fill_value", "number", "the number; it decides the dtype, too")),
    ),
    InitKind("rand", "random numbers, uniform from 0 to 1", (_MADE,)),
    InitKind("randn", "random numbers of the standard normal distribution", (_MADE,)),
    InitKind(
        "randint", "random integers",
        (
            InitParameter("high", "integer", "the first integer that is too large"),
            _MADE,
            _maybe("low", "integer", "the least integer", usual=0),
        ),
    ),
    InitKind(
        "randperm", "the integers from 0 to n - 1 in a random order",
        (InitParameter("n", "length", "how many integers"),),
    ),
    InitKind("normal", "random numbers of a normal distribution", (_MADE, _MEAN, _STD)),
    InitKind(
        "uniform", "random numbers, uniform from `low` to `high`",
        (
            _MADE,
            _maybe("low", "real", "the least number", usual=0.0),
            _maybe("high", "real", "the number that all are below", usual=1.0),
        ),
    ),
    InitKind(
        "exponential", "random numbers of an exponential distribution",
        (_MADE, _maybe("lambd", "real", "the rate λ of the distribution, 1 over its mean", usual=1.0)),
    ),
    InitKind(
        "cauchy", "random numbers of a Cauchy distribution",
        (
            _MADE,
            _maybe("median", "real", "the median of the distribution", usual=0.0),
            _maybe("sigma", "real", "its scale: half of all numbers are at most so far from the median", usual=1.0),
        ),
    ),
    InitKind(
        "log_normal", "random numbers whose logarithm has a normal distribution",
        (
            _MADE,
            _maybe("mean", "real", "the mean of the logarithms", usual=1.0),
            _maybe("std", "real", "the standard deviation of the logarithms", usual=2.0),
        ),
    ),
    InitKind(
        "geometric", "random counts of trials up to the first success",
        (_MADE, InitParameter("p", "real", "the probability of a success in one trial")),
    ),
    InitKind(
        "bernoulli", "random true and false; 1 and 0 where `dtype` is not bool",
        (_MADE, _maybe("p", "real", "the probability of true", usual=0.5)),
    ),
    InitKind(
        "arange", "numbers in equal steps: integers where all of its parameters are integers",
        (
            InitParameter("end", "number", "where it stops; this number is not one of them"),
            _maybe("start", "number", "the first number", usual=0),
            _maybe("step", "number", "the distance from each number to the next", usual=1),
        ),
    ),
    InitKind(
        "linspace", "so many numbers at equal distances, both ends among them",
        (
            InitParameter("start", "number", "the first number"),
            InitParameter("end", "number", "the last number"),
            _STEPS,
        ),
    ),
    InitKind(
        "logspace", "powers of `base`, whose exponents are at equal distances",
        (
            InitParameter("start", "number", "the exponent of the first number"),
            InitParameter("end", "number", "the exponent of the last number"),
            _STEPS,
            _maybe("base", "real", "what the exponents are of", usual=10.0),
        ),
    ),
    InitKind(
        "eye", "a matrix with 1 on its diagonal and 0 elsewhere",
        (
            InitParameter("n", "length", "how many rows it has"),
            _maybe("m", "length", "how many columns it has; as many as rows where it is left out"),
        ),
    ),
    InitKind(
        "tril_indices", "the row and the column of each element of a matrix's lower triangle",
        (_ROWS, _COLUMNS, _maybe("offset", "integer", "how many diagonals above the main one belong to it", usual=0)),
    ),
    InitKind(
        "triu_indices", "the row and the column of each element of a matrix's upper triangle",
        (_ROWS, _COLUMNS, _maybe("offset", "integer", "how many diagonals from the main one on are left out", usual=0)),
    ),
    InitKind("bartlett_window", "a Bartlett window, which is a triangle", (_LENGTH, _PERIODIC)),
    InitKind("blackman_window", "a Blackman window", (_LENGTH, _PERIODIC)),
    InitKind(
        "hamming_window", "a Hamming window: alpha - beta · cos",
        (
            _LENGTH,
            _PERIODIC,
            _maybe("alpha", "real", "the constant that the cosine is subtracted from", usual=0.54),
            _maybe("beta", "real", "the factor of the cosine", usual=0.46),
        ),
    ),
    InitKind("hann_window", "a Hann window", (_LENGTH, _PERIODIC)),
    InitKind(
        "kaiser_window", "a Kaiser window",
        (_LENGTH, _PERIODIC, _maybe("beta", "real", "how narrow it is", usual=12.0)),
    ),
    InitKind("xavier_uniform", "weights by Glorot's rule, uniform", (_MADE, _GAIN)),
    InitKind("xavier_normal", "weights by Glorot's rule, of a normal distribution", (_MADE, _GAIN)),
    InitKind("kaiming_uniform", "weights by He's rule, uniform", _KAIMING),
    InitKind("kaiming_normal", "weights by He's rule, of a normal distribution", _KAIMING),
    InitKind(
        "trunc_normal", "random numbers of a normal distribution, all of them between two bounds",
        (
            _MADE,
            _MEAN,
            _STD,
            _maybe("a", "real", "the least number", usual=-2.0),
            _maybe("b", "real", "the largest number", usual=2.0),
        ),
    ),
    InitKind("orthogonal", "a random orthogonal matrix", (_MADE, _GAIN)),
    InitKind(
        "sparse", "a matrix of which a part of each column is 0, and the rest of a normal distribution",
        (
            _MADE,
            InitParameter("sparsity", "real", "the share of each column that is 0"),
            replace(_STD, usual=0.01),
        ),
    ),
    InitKind(
        "dirac", "the weight of a convolution that gives its input on",
        (_MADE, _maybe("groups", "count", "the groups of the convolution", usual=1)),
    ),
)  # fmt: skip

_LIKE_SAYS: Final[Mapping[str, str]] = MappingProxyType({
    "zeros": "0 everywhere, as large as another tensor",
    "ones": "1 everywhere, as large as another tensor",
    "empty": "memory whose numbers mean nothing, as large as another tensor",
    "full": "one number everywhere, as large as another tensor",
    "rand": "random numbers, uniform from 0 to 1, as large as another tensor",
    "randn": "random numbers of the standard normal distribution, as large as another tensor",
    "randint": "random integers, as large as another tensor and of its dtype",
})  # fmt: skip
"""What each init makes that takes its size from another tensor, by the name of the plain one."""

LIKE_SUFFIX: Final = "_like"
"""How the name of such an init ends."""


def _like(plain: InitKind) -> InitKind:
    parameters = (_INPUT, *(one for one in plain.parameters if one.name != "size"))
    return InitKind(f"{plain.name}{LIKE_SUFFIX}", _LIKE_SAYS[plain.name], parameters)


_OF_OTHERS: Final = (
    InitKind("clone", "the numbers of another tensor, in memory of their own", (_INPUT,)),
    InitKind(
        "as_strided", "a view into the memory of another tensor",
        (
            replace(_INPUT, says="an earlier tensor, into whose memory it looks"),
            _MADE,
            InitParameter("stride", "size", "for each dimension, how many elements lie from one index to the next"),
            _maybe("storage_offset", "offset", "which element of the memory is its first", usual=0),
        ),
    ),
)  # fmt: skip

LIKE_KINDS: Final[Mapping[str, InitKind]] = MappingProxyType({
    f"{kind.name}{LIKE_SUFFIX}": _like(kind) for kind in _PLAIN if kind.name in _LIKE_SAYS
})  # fmt: skip
"""Inits that take size, dtype and device from the tensor `input`, and are else like the plain one."""

INIT_KINDS: Final[Mapping[str, InitKind]] = MappingProxyType({
    **{kind.name: kind for kind in _PLAIN},
    **LIKE_KINDS,
    **{kind.name: kind for kind in _OF_OTHERS},
})  # fmt: skip
"""Every init, by the word that asks for it: those that need no other tensor first."""

VIEWS: Final = tuple(kind.name for kind in _OF_OTHERS)
"""Inits that take their numbers from the tensor `input`."""


def by_name(kind: InitKind, values: Any) -> str:
    """Positional arguments of torch's function as a recipe writes them: `end: 7`; empty where they do not fit."""
    if not isinstance(values, list) or not values:
        return ""
    if kind.required == ("size",) and all(isinstance(value, int) for value in values):
        return f"size: {shown(values)}"
    names = kind.names
    if len(values) > len(kind.required) and names[:2] in (("end", "start"), ("high", "size")):
        # torch.arange(end), and torch.arange(start, end); torch.randint(high, size), and torch.randint(low, high, size)
        names = ("start", "end", *names[2:]) if names[0] == "end" else ("low", "high", "size")
    if len(values) > len(names):
        return ""
    return ", ".join(f"{name}: {shown(value)}" for name, value in zip(names, values, strict=False))
