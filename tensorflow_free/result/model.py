"""The models of `result.json`. Does not import torch or touch files.

Example:
    >>> from pathlib import Path
    >>> from tensorflow_free import load_recipe, run_recipe
    >>> from tensorflow_free.result.model import RunFile
    >>> folder = run_recipe(load_recipe("recipes/linear_autograd.yaml")).save("outputs/read")
    >>> run = RunFile.model_validate_json(Path(folder, "result.json").read_text(encoding="utf-8"))
    >>> run.dtype, run.well, [(one.name, one.value) for one in run.values if one.kind == "gradient"]
    ('float32', True, [('w.grad', 1.0), ('wx.grad', 1.0), ('y.grad', 1.0)])
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict

from tensorflow_free.outcome.outcomes import ExpectationOutcome
from tensorflow_free.outcome.reasons import AnyReason, StepFailed
from tensorflow_free.plan.left_out import LeftOut
from tensorflow_free.text.phrases import counted

SCHEMA_VERSION: Final = 2
"""The version of `result.json`; it grows when a reader of the older one would misread the newer."""

RESULT, TENSORS, RECIPE, INPUTS = "result.json", "tensors.safetensors", "recipe.yaml", "inputs"
"""The files and the folder of a run's folder."""


def folder_of(path: str | Path) -> Path:
    """The folder of a run, which may be named by its `result.json`, as a run prints it at its end."""
    folder = Path(path)
    return folder.parent if folder.name == RESULT else folder


EntryKind = Literal["tensor", "step", "gradient", "after", "trace", "check"]


