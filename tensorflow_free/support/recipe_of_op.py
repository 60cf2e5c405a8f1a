"""A recipe of one op to start from: tensors that fit, every parameter, a backward pass, an expectation; all was run."""

from __future__ import annotations

import itertools
import math
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

import torch

from tensorflow_free.errors import TensorflowFreeError
from tensorflow_free.loading import load_recipe
from tensorflow_free.located.located_run import run_recipe
from tensorflow_free.ops.signatures import Op, Parameter
from tensorflow_free.recipe.names import name_problem
from tensorflow_free.result.result import Result
from tensorflow_free.support.calls_of_op import OpCall, calls_of
from tensorflow_free.support.eager_runs import run_eagerly, tensors_in
from tensorflow_free.support.translation import TensorNames, UntranslatableError, written
from tensorflow_free.tensors.dtypes import word_of

MOST_CALLS: Final = 60
"""Calls that are tried."""

MOST_S: Final = 10.0
"""Seconds after which no other call is tried."""

MOST_SHORT: Final = 12
"""Elements of a tensor whose numbers are rounded to be read, and of a result whose numbers are expected."""

MOST_INLINE: Final = 200
"""Elements of a tensor whose numbers stand in the recipe."""

MOST_DRAWN: Final = 20_000
"""Elements of a tensor that is drawn."""

DIGITS: Final = 9
"""Digits of a number that is expected."""

UNSAID: Final = frozenset({"out", "generator", "pin_memory", "non_blocking"})
"""Parameters that are not filled in with their defaults."""

_PLAIN: Final = (
    torch.float32,
    torch.float64,
    torch.int64,
    torch.int32,
    torch.int16,
    torch.int8,
    torch.uint8,
    torch.bool,
)

NumberStyle = str
"""How floating numbers are made: `short`, `range`, `exact`."""


@dataclass(frozen=True)
class OpRecipe:
    """A recipe of an op, in parts.

    Attributes:
        op: its name, as asked for.
        call: what it is called with.
        tensors: the starting tensors.
        before: the steps before it.
        args: its arguments.
        kwargs: its keyword arguments.
        left: parameters that stand as comments, as they cannot be given their default.
        backward: what is differentiated; nothing where it has no gradient.
        checks: an element of a large result, by itself.
        expect: what must hold.
    """

    op: str
    call: OpCall
    tensors: dict[str, Any]
    before: dict[str, Any]
    args: list[Any]
    kwargs: dict[str, Any]
    left: tuple[Parameter, ...] = ()
    backward: Any = None
    checks: dict[str, str] = field(default_factory=dict)
    expect: dict[str, Any] = field(default_factory=dict)

    @property
    def mapping(self) -> dict[str, Any]:
        """The recipe."""
        step = {"op": self.op, "args": self.args, **({"kwargs": self.kwargs} if self.kwargs else {})}
        whole = {"tensors": self.tensors, "steps": {**self.before, "y": step}}
        if self.backward is not None:
            whole["backward"] = self.backward
        if self.checks:
            whole["checks"] = self.checks
        return {**whole, "expect": self.expect} if self.expect else whole


class NoRecipe(Exception):
    """No call of the op was found that works."""


