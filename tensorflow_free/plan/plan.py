"""A recipe with every name bound: the `Plan`, its values, and which are recorded, differentiated and checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from tensorflow_free.errors import Place
from tensorflow_free.files.opening import FileRead
from tensorflow_free.plan.calls import Call
from tensorflow_free.plan.kept_function import KeptFunction
from tensorflow_free.plan.left_out import LeftOut
from tensorflow_free.recipe.dotted import KeyPath
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.tensors.saved_starts import SavedStarts
from tensorflow_free.tensors.starting_tensors import Start
from tensorflow_free.text.phrases import counted

ValueKind = Literal["tensor", "step", "block", "check", "trace"]

RecordedKind = Literal["tensor", "step", "trace"]


class Recording(NamedTuple):
    """A value that the result keeps: its name, what it is, its slot, and that of it as it stood when its step ended.

    `stood` is None where that is not kept; `after` says that it may change later, and so is kept as it is in the end.
    `given` is the path of the step that gives it, () for a starting tensor; `changers` are those of the steps that may
    change it.
    """

    name: str
    kind: RecordedKind
    op: str | None
    slot: int
    stood: int | None
    after: bool = False
    given: KeyPath = ()
    changers: tuple[KeyPath, ...] = ()


@dataclass(frozen=True, slots=True)
class Pass:
    """A call of backward after the steps: the slots of its target and inputs, and what its gradient is.

    `reads` are calls that read fields (`x.grad`, `qr.R`) just before it.
    """

    target: str
    reads: tuple[Call, ...]
    slot: int
    path: KeyPath
    gradient: Any
    gradient_slot: int | None
    gradient_start: Start | None
    inputs: tuple[int, ...] | None
    retain_graph: bool | None
    create_graph: bool


@dataclass(frozen=True, slots=True)
class Check:
    """A step that runs on the results: the slot of its value, and the names of the values that it needs."""

    name: str
    op: str | None
    calls: tuple[Call, ...]
    slot: int
    reads: tuple[str, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Plan:
    """A recipe, bound.

    `initial` is what the list of values begins as: constants in their slots, None elsewhere. `forward` are the calls up
    to the first `backward` or `grad`, which a backend may compile and which then leaves what is needed later in the
    slots `returned`; `rest` are those after it. `standing` are slots that hold values as they stood while checks run.
    `around` makes the context in which steps and backward run, and then that of the checks. `devices` are those that
    the run may draw random numbers on: the recipe's, those of its tensors, those that its steps name. `saved` are the
    starting tensors of the run that it begins from. `exact` says that each call and pass is waited for, so that an
    error of a device shows in the call that it is of. `left_out` is what a recipe that runs forward
    only leaves out, of which the plan and its recipe have nothing; None of any other. `kept` is what a compiler made of
    its forward steps; a plan that is made from this one begins without.
    """

    recipe: Recipe
    place: Callable[[Sequence[str | int]], Place]
    starts: tuple[Start, ...]
    start_slots: tuple[int, ...]
    leaf_slots: tuple[int, ...]
    initial: tuple[Any, ...]
    prelude: tuple[Call, ...]
    forward: tuple[Call, ...]
    rest: tuple[Call, ...]
    returned: tuple[int, ...]
    passes: tuple[Pass, ...]
    retained: tuple[tuple[str, int], ...]
    watched: frozenset[str]
    checks: tuple[Check, ...]
    standing: dict[str, int]
    recordings: tuple[Recording, ...]
    differentiates: bool
    files: tuple[FileRead, ...] = ()
    ops: tuple[str, ...] = ()
    variants: tuple[tuple[Start, ...], ...] = ()
    devices: tuple[str, ...] = ()
    around: Callable[[], AbstractContextManager[Any]] = nullcontext
    saved: SavedStarts | None = None
    exact: bool = False
    left_out: LeftOut | None = None
    kept: KeptFunction = field(default_factory=KeptFunction, init=False, repr=False, compare=False)

    def __repr__(self) -> str:
        return f"<Plan {self.recipe.cell_of(self.recipe.stem)}: {counted(len(self.forward) + len(self.rest), 'call')}>"

    @property
    def compiled(self) -> bool:
        """Whether a compiler runs the forward steps."""
        return self.recipe.backend.name != "eager"
