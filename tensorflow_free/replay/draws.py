"""How each op of ATen that draws random numbers draws again what it drew in another dtype.

All kernels draw from a generator; what they make of it depends on the dtype, the shape and the strides. So a draw is
made again in the dtype that it was made in, with the generator in the state that it was in, and then converted. Ops
that draw by their operands' values (`poisson`, `multinomial`) give what they gave, since operands that are a rounding
apart may draw another number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import torch
from torch.utils._pytree import tree_map

Operands = tuple[Any, ...]
Named = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Draw:
    """A call of ATen's that drew.

    Attributes:
        op: its name, `bernoulli_`.
        size: the shape of what was drawn.
        stride: its strides.
        dtype: its dtype.
        rounded: the dtype that floating operands had.
        state: the generator's state before the call.
        own: whether it is from another stream than the run's, or than that of the step's seed.
        kept: what was drawn, where it depends on the operands' values.
    """

    op: str
    size: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype
    rounded: torch.dtype
    state: torch.Tensor
    own: bool = False
    kept: torch.Tensor | None = None

    def empty(self) -> torch.Tensor:
        """Memory of the drawn tensor's dtype, shape and strides."""
        return torch.empty_strided(self.size, self.stride, dtype=self.dtype)


Redraw = Callable[[Draw, Callable[..., Any], Operands, Named], Any]
"""Draws again: what was noted, the op, and what it is called with; the generator is in the draw's state."""


def _fill(draw: Draw, func: Callable[..., Any], args: Operands, kwargs: Named) -> Any:
    """Fills its first argument, whose numbers it does not read."""
    return args[0].copy_(func(draw.empty(), *args[1:], **kwargs))


def _make(draw: Draw, func: Callable[..., Any], args: Operands, kwargs: Named) -> Any:
    """Makes a tensor of a size."""
    made = func(*args, **{**kwargs, "dtype": draw.dtype})
    usual = torch.get_default_dtype() if draw.dtype.is_floating_point else draw.dtype
    return made.to(kwargs.get("dtype") or usual)


def _make_like(draw: Draw, func: Callable[..., Any], args: Operands, kwargs: Named) -> Any:
    """Makes a tensor like its first argument, whose numbers it does not read."""
    asked = kwargs.get("dtype")
    kwargs = kwargs if asked is None else {**kwargs, "dtype": draw.dtype}
    return func(draw.empty(), *args[1:], **kwargs).to(asked or args[0].dtype)


def _by_operands(draw: Draw, func: Callable[..., Any], args: Operands, kwargs: Named) -> Any:
    """Draws by the values of its operands: gives what it gave, else draws by the operands as rounded."""
    if draw.kept is not None:
        return draw.kept.to(args[0].dtype) if draw.kept.is_floating_point() else draw.kept.clone()
    made = func(*_rounded(args, draw.rounded), **kwargs)
    return made.to(args[0].dtype) if made.is_floating_point() else made


def _fill_by_operands(draw: Draw, func: Callable[..., Any], args: Operands, kwargs: Named) -> Any:
    kept = func(draw.empty(), *_rounded(args[1:], draw.rounded), **kwargs) if draw.kept is None else draw.kept
    return args[0].copy_(kept)


def _normal(draw: Draw, func: Callable[..., Any], args: Operands, kwargs: Named) -> Any:
    """Normal numbers around means, of deviations: those of the standard one, moved in full precision."""
    del func
    values = {**dict(zip(("mean", "std"), args, strict=False)), **kwargs}
    mean, std = values.get("mean", 0.0), values.get("std", 1.0)
    like = mean if isinstance(mean, torch.Tensor) else std
    return draw.empty().normal_().to(like.dtype) * std + mean


def _native_dropout(draw: Draw, func: Callable[..., Any], args: Operands, kwargs: Named) -> Any:
    """A dropout that gives its mask too: that of ones, put on the operand in its own dtype."""
    values = {**dict(zip(("input", "p", "train"), args, strict=False)), **kwargs}
    operand, p = values["input"], values["p"]
    if values["train"] is False or p == 0 or not operand.numel():
        return func(*args, **kwargs)
    mask = func(draw.empty().fill_(1), p, True)[1]
    return operand * mask * (0 if p == 1 else 1 / (1 - p)), mask


