"""The relations that a recipe states, compared with its tensors, their dimensions and its values."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from tensorflow_free.binding.expected import check_name
from tensorflow_free.binding.scope import Scope
from tensorflow_free.plan import conditions
from tensorflow_free.plan.settings import SETTINGS
from tensorflow_free.recipe.dotted import KeyPath
from tensorflow_free.recipe.models import RelationSpec
from tensorflow_free.recipe.names import RECIPE_DTYPES, did_you_mean
from tensorflow_free.recipe.relation_kinds import (
    ALONE,
    LAYOUTS,
    PARAMETERS,
    RELATION_KEYS,
    RELATION_KINDS,
    RelationKind,
    Takes,
)
from tensorflow_free.text.phrases import shown

Shapes = Mapping[str, Sequence[int] | None]
"""The shapes of starting tensors; None where only making one tells."""

Misfit = tuple[KeyPath, str]
"""A path below a relation, and what is wrong there."""


def bind_relations(scope: Scope, shapes: Shapes) -> None:
    """Hold the relations that the recipe states against the names and shapes that there are."""
    for name, relations in scope.recipe.relations.items():
        kind = RELATION_KINDS.get(name)
        if kind is None:
            near = did_you_mean(name, RELATION_KINDS) or f"; it is one of {', '.join(RELATION_KINDS)}"
            scope.wrong(("relations", name), f"'{name}' is not a kind of relation{near}")
            continue
        written = scope.recipe.written.get("relations", {}).get(name)
        are_several = isinstance(written, list) and len(written) == len(relations) and isinstance(written[0], dict)
        for position, one in enumerate(relations):
            path: KeyPath = ("relations", name, position) if are_several else ("relations", name)
            its = written[position] if are_several else written
            below = (*path, "of") if isinstance(its, dict) and "of" in its else path
            if not scope.is_broken(path):
                _bind_relation(scope, kind, one, path, below, shapes)


def _bind_relation(
    scope: Scope, kind: RelationKind, one: RelationSpec, path: KeyPath, below: KeyPath, shapes: Shapes
) -> None:
    """Hold one relation, which stands at a path, and what it is of, which may stand below it, against what there is."""
    for key, message in conditions.problems(one.when or {}, scope.recipe):
        scope.wrong((*path, "when", key), message)
    for position, word in enumerate(one.values or ()):
        where = (position,) if isinstance(one.values, list) else (word,)
        check_name(scope, word, (*path, "values", *where), scope.kinds)
    if isinstance(one.values, dict):
        for word, factor in one.values.items():
            if kind.takes != "factor":
                scope.wrong(
                    (*path, "values"), f"'{shown(one.values)}' is not a list of names; only scaling has factors"
                )
                break
            if (problem := _factor_problem(factor)) is not None:
                scope.wrong((*path, "values", word), problem)
    for more, message in _of_problems(scope, kind, one.of, shapes):
        scope.wrong((*below, *more), message)


def _of_problems(scope: Scope, kind: RelationKind, of: Any, shapes: Shapes) -> Iterator[Misfit]:
    """What is wrong with what a relation is of."""
    if kind.takes in ALONE:
        problem = _ALONE[kind.takes](of, scope)
        if problem is not None:
            yield (), f"{problem}; `{kind.name}` is {kind.wants}"
        return
    if not isinstance(of, dict) or not of:
        yield (), f"'{shown(of)}' does not fit `{kind.name}`, which is {kind.wants}"
        return
    tensors = scope.recipe.tensors
    lengths: dict[str, int] = {}
    for name, told in of.items():
        if name not in tensors:
            yield (name,), _no_tensor(scope, kind, name)
            continue
        if tensors[name].init == "as_strided":
            yield (name,), f"'{name}' is a view of '{tensors[name].model_dump().get('input')}'; name that"
            continue
        yield from (((name, *more), message) for more, message in _told_problems(scope, kind, told, shapes.get(name)))
        length = _length(told, shapes.get(name))
        if kind.takes in ("dimension", "part", "padding") and length is not None:
            lengths[name] = length
    yield from _length_problems(kind, lengths)


def _no_tensor(scope: Scope, kind: RelationKind, name: str) -> str:
    tensors = scope.recipe.tensors
    if name in scope.kinds:
        return f"'{name}' is not a starting tensor, and a relation changes those alone{_listed(tensors)}"
    near = did_you_mean(name, (*tensors, *RELATION_KEYS)) or _listed(tensors)
    return f"'{name}' is not a tensor of this recipe{near}; {_wants(scope, kind)}"


def _wants(scope: Scope, kind: RelationKind) -> str:
    """What would be right below a relation; of one that names two tensors, with two of the recipe's."""
    tensors = list(scope.recipe.tensors)
    if kind.takes == "tensor" and len(tensors) > 1:
        return f"`{kind.name}` names two tensors of the recipe, such as {kind.name}: {{{tensors[0]}: {tensors[1]}}}"
    return f"`{kind.name}` is {kind.wants}"


def _listed(tensors: Mapping[str, Any]) -> str:
    return f"; it starts from {', '.join(list(tensors)[:12])}" if tensors else ""


