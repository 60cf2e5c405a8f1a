"""What is kept of each cell: a row, which is one line of `cells.jsonl`. Does not import torch.

Example:
    >>> from tensorflow_free.sweep.rows import Row, row_of
    >>> row = Row(number=3, recipe="a.yaml", overrides=["dtype=float16"], outcome="mismatch")
    >>> row.is_bad, row_of(row.line()).command
    (True, 'run-recipe -m a.yaml dtype=float16')
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from tensorflow_free.composition.overrides import texts_of
from tensorflow_free.judging.culprit_words import place_of as place_of_culprit
from tensorflow_free.judging.culprits import Blame, Culprit
from tensorflow_free.judging.wording import error_of, pair_of, place_of, share_of
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.outcome.outcomes import ABSENT, BAD, STRICT, CellOutcome, Outcome
from tensorflow_free.outcome.plain_reasons import PlainFloat
from tensorflow_free.outcome.reasons import EMPTY, AnyReason, Marked, OlderWords
from tensorflow_free.outcome.sentences import words
from tensorflow_free.recipe.keys import CELL, DEFAULTS
from tensorflow_free.result.model import CompilerRun, DeviceUsed
from tensorflow_free.sweep.cells import Cell, refuse_outside
from tensorflow_free.text.characters import command_of, printable, printable_json

if TYPE_CHECKING:
    from tensorflow_free.judging.verdicts import Comparison

ROW_VERSION: Final = 3
"""The version of a row's schema."""

MEASURES: Final = ("max_abs", "max_rel", "rmse", "max_ulp", "sqnr_db")
"""The measures of a value that are numbers, as a sweep's CSV file has them."""


def _worded(worst: dict[str, Any] | None) -> dict[str, Any] | None:
    """The verdict, as far as it can be put in words; a row whose verdict cannot be is none."""
    if worst is None:
        return None
    measure = worst.get("measure") or {}
    try:
        share_of(worst)
        error_of(worst)
        for key in MEASURES:
            if (found := measure.get(key)) is not None:
                float(found)
        for key in ("nan", "inf"):
            pair_of(measure, key)
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
        message = f"it is not a verdict: {error}"
        raise ValueError(message) from error
    return worst


class RowWhere(BaseModel):
    """Where a cell goes wrong first: the value, its step and op; backward, the steps whose backward is suspect."""

    model_config = ConfigDict(frozen=True)

    direction: Literal["forward", "backward"]
    value: str
    step: str
    op: str | None = None
    through: tuple[str, ...] = ()


