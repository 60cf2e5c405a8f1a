"""Why an outcome is what it is, as data: the reasons of names, runs, cells and goldens, and what any of them is.

A reason is made where it is found, kept in files beside its words, and worded only by `outcome/sentences.py`.

Reason
├── of a value              Bare · Differing · Elements · Because, of `outcome/plain_reasons.py`; and OfNames
├── of an expectation       the same, and Unmet
├── of a run                StepFailed · WorkerLost · RunsDiffer · Related
├── of a mark under xfail   Marked
├── of a cell               CellMismatch · Hidden · Problems · Shortfall · OtherK · ForwardOnly · CompilerStage
├── of a golden             OfGolden
├── of a saved run          RunAgain
└── of what has no code     OlderWords
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import ConfigDict, Field, model_validator

from tensorflow_free.outcome.plain_reasons import Bare, Because, Differing, Elements, PlainFloat, Reason


class OfNames(Reason):
    """What is about a value, a step or an op by its name."""

    kin: ClassVar[tuple[str, ...]] = ("name", "other", "cause")

    code: Literal[
        "stopped before",
        "not recorded here",
        "no such value",
        "nothing to hold against",
        "requires no gradient",
        "stopped elsewhere",
        "another error",
        "no match",
        "own op in the reference",
        "decoded",
        "in float32",
        "no kernel in float64",
        "float64 stops",
        "same kernel",
        "not comparable values",
        "dtype-dependent value",
        "not kept",
        "judged alone in part",
        "same outcome",
        "second run differs",
        "memory not shared",
        "memory shared",
        "needs not kept",
        "at or before",
        "not tried",
        "must run",
        "must run within",
        "ran before in",
        "nothing compiled",
        "fell back",
        "parts apart",
    ]
    name: str
    other: str = ""
    more: str = ""
    cause: AnyReason | None = None


OF_COMPILER: Final = frozenset({"nothing compiled", "fell back"})
"""What is told of a compiler that did not compute all of a cell."""

EMPTY: Final = frozenset({"vacuous", "nothing compiled"})
"""What says of a cell that is well that this says nothing: where everything must be judged, it is not well."""

StopCode = Literal["step failed", "no kernel", "out of memory", "timed out", "crashed", "device lost"]

Showed = Literal["", "behind it", "run again", "before"]
"""How near an error of a device shows: in the call itself; somewhere behind it, so that it is of this step or of one
before; in the call, when it was run again with a synchronisation after each step; in an earlier run."""


class StepFailed(Reason):
    """A step that failed, or a run that was ended at one: on what, in torch's own words, and where it stands.

    Attributes:
        whose: of a step that has no kernel, by whose words that is known; of a pattern that was added, it in quotes.
        device: the device that was lost at it, which takes no more calls of its process; empty where none was.
        showed: how near the error of a device showed.
        backward_of: of a backward pass, the step whose backward failed; empty where that is not known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kin: ClassVar[tuple[str, ...]] = ("file", "path", "op", "type", "message", "operands")

    code: StopCode = "step failed"
    step: str
    op: str
    type: str
    message: str
    operands: list[str]
    file: str | None = None
    line: int | None = None
    column: int | None = None
    path: str = ""
    expected: bool = False
    whose: str = ""
    device: str = ""
    showed: Showed = ""
    backward_of: str = ""

    @property
    def is_late(self) -> bool:
        """Whether it may be of a step before: a new process tells, in which each step is waited for."""
        return self.showed in ("behind it", "before")

    @model_validator(mode="before")
    @classmethod
    def _coded(cls, written: Any) -> Any:
        """Files of before there were codes tell an end at a limit by its type alone."""
        if isinstance(written, dict) and "code" not in written and written.get("type") in _ENDS:
            return {**written, "code": _ENDS[written["type"]]}
        return written


_ENDS: Final = {"TimedOut": "timed out", "OutOfMemory": "out of memory", "Crashed": "crashed"}


LostCode = Literal["worker crashed", "worker timed out", "worker out of memory", "our error"]


class WorkerLost(Reason):
    """A worker process that gave no answer.

    Attributes:
        ended: what ended it: a limit, a signal, its exit code; or the words of an error of this package.
        stage: what it was doing; empty of an error of this package.
        step: at which step it was, as far as that is known.
        op: the op of that step.
        said: the last lines that it wrote to standard error.
    """

    kin: ClassVar[tuple[str, ...]] = ("ended", "stage", "step", "op", "said")

    code: LostCode
    ended: str
    stage: str = ""
    step: str = ""
    op: str = ""
    said: list[str] = Field(default_factory=list)