def _rrelu(draw: Draw, func: Callable[..., Any], args: Operands, kwargs: Named) -> Any:
    """A leaky ReLU of random slopes, which it leaves in its second operand."""
    values = {**dict(zip(("self", "noise", "lower", "upper", "training"), args, strict=False)), **kwargs}
    operand, noise = values["self"], values["noise"]
    if not values.get("training", False):
        return func(*args, **kwargs)
    slopes = (_slopes_again(draw, operand, noise, args) if draw.kept is None else draw.kept).to(operand.dtype)
    name = name_of(func)
    if name == "rrelu_with_noise_functional":
        return operand * slopes, slopes
    noise.copy_(slopes)
    return operand.mul_(slopes) if name == "rrelu_with_noise_" else operand * slopes


def _slopes_again(draw: Draw, operand: torch.Tensor, noise: torch.Tensor, args: Operands) -> torch.Tensor:
    operand, noise = _rounded((operand, noise), draw.rounded)
    torch.ops.aten.rrelu_with_noise_(operand, noise, *args[2:4], True)
    return noise


def pooled(func: Callable[..., Any], args: Operands, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """A pooling over random regions, whose borders hang on the dtype: the numbers that lie at the largest in this one.

    Args:
        func: one of `POOLINGS`.
        args: the operand, the sizes of regions and result, and the samples that the regions hang on.
        dtype: the dtype that the operand has in the cell.
    """
    spatial = -len(args[1])
    places = func(*_rounded(args, dtype))[1]
    return args[0].flatten(spatial).gather(-1, places.flatten(spatial)).view(places.shape), places


def _rounded(operands: Operands, dtype: torch.dtype) -> Operands:
    """Copies of the operands, the floating ones in another dtype."""

    def rounded(one: Any) -> Any:
        if not isinstance(one, torch.Tensor):
            return one
        return one.to(dtype) if one.is_floating_point() and one.dtype != dtype else one.clone()

    copies: Operands = tree_map(rounded, operands)
    return copies


_KINDS: Final[Mapping[Redraw, str]] = {
    _fill: """
        bernoulli_.float cauchy_.default exponential_.default geometric_.default log_normal_.default normal_.default
        random_.default random_.from random_.to uniform_.default
    """,
    _make: """
        normal.float_float rand.default rand.generator randint.default randint.generator randint.low
        randint.low_generator randn.default randn.generator randperm.default randperm.generator
    """,
    _make_like: """
        bernoulli.p cauchy.default exponential.default geometric.default log_normal.default normal_functional.default
        rand_like.default rand_like.generator randint_like.Tensor randint_like.Tensor_generator randint_like.default
        randint_like.generator randint_like.low_dtype randint_like.low_generator_dtype randn_like.default
        randn_like.generator random.default random.from random.to uniform.default
    """,
    _by_operands: """
        _sample_dirichlet.default _standard_gamma.default bernoulli.Tensor bernoulli.default binomial.default
        multinomial.default poisson.default
    """,
    _fill_by_operands: "bernoulli_.Tensor",
    _normal: "normal.Tensor_Tensor normal.Tensor_float normal.float_Tensor",
    _native_dropout: "native_dropout.default",
    _rrelu: "rrelu_with_noise.default rrelu_with_noise_.default rrelu_with_noise_functional.default",
}

REDRAWS: Final[Mapping[str, Redraw]] = {name: redraw for redraw, names in _KINDS.items() for name in names.split()}
"""How each overload of ATen that draws on a CPU draws again."""

_OUTS: Final[Mapping[str, str]] = {
    "bernoulli.float_out": "bernoulli.p",
    "normal.out": "normal.float_float",
    "rrelu_with_noise.out": "rrelu_with_noise.default",
    **{
        name.removesuffix(".default") + (".out" if name.endswith(".default") else "_out"): name
        for name in REDRAWS
        if not name.partition(".")[0].endswith(("_", "_functional", "_dropout", "_with_noise"))
        and name not in ("bernoulli.p", "normal.float_float")
    },
    "normal.float_float_out": "normal.float_float",
}
"""The overloads that write what they draw into `out`, and their twins that make it."""


BY_OPERANDS: Final = frozenset({_by_operands, _fill_by_operands, _rrelu})
"""How those draw again whose draw depends on their operands' values."""


def draw_of(func: Any, args: Operands, kwargs: Named, out: Any, state: torch.Tensor, *, own: bool = False) -> Draw:
    """What a call of an op has drawn, and left in its result."""
    operands = [one for one in (*args, *kwargs.values()) if isinstance(one, torch.Tensor)]
    made = out[0] if isinstance(out, tuple) else out
    floating = [one.dtype for one in (*operands, made) if one.is_floating_point() or one.is_complex()]
    redraw = redraw_of(func)
    return Draw(
        op=name_of(func),
        size=tuple(made.shape),
        stride=tuple(made.stride()),
        dtype=made.dtype,
        rounded=floating[0] if floating else made.dtype,
        state=state,
        own=own,
        kept=_slopes(args, kwargs, out)
        if redraw is _rrelu
        else made.detach().clone()
        if redraw in BY_OPERANDS
        else None,
    )


def draw_unnoted(func: Any, args: Operands, kwargs: Named, state: torch.Tensor, dtype: torch.dtype) -> Draw:
    """What a call would have drawn in a cell of this dtype, whose own step drew nothing.

    Args:
        func: the op.
        args: what it is called with, in the reference.
        kwargs: its keywords.
        state: the generator's state that it begins with.
        dtype: the cell's dtype, for that of the reference.
    """
    operand = next((one for one in args if isinstance(one, torch.Tensor)), None)
    if operand is not None:
        rounded = dtype if operand.is_floating_point() else operand.dtype
        return Draw(name_of(func), tuple(operand.shape), tuple(operand.stride()), rounded, rounded, state)
    whole = name_of(func) in ("randint", "randperm")
    made = kwargs.get("dtype") or (torch.int64 if whole else dtype)
    return Draw(name_of(func), (), (), dtype if made == torch.get_default_dtype() else made, dtype, state)


def fits(draw: Draw, func: Any, args: Operands) -> bool:
    """Whether a call draws what was noted: by the same op, as many numbers in the same shape."""
    if draw.op != name_of(func):
        return False
    sized = redraw_of(func) in (_fill, _fill_by_operands, _make_like, _native_dropout, _rrelu)
    return not sized or tuple(args[0].shape) == draw.size


def _slopes(args: Operands, kwargs: Named, out: Any) -> torch.Tensor:
    slopes: torch.Tensor = out[1] if isinstance(out, tuple) else args[1] if len(args) > 1 else kwargs["noise"]
    return slopes.clone()


POOLINGS: Final = frozenset({"fractional_max_pool2d.default", "fractional_max_pool3d.default"})
"""Poolings that are given random samples, as `rand` drew them just before."""


def full_name(func: Any) -> str:
    """An overload of ATen by its name and its own: `bernoulli_.float`."""
    return f"{name_of(func)}.{func._overloadname}"  # noqa: SLF001 - no public door


def name_of(func: Any) -> str:
    """The name of an overload of ATen: `bernoulli_`."""
    return str(func.overloadpacket.__name__)


def redraw_of(func: Any) -> Redraw | None:
    """How an op draws again; None where it cannot be told."""
    name = full_name(func)
    if name in REDRAWS:
        return REDRAWS[name]
    twin = _OUTS.get(name)
    return None if twin is None else _out_of(twin)


@cache
def _out_of(twin: str) -> Redraw:
    base, _, overload = twin.partition(".")
    function = getattr(getattr(torch.ops.aten, base), overload)

    def redraw(draw: Draw, func: Callable[..., Any], args: Operands, kwargs: Named) -> Any:
        del func
        out = kwargs["out"]
        rest = {key: value for key, value in kwargs.items() if key != "out"}
        made = REDRAWS[twin](draw, function, args, rest)
        if out.shape != made.shape:
            out.resize_(made.shape)
        return out.copy_(made)

    return redraw
