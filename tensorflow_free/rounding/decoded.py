"""`Decoded`: a mode in which a float64 reference computes in float64 what has narrower operands, or no float64 kernel.

A step that pins float16 would else be judged by its own float16 kernel; it is computed in float64 of the same numbers,
and rounded once. An op that float64 has no kernel for is run in plain ops on the numbers that its operands stand for,
such as those of a float8 matrix with its scales; where that is not known, in float32, and that is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import torch
from torch._ops import OpOverload
from torch.utils._pytree import tree_leaves, tree_map

from tensorflow_free.plan.around_calls import with_calls
from tensorflow_free.plan.calls import Site
from tensorflow_free.plan.plan import Plan
from tensorflow_free.rounding.aten_kinds import WRITTEN_UNSAID, Kind, base_name, kind_of_op
from tensorflow_free.rounding.call_arguments import each_argument, in_place_of, written
from tensorflow_free.rounding.plain_forms import PLAIN_FORMS
from tensorflow_free.tensors.conjugates import seeing_conjugates
from tensorflow_free.tensors.eager_mode import EagerMode

How = Literal["decoded", "float32"]
"""How an op that float64 has no kernel for was computed: in float64 of decoded numbers, or in float32."""


BACKWARD: Final = "backward"
"""What stands in the place of a step's name where a backward pass runs."""


@dataclass(slots=True)
class Rescues:
    """The steps for which float64 has no kernel, as the runs of one reference found them.

    Attributes:
        steps: the op of each, and how it was computed, by the step's name; of a backward pass, one op of ATen's.
        rescues: whether such an op is computed otherwise; if not, it stops the run as ever.
    """

    rescues: bool
    steps: dict[str, tuple[str, How]] = field(default_factory=dict)
    _site: Site | None = None

    def into(self, plan: Plan) -> Plan:
        """The plan, run in the mode."""
        before = plan.around

        @contextmanager
        def around() -> Iterator[None]:
            with ExitStack() as stack:
                stack.enter_context(before())
                stack.enter_context(Decoded(self))
                yield

        return replace(with_calls(plan, self._told) if self.rescues else plan, around=around)

    def tell(self, func: OpOverload, how: How) -> None:
        """Note that an op was computed otherwise."""
        name, op = (BACKWARD, base_name(func)) if self._site is None else (self._site.name, self._site.op)
        # float32 in one of its ops is what matters of a step
        if how == "float32" or name not in self.steps:
            self.steps[name] = (op, how)

    def _told(self, function: Callable[..., Any], site: Site) -> Callable[..., Any]:
        def told(*operands: Any) -> Any:
            before, self._site = self._site, site
            try:
                return function(*operands)
            finally:
                self._site = before

        return told


class Decoded(EagerMode):
    """Ops on numbers narrower than float64 are computed in float64 and rounded once, where they round at all."""

    def __init__(self, rescues: Rescues) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._rescues = rescues

    @seeing_conjugates
    def __torch_dispatch__(
        self, func: OpOverload, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an op, and put float64's numbers in the place of what it makes in narrower ones."""
        del types
        kwargs = kwargs or {}
        wide = _in_float64(func, args, kwargs) if _is_widened(func, args, kwargs) else None
        try:
            made = func(*args, **kwargs)
        except _FAILURES:
            if not self._rescues.rescues or written(func):
                raise
            found = wide if wide is not None else _in_float32(func, args, kwargs)
            if found is None:
                raise
            self._rescues.tell(func, "float32" if wide is None else "decoded")
            return found
        if wide is not None:
            _put(wide, [one for key, one in each_argument(args, kwargs) if key in written(func)] or made)
        return made


_FAILURES: Final = (RuntimeError, TypeError, ValueError, IndexError)


def _is_widened(func: OpOverload, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    name = base_name(func)
    if name in PLAIN_FORMS:
        return True
    if kind_of_op(func) is Kind.EXACT or torch.Tag.nondeterministic_seeded in func.tags or name in WRITTEN_UNSAID:
        return False
    return any(_is_narrow(one) for one in tree_leaves((args, kwargs)))


def _in_float64(func: OpOverload, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """What an op makes of the same numbers in float64: its result, or what it writes to; None where there is none."""
    kept = written(func)
    args, kwargs = tree_map(_wider, args), {key: tree_map(_wider, one) for key, one in kwargs.items()}
    args = tuple(tree_map(_copy, one) if key in kept else one for key, one in enumerate(args))
    kwargs = {key: tree_map(_copy, one) if key in kept else one for key, one in kwargs.items()}
    try:
        made = PLAIN_FORMS.get(base_name(func), func)(*args, **kwargs)
    except _FAILURES:
        return None
    return [one for key, one in each_argument(args, kwargs) if key in kept] or made


def _in_float32(func: OpOverload, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """What an op that fails makes in float32 of numbers of float64; None where it fails there, too."""
    operands = tree_map(_narrower, (args, dict(kwargs)))
    try:
        return tree_map(_wider, func(*operands[0], **operands[1]))
    except _FAILURES:
        return None


def _put(wide: Any, made: Any) -> None:
    """Round float64's numbers into the tensors that an op has made."""
    for its, mine in zip(tree_leaves(wide), tree_leaves(made), strict=False):
        if isinstance(mine, torch.Tensor) and mine.dtype not in _WIDE and _fits(its, mine):
            mine.copy_(its)


def _fits(its: Any, mine: torch.Tensor) -> bool:
    return isinstance(its, torch.Tensor) and its.shape == mine.shape and its.layout == mine.layout == torch.strided


_WIDE: Final = frozenset({torch.float64, torch.complex128})
_WIDER: Final = {torch.complex64: torch.complex128, torch.complex32: torch.complex128}
_NARROWER: Final = {torch.float64: torch.float32, torch.complex128: torch.complex64}


def _is_narrow(one: Any) -> bool:
    if not isinstance(one, torch.Tensor) or one.is_meta or one._is_zerotensor():  # noqa: SLF001 - it has no memory
        return False
    return one.dtype in _WIDER or (one.is_floating_point() and one.dtype != torch.float64)


def _wider(one: Any) -> Any:
    """A tensor of floating or complex numbers in float64, the word of a narrower dtype as float64's; else itself."""
    if isinstance(one, torch.dtype):
        return _WIDER.get(one, torch.float64 if one.is_floating_point else one)
    if not _is_narrow(one):
        return one
    # below autograd, arithmetic does not see that a tensor is a conjugate or a negative by a bit of its own
    return in_place_of(one, one.resolve_conj().resolve_neg().detach().to(_WIDER.get(one.dtype, torch.float64)))


def _narrower(one: Any) -> Any:
    if isinstance(one, torch.dtype):
        return _NARROWER.get(one, one)
    if not isinstance(one, torch.Tensor) or one.dtype not in _NARROWER:
        return one
    return in_place_of(one, one.resolve_conj().resolve_neg().detach().to(_NARROWER[one.dtype]))


def _copy(one: Any) -> Any:
    return one.clone() if isinstance(one, torch.Tensor) else one
