"""A plan run in a process of its own, in which no device is lost yet."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tensorflow_free.errors import TensorflowFreeError
from tensorflow_free.ops.ops_files import ops_files
from tensorflow_free.outcome.reasons import StepFailed
from tensorflow_free.plan.plan import Plan
from tensorflow_free.plan.settings import readings
from tensorflow_free.result.model import RECIPE
from tensorflow_free.result.reading import read_result
from tensorflow_free.result.result import Result
from tensorflow_free.workers.worker import Lost, Worker

MAIN: Final = "tensorflow_free.located.elsewhere_process:main"

LIMIT_S: Final = 600.0
"""Seconds that such a run may take: none waits for its end beside it."""


class NotElsewhere(Exception):
    """It cannot be run in another process; its text says why."""


def run_elsewhere(plan: Plan, *, exact: bool) -> Result:
    """Run a plan in a process of its own.

    Args:
        plan: what to run.
        exact: whether each step is waited for, so that an error of a device shows in the step that it is of.

    Returns:
        Its result, with all values on the CPU.

    Raises:
        NotElsewhere: it cannot be run there: there is no process, an op is in no file, or the device cannot be had.
    """
    try:
        with TemporaryDirectory(prefix="tensorflow_free-") as folder:
            return _run(plan, Path(folder), exact=exact)
    except (Lost, TensorflowFreeError, OSError) as error:
        raise NotElsewhere(str(error)) from error


def _run(plan: Plan, folder: Path, *, exact: bool) -> Result:
    # a saved run keeps what its recipe reads
    Result(plan.recipe, {}, files=plan.files, ops=plan.ops, starts=plan.saved).save(folder / "asked")
    again = folder / "again"
    worker = Worker(MAIN, {"ops": list(map(str, ops_files()))}, cwd=str(Path.cwd()), environment=os.environ)
    try:
        worker.ready()
        question = {
            "recipe": str(folder / "asked" / RECIPE),
            "folder": str(again),
            "exact": exact,
            "settings": readings(),
        }
        worker.answer(question, "running the recipe", LIMIT_S)
    finally:
        worker.end()
    found = read_result(again)
    error = None if found.error is None else _placed(found.error, plan)
    if error is not None and error.code == "step failed" and error.path.startswith("tensors"):
        # as where a device takes one process at a time, and this one still holds it
        raise NotElsewhere(f"in a new process it stops at '{error.step}': {error.message}")
    return replace(found, recipe=plan.recipe, files=plan.files, ops=plan.ops, starts=plan.saved, error=error)


def _placed(error: StepFailed, plan: Plan) -> StepFailed:
    """A failure with its place in the file that the user wrote."""
    place = plan.place(tuple(error.path.split(".")))
    return error.model_copy(update={"file": place.file, "line": place.line, "column": place.column})
