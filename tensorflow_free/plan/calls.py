"""What a bound recipe consists of: calls on a list of values, and the one loop that runs them.

`run_calls` is a pure function of (calls, values): it is the same in eager mode, under `torch.compile`, on fake tensors,
and on any slice of a plan. It knows no names; a call's `site` says where it comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain, count, repeat
from operator import itemgetter, length_hint
from typing import Any, Final, Literal

import torch

from tensorflow_free.ops.namespaces import methods
from tensorflow_free.recipe.dotted import KeyPath
from tensorflow_free.recipe.names import did_you_mean, nearest
from tensorflow_free.tensors.dtypes import word_of
from tensorflow_free.tensors.memory import data_of

Values = list[Any]
"""The environment of a run: a slot for each value, constants included."""

TICK: Final = 0
"""The slot that holds what is called with each round of a repeat block, or None."""

GRADIENTS: Final = 1
"""The slot that holds the gradients, by name, of values that a later step changes in place."""

NOTHING: Final = 2
"""The id and slot of results that nobody reads."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where a call comes from: the step's name, its op, its path in the recipe, and the names of its operands."""

    name: str
    op: str
    path: KeyPath
    operands: tuple[str, ...] = ()


Call = tuple[Callable[..., Any], Callable[[Values], Sequence[Any]], int, Site]
"""One call: the function, how its positional arguments are taken from the values, the slot of its result, its site.

A plain tuple, for the loop's sake: Python takes a named one apart more slowly.
"""


class Stopped(Exception):
    """A call that raised: where, and on what. The error itself is its cause."""

    def __init__(self, site: Site, operands: Sequence[Any]) -> None:
        super().__init__(site.name)
        self.site = site
        self.operands = operands
        self.rounds: list[int] = []
        """How many rounds were done of each repeat block around the call, from the outermost in."""
        self.backward_of = ""
        """Of a backward pass, the step whose backward raised, where that is known."""


def run_calls(calls: Iterable[Call], values: Values) -> None:
    """Run the calls in order; each leaves its result in its slot of `values`.

    Raises:
        Stopped: a call raised.
    """
    site = _NOWHERE
    operands: Sequence[Any] = ()
    try:
        for function, arguments, out, site in calls:  # noqa: B007 - the site is read where a call raises
            operands = arguments(values)
            values[out] = function(*operands)
    except Stopped:
        raise
    except Exception as error:
        raise Stopped(site, operands) from error
    except SystemExit as error:
        raise Stopped(site, operands) from WouldEnd(error)


class WouldEnd(Exception):
    """An op that would have ended this process, and all that it judges with it, perhaps as if all were well."""

    def __init__(self, error: SystemExit) -> None:
        super().__init__(f"it would have ended the process: SystemExit({error.code!r})")


@contextmanager
def never_ending() -> Iterator[None]:
    """What would end the process within it raises `WouldEnd`."""
    try:
        yield
    except SystemExit as error:
        raise WouldEnd(error) from error


_NOWHERE: Final = Site("", "", ())


def whole(values: Values) -> tuple[Values]:
    """The argument of a block: the values themselves."""
    return (values,)


def nothing(values: Values) -> tuple[()]:
    """The arguments of a call that takes none."""
    del values
    return ()


@dataclass(frozen=True, slots=True)
class Within:
    """A block whose calls run inside a context of torch's, such as `no_grad`."""

    context: Callable[[], AbstractContextManager[Any]]
    body: tuple[Call, ...]

    def __call__(self, values: Values) -> None:
        """Run the block once."""
        with self.context():
            run_calls(self.body, values)


