"""Data frames of pandas, with columns that keep their names and types: of a result, a comparison, a sweep's rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from tensorflow_free.judging.verdicts import Comparison, ValueVerdict
from tensorflow_free.notebook.wanted import wanted
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.pages.pictured_values import picture_of_value
from tensorflow_free.picturing.value_pictures import Picture
from tensorflow_free.result.result import Result
from tensorflow_free.result.run_value import Record
from tensorflow_free.sweep.csv_file import FIRST, LAST, axes_of, cells_of
from tensorflow_free.sweep.rows import MEASURES, Row

Kinds = Mapping[str, str]
"""Columns, and the types of them in pandas' words; a column of tuples is of objects."""

_TEXT, _COUNT, _NUMBER, _TRUTH, _TUPLE = "string", "Int64", "float64", "boolean", "object"

OF_RESULT: Final[Kinds] = {
    **dict.fromkeys(("name", "kind", "op", "dtype"), _TEXT),
    "shape": _TUPLE,
    "elements": _COUNT,
    **dict.fromkeys(("value", "min", "max", "mean"), _NUMBER),
    **dict.fromkeys(("nan", "inf"), _COUNT),
    "requires_grad": _TRUTH,
    **dict.fromkeys(("grad_fn", "words"), _TEXT),
}

OF_COMPARISON: Final[Kinds] = {
    **dict.fromkeys(("name", "kind", "op", "dtype"), _TEXT),
    "shape": _TUPLE,
    **dict.fromkeys(("outcome", "rule"), _TEXT),
    "used": _NUMBER,
    **dict.fromkeys(("elements", "unequal"), _COUNT),
    **dict.fromkeys(MEASURES, _NUMBER),
    **dict.fromkeys(("nan", "nan_expected", "inf", "inf_expected"), _COUNT),
    "vacuous": _TRUTH,
    **dict.fromkeys(("allowed", "reason"), _TEXT),
}

MORE: Final[Kinds] = {
    **dict.fromkeys(("case", "device", "dtype", "backend"), _TEXT),
    **dict.fromkeys(("compared", "not_comparable", "unjudged", "vacuous"), _COUNT),
    "seconds": _NUMBER,
}
"""Columns that a sweep's data frame has besides those of `sweep.csv`."""

_OF_CSV: Final[Kinds] = {
    **dict.fromkeys((*FIRST, *LAST), _TEXT),
    **dict.fromkeys(("cell", "graphs", "graph_ops"), _COUNT),
    **dict.fromkeys(("used", "noise", "amplified", *MEASURES), _NUMBER),
    "forward_only": _TRUTH,
}


def frame_of_result(result: Result) -> Any:
    """A row for each value and gradient."""
    return _frame([_value(record) for record in result.records.values()], OF_RESULT)


def _value(record: Record) -> dict[str, Any]:
    picture = picture_of_value(record.value, unstored=record.unstored)
    has_numbers = picture.least is not None or picture.nan or picture.inf or picture.below
    return {
        "name": record.name,
        "kind": record.kind,
        "op": record.op,
        "dtype": picture.dtype,
        "shape": None if picture.shape is None else tuple(picture.shape),
        "elements": None if picture.shape is None else math.prod(picture.shape),
        "value": _only(picture),
        "min": picture.least,
        "max": picture.greatest,
        "mean": picture.mean,
        "nan": picture.nan if has_numbers else None,
        "inf": picture.inf + picture.below if has_numbers else None,
        "requires_grad": record.requires_grad if record.is_tensor else None,
        "grad_fn": record.grad_fn,
        "words": picture.words,
    }


def _only(picture: Picture) -> float | None:
    """The number of what has one."""
    if picture.size != 1 or picture.is_complex:
        return None
    return math.nan if picture.nan else math.inf if picture.inf else -math.inf if picture.below else picture.least


def frame_of_comparison(comparison: Comparison) -> Any:
    """A row for each verdict."""
    return _frame([_verdict(one) for one in comparison.values], OF_COMPARISON)


def _verdict(one: ValueVerdict) -> dict[str, Any]:
    measure = one.measure
    row = {name: getattr(one, name) for name in OF_COMPARISON if hasattr(one, name)}
    row["used"] = one.used if one.outcome in (Outcome.OK, Outcome.MISMATCH) else None
    if measure is not None:
        row |= {name: getattr(measure, name) for name in ("elements", "unequal", *MEASURES)}
        row |= {"nan": measure.nan[0], "nan_expected": measure.nan[1]}
        row |= {"inf": measure.inf[0], "inf_expected": measure.inf[1]}
    return row


def frame_of_sweep(rows: Iterable[Row]) -> Any:
    """A row for each cell: the columns of `sweep.csv`, and device, dtype, backend, seconds and the like.

    An axis whose values are all numbers is a column of numbers.
    """
    listed = sorted(rows, key=lambda row: row.number)
    axes = axes_of(row.axes for row in listed)
    more = {name: kind for name, kind in MORE.items() if name not in axes}
    told = []
    for row in listed:
        written = dict(zip((*FIRST, *LAST), cells_of(row), strict=True))
        told.append({**written, **{name: getattr(row, name) for name in more}, **row.axes})
    varied = {key: _kind_of([row.axes.get(key) for row in listed]) for key in axes}
    kinds = {**{name: _OF_CSV[name] for name in FIRST}, **varied, **more, **{name: _OF_CSV[name] for name in LAST}}
    return _frame(told, kinds)


def _kind_of(texts: Sequence[str | None]) -> str:
    """Of which type the values of an axis are."""
    for kind, read in ((_COUNT, int), (_NUMBER, float)):
        try:
            for text in texts:
                read(text or "")
        except ValueError:
            continue
        return kind
    return _TEXT


def _as_it_is(value: Any) -> Any:
    return value


_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {_COUNT: int, _NUMBER: float, _TRUTH: bool, _TEXT: str}
"""From what is told, which may be a word for an infinity, to what a column holds."""


def _frame(rows: Sequence[Mapping[str, Any]], kinds: Kinds) -> Any:
    """A data frame of these columns; what a row has not is missing in it, which of a number is NaN.

    Raises:
        ImportError: pandas is not installed.
    """
    pandas = wanted("pandas", "a data frame")
    columns = {}
    for name, kind in kinds.items():
        read = _READERS.get(kind, _as_it_is)
        column = [None if (value := row.get(name)) is None else read(value) for row in rows]
        columns[name] = pandas.Series(column, dtype=kind)
    return pandas.DataFrame(columns)
