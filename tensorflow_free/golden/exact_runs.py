"""The float64 run that a golden holds: on its device, or on the CPU where that has no float64."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tensorflow_free.composition.overrides import Override
from tensorflow_free.golden.given_cases import NotRecorded, bound_case, eager_cell, made_starts
from tensorflow_free.golden.model import EXACT_DTYPE
from tensorflow_free.plan.plan import Plan
from tensorflow_free.report.run_page import failure
from tensorflow_free.result.result import Result
from tensorflow_free.run.unsupported import lack_of
from tensorflow_free.runner import GivenTensors, run
from tensorflow_free.text.characters import in_a_line


class ExactRun(NamedTuple):
    """The float64 run of a case, and why it is not one of the golden's device, by the dtype; empty where it is."""

    plan: Plan
    starts: GivenTensors
    result: Result
    lacking: Mapping[str, str]


def exact_run(
    path: str | Path, case: str, device: str, starts: GivenTensors | None, more: Sequence[Override] = ()
) -> ExactRun:
    """The float64 run of a case.

    Args:
        path: the recipe file.
        case: the case's name; '' for the bare file.
        device: the golden's; where it has no kernel in float64, the CPU runs the case.
        starts: the numbers to start from; None for those that the recipe draws or makes.
        more: overrides of the recipe that is run.

    Raises:
        NotRecorded: the recipe does not bind, or does not run in float64.
    """
    try:
        return _run_on(device, path, case, starts, more)
    except NotRecorded as error:
        lack = next((one for one in _causes(error) if lack_of(one, [device])), None)
        if device.partition(":")[0] == "cpu" or lack is None:
            raise
        why = f"there is no kernel for it, so that the float64 numbers are the CPU's: {in_a_line(str(lack))}"
        return _run_on("cpu", path, case, starts, more)._replace(lacking={EXACT_DTYPE: why})


def _run_on(
    device: str, path: str | Path, case: str, starts: GivenTensors | None, more: Sequence[Override]
) -> ExactRun:
    plan = bound_case(path, (*eager_cell(case, device, EXACT_DTYPE), *more))
    numbers = made_starts(plan) if starts is None else starts
    result, cause = run(plan, given=numbers)
    if result.has_failed:
        raise NotRecorded("\n".join(["it does not run in float64:", *failure(result)])) from cause
    return ExactRun(plan, numbers, result, {})


def _causes(error: BaseException) -> Iterator[BaseException]:
    """What an error was raised for, and so on."""
    while (cause := error.__cause__) is not None:
        yield cause
        error = cause