TraceKind = Literal["with history", "copied", "unchanged"]
"""How a value of each round is kept: with its history, where a later step reads the trace; as it is, where nothing can
change it; else as a copy that stays as it is."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """A block whose calls run `rounds` times.

    `enters` copies values into slots of the block's own, `carry` hands them on between rounds (each as pairs of slots,
    to and from), and `traces` gathers a value of every round: (slot of the value, slot of the trace, how).
    `site` is the block's own.
    """

    rounds: int
    body: tuple[Call, ...]
    enters: tuple[tuple[int, int], ...] = ()
    carry: tuple[tuple[int, int], ...] = ()
    traces: tuple[tuple[int, int, TraceKind], ...] = ()
    site: Site = _NOWHERE

    def __call__(self, values: Values) -> None:
        """Run all rounds, as one loop over the calls of all."""
        for to, origin in self.enters:
            values[to] = values[origin]
        gathered: list[list[Any]] = [[] for _ in self.traces]
        round_calls = (*self.body, *self._ends(gathered, values[TICK]))
        later = repeat((*self._begins(), *round_calls), self.rounds - 1)
        try:
            run_calls(chain(round_calls if self.rounds else (), chain.from_iterable(later)), values)
        except Stopped as stopped:
            if stopped.site is not self.site:
                stopped.rounds.insert(0, self.rounds - 1 - length_hint(later))
            raise
        for (_, slot, _), rounds in zip(self.traces, gathered, strict=True):
            values[slot] = _stacked(rounds)

    def _begins(self) -> Iterator[Call]:
        """What a round begins with that follows another: it takes what that hands on."""
        if len(self.carry) == 1:
            [(to, origin)] = self.carry
            yield itemgetter(origin), whole, to, self.site
        elif self.carry:
            yield partial(_hand_on, self.carry), whole, NOTHING, self.site

    def _ends(self, gathered: list[list[Any]], tick: Any) -> Iterator[Call]:
        """What a round ends with: its values are gathered, and whoever wants to know is told."""
        for (slot, _, how), rounds in zip(self.traces, gathered, strict=True):
            yield partial(_GATHERERS[how], rounds), itemgetter(slice(slot, slot + 1)), NOTHING, self.site
        if tick is not None:
            told = count(1)
            yield lambda: tick(next(told), self.rounds), nothing, NOTHING, self.site


def _hand_on(carry: Sequence[tuple[int, int]], values: Values) -> None:
    """Copy values between slots, all of them read before one is written."""
    handed = [values[origin] for _, origin in carry]
    for (to, _), value in zip(carry, handed, strict=True):
        values[to] = value


def _gather_with_history(rounds: list[Any], value: Any) -> None:
    rounds.append(_traced(value, history=True))


def _gather_copy(rounds: list[Any], value: Any) -> None:
    rounds.append(_traced(value, history=False))


def _gather_unchanged(rounds: list[Any], value: Any) -> None:
    # a view would keep all that it is a view of
    is_own = type(value) is torch.Tensor and not value.requires_grad and value._base is None  # noqa: SLF001 - no public door
    rounds.append(value if is_own else _traced(value, history=False))


_GATHERERS: Final = {"with history": _gather_with_history, "copied": _gather_copy, "unchanged": _gather_unchanged}


def _traced(value: Any, *, history: bool) -> Any:
    """A value of one round: with its history where a later step reads the trace, else a copy that stays as it is."""
    if isinstance(value, Snapshot):
        return value.values
    if isinstance(value, torch.Tensor):
        return value.clone() if history or not value.requires_grad else value.detach().clone()
    if isinstance(value, Mapping):
        return {name: _traced(part, history=history) for name, part in value.items()}
    if isinstance(value, (tuple, list)):
        return {name: _traced(part, history=history) for name, part in named_fields(value)}
    return value


def _stacked(rounds: list[Any]) -> Any:
    """A value's rounds as one tensor with a first dimension of rounds; of several values each field's."""
    if rounds and isinstance(rounds[0], Mapping):
        return {name: _stacked([one[name] for one in rounds]) for name in rounds[0]}
    if rounds and isinstance(rounds[0], torch.Tensor):
        return torch.stack(rounds)
    return torch.tensor(rounds)


def read_field(value: Any, field: str) -> Any:
    """A field of a value: of several values by name or position, of a tensor an attribute or an index.

    Raises:
        AttributeError: there is no such field.
        IndexError: there is no such position.
    """
    if field.isdigit():
        return value[int(field)]
    if isinstance(value, Mapping) and field in value:
        return value[field]
    if field in field_names(value) or (isinstance(value, torch.Tensor) and field in ATTRIBUTES):
        return data_of(value) if field == "data" else getattr(value, field)
    raise AttributeError(_no_field(value, field))


def _no_field(value: Any, field: str) -> str:
    if isinstance(value, torch.Tensor):
        return no_attribute(field, "a tensor")
    known = list(value) if isinstance(value, Mapping) else list(field_names(value))
    near = did_you_mean(field, known) or (f"; it has {', '.join(known)}" if known else "")
    return f"'{field}' is not a field of a {type(value).__name__}{near}"


def no_attribute(field: str, tensor: str, known: Sequence[str] = ()) -> str:
    """What is said of a word that is no attribute of a tensor: most often a method that was not called."""
    if field in methods():
        return (
            f"'{field}' is a method of {tensor}, and a method is called: '.{field}()' in one line, or {{op: {field}}}"
        )
    known = known or ATTRIBUTES
    if (near := nearest(field, known)) is None and (method := nearest(field, methods())):
        near = f"{method}()"
    return f"'{field}' is not a field of {tensor}; " + (
        f"did you mean '{near}'?" if near else f"it has {', '.join(known)}"
    )


ATTRIBUTES: Final = (
    "T", "H", "mT", "mH", "real", "imag", "shape", "dtype", "device", "layout", "grad", "grad_fn", "data",
    "requires_grad", "is_leaf", "ndim", "itemsize", "nbytes", "is_sparse", "is_quantized", "is_meta", "retains_grad",
    "output_nr", "names",
)  # fmt: skip
"""The attributes of a tensor that a dotted word may read: none of them runs code or leaves the process."""


def field_names(value: Any) -> tuple[str, ...]:
    """The names of the fields of several values, as torch names them: `values` and `indices` of `topk`."""
    if isinstance(value, tuple) and not isinstance(value, torch.Size):
        # torch.return_types are CPython structseqs, which have __match_args__; named tuples have _fields
        names: Any = getattr(value, "_fields", None) or getattr(type(value), "__match_args__", ())
        return tuple(names)
    return ()


def named_fields(value: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """Each of several values with the name of its field; its position where torch gives none."""
    return zip(field_names(value) or map(str, range(len(value))), value, strict=True)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A tensor as it stood: a copy of its values, and what a copy does not keep."""

    values: torch.Tensor
    stride: tuple[int, ...]
    requires_grad: bool
    is_leaf: bool
    grad_fn: str | None