class Row(BaseModel):
    """One cell of a sweep: which it was, what became of it, and why.

    Attributes:
        schema_version: the version of this schema.
        number: the cell's number in the sweep, from 0.
        recipe: the recipe file, as it was typed.
        overrides: all overrides of the cell; with `recipe`, what runs it alone.
        axes: of what varies in the sweep, the key and this cell's value as text.
        packed: overrides that are merged into the recipe file already, where it comes from a pack.
        case: the case; None without. `device`, `dtype` and `backend` are the cell's, too.
        outcome: what became of it.
        reason: in words, a line or more; empty where the outcome is `ok`. `causes` has it as data.
        where: where it starts, for a mismatch or a known fault.
        unmet: the expectations that do not hold, by their paths: `expect.y`, `expect.w.grad`.
        rule: the rule that judged the worst value.
        used: the share of the allowed error that the worst value used; infinite where NaN or infinity decided; None
            where nothing was compared.
        worst: the verdict of the worst value, as plain data.
        compared: how many values were judged.
        not_comparable: how many were not judged, for any reason.
        unjudged: how many values could not be judged, although the reference has them.
        vacuous: how many verdicts could not have failed, as more was allowed than the value itself.
        told: what is worth saying and is no failure, in words; `notes` has it as data.
        folder: the name of the cell's folder inside the sweep's folder; empty where none was kept.
        exit_code: of a `failed` row, 1 where an expectation does not hold and 3 where a step failed; else None.
        ops: the files of the user's own ops that the cell needs.
        strict: whether it fails the sweep where not everything could be judged.
        limits: the flags of the limits under which it ran, where it was ended at one.
        unsupported: the patterns of errors that the command line takes for a missing kernel.
        seconds: wall-clock seconds that the cell took, its reference and the comparison included.
        forward: whether it is forward only; `notes` tells what it leaves out.
        devices: what each device that the cell used besides the CPU tells of itself.
        blame: of a mismatch, which steps are wrong for their own inputs; `comparison.json` has each step's verdict.
        compiled: what the compiler really ran; None of an eager cell, and of one that did not run.
    """

    model_config = ConfigDict(extra="ignore")

    schema_version: int = ROW_VERSION
    number: int
    recipe: str
    overrides: list[str] = Field(default_factory=list)
    axes: dict[str, str] = Field(default_factory=dict)
    packed: list[str] = Field(default_factory=list)
    case: str | None = None
    device: str = ""
    dtype: str = ""
    backend: str = ""
    outcome: CellOutcome
    reason: str = ""
    causes: list[AnyReason] = Field(default_factory=list)
    where: RowWhere | None = None
    unmet: list[str] = Field(default_factory=list)
    rule: str = ""
    used: PlainFloat | None = None
    worst: Annotated[dict[str, Any] | None, AfterValidator(_worded)] = None
    compared: int = 0
    not_comparable: int = 0
    unjudged: int = 0
    vacuous: int = 0
    told: list[str] = Field(default_factory=list)
    notes: list[AnyReason] = Field(default_factory=list)
    folder: Annotated[str, AfterValidator(lambda folder: folder and refuse_outside(folder))] = ""
    exit_code: ExitCode | None = None
    ops: list[str] = Field(default_factory=list)
    strict: bool = False
    limits: list[str] = Field(default_factory=list)
    seconds: float = 0.0
    devices: list[DeviceUsed] = Field(default_factory=list)
    blame: Blame | None = None
    unsupported: list[str] = Field(default_factory=list)
    forward: bool = False
    compiled: CompilerRun | None = None

    @model_validator(mode="after")
    def _coded(self) -> Self:
        """Give a row of before there were codes its reasons as data: its words."""
        if self.reason and not self.causes:
            self.causes = [self._cause(line) for line in self.reason.splitlines()]
        if len(self.notes) < len(self.told):
            self.notes = [OlderWords(code="words", words=line) for line in self.told]
        return self

    def _cause(self, line: str) -> AnyReason:
        if self.outcome == Outcome.KNOWN_FAULT:
            return Marked(code="known fault", reason=line.removeprefix("known: "))
        return OlderWords(code="words", words=line)

    def __repr__(self) -> str:
        axes = "".join(f" {key}={value}" for key, value in self.axes.items())
        at = f" at {self.place}" if self.place else ""
        return printable(f"<Row {self.number} {self.recipe}{axes}: {self.outcome}{at}>")

    __str__ = __repr__

    @property
    def is_bad(self) -> bool:
        """Whether it fails the sweep."""
        return self.outcome in BAD or (self.strict and self.outcome in STRICT)

    @property
    def ran(self) -> bool:
        """Whether the cell could run at all."""
        return self.outcome not in ABSENT

    @property
    def place(self) -> str:
        """Where it goes wrong, in words: the step, or the expectation that does not hold; empty where nothing is."""
        return self.start or self.first

    @property
    def first(self) -> str:
        """The first value out of bounds, in words; else the expectation that does not hold, or nothing."""
        if self.where is not None:
            return place_of(self.where)
        more = f" and {len(self.unmet) - 1} more" if len(self.unmet) > 1 else ""
        return f"{self.unmet[0]}{more}" if self.unmet else ""

    @property
    def culprit(self) -> Culprit | None:
        """The first step that is wrong for its own inputs; None where none is known."""
        return None if self.blame is None else self.blame.first

    @property
    def start(self) -> str:
        """Its culprit; else the first value out of bounds; empty where there is neither."""
        if self.culprit is not None:
            return place_of_culprit(self.culprit)
        return "" if self.where is None else place_of(self.where)

    @property
    def command(self) -> str:
        """What a person types to run this cell alone, and have it judged again."""
        ops = [word for file in self.ops for word in ("--ops", file)]
        words = [word for pattern in self.unsupported for word in ("--unsupported", pattern)]
        return command_of(["run-recipe", "-m", self.recipe, *self.overrides, *ops, *words, *self.limits])

    def code(self) -> ExitCode:
        """The exit code that this cell asks for."""
        return self.exit_code or ((self.outcome.exit_code or ExitCode.UNMET) if self.is_bad else ExitCode.OK)

    def strictly(self) -> Row:
        """The row where everything must be judged: a verdict that could not have failed, or is not of it, is none."""
        empty = [note for note in self.notes if note.code in EMPTY]
        if self.outcome != Outcome.OK or not empty:
            return self.model_copy(update={"strict": True})
        kept = [pair for pair in zip(self.notes, self.told, strict=True) if pair[0] not in empty]
        why = {"causes": empty, "reason": "\n".join(map(words, empty))}
        told = {"notes": [note for note, _ in kept], "told": [text for _, text in kept]}
        return self.model_copy(update={"strict": True, "outcome": Outcome.PARTLY_JUDGED, **why, **told})

    def noting(self, note: AnyReason) -> Row:
        """The row with one more thing that is worth saying."""
        return self.model_copy(update={"notes": [*self.notes, note], "told": [*self.told, words(note)]})

    def line(self) -> str:
        """The row as one line of `cells.jsonl`, its end included; strict JSON."""
        return printable_json(self.model_dump_json()) + "\n"


