"""What a comparison finds, as data: a verdict on each value, and where the first fault is. Does not import torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from tensorflow_free.codec.adapters import adapter_of
from tensorflow_free.judging.culprits import Blame
from tensorflow_free.judging.measured import Measure, Rule
from tensorflow_free.judging.wording import place_of, share_of
from tensorflow_free.outcome.outcomes import Outcome, ValueOutcome
from tensorflow_free.outcome.plain_reasons import PlainFloat
from tensorflow_free.outcome.reasons import AnyReason
from tensorflow_free.outcome.sentences import words
from tensorflow_free.text.faces import Shown, maker
from tensorflow_free.text.phrases import counted

COMPARISON: Final = "comparison.json"
"""The file in a cell's folder that holds the verdict on each value."""

COMPARISON_VERSION: Final = 5
"""The version of `comparison.json`.

1, which did not name it, has reasons in words alone; 2 does not say `vacuous`; 3 measures every value in full.
From 4 on there are `notes` and the rule `inputs`, and of the values that pass one alone is measured in full, which used
most: of the others `unequal`, `max_rel`, `max_ulp` and the indices, which judging does not need, are null.
From 5 on there is `blame`: which steps are wrong for their own inputs.
"""

LEFT_OPEN: Final = frozenset({"random", "reference stopped", "not comparable", "not stored", "no nudged runs"})
"""Why a value that both runs have could not be judged. What a run was not asked to record is not among them, nor words
that make a cell what it is, such as its device."""

_ALONE: Final = frozenset({"not recorded", "only in the reference"})
"""Why a value that one run alone has could not be judged."""


