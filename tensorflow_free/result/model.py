"""The models of `result.json`. Knows pydantic, and neither torch nor files."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict

from tensorflow_free.outcome.outcomes import ExpectationOutcome
from tensorflow_free.outcome.reasons import AnyReason, StepFailed

SCHEMA_VERSION: Final = 2
"""The version of `result.json`; it grows when a reader of the older one would misread the newer."""

RESULT, TENSORS, RECIPE, INPUTS = "result.json", "tensors.safetensors", "recipe.yaml", "inputs"
"""The files and the folder of a run's folder."""

EntryKind = Literal["tensor", "step", "gradient", "after", "trace", "check"]


class ResultModel(BaseModel):
    """What all models of `result.json` share."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Entry(ResultModel):
    """One value in `result.json`. A tensor's numbers stand inline where they are few, else in `tensors.safetensors`.

    `value`: numbers and nested lists; NaN and infinities are "nan", "inf", "-inf", a complex number is [re, im].
    `stored`: the names in `tensors.safetensors` that hold it: one, or one a part where it is not a plain array.
    `unstored`: why its numbers are not stored, where they could not be had.
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
    """Whether one thing that the recipe expects holds."""

    name: str
    path: str
    asks: str
    outcome: ExpectationOutcome
    message: str = ""
    cause: AnyReason | None = None
    """Why, as data; `message` says it in words. None where it holds, and in files of schema version 1."""

    @property
    def is_well(self) -> bool:
        """Whether it leaves the run well."""
        return not self.outcome.is_bad


class Environment(ResultModel):
    """What the numbers depended on besides the recipe."""

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


class Warned(ResultModel):
    """A warning of torch's: the step that raised it, or the part of the run, and how often."""

    step: str
    type: str
    message: str
    count: int = 1


class Timings(ResultModel):
    """Wall-clock seconds of the parts of a run."""

    tensors_s: float = 0.0
    steps_s: float = 0.0
    backward_s: float = 0.0
    checks_s: float = 0.0


class RunFile(ResultModel):
    """The whole of `result.json`."""

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