def row_of(line: str | bytes) -> Row:
    """The row that a line of `cells.jsonl` holds.

    Raises:
        ValueError: the line is cut off, is no row, or is of a newer schema.
    """
    row = Row.model_validate_json(line)
    if row.schema_version > ROW_VERSION:
        message = f"a row of schema version {row.schema_version}; this tensorflow_free reads up to {ROW_VERSION}"
        raise ValueError(message)
    return row


def judgement_of(comparison: Comparison) -> dict[str, Any]:
    """What a row has of a comparison: where it starts, the worst verdict, and how many values were judged."""
    worst = comparison.worst
    return {
        "where": None if comparison.where is None else RowWhere(**asdict(comparison.where)),
        "rule": "" if worst is None else worst.rule,
        "used": None if worst is None else worst.used,
        "worst": None if worst is None else worst.to_plain(),
        "compared": comparison.compared,
        "not_comparable": comparison.not_comparable,
        "unjudged": len(comparison.unjudged),
        "vacuous": len(comparison.vacuous),
        "blame": None if comparison.blame is None else replace(comparison.blame, steps=()),
    }


def row_of_cell(cell: Cell, mapping: Mapping[str, Any] | None, outcome: CellOutcome) -> Row:
    """A row that says which cell it is of, and nothing yet of what it computed.

    Args:
        cell: the cell.
        mapping: what its recipe says with its overrides, as far as that is right; None where it cannot be read.
        outcome: what became of it.
    """
    row = Row(
        number=cell.number,
        recipe=cell.recipe,
        overrides=list(texts_of(cell.overrides)),
        axes=dict(cell.axes),
        packed=list(cell.packed),
        outcome=outcome,
    )
    if mapping is None:
        return row
    said = {key: mapping.get(key, DEFAULTS[key]) for key in CELL}
    if isinstance(said["backend"], Mapping):
        said["backend"] = said["backend"].get("name", "")
    case = mapping.get("case")
    return row.model_copy(
        update={
            **{key: str(word) for key, word in said.items()},
            "case": None if case is None else str(case),
            "forward": mapping.get("forward") is True,
        }
    )