class RunsDiffer(Reason):
    """A run that gave other bits than the first, from the same numbers: where that starts, and how far it is off.

    Attributes:
        value: the first value that differs, forward before backward; of a run that stopped, the step at which it did.
        step: the step that it is of, and `op` that step's op.
        direction: whether the step itself differs, or its gradient.
        through: backward, the steps that read `step`: it is the backward of one of these that differs.
        cause: what differs.
        run: the first run that differs, from 2.
        ran: how many runs there were: fewer than were asked for where one of them decided.
        differ: how many of them differ from the first.
        shown: the run whose values are told: one that is bad, where the first is not.
    """

    kin: ClassVar[tuple[str, ...]] = ("value", "direction", "cause")

    code: Literal["runs differ"] = "runs differ"
    value: str
    step: str
    op: str | None = None
    direction: Literal["forward", "backward"] = "forward"
    through: tuple[str, ...] = ()
    cause: AnyReason | None = None
    run: int = 2
    ran: int = 2
    differ: int = 1
    shown: int = 1


class Related(Reason):
    """A relation of a run to runs on other tensors, made of its own: how far it holds, and where it does so least.

    Attributes:
        relation: its kind: `batch`.
        value: the value of which it holds least; of a broken one, where that starts, forward before backward.
        how: how the tensors were changed there, in words.
        level: how far it holds of that value.
        cause: what differs there; None where nothing does.
        used: how many times what rounding moves that is; None where it was not asked.
        values: how many values were judged, and `gradients` how many gradients.
        exact: of how many of both it holds bit for bit.
        broken: the values and gradients of which it does not hold.
        left: the values of which it says nothing in this run, and `why`.
        in_eager: whether plain eager PyTorch on the CPU breaks it as far; None where there is no such run.
    """

    kin: ClassVar[tuple[str, ...]] = ("relation", "value", "how", "why", "cause")

    code: Literal[
        "relation holds", "relation broken", "relation broken in eager", "relation not judged", "relation of nothing"
    ]
    relation: str
    value: str = ""
    how: str = ""
    level: Literal["bit for bit", "within noise", "broken"] | None = None
    cause: AnyReason | None = None
    used: PlainFloat | None = None
    values: int = 0
    gradients: int = 0
    exact: int = 0
    broken: list[str] = Field(default_factory=list)
    left: list[str] = Field(default_factory=list)
    why: str = ""
    in_eager: bool | None = None


class Marked(Reason):
    """A mark under `xfail`: it is borne out, what it is on passes, or is further away than it says.

    Attributes:
        at_most: how many times what is allowed it bears; None for any.
        used: how many times what is allowed it is away, where it says how many.
    """

    kin: ClassVar[tuple[str, ...]] = ("reason", "keys", "cause")

    code: Literal["known fault", "fixed", "above the mark"]
    reason: str
    cause: AnyReason | None = None
    keys: list[str] = Field(default_factory=list)
    issue: str | None = None
    at_most: float | None = None
    used: PlainFloat | None = None


class Unmet(Reason):
    """An expectation that does not hold."""

    kin: ClassVar[tuple[str, ...]] = ("path", "asks", "cause")

    code: Literal["unmet"] = "unmet"
    path: str
    asks: str
    cause: AnyReason | None = None
    message: str = ""


class CellMismatch(Reason):
    """Values out of bounds: the first of them, what it was made from, and how many there are.

    Attributes:
        value: its name.
        cause: what is wrong with it.
        used: the share of the allowed error that it used.
        allowed: what is allowed, in words; empty where nothing is.
        mark: the known fault that it is more than.
        operands: what the step read, a step each; backward, those by whose backward it came.
        bad: how many values are out of bounds; `names` has the first of them.
        values: how many there are.
    """

    kin: ClassVar[tuple[str, ...]] = ("value", "cause", "allowed", "operands", "names")

    code: Literal["mismatch"] = "mismatch"
    value: str
    cause: AnyReason | None = None
    message: str = ""
    used: PlainFloat = 0.0
    allowed: str = ""
    mark: Marked | None = None
    operands: list[str] = Field(default_factory=list)
    bad: int = 0
    names: list[str] = Field(default_factory=list)
    values: int = 0


class Shortfall(Reason):
    """Values of which a verdict says nothing: they could not be judged, or could not have failed.

    Attributes:
        names: the first of them; `count` says how many there are.
        values: of how many.
        cause: why they could not be judged.
    """

    kin: ClassVar[tuple[str, ...]] = ("names", "cause")

    code: Literal["partly judged", "vacuous"]
    names: list[str]
    count: int
    values: int
    cause: AnyReason | None = None


class OtherK(Reason):
    """That another share of what rounding moves was allowed than is usual for the dtype."""

    code: Literal["other k"] = "other k"
    k: float
    usual: float