def recipe_of_op(name: str, op: Op) -> OpRecipe:
    """A recipe that runs, in float32 and in float64.

    Args:
        name: what the recipe calls the op.
        op: the op.

    Raises:
        NoRecipe: no call of it was found that works.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        until = time.monotonic() + MOST_S
        for call in itertools.islice(calls_of(op), MOST_CALLS):
            if (base := _working(name, call)) is not None:
                return _expecting(_differentiated(_filled(base)))
            if time.monotonic() > until:
                break
    raise NoRecipe


# the call


def _working(name: str, call: OpCall) -> OpRecipe | None:
    """The call as a recipe that runs, with numbers that are good to read where the op gives numbers for them."""
    found: OpRecipe | None = None
    for numbers, keywords in (("short", True), ("short", False), ("range", True), ("exact", True)):
        with suppress(UntranslatableError):
            base = _form(name, call, numbers, keywords=keywords)
            if (result := _run(base)) is not None:
                if _gives_numbers(result):
                    return base
                found = base
    return found


def _gives_numbers(result: Result) -> bool:
    """Whether what the op gives is finite."""
    try:
        given = list(tensors_in(result["y"]))
    except KeyError:
        return True
    return all(bool(one.isfinite().all()) for one in given if one.is_floating_point() and one.layout == torch.strided)


def _form(name: str, call: OpCall, numbers: NumberStyle, *, keywords: bool) -> OpRecipe:
    names = TensorNames()
    tensors: dict[str, Any] = {}
    before: dict[str, Any] = {}
    for parameter, value in call.given.items():
        parts = list(tensors_in(value))
        for position, tensor in enumerate(parts):
            word = _free_name(parameter if len(parts) == 1 else f"{parameter}_{position}", tensors)
            tensors[word] = _spec(tensor, numbers)
            if parameter in call.signature.changes and tensor.requires_grad:
                before["start"] = {"op": "clone", "args": [word]}
                word = "start"
            names.give(tensor, word)
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for one in call.signature.parameters:
        if one.name not in call.given:
            continue
        value = written(call.given[one.name], names)
        leads = one.required and bool({"Tensor", "Tensor[]"} & one.types) and not kwargs
        if one.keyword_only or (keywords and not leads and call.signature.form not in ("operator", "attribute")):
            kwargs[one.name] = value
        elif call.signature.variadic and isinstance(value, list):
            args += value
        else:
            args.append(value)
    return OpRecipe(name, call, tensors, before, args, kwargs)


def _free_name(wanted: str, taken: Mapping[str, Any]) -> str:
    word = {"input": "x", "self": "x", "y": "other"}.get(wanted, wanted)
    while name_problem(word) or word in taken or word in ("y", "start", "direction"):
        word += "_"
    return word


def _spec(tensor: torch.Tensor, numbers: NumberStyle) -> dict[str, Any]:
    """A starting tensor.

    Raises:
        UntranslatableError: its numbers do not stand in a recipe.
    """
    plain = tensor.layout == torch.strided and not tensor.is_quantized and tensor.dtype in _PLAIN
    is_drawn = tensor.is_floating_point() and numbers != "exact"
    if not plain or tensor.numel() > (MOST_DRAWN if is_drawn else MOST_INLINE):
        raise UntranslatableError("a tensor that a recipe reads from a file")
    data = tensor.detach()
    grad = {"requires_grad": True} if tensor.requires_grad else {}
    if not data.numel():
        return {"init": "zeros", "size": list(data.shape), **_pinned(data), **grad}
    if is_drawn:
        if data.numel() > MOST_SHORT:
            return {**_drawn(data, numbers), **grad}
        return {"data": _rounded(data.tolist(), 2), **_pinned(data), **grad}
    return {"data": data.tolist(), **_pinned(data), **grad}


def _pinned(data: torch.Tensor) -> dict[str, Any]:
    """The dtype, where the recipe's own, or that of the numbers, is another."""
    return (
        {}
        if data.dtype in (torch.float32, torch.int64, torch.bool) and data.numel()
        else ({} if data.dtype == torch.float32 else {"dtype": word_of(data.dtype)})
    )


def _drawn(data: torch.Tensor, numbers: NumberStyle) -> dict[str, Any]:
    size = list(data.shape)
    if numbers == "short":
        return {"init": "randn", "size": size}
    low, high = float(data.min()), float(data.max())
    if not (math.isfinite(low) and low < high):
        raise UntranslatableError("numbers that are not finite")
    return {"init": "uniform", "size": size, "low": _rounded(low, 2), "high": _rounded(high, 2)}


def _rounded(value: Any, digits: int) -> Any:
    if isinstance(value, list):
        return [_rounded(one, digits) for one in value]
    return round(value, digits) if isinstance(value, float) and math.isfinite(value) else value


def _run(recipe: OpRecipe, dtype: str = "float32") -> Result | None:
    """What the recipe gives; None where it does not run to its end, or gives numbers that are none."""
    try:
        result = run_recipe(load_recipe(recipe.mapping, [f"dtype={dtype}"]))
    except TensorflowFreeError:
        return None
    if result.error is not None or (recipe.expect and not result.is_well):
        return None
    return result


# what is added, as far as it runs


def _filled(recipe: OpRecipe) -> OpRecipe:
    """The recipe with every other parameter at its default."""
    signature = recipe.call.signature
    if signature.form in ("operator", "attribute"):
        return recipe
    rest = [one for one in signature.parameters if one.name not in recipe.call.given and one.name not in UNSAID]
    whole = replace(recipe, kwargs={**recipe.kwargs, **{one.name: _default(one) for one in rest}})
    if _run(whole) is not None:
        return whole
    left: tuple[Parameter, ...] = ()
    for one in rest:
        more = replace(recipe, kwargs={**recipe.kwargs, one.name: _default(one)})
        if _run(more) is not None:
            recipe = more
        else:
            left = (*left, one)
    return replace(recipe, left=left)