class ResultModel(BaseModel):
    """What all models of `result.json` share."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Entry(ResultModel):
    """One value in `result.json`. A tensor's numbers stand inline where they are few, else in `tensors.safetensors`.

    Attributes:
        name: its name: `y`, `w.grad`, `qr.Q`, `x.after`.
        kind: a starting tensor, the value of a step, a gradient, a value as it was at the end of the run (`after`), a
            value of every round of a repeated block (`trace`), or the value of a check.
        type: `tensor`, or the type of another value: `int`, `str`.
        op: the op that gave it; of a starting tensor, its init.
        dtype: the dtype of a tensor: `float32`.
        shape: the length of each dimension.
        stride: the stride of each dimension, in elements; None where the layout has none.
        layout: `strided`, `sparse_coo`, ….
        device: the device that it was on.
        requires_grad: whether autograd recorded it.
        grad_fn: the name of the node of autograd that made it.
        nan_count: how many elements are NaN.
        inf_count: how many elements are infinite.
        value: numbers and nested lists; NaN and infinities are "nan", "inf", "-inf", a complex number is [re, im].
        stored: the names in `tensors.safetensors` that hold it: one, or one for each part of what is not a plain array.
        unstored: why its numbers are not stored, where they could not be read.
    """

    name: str
    kind: EntryKind
    type: str
    op: str | None = None
    dtype: str | None = None
    shape: list[int] | None = None
    stride: list[int] | None = None
    layout: str | None = None
    device: str | None = None
    requires_grad: bool | None = None
    grad_fn: str | None = None
    nan_count: int | None = None
    inf_count: int | None = None
    value: Any = None
    stored: dict[str, str] | None = None
    unstored: str | None = None


class Verdict(ResultModel):
    """Whether one thing that the recipe expects holds.

    Attributes:
        name: the value that it is about: `y`, `w.grad`; `error` for the error that is expected.
        path: where it stands in the recipe: `expect.y`.
        asks: what must hold, in words.
        outcome: whether it holds.
        message: why it does not, in words; empty where it holds.
        cause: the same as data; None where it holds, and in files of schema version 1.
    """

    name: str
    path: str
    asks: str
    outcome: ExpectationOutcome
    message: str = ""
    cause: AnyReason | None = None

    @property
    def is_well(self) -> bool:
        """Whether it leaves the run well."""
        return not self.outcome.is_bad


class DeviceUsed(ResultModel):
    """A device that a run used besides the CPU, and what its numbers depend on. What it does not tell is None.

    Attributes:
        kind: its kind: `cuda`, `npu`.
        index: its number among those that the process sees.
        name: the name that it gives itself.
        memory_bytes: bytes of memory that it has.
        driver: the version of its driver.
        versions: the version of each library that it computes with, and of the package that brings it, by name.
        precision: how precisely it computes in float32 (TF32 and the like), by PyTorch's names, as it stood in the run.
        visible: the variables that say which devices the process sees, where they are set.
    """

    kind: str
    index: int | None = None
    name: str | None = None
    memory_bytes: int | None = None
    driver: str | None = None
    versions: dict[str, str | None] = {}
    precision: dict[str, str] = {}
    visible: dict[str, str] = {}


class Environment(ResultModel):
    """What the numbers depended on besides the recipe.

    Attributes:
        tensorflow_free: the version of this package.
        torch: the version of torch, with its build: `2.13.0+cpu`.
        torch_git: the commit that torch was built from.
        python: the version of Python.
        platform: the operating system and its version.
        cpu: the processor's name.
        cpu_capability: the instructions that torch's kernels use: `AVX2`.
        num_threads: threads that one op may use.
        cuda: the version of CUDA that torch was built for; None without.
        cuda_available: whether CUDA can be used.
        devices: the names of all devices of the kinds that the run used besides the CPU.
        used: what each device that it used tells of itself; none in older files.
    """

    tensorflow_free: str
    torch: str
    torch_git: str | None
    python: str
    platform: str
    cpu: str
    cpu_capability: str
    num_threads: int
    cuda: str | None
    cuda_available: bool
    devices: list[str]
    used: list[DeviceUsed] = []


class Warned(ResultModel):
    """A warning that torch gave.

    Attributes:
        step: the step that gave it, or the part of the run: `tensors`, `backward`.
        type: the type of the warning: `UserWarning`.
        message: its text.
        count: how often it was given.
    """

    step: str
    type: str
    message: str
    count: int = 1


class GraphBreak(ResultModel):
    """Where a compiler could not follow, so that one graph ends and another begins.

    Attributes:
        step: the step at which it is; empty where that cannot be told.
        reason: why, in a line.
        count: how often.
    """

    step: str
    reason: str
    count: int = 1


class CompilerRun(ResultModel):
    """What a compiler really ran of the forward steps.

    Attributes:
        graphs: graphs that it was given, those that were compiled anew for other shapes too.
        ops: ops in these graphs.
        given_back: how many of them the back end gave back as they are, so that eager PyTorch ran them.
        breaks: where one graph ends and another begins, and why; what stands between them eager PyTorch ran.
        recompiles: how many times a graph was compiled anew, as shapes or strides were others.
        fell_back: what ran instead of the compiler, as far as it is known or the back end says so; a line each.
        log: what was logged meanwhile, a line each.
        kernels: kernels that inductor wrote, forward and backward; None where inductor compiled nothing.
        extern_calls: calls of PyTorch's own kernels in what inductor compiled; None likewise.
        aten_calls: calls of PyTorch's own kernels in what another back end made; None where none is seen.
        aten_only: whether these gave all that it gave.
    """

    graphs: int
    ops: int
    given_back: int = 0
    breaks: list[GraphBreak] = []
    recompiles: int = 0
    fell_back: list[str] = []
    log: list[str] = []
    kernels: int | None = None
    extern_calls: int | None = None
    aten_calls: int | None = None
    aten_only: bool = False

    @property
    def is_nothing(self) -> bool:
        """Whether no op went through the compiler, so that the run says nothing about it."""
        return not self.ops or self.given_back >= self.graphs

    @property
    def word(self) -> str:
        """What a table says of it; empty where one graph has all."""
        if self.is_nothing:
            return "nothing"
        if self.fell_back:
            return "fell back"
        return (
            "ATen only"
            if self.aten_only or (self.kernels == 0 and self.extern_calls)
            else counted(self.graphs, "graph")
            if self.breaks
            else ""
        )

    @property
    def why(self) -> str:
        """Why nothing was compiled, or not all."""
        found = [*self.fell_back, *(f"{one.step}: {one.reason}" if one.step else one.reason for one in self.breaks)]
        return "; ".join(found) or "no op of the forward steps reached it"


class Timings(ResultModel):
    """Wall-clock seconds of the parts of a run.

    Attributes:
        tensors_s: seconds for the starting tensors.
        steps_s: seconds for the steps; compilation included.
        backward_s: seconds for the backward passes.
        checks_s: seconds for the checks.
    """

    tensors_s: float = 0.0
    steps_s: float = 0.0
    backward_s: float = 0.0
    checks_s: float = 0.0


class StartsFrom(ResultModel):
    """Whose starting tensors a run began from.

    Attributes:
        recipe: the name of that run's recipe.
        digest: the SHA-256 of the tensors: of their names, dtypes, shapes and bits.
    """

    recipe: str
    digest: str


class RunFile(ResultModel):
    """The whole of `result.json`.

    Attributes:
        schema_version: the version of this schema.
        recipe: the recipe's name: the stem of its file.
        description: the recipe's own.
        device: the device of the run.
        dtype: the dtype of the recipe.
        backend: the name of the backend: `eager`, `inductor`.
        case: the chosen case; None without.
        seed: the seed of the random numbers.
        well: whether everything ran, and everything expected holds.
        values: every recorded value and gradient, in the order of the run.
        expectations: a verdict on each thing that is expected.
        error: the step that failed; None where none did.
        environment: what the numbers depended on besides the recipe.
        timings: how long the parts of the run took.
        warnings: what torch warned of.
        compiled: what the compiler really ran; None of an eager run.
        starts: the saved run whose starting tensors it began from; None where its recipe made them.
        left_out: of a run that is forward only, what needs gradients; None of any other.
        parts: the steps that were written in one line with others: the name of each part, and of the whole step.
    """

    schema_version: int = SCHEMA_VERSION
    recipe: str
    description: str | None
    device: str
    dtype: str
    backend: str
    case: str | None
    seed: int
    well: bool
    values: list[Entry]
    expectations: list[Verdict]
    error: StepFailed | None
    environment: Environment
    timings: Timings
    warnings: list[Warned] = []
    starts: StartsFrom | None = None
    left_out: LeftOut | None = None
    compiled: CompilerRun | None = None
    parts: dict[str, str] = {}
