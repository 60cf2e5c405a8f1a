"""Reasons of one thing that was found, as data: a code from a closed list, with its numbers and words.

A reason is made where it is found, kept in files beside its words, and worded only by `outcome/sentences.py`. Those of
names, runs, cells and goldens, which may hold one of these as their cause, are in `outcome/reasons.py`.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, PlainSerializer, WithJsonSchema

from tensorflow_free.text.phrases import apart_from_numbers

PlainFloat = Annotated[
    float,
    PlainSerializer(lambda value: value if math.isfinite(value) else str(value), when_used="json-unless-none"),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"enum": ["nan", "inf", "-inf"]}]}),
]
"""A number that strict JSON can hold: `"nan"`, `"inf"` and `"-inf"` are strings."""


class Reason(BaseModel):
    """What all reasons share: a code, which files keep and tables group by.

    `kin` names the fields besides the code in which reasons of one kind agree: names, not numbers.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    kin: ClassVar[tuple[str, ...]] = ()

    code: Any

    @property
    def kind(self) -> str:
        """What reasons that differ in their numbers alone have in common."""
        return "\0".join([str(self.code), *(_kind_of(getattr(self, name)) for name in self.kin)])


def _kind_of(field: Any) -> str:
    if isinstance(field, Reason):
        return field.kind
    if isinstance(field, list | tuple):
        return "\0".join(map(_kind_of, field))
    return apart_from_numbers(str(field))


class Bare(Reason):
    """That is all there is to say."""

    code: Literal[
        "random",
        "not recorded",
        "reference stopped",
        "only in the reference",
        "missing in the run",
        "missing in the reference",
        "all dtype-dependent",
        "no nudged runs",
        "no common value",
        "all left out",
        "nothing expected of it",
        "nothing expected of its outputs",
        "no error",
        "memory of its own",
        "meta memory",
        "meta values",
        "holds now",
        "no such cell",
        "no such judged cell",
        "right by float64 here",
        "signs are free",
        "eager is wrong alike",
        "each step compiled alone",
        "wrong with everything kept",
        "not lost again",
    ]


class Differing(Reason):
    """What was found, and what was wanted: a shape, a dtype, a word."""

    code: Literal[
        "shape differs",
        "shape is of the dtype",
        "dtype differs",
        "dtype is not eager's",
        "layout differs",
        "kind differs",
        "type differs",
        "value differs",
        "shape is not expected",
        "shape is not that expected",
        "dtype is not expected",
        "dtypes differ",
        "stride is not expected",
        "layout has no strides",
        "no elements",
        "value is not expected",
        "word is not expected",
        "no value",
        "a value",
        "not a tensor",
        "outcome differs",
    ]
    found: str | list[int] = ""
    wanted: str | list[int] = ""


class Elements(Reason):
    """Numbers that are not what they should be: the worst of them, and how many there are.

    Attributes:
        found: the number in as many digits as tell it from the wanted one.
        wanted: what it should be.
        at: its index; empty for the only one.
        count: how many differ, are not finite, or have another sign.
        elements: of how many.
        apart: how far they are apart there; None where that says nothing.
        used: of an expectation, how many times what is allowed the worst is away; None where nothing is.
        rtol: of an expectation, what is allowed; so are `atol` and `ulp`. Of runs whose bits differ, `ulp` is how far
            they are apart.
    """

    code: Literal[
        "out of bounds",
        "non-finite",
        "overflows",
        "signed zeros",
        "inputs differ",
        "integers differ",
        "integers differ from eager",
        "dtype-dependent",
        "not close",
        "not within ulp",
        "not equal",
        "bits differ",
    ]
    found: str = ""
    wanted: str = ""
    at: tuple[int, ...] = ()
    count: int = 0
    elements: int = 0
    apart: PlainFloat | None = None
    rtol: PlainFloat | None = None
    atol: PlainFloat | None = None
    ulp: PlainFloat | None = None
    used: PlainFloat | None = None


class Because(Reason):
    """What another library says, in its own words."""

    kin: ClassVar[tuple[str, ...]] = ("why",)

    code: Literal[
        "not stored",
        "not comparable",
        "not judged",
        "not a literal of it",
        "not an index",
        "not recorded anew",
        "not a number",
        "stopped",
        "cannot be run again",
    ]
    why: str
    written: str = ""
    dtype: str = ""
