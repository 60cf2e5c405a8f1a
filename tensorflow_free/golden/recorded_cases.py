"""What became of the recording of a case, in this process or in a worker."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from tensorflow_free.codec.adapters import adapter_of
from tensorflow_free.golden.apart import Running
from tensorflow_free.golden.given_cases import (
    NotRecorded,
    bound_case,
    eager_cell,
)
from tensorflow_free.golden.model import EXACT_DTYPE
from tensorflow_free.workers.worker import Lost

Which = Literal["all", "missing", "stale"]
"""What to record: every case, those that the golden does not hold, or those and the ones whose recipe has changed."""

Did = Literal["written", "unchanged", "kept", "removed", "refused"]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of the recording of one case.

    Attributes:
        recipe: the recipe file, as it was given.
        case: the case's name; '' for the bare file.
        did: `written`; `unchanged`, the golden says just this already; `kept`, it was not asked for; `removed`, the
            recipe has no such case any more; `refused`, it cannot be recorded.
        path: the golden's json, or None where there is none.
        reason: why it was refused, or is kept and does not fit; or where else its float64 run was made, and how many
            values of the golden that it replaced were others.
        is_unwritable: whether it was refused because the disk does not take the golden.
        is_wrong: whether it was refused because the recipe, or what was asked of it, is wrong; no step failed.
    """

    recipe: str
    case: str
    did: Did
    path: Path | None = None
    reason: str = ""
    is_unwritable: bool = False
    is_wrong: bool = False


def plain_recorded(done: Recorded) -> dict[str, Any]:
    """What became of a case, as strict JSON holds it for another process."""
    written: dict[str, Any] = adapter_of(Recorded).dump_python(done, mode="json")
    return written


@dataclass(frozen=True)
class AskedRecording:
    """What another process is asked to record.

    Attributes:
        act: to record a case, or to measure its noise anew.
        path: the recipe file.
        case: the case; '' for the bare file.
        device: as of `record`.
        starts: as of `record`.
    """

    act: Literal["record", "refresh"]
    path: str | Path
    case: str
    device: str | None
    starts: str | None = None


def recorded_apart(asked: AskedRecording, running: Running) -> Recorded | None:
    """What became of a case that is recorded in a worker; None where this process has to do it.

    Raises:
        StorageError: the golden cannot be written.
        TensorflowFreeError: no worker can be started.
    """
    apart, path = running.apart, str(asked.path)
    if apart is None or not apart.takes([] if asked.device is None else [asked.device]):
        return None
    try:
        # for its ops alone; the device may not know float64
        plan = bound_case(path, eager_cell(asked.case, "cpu", EXACT_DTYPE))
        answer = apart.answer({**asdict(asked), "path": path}, plan.ops)
    except NotRecorded:
        # which this process tells
        return None
    except Lost as lost:
        return Recorded(path, asked.case, "refused", reason=f"{lost.outcome}: {lost}")
    return None if answer is None else adapter_of(Recorded).validate_python(answer)
