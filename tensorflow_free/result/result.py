"""What a run gives: values, gradients, verdicts and what they depended on; and the model of `result.json`."""

from __future__ import annotations

import math
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import torch
from pydantic import BaseModel, ConfigDict

from tensorflow_free.files.opening import FileRead
from tensorflow_free.plan.calls import Snapshot, field_names, grad_fn_name
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.recipe.names import did_you_mean
from tensorflow_free.tensors.dtypes import word_of
from tensorflow_free.tensors.parts import numbers_of
from tensorflow_free.version import VERSION

SCHEMA_VERSION: Final = 1
"""The version of `result.json`; it grows when a reader of the older one would misread the newer."""

Kind = Literal["tensor", "step", "gradient", "after", "trace", "check"]
Outcome = Literal["holds", "fails", "not judged", "known fault", "fixed"]


@dataclass(frozen=True, slots=True)
class Record:
    """One value of a run. A tensor is detached, and as it stood; what detaching loses stands beside it."""

    name: str
    kind: Kind
    value: Any
    op: str | None = None
    stride: tuple[int, ...] | None = None
    requires_grad: bool = False
    grad_fn: str | None = None
    unstored: str | None = None
    """Why the numbers of a tensor that was read back are not there."""

    @property
    def is_tensor(self) -> bool:
        """Whether the value is a tensor."""
        return isinstance(self.value, torch.Tensor)


AFTER: Final = ".after"
"""What follows the name of a value as it was in the end, where a step may have changed it."""

Kept = TypeVar("Kept")


def of_name(kept: Mapping[str, Kept], name: str) -> Kept | None:
    """What is kept under a name; under `NAME.after`, what is under NAME where no step may have changed that."""
    found = kept.get(name)
    return kept.get(name.removesuffix(AFTER)) if found is None else found


@dataclass(frozen=True, slots=True)
class Opaque:
    """What stands for a value that no file can hold, such as a `grad_fn`: its type alone."""

    type: str


def recorded(name: str, kind: Kind, value: Any, op: str | None = None) -> Iterator[Record]:
    """A value's records: itself, or each field of several values under its own name."""
    if isinstance(value, torch.Tensor):
        stride = tuple(value.stride()) if value.layout == torch.strided and not value.is_nested else None
        yield Record(name, kind, value.detach(), op, stride, value.requires_grad, grad_fn_name(value))
    elif isinstance(value, Snapshot):
        yield Record(name, kind, value.values, op, value.stride, value.requires_grad, value.grad_fn)
    elif isinstance(value, Mapping):
        for part, inner in value.items():
            yield from recorded(f"{name}.{part}", kind, inner, op)
    elif isinstance(value, (tuple, list)) and any(isinstance(part, (torch.Tensor, tuple, list)) for part in value):
        names = field_names(value) or [str(position) for position in range(len(value))]
        for part, inner in zip(names, value, strict=True):
            yield from recorded(f"{name}.{part}", kind, inner, op)
    else:
        yield Record(name, kind, value, op)


class Model(BaseModel):
    """What all models of `result.json` share."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Entry(Model):
    """One value in `result.json`. A tensor's numbers stand inline where they are few, else in `tensors.safetensors`.

    `value`: numbers and nested lists; NaN and infinities are "nan", "inf", "-inf", a complex number is [re, im].
    `stored`: the names in `tensors.safetensors` that hold it: one, or one a part where it is not a plain array.
    `unstored`: why its numbers are not stored, where they could not be had.
    """

    name: str
    kind: Kind
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


class Verdict(Model):
    """Whether one thing that the recipe expects holds."""

    name: str
    path: str
    asks: str
    outcome: Outcome
    message: str = ""

    @property
    def is_well(self) -> bool:
        """Whether it leaves the run well."""
        return self.outcome in ("holds", "not judged", "known fault")


class ErrorReport(Model):
    """A step that failed: what failed, on what, in torch's own words, and where it stands."""

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


class Environment(Model):
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


class Warned(Model):
    """A warning of torch's: the step that raised it, or the part of the run, and how often."""

    step: str
    type: str
    message: str
    count: int = 1


class Timings(Model):
    """Wall-clock seconds of the parts of a run."""

    tensors_s: float = 0.0
    steps_s: float = 0.0
    backward_s: float = 0.0
    checks_s: float = 0.0


class RunFile(Model):
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
    error: ErrorReport | None
    environment: Environment
    timings: Timings
    warnings: list[Warned] = []