class ForwardOnly(Reason):
    """That a run, or several, are forward only, and what they leave out.

    Attributes:
        expectations: how many things that are expected need gradients; so are `relations`.
        relations: how many relations are of gradients alone.
        steps: how many steps and checks need gradients.
        named: some of these; of one run alone.
    """

    code: Literal["forward only"] = "forward only"
    expectations: int = 0
    relations: int = 0
    steps: int = 0
    named: list[str] = Field(default_factory=list)

    def with_those_of(self, other: ForwardOnly) -> ForwardOnly:
        """What both leave out."""
        return ForwardOnly(
            expectations=self.expectations + other.expectations,
            relations=self.relations + other.relations,
            steps=self.steps + other.steps,
        )


class CompilerStage(Reason):
    """Which part of a compiler makes a compiled cell wrong.

    Attributes:
        right: the back ends that do less than the cell's, under which it is right.
        wrong: the first under which it is wrong; the cell's own where all others are right.
        emulated: of inductor, whether it is right with `emulate_precision_casts`; None where that was not tried.
        subsystem: of inductor, the part that torch's own `CompilerBisector` names; empty where it names none.
        number: how many times that part must be applied; None where it is on or off.
        info: what the `CompilerBisector` tells of the last time.
        left: what there was no time to try.
    """

    kin: ClassVar[tuple[str, ...]] = ("right", "wrong", "emulated", "subsystem")

    code: Literal["compiler stage"] = "compiler stage"
    right: list[str] = Field(default_factory=list)
    wrong: str = ""
    emulated: bool | None = None
    subsystem: str = ""
    number: int | None = None
    info: str = ""
    left: list[str] = Field(default_factory=list)


class Problems(Reason):
    """What is wrong with a recipe, a device or a golden, each with its place."""

    kin: ClassVar[tuple[str, ...]] = ("problems", "cell", "name")

    code: Literal[
        "refused",
        "unavailable",
        "no reference",
        "reference failed",
        "start failed",
        "shape is not the reference's",
        "stopped apart",
        "noise is not known",
        "culprit not found",
    ]
    problems: list[str]
    cell: str = ""
    name: str = ""


class OfGolden(Reason):
    """How a golden stands to its recipe, and what to do about it."""

    kin: ClassVar[tuple[str, ...]] = ("case", "golden")

    code: Literal["no golden", "nothing expected", "stale", "unused", "orphan", "ran before", "closed"]
    case: str = ""
    golden: str = ""
    command: str = ""
    recipe: str = ""
    dtype: str = ""


class Hidden(Reason):
    """A step that is wrong for its own inputs, and that all values of the whole chain are within bounds with.

    Attributes:
        place: which it is, in short: `h (mul, forward)`, `x.grad (backward of s)`.
        step: its name, and `op` its op.
        direction: forward, backward, or operand, which it changed without saying so.
        value: what is wrong: `h`; backward the gradient that it hands on; the operand.
        noise: how many times its noise it is off; infinite where NaN, an infinity or the structure decide.
        cause: what is wrong with it.
    """

    kin: ClassVar[tuple[str, ...]] = ("place", "cause")

    code: Literal["hidden"] = "hidden"
    place: str
    step: str
    op: str | None = None
    direction: Literal["forward", "backward", "operand"] = "forward"
    value: str = ""
    noise: PlainFloat = 0.0
    cause: AnyReason | None = None


class RunAgain(Reason):
    """How a saved run stands to the same cell here: whether it runs here, and gives the saved bits.

    Attributes:
        value: the first value whose bits are others.
        cause: how they differ.
        apart: what the two depended on besides the recipe that is not the same: `torch: 2.11.0, and 2.13.0 here`.
        problems: why it cannot run here.
    """

    kin: ClassVar[tuple[str, ...]] = ("value", "cause", "problems")

    code: Literal["same bits again", "other bits again", "not here again"]
    value: str = ""
    cause: AnyReason | None = None
    apart: list[str] = Field(default_factory=list)
    problems: list[str] = Field(default_factory=list)


class OlderWords(Reason):
    """What an older version wrote, which knew no codes."""

    kin: ClassVar[tuple[str, ...]] = ("words",)

    code: Literal["words"] = "words"
    words: str


AnyReason = Annotated[
    Bare
    | Differing
    | Elements
    | OfNames
    | Because
    | StepFailed
    | WorkerLost
    | RunsDiffer
    | Related
    | Marked
    | Unmet
    | CellMismatch
    | Shortfall
    | OtherK
    | ForwardOnly
    | CompilerStage
    | Problems
    | OfGolden
    | Hidden
    | RunAgain
    | OlderWords,
    Field(discriminator="code"),
]
"""Any of them; the code tells which."""