@dataclass(frozen=True, slots=True, repr=False)
class ValueVerdict:
    """What was found of one value.

    Attributes:
        name: the value's name: `h`, `w.grad`, `qr.Q`.
        kind: as of its record.
        op: the op that gave it.
        outcome: what was found.
        rule: what judged it.
        used: the share of the allowed error that it used: up to 1 it passes. Infinite where NaN, an infinity or the
            structure decide, and where nothing is allowed.
        reason: why it is not ok, in words; `cause` has it as data.
        dtype: its dtype, or type.
        shape: its shape, where it is a tensor.
        allowed: the error allowed, in words.
        measure: the numbers; None where it is equal, or is not a tensor of the expected shape.
        cause: why it is not ok, as data.
        vacuous: whether it is ok and could not have failed, as zeros would have passed, too.
    """

    name: str
    kind: str
    op: str | None
    outcome: ValueOutcome
    rule: Rule
    used: PlainFloat = 0.0
    reason: str = ""
    dtype: str = ""
    shape: tuple[int, ...] | None = None
    allowed: str = ""
    measure: Measure | None = None
    cause: AnyReason | None = None
    vacuous: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it could not be judged, although both runs have it."""
        return self.outcome == Outcome.NOT_COMPARABLE and self.cause is not None and self.cause.code in LEFT_OPEN

    def __repr__(self) -> str:
        share = share_of(self.to_plain())
        return f"<ValueVerdict {self.name} {self.dtype}: {self.outcome}{share and f', {share} of what is allowed'}>"

    def to_plain(self) -> dict[str, Any]:
        """As strict JSON holds it."""
        written: dict[str, Any] = adapter_of(ValueVerdict).dump_python(self, mode="json")
        return written


def _is_skipped(one: ValueVerdict) -> bool:
    return one.is_open or (one.cause is not None and one.cause.code in _ALONE)


@dataclass(frozen=True, slots=True)
class Where:
    """Where the first fault is.

    Attributes:
        direction: forward, or backward.
        value: the first value out of bounds: `h`, or the gradient nearest the target, `h.grad`.
        step: the step or starting tensor that it is of.
        op: the op of that step.
        through: backward, the steps that read `step`: it is the backward of one of these that went wrong.
    """

    direction: Literal["forward", "backward"]
    value: str
    step: str
    op: str | None = None
    through: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Comparison(Shown):
    """Two runs compared with each other, value by value.

    Attributes:
        values: a verdict on each value of either run, those of the judged run first, in the order of the steps.
        where: the first step whose value or gradient is out of bounds; None where none is.
        reference: what the run was compared with, in words.
        k: how many times what rounding moves was allowed, where that was not the number of the dtype.
        usual_k: the number of the dtype; None where `k` is.
        notes: what is worth saying of how they were compared, such as why no nudged runs could be made.
        blame: which steps are wrong for their own inputs, where that was looked for.
        schema_version: the version of the schema of `comparison.json`, which holds all of it.

    Example:
        >>> from tensorflow_free import compare_results, load_recipe, run_recipe
        >>> recipe = {"tensors": {"x": [1.0, 2.0]}, "steps": {"y": "x + 1"}}
        >>> one, other = run_recipe(load_recipe(recipe)), run_recipe(load_recipe(recipe, ["steps.y=x + 2"]))
        >>> comparison = compare_results(one, other)
        >>> comparison.where.direction, comparison.where.step, comparison["y"].measure.max_abs
        ('forward', 'y', 1.0)
    """

    values: tuple[ValueVerdict, ...]
    where: Where | None = None
    reference: str = ""
    k: float | None = None
    usual_k: float | None = None
    schema_version: int = COMPARISON_VERSION
    notes: tuple[AnyReason, ...] = ()
    blame: Blame | None = None

    @property
    def told(self) -> list[str]:
        """The notes in words, those of how the culprits were looked for, too."""
        return [*map(words, self.notes), *([] if self.blame is None else self.blame.told)]

    @property
    def bad(self) -> list[ValueVerdict]:
        """The values that do not agree, in order."""
        return [one for one in self.values if one.outcome == Outcome.MISMATCH]

    @property
    def compared(self) -> int:
        """How many values were judged; the tensors that a run starts from do not count, nor gradients that are not."""
        judged = [one for one in self.values if one.outcome in (Outcome.OK, Outcome.MISMATCH)]
        return sum(one.kind != "tensor" and (one.dtype != NO_VALUE or one.outcome != Outcome.OK) for one in judged)

    @property
    def not_comparable(self) -> int:
        """How many values could not be judged."""
        return sum(one.outcome == Outcome.NOT_COMPARABLE for one in self.values)

    @property
    def unjudged(self) -> list[ValueVerdict]:
        """The values that could not be judged, although both runs have them."""
        return [one for one in self.values if one.is_open]

    @property
    def skipped(self) -> list[ValueVerdict]:
        """The values that were not judged, as only one of the runs has them, or for another reason; no inputs."""
        return [one for one in self.values if one.kind != "tensor" and _is_skipped(one)]

    @property
    def inputs(self) -> list[ValueVerdict]:
        """The tensors that the two start from and that are not the same numbers; what follows hangs on them."""
        return [one for one in self.bad if one.kind == "tensor"]

    @property
    def vacuous(self) -> list[ValueVerdict]:
        """The verdicts that could not have failed."""
        return [one for one in self.values if one.vacuous]

    @property
    def is_whole(self) -> bool:
        """Whether everything could be judged, and every verdict could have failed."""
        return self.compared > 0 and not self.unjudged and not self.vacuous

    @property
    def worst(self) -> ValueVerdict | None:
        """The value that used the largest share of its allowed error; None where nothing was judged."""
        judged = [one for one in self.values if one.outcome in (Outcome.OK, Outcome.MISMATCH)]
        return max(judged, key=lambda one: (one.used, one.kind != "tensor"), default=None)

    @property
    def is_well(self) -> bool:
        """Whether something was compared, and all of it agrees."""
        return self.compared > 0 and not self.bad

    def __getitem__(self, name: str) -> ValueVerdict:
        """The verdict on the value of this name.

        Raises:
            KeyError: neither run has a value of this name.
        """
        for one in self.values:
            if one.name == name:
                return one
        raise KeyError(name)

    def __repr__(self) -> str:
        against = f" with {self.reference}" if self.reference else ""
        state = "well" if self.is_well else f"{len(self.bad)} out of bounds" if self.bad else "nothing compared"
        start = f", from {place_of(self.where)}" if self.where is not None else ""
        return (
            f"<Comparison{against}: {self.compared} of {counted(len(self.values), 'value')} compared, {state}{start}>"
        )

    def to_plain(self) -> dict[str, Any]:
        """As strict JSON holds it."""
        written: dict[str, Any] = adapter_of(Comparison).dump_python(self, mode="json")
        return written

    def to_dataframe(self) -> Any:
        """The verdicts as a data frame of pandas: a row for each value, in their order.

        Its columns are `name`, `kind`, `op`, `dtype`, `shape`, `outcome`, `rule`, `used` (the share of the allowed
        error; NaN where it was not judged), `elements`, `unequal`, `max_abs` in the unit of the value, `max_rel`,
        `rmse`, `max_ulp`, `sqnr_db` in decibels, `nan`, `nan_expected`, `inf`, `inf_expected`, `vacuous`, `allowed`,
        `reason`. Of the values that pass, one alone is measured in full: what was not measured is missing.

        Raises:
            ImportError: pandas is not installed.

        Example:
            >>> from tensorflow_free import compare_results, load_recipe, run_recipe
            >>> recipe = {"tensors": {"x": [1.0, 2.0]}, "steps": {"y": "x + 1"}}
            >>> one, other = run_recipe(load_recipe(recipe)), run_recipe(load_recipe(recipe, ["steps.y=x + 2"]))
            >>> frame = compare_results(one, other).to_dataframe()
            >>> frame[frame.outcome == "mismatch"][["name", "max_abs"]].values.tolist()
            [['y', 1.0]]
        """
        return maker("frames").frame_of_comparison(self)

    @classmethod
    def from_plain(cls, written: Mapping[str, Any]) -> Comparison:
        """What `to_plain` gave, again; `comparison.json` of version 1 has no reasons as data.

        Raises:
            ValidationError: it is no comparison, a ValueError of pydantic's.
        """
        comparison: Comparison = adapter_of(Comparison).validate_python(written)
        return comparison


NO_VALUE: Final = "none"
"""What stands for a dtype where there is no value: the gradient that there is not."""

NOTHING_ALLOWED: Final = math.inf
"""The share of the allowed error where nothing is allowed."""