def snapshot(value: Any) -> Any:
    """The value as it stands now, out of reach of later changes in place."""
    if isinstance(value, torch.Tensor):
        stride = tuple(value.stride()) if value.layout == torch.strided and not value.is_nested else ()
        copy = value.detach().clone()
        return Snapshot(copy, stride, value.requires_grad, value.is_leaf, grad_fn_name(value))
    if isinstance(value, (tuple, list)):
        return {name: snapshot(part) for name, part in named_fields(value)}
    return value


def grad_fn_name(value: torch.Tensor) -> str | None:
    """The name of the function that made a tensor, as autograd has it: `AddBackward0`; None where it has none to tell.

    Autograd refuses to tell that of a view made under `no_grad` whose base was changed in place with gradients.
    """
    try:
        function = value.grad_fn
    except RuntimeError:
        return None
    return None if function is None else type(function).__name__


def watch(value: Any, name: str, gradients: dict[str, list[torch.Tensor]]) -> None:
    """Gather the gradient of a value that a later step changes in place, as it was before the change.

    Each pass adds to the list under the value's name, or its field's; a value given anew begins a new list.
    """
    if isinstance(value, (tuple, list)):
        for field, part in named_fields(value):
            watch(part, f"{name}.{field}", gradients)
    elif isinstance(value, torch.Tensor) and value.requires_grad and not value.is_leaf:
        gathered = gradients[name] = []
        value.register_hook(lambda gradient: gathered.append(gradient.detach().clone()))  # type: ignore[no-untyped-call]


def retain(*values: Any) -> None:
    """Ask autograd to keep the gradients of these values, as far as they have a history."""
    for value in values:
        if isinstance(value, torch.Tensor):
            if value.requires_grad and not value.is_leaf and not value.is_inference():
                value.retain_grad()
        elif isinstance(value, (tuple, list)):
            retain(*value)


MOST_PARTS: Final = 4
"""Parts of a nested tensor whose shapes are shown."""


def described(value: Any) -> str:
    """An operand in a few words: `float32 [3, 4] cpu`."""
    if isinstance(value, torch.Tensor):
        return f"{kind_of(value)} {value.device}"
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(described(part) for part in value)}]"
    return str(value) if isinstance(value, (bool, int, float, complex, str)) or value is None else type(value).__name__


def kind_of(value: torch.Tensor) -> str:
    """A tensor's dtype, shape and layout: `float32 [3, 4]`."""
    return f"{word_of(value.dtype)} {_laid_out(value)}"


def _laid_out(value: torch.Tensor) -> str:
    """A tensor's shape, and how it lies in memory where that is not as usual: `[3, 4] stride [1, 3]`."""
    if value.is_nested:
        # the shape of a nested tensor is not one list of lengths: torch refuses to tell it, or tells symbols
        parts = value.detach().unbind()
        more = f", … {len(parts)} in all" if len(parts) > MOST_PARTS else ""
        return f"nested [{', '.join(str(list(part.shape)) for part in parts[:MOST_PARTS])}{more}]"
    if value.layout != torch.strided:
        return f"{list(value.shape)} {str(value.layout).removeprefix('torch.').lstrip('_')}"
    return str(list(value.shape)) + ("" if value.is_contiguous() else f" stride {list(value.stride())}")
