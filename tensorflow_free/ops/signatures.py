"""What an op is: its name, the ways to call it, and the parameters of each. Does not know where they come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

CallForm = Literal["function", "method", "in-place", "attribute", "operator", "aten", "user"]


class Required:
    """The default of a parameter that has none."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED: Final = Required()


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an op, under the name that PyTorch documents."""

    name: str
    types: frozenset[str]
    """What it takes: `Tensor`, `int[]`. `number` is a Scalar, as a bool is; lists of `None[]` may hold None."""
    default: object = REQUIRED
    keyword_only: bool = False
    aliases: tuple[str, ...] = ()
    """Other names that PyTorch takes for it: NumPy's `axis` for `dim`, `x` for `input`."""
    words: frozenset[str] | None = None
    """The words that a `str` may be, where they are known."""

    @property
    def required(self) -> bool:
        """Whether a call must give it."""
        return self.default is REQUIRED


@dataclass(frozen=True, slots=True)
class Signature:
    """One way to call an op.

    The first parameter of a method, an attribute or an operator is positional only in Python, whatever its name here.
    """

    function: Callable[..., Any]
    """What is called: torch's function, the unbound method of Tensor, the function of Python's operator."""
    form: CallForm
    parameters: tuple[Parameter, ...]
    spread: bool = False
    """Whether the last positional list may be written as separate arguments: `view(x, 4, 3)`."""
    returns: tuple[str, ...] | None = None
    """Field names of several results, `0`, `1` where they have none; () for one value; None where it is not known."""
    changes: tuple[str, ...] = ()
    """Parameters whose memory the call changes (always, or as `changes_when` says). `inplace` is not judged here."""
    shares: tuple[str, ...] | None = ()
    """Parameters whose memory the result may share; None where it is not known."""
    changes_when: tuple[tuple[str, str], ...] = ()
    """Pairs (changed, switch): this one of `changes` only changes where the parameter `switch` is true, or given."""
    views: bool = False
    """Whether the result surely lies in the memory of those that it shares."""
    shares_sparse: tuple[str, ...] = ()
    """Parameters whose memory the result may share where they are sparse tensors."""
    variadic: bool = False
    """Whether that list can only be written so, because Python's own function takes `*tensors`."""


@dataclass(frozen=True, slots=True)
class Op:
    """One entry of the registry, with every signature under its name: functions first, then methods."""

    name: str
    signatures: tuple[Signature, ...]
    documentation: str | None
    """The page of PyTorch's documentation."""
    factory: bool = False
    """Whether it makes a tensor without a tensor argument, as `zeros` does."""
    random: bool = False
    """Whether it draws random numbers."""
    numbers: bool = False
    """Whether a plain number may stand where a Tensor is wanted."""
