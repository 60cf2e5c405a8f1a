"""A step that failed, as data and as the exception that is raised: which step, on what, and torch's own words."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch

from tensorflow_free.errors import Problem, StepError, text_of, words_of
from tensorflow_free.outcome.reasons import StepFailed, StopCode
from tensorflow_free.outcome.sentences import late_words
from tensorflow_free.plan.calls import Site, Stopped, described
from tensorflow_free.plan.plan import Plan
from tensorflow_free.process.limits import TimedOut
from tensorflow_free.recipe.dotted import dotted
from tensorflow_free.result.result import Result
from tensorflow_free.run.compiler_errors import is_of_compiler
from tensorflow_free.run.compiling import break_in
from tensorflow_free.run.late_errors import Late, last_site
from tensorflow_free.run.lost_devices import lost_among
from tensorflow_free.run.out_of_memory import is_out_of_memory
from tensorflow_free.run.unsupported import Lack, lack_of
from tensorflow_free.tensors.devices import lacks_dtype, module_of, numbered
from tensorflow_free.tensors.dtypes import TORCH_DTYPES


def failure_of(
    plan: Plan, stopped: Stopped, cause: Exception, lost: Mapping[torch.device, bool] | None = None
) -> StepFailed:
    """What is to be told of a run that stopped: the step, its place, its operands, the error's own words.

    Args:
        plan: what ran.
        stopped: where it did.
        cause: the error itself.
        lost: the devices that are lost, and whether they were so before this run.
    """
    site = stopped.site
    place = plan.place(site.path)
    names = site.operands or [""] * len(stopped.operands)
    if site.op in ("repeat", "with"):
        stopped.operands = ()
    operands = [
        f"{name}: {described(value)}" if name else described(value)
        for name, value in zip((*names, *[""] * len(stopped.operands)), stopped.operands, strict=False)
    ]
    lack = lack_of(cause, plan.devices, site.op) or _lack_of_dtype(plan, site, cause)
    code = _code(cause, lack)
    lacking = lack.line if is_of_compiler(cause) and lack is not None else _words(cause)
    words = break_in(plan, cause) or f"{lacking}{_in_own_code(plan, cause)}{_what_to_differentiate(site, cause)}"
    failed = StepFailed(
        step=site.name,
        op=site.op,
        code=code,
        type=type(cause).__name__,
        message=f"{code}: {words}" if code in ("out of memory", "timed out") else words,
        operands=operands,
        file=place.file,
        line=place.line,
        column=place.column,
        path=place.path or dotted(site.path),
        whose=lack.whose if code == "no kernel" and lack is not None else "",
    )
    says_late = bool(plan.devices) and "asynchronous" in words.lower()
    # a starting tensor whose own call raises is told as ever: its device was perhaps never had
    near = isinstance(stopped, Late) or lost or says_late or (plan.exact and site.path[:1] != ("tensors",))
    return _of_a_device(failed, plan, stopped, words, lost or {}) if near and code != "timed out" else failed


def stop_by_loss(plan: Plan, result: Result, stopped: Stopped | None = None) -> tuple[StepFailed, Exception] | None:
    """What is to be told where a device is lost behind a run, and its error; None where none is.

    Args:
        plan: what ran.
        result: what it gave.
        stopped: what stopped something behind it.
    """
    lost = lost_among(plan.devices, [one.value for one in result.records.values()])
    if not lost:
        return None
    if stopped is None:
        stopped = Late(last_site(plan, "checks"), ())
        stopped.__cause__ = RuntimeError(next(iter(lost.values())))
    cause = stopped.__cause__ if isinstance(stopped.__cause__, Exception) else stopped
    return failure_of(plan, stopped, cause, dict.fromkeys(lost, False)), cause


def _of_a_device(
    failed: StepFailed, plan: Plan, stopped: Stopped, words: str, lost: Mapping[torch.device, bool]
) -> StepFailed:
    """The failure, told as an error of a device: which is lost, and how near it shows."""
    device = next((word for word in plan.devices if module_of(word) is not None and numbered(word) in lost), "")
    told: dict[str, Any] = {"showed": "behind it" if isinstance(stopped, Late) or not plan.exact else "run again"}
    if device:
        told |= {"code": "device lost", "device": device}
        told |= {"showed": "before"} if lost[numbered(device)] else {}
    failed = failed.model_copy(update={**told, "backward_of": stopped.backward_of})
    return failed.model_copy(update={"message": late_words(failed, words)})


def _lack_of_dtype(plan: Plan, site: Site, cause: Exception) -> Lack | None:
    """That a device has no tensors of the run's dtype, whatever it says where the first is made; None where it has."""
    device, dtype = plan.recipe.device, plan.recipe.dtype
    if site.path[:1] != ("tensors",) or not lacks_dtype(device, TORCH_DTYPES[dtype]):
        return None
    return Lack(f"'{device}', which holds float32 and not {dtype}", words_of(cause))


def _code(cause: Exception, lack: Lack | None) -> StopCode:
    """What kind of failure an error is."""
    if isinstance(cause, TimedOut):
        return "timed out"
    if is_out_of_memory(cause):
        return "out of memory"
    return "step failed" if lack is None else "no kernel"


def _in_own_code(plan: Plan, cause: Exception) -> str:
    """The last line of the user's own code that an error came through, where the recipe has ops of their own."""
    if not plan.ops or cause.__traceback__ is None:
        return ""
    frames = [frame for frame in traceback.extract_tb(cause.__traceback__) if not frame.filename.startswith(NOT_THEIRS)]
    return f" (at {frames[-1].filename}:{frames[-1].lineno})" if frames else ""


def _what_to_differentiate(site: Site, cause: Exception) -> str:
    """What to change where the recipe's `backward` has a target that cannot be differentiated, behind torch's words."""
    if site.path[:1] != ("backward",) or not site.operands:
        return ""
    target, words = site.operands[0], str(cause)
    if "does not require grad" in words:
        return f"; mark a tensor that '{target}' is made of with requires_grad: true"
    if "only for scalar outputs" in words:
        start = f"{{target: {target}, gradient: {{init: ones}}}}"
        return f"; name a step such as loss: {target}.sum(), or give what to start from: {start}"
    return ""


NOT_THEIRS: Final = (
    str(Path(torch.__file__).parent),
    str(Path(__file__).parents[1]),
    str(Path(traceback.__file__).parent),
    "<",
)
"""Where code lies that is not the user's: PyTorch's, ours, Python's."""


def _words(cause: Exception) -> str:
    """An error's own words, without the C++ stack that torch may add."""
    words = text_of(cause) or type(cause).__name__
    return words.partition("\nException raised from")[0].strip()


def step_error(error: StepFailed, plan: Plan) -> StepError:
    """The exception for a run that failed."""
    place = plan.place(tuple(error.path.split(".")))
    message = f"'{error.op}' failed: {error.message}"
    return StepError(Problem(place, message), error.step, error.op, error.operands)