def _told_problems(scope: Scope, kind: RelationKind, told: Any, shape: Sequence[int] | None) -> Iterator[Misfit]:
    """What is wrong with what is told of one tensor."""
    if kind.takes == "value":
        yield from (((), message) for message in _value_problems(scope, told, kind))
        return
    if kind.takes == "tensor":
        if not isinstance(told, str) or told not in scope.recipe.tensors:
            near = did_you_mean(told, scope.recipe.tensors)
            near = near or f"{_listed(scope.recipe.tensors)}; {_wants(scope, kind)}"
            yield (), f"'{shown(told)}' is not a tensor of this recipe{near}"
        return
    if kind.takes in _TOLD:
        problem = _TOLD[kind.takes](told)
        if problem is not None:
            yield (), problem
        return
    yield from _dimension_problems(kind, told, shape)


def _value_problems(scope: Scope, told: Any, kind: RelationKind) -> Iterator[str]:
    if not isinstance(told, str):
        yield f"'{shown(told)}' is not the name of a value; `{kind.name}` is {kind.wants}"
    elif told.partition(".")[0] not in scope.kinds:
        near = did_you_mean(told, scope.kinds) or f"; its values are {', '.join(list(scope.kinds)[:12])}"
        yield f"'{told}' is not a value of this recipe{near}"


def _dimension_problems(kind: RelationKind, told: Any, shape: Sequence[int] | None) -> Iterator[Misfit]:
    """What is wrong with a dimension, or with a mapping that has one."""
    path: KeyPath = ()
    known = PARAMETERS.get(kind.takes, ())
    dimension = told
    if isinstance(told, dict) and known:
        for key in told:
            if key not in known:
                near = did_you_mean(key, known) or f"; it is one of {', '.join(known)}"
                yield (key,), f"'{key}' is not a parameter of `{kind.name}`{near}"
        if "dim" not in told:
            yield (), f"'{shown(told)}' has no dimension; `{kind.name}` is {kind.wants}"
            return
        for key in {"size", "by"} & told.keys():
            if not _is_integer(told[key]) or told[key] < 1:
                yield (key,), f"'{shown(told[key])}' is not a length; `{key}` is an integer of at least 1"
        if "value" in told and not (isinstance(told["value"], (bool, int, float))):
            yield ("value",), f"'{shown(told['value'])}' is not a number"
        path, dimension = ("dim",), told["dim"]
    if not _is_integer(dimension):
        yield path, f"'{shown(dimension)}' is not a dimension; `{kind.name}` is {kind.wants}"
    elif shape is not None and not -len(shape) <= dimension < len(shape):
        has = f"dimensions {', '.join(map(str, range(len(shape))))}" if shape else "no dimensions"
        yield path, f"'{dimension}' is not a dimension of it; its shape is {list(shape)}, which has {has}"


def _length(told: Any, shape: Sequence[int] | None) -> int | None:
    dimension: Any = told.get("dim") if isinstance(told, dict) else told
    if shape is None or not _is_integer(dimension) or not -len(shape) <= dimension < len(shape):
        return None
    return int(shape[dimension])


def _length_problems(kind: RelationKind, lengths: Mapping[str, int]) -> Iterator[Misfit]:
    """What is wrong with the lengths of the dimensions that go together."""
    first = next(iter(lengths), None)
    for name, length in lengths.items():
        if first is not None and length != lengths[first]:
            yield (name,), f"its length there is {length}, and that of '{first}' {lengths[first]}; they go together"
        elif length < kind.least:
            yield (name,), f"its length there is {length}, of which `{kind.name}` says nothing; it takes {kind.least}"


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _factor_problem(told: Any) -> str | None:
    is_number = isinstance(told, (int, float)) and not isinstance(told, bool)
    if is_number and math.isfinite(told) and abs(math.frexp(told)[0]) == 0.5:  # noqa: PLR2004 - of a power of two
        return None
    return f"'{shown(told)}' is not a power of two; other factors are rounded (4, 0.5 and -2 are exact)"


def _number_problem(told: Any) -> str | None:
    is_number = isinstance(told, (int, float)) and not isinstance(told, bool)
    return None if is_number and math.isfinite(told) else f"'{shown(told)}' is not a finite number"


def _layout_problem(told: Any) -> str | None:
    if told in LAYOUTS:
        return None
    near = did_you_mean(told, LAYOUTS) or f"; it is one of {', '.join(LAYOUTS)}"
    return f"'{shown(told)}' is not a layout{near}"


_TOLD: Final[Mapping[Takes, Callable[[Any], str | None]]] = {
    "factor": _factor_problem,
    "number": _number_problem,
    "layout": _layout_problem,
}
"""What is wrong with what is told of a tensor, by what its relation takes."""


def _count_problem(of: Any, _: Scope) -> str | None:
    return None if _is_integer(of) and of > 1 else f"'{shown(of)}' is not a number of runs"


def _threads_problem(of: Any, _: Scope) -> str | None:
    counts = of if isinstance(of, list) else [of]
    found = (SETTINGS["num_threads"].problem(one) for one in counts)
    return next((one for one in found if one is not None), None) if counts else "'[]' is no number of threads"


def _dtype_problem(of: Any, scope: Scope) -> str | None:
    del scope
    if of in RECIPE_DTYPES:
        return None
    return f"'{shown(of)}' is not a dtype of a recipe{did_you_mean(of, RECIPE_DTYPES)}"


_ALONE: Final[Mapping[Takes, Callable[[Any, Scope], str | None]]] = {
    "count": _count_problem,
    "threads": _threads_problem,
    "dtype": _dtype_problem,
}