def _default(parameter: Parameter) -> Any:
    try:
        return written(parameter.default, TensorNames())
    except UntranslatableError:
        return str(parameter.default)


def _differentiated(recipe: OpRecipe) -> OpRecipe:
    """The recipe with a backward pass from the first of its results that has a gradient."""
    given = recipe.call.given
    for target, gradient in _passes(recipe).items():
        scalar = not gradient.dim() and not gradient.is_complex()
        numbers = {"dtype": "complex"} if gradient.is_complex() else {}
        direction = {"direction": {"init": "randn", "size": list(gradient.shape), **numbers}}
        whole = replace(
            recipe,
            tensors=recipe.tensors if scalar else {**recipe.tensors, **direction},
            backward=target if scalar else {"target": target, "gradient": "direction"},
        )
        if all(_run(whole, dtype) is not None for dtype in ("float32", "float64")):
            return whole
    if not any(one.requires_grad for one in tensors_in(given)):
        return recipe
    specs = {
        name: {key: part for key, part in one.items() if key != "requires_grad"} for name, one in recipe.tensors.items()
    }
    plain = replace(recipe, tensors=specs)
    return plain if _run(plain) is not None else recipe


def _passes(recipe: OpRecipe) -> dict[str, torch.Tensor]:
    """The gradients that backward passes may begin from, by the results' names."""
    signature, given = recipe.call.signature, recipe.call.given
    # by place up to the first parameter that is not given, and by name behind it
    leading = itertools.takewhile(lambda one: one.name in given and not one.keyword_only, signature.parameters)
    places = [one.name for one in leading]
    named = [name for name in given if name not in places]

    def called(*values: Any) -> Any:
        by_name = dict(zip(given, values, strict=True))
        for name in signature.changes:
            if isinstance(by_name.get(name), torch.Tensor):
                by_name[name] = by_name[name].clone()
        args = [by_name[name] for name in places]
        if signature.variadic and args and isinstance(args[-1], list | tuple):
            args = [*args[:-1], *args[-1]]
        return signature.function(*args, **{name: by_name[name] for name in named})

    try:
        made = run_eagerly(called, list(given.values()), {}, ())
    except RuntimeError:
        # a layout in which no gradient to begin from can be made
        return {}
    return {name: one for name, one in made.passes.items() if one.is_floating_point() or one.is_complex()}


def _expecting(recipe: OpRecipe) -> OpRecipe:
    """The recipe with an expectation of its first result: the numbers of a run in float64 where they are few."""
    exact = _run(recipe, "float64")
    target = recipe.backward["target"] if isinstance(recipe.backward, dict) else recipe.backward
    fields = (f"y.{one}" for one in (recipe.call.signature.returns or ())[:1])
    for name in filter(None, (target, "y", *fields, "y.0")):
        try:
            value = (exact or run_recipe(load_recipe(recipe.mapping)))[name]
        except (KeyError, TensorflowFreeError):
            continue
        for expected in _expectations(value):
            whole = replace(recipe, expect={name: expected})
            if _run(whole) is not None and (exact is None or _run(whole, "float64") is not None):
                return _with_element(whole, name, value)
    return recipe


def _with_element(recipe: OpRecipe, name: str, value: Any) -> OpRecipe:
    """The recipe with the first element of a result, where no other numbers of it are expected."""
    if (
        getattr(value, "layout", None) != torch.strided
        or name != "y"
        or recipe.expect[name] != {"shape": list(getattr(value, "shape", ()))}
        or not value.numel()
    ):
        return recipe
    first = value.flatten()[0].item()
    if isinstance(first, complex):
        return recipe
    checks = {"first": f"y[{', '.join('0' for _ in value.shape)}]"}
    whole = replace(recipe, checks=checks, expect={**recipe.expect, "first": _significant(first)})
    return whole if all(_run(whole, dtype) is not None for dtype in ("float32", "float64")) else recipe


def _expectations(value: Any) -> Iterator[Any]:
    if not isinstance(value, torch.Tensor):
        if isinstance(value, bool | int | float):
            yield value
        return
    if (
        value.layout == torch.strided
        and not value.is_quantized
        and value.dtype in _PLAIN
        and 0 < value.numel() <= MOST_SHORT
    ):
        yield _significant(value.tolist())
    yield {"shape": list(value.shape)}


def _significant(value: Any) -> Any:
    if isinstance(value, list):
        return [_significant(one) for one in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value