@dataclass(repr=False)
class Result:
    """What a run gave.

    Index it by name: `result["y"]`, `result["w.grad"]`, `result["qr.Q"]`. A tensor comes on the CPU and detached; a
    gradient that there is not is None.
    """

    recipe: Recipe
    records: dict[str, Record]
    expectations: list[Verdict] = field(default_factory=list)
    error: ErrorReport | None = None
    environment: Environment | None = None
    timings: Timings = field(default_factory=Timings)
    warnings: list[Warned] = field(default_factory=list)
    name: str = "recipe"
    files: tuple[FileRead, ...] = ()
    ops: tuple[str, ...] = ()

    @property
    def is_well(self) -> bool:
        """Whether everything ran, and everything expected holds."""
        ran = self.error is None or self.error.expected
        return ran and all(verdict.is_well for verdict in self.expectations)

    def __getitem__(self, name: str) -> Any:
        """The value of this name.

        Raises:
            KeyError: the run has no value of this name.
        """
        record = self.records.get(name)
        if record is None:
            if name.endswith(".grad") and name.removesuffix(".grad") in self.records:
                return None
            raise KeyError(f"'{name}' is not a value of this run{did_you_mean(name, self.records)}")
        value = record.value
        return value.cpu() if isinstance(value, torch.Tensor) and not value.is_meta else value

    def __contains__(self, name: object) -> bool:
        return name in self.records

    def __iter__(self) -> Iterator[str]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)

    def keys(self) -> Iterator[str]:
        """The names of all values."""
        return iter(self.records)

    def items(self) -> Iterator[tuple[str, Any]]:
        """The names of all values, each with its value, as indexing gives it."""
        return ((name, self[name]) for name in self.records)

    def __repr__(self) -> str:
        recipe = self.recipe
        case = f" case={recipe.case}" if recipe.case else ""
        state = "well" if self.is_well else "not well" if self.error is None else f"stopped at '{self.error.step}'"
        values = "1 value" if len(self) == 1 else f"{len(self)} values"
        return f"<Result {self.name}{case} {recipe.device} {recipe.dtype} {recipe.backend.name}: {values}, {state}>"

    def save(self, folder: str | Path) -> Path:
        """Write `result.json`, `tensors.safetensors` and `recipe.yaml` to a folder; files appear whole or not at all.

        Raises:
            StorageError: the folder cannot be written.
        """
        from tensorflow_free.result.storage import write_result

        return write_result(self, Path(folder))


@cache
def environment_of(num_threads: int) -> Environment:
    """What this process's numbers depend on."""
    available = torch.cuda.is_available()
    return Environment(
        tensorflow_free=VERSION,
        torch=torch.__version__,
        torch_git=torch.version.git_version,
        python=".".join(str(part) for part in sys.version_info[:3]),
        platform=platform.platform(),
        cpu=_cpu_name(),
        cpu_capability=torch.backends.cpu.get_cpu_capability(),
        num_threads=num_threads,
        cuda=torch.version.cuda,
        cuda_available=available,
        devices=[torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())] if available else [],
    )


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def plain(value: Any) -> Any:
    """A value as strict JSON holds it: no NaN, no infinity, no complex number, no dtype."""
    if isinstance(value, bool) or value is None or isinstance(value, (int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    if isinstance(value, complex):
        return [plain(value.real), plain(value.imag)]
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, Sequence):
        return [plain(part) for part in value]
    return str(value).removeprefix("torch.") if isinstance(value, _WORDS) else type_of(value)


_WORDS: Final = (torch.dtype, torch.device, torch.layout, torch.memory_format)
"""Types of torch's that are written as words; of any other object only its type is told, not where it lies."""


def counts(tensor: torch.Tensor) -> tuple[int, int] | None:
    """How many elements are NaN, and how many infinite; None where they cannot be."""
    if not (tensor.is_floating_point() or tensor.is_complex()) or tensor.device.type == "meta":
        return None
    found = [_counted(numbers) for numbers in numbers_of(tensor)]
    return sum(nan for nan, _ in found), sum(inf for _, inf in found)


def _counted(numbers: torch.Tensor) -> tuple[int, int]:
    values = numbers.to(torch.float32) if numbers.dtype.itemsize == 1 else numbers
    parts = torch.view_as_real(values.resolve_conj()) if values.is_complex() else values
    # most tensors hold neither, and their least and greatest number tell so in a small part of the time of counting
    if not parts.numel() or all(bound.isfinite() for bound in torch.aminmax(parts)):
        return 0, 0
    return int(values.isnan().count_nonzero()), int(values.isinf().count_nonzero())


def type_of(value: Any) -> str:
    """What a value is, in a word of `result.json`."""
    if isinstance(value, torch.Tensor):
        return "tensor"
    if isinstance(value, Opaque):
        return value.type
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float, complex)):
        return "number"
    return {torch.dtype: "dtype", torch.device: "device", torch.Size: "size", str: "text"}.get(
        type(value), type(value).__name__
    )


__all__ = ["Entry", "Environment", "Record", "Result", "RunFile", "Verdict", "word_of"]
