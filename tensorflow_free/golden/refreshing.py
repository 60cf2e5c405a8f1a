"""`recipe record --refresh-noise`: the noise and the leeways of goldens measured anew; no value changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tensorflow_free.composition.overrides import Override
from tensorflow_free.errors import RecipeError
from tensorflow_free.golden.apart import HERE, Running
from tensorflow_free.golden.digest import digest_of
from tensorflow_free.golden.given_cases import NotRecorded, WrongCase, eager_cell, given_again
from tensorflow_free.golden.golden_judge import CPU
from tensorflow_free.golden.model import BARE
from tensorflow_free.golden.places import find_case, review_command
from tensorflow_free.golden.reading import read_case
from tensorflow_free.golden.recorded_cases import AskedRecording, Recorded, recorded_apart
from tensorflow_free.golden.recording import CaseRecording
from tensorflow_free.golden.verifying import verify_case
from tensorflow_free.golden.writing import write_golden
from tensorflow_free.loading import cases_of
from tensorflow_free.recipe.names import RECIPE_DTYPES


def refresh(
    path: str | Path, *, cases: Sequence[str] | None = None, device: str | None = None, running: Running = HERE
) -> Iterator[Recorded]:
    """Measure anew how far eager runs are from a recipe's golden, and how far rounding may take its values.

    Its starting tensors, values, marks and digests stay as they are. A case whose recipe changed, or that does not
    pass where it is measured, is refused: what went wrong would become noise.

    Args:
        path: the recipe file.
        cases: the cases; all of them, or the bare file where it has none.
        device: the device whose own golden it is; None for the default one.
        running: how its cases are run.

    Raises:
        RecipeError: the recipe's cases cannot be read.
        StorageError: the golden cannot be read or written.
        TensorflowFreeError: a case is to run apart, and no worker can be started.
    """
    for case in (cases_of(path) or (BARE,)) if cases is None else cases:
        try:
            apart = recorded_apart(AskedRecording("refresh", path, case, device), running)
            yield _refreshed(path, case, device) if apart is None else apart
        except (NotRecorded, RecipeError) as error:
            is_wrong = isinstance(error, WrongCase | RecipeError)
            yield Recorded(str(path), case, "refused", reason=str(error), is_wrong=is_wrong)


def _refreshed(path: str | Path, case: str, device: str | None) -> Recorded:
    golden = find_case(path, case, device)
    if golden is None or golden.device != (None if device is None else device.partition(":")[0]):
        return Recorded(str(path), case, "kept", reason="there is no golden")
    stored = read_case(golden, case)
    if stored.digest != digest_of(path, case):
        raise NotRecorded(f"stale: the recipe has changed since; look at what that changed: {review_command(path)}")
    on = device or CPU
    for dtype in RECIPE_DTYPES:
        if dtype not in stored.unsupported:
            _refuse_failure(path, case, eager_cell(BARE, on, dtype))
    new = CaseRecording(path, case, on, given_again(stored)).refreshed(stored)
    written = write_golden(path, case, new, device)
    return Recorded(str(path), case, "unchanged" if written is None else "written", written)


def _refuse_failure(path: str | Path, case: str, cell: Sequence[Override]) -> None:
    found = verify_case(path, case, cell)
    if not found.is_well:
        why = f"{found.cell}: {found.outcome}: {found.reason}"
        raise NotRecorded(f"it does not pass here; look at what changed: {review_command(path)}\n{why}")
