"""`recipe record`: goldens written, case by case."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Final, Literal

from tensorflow_free.commands.cases_apart import case_worker
from tensorflow_free.commands.flags import Flags, wrong
from tensorflow_free.commands.printing import Rows, counts_of, put, put_json
from tensorflow_free.commands.recipe_words import paths_and_overrides, recipe_files
from tensorflow_free.composition.overrides import override_place
from tensorflow_free.errors import Problem, RecipeError, StorageError, UnwritableError, refuse_any
from tensorflow_free.golden.apart import Running
from tensorflow_free.golden.places import golden_paths
from tensorflow_free.golden.recorded_cases import Recorded, Which
from tensorflow_free.golden.recording import record
from tensorflow_free.golden.refreshing import refresh
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.recipe.names import AUTO
from tensorflow_free.sweep.axes import axes_of
from tensorflow_free.text.page import Line, Style, Words, line, text_lines, within
from tensorflow_free.text.phrases import counted

MOST_LINES: Final = 25
"""Lines of a reason."""

ORDER: Final = ("written", "unchanged", "kept", "removed", "refused")
"""What became of cases, as the last line counts them."""

STYLES: Final[dict[str, Style]] = {"refused": "bad", "written": "good", "removed": "notice"}
"""How the outcome of a case is styled; the rest is an aside."""

UNRECORDED: Final = {
    AUTO: "a golden is for one type of device; say which",
    "meta": "it holds no numbers; the default golden applies to it",
}
"""Devices that have no golden of their own, and what to do."""


def record_command(options: Namespace, flags: Flags) -> int:
    """Record goldens, a line a case: the exit code."""
    _refuse_pairs(options)
    paths, overrides = paths_and_overrides(options.words)
    devices, cases = _device_and_cases(overrides)
    flags.load_ops()
    files = list(dict.fromkeys(recipe_files(paths)))
    rows = Rows(max(len(str(path)) for path in files))
    done: Counter[str] = Counter()
    documents: list[dict[str, Any]] = []
    is_unwritable, is_wrong = False, True
    with case_worker(options) as apart:
        recording = _Recording(_which(options), cases, options.starts, Running(apart))
        for path, device in product(files, devices):
            for one in recording.done(path, device):
                done[one.did] += 1
                is_unwritable |= one.is_unwritable
                is_wrong &= one.is_wrong or one.did != "refused"
                if flags.json:
                    documents.append(_recorded_plainly(one, device))
                elif one.did == "refused" or not flags.quiet:
                    put(_recorded_lines(rows, one, device))
    failed = ExitCode.INTERNAL if is_unwritable else ExitCode.WRONG if is_wrong else ExitCode.STEP_FAILED
    code = failed if done["refused"] else ExitCode.OK
    if flags.json:
        put_json({"well": code == ExitCode.OK, "recorded": documents})
    elif code != ExitCode.OK or not flags.quiet:
        put([line(), line(f"{counted(done.total(), 'case')}: {counts_of(done, ORDER)}.")])
    return code


def _refuse_pairs(options: Namespace) -> None:
    """Refuse flags that say different things.

    Raises:
        RecipeError: they do.
    """
    if options.missing and options.stale:
        raise wrong("flag '--stale'", "it records what is missing, too; give one of --missing and --stale")
    if options.refresh_noise and (options.missing or options.stale or options.starts is not None):
        others = "--missing, --stale and --starts"
        raise wrong("flag '--refresh-noise'", f"it records no values; give it without {others}")


def _which(options: Namespace) -> Which | Literal["noise"]:
    """What is recorded: cases, or the noise of goldens that are there."""
    asked: dict[Which | Literal["noise"], bool] = {
        "noise": options.refresh_noise,
        "missing": options.missing,
        "stale": options.stale,
    }
    return next((which for which, is_asked in asked.items() if is_asked), "all")


def _device_and_cases(overrides: Sequence[str]) -> tuple[list[str | None], list[str] | None]:
    """The devices whose goldens are recorded, None for the default one, and the cases; None for all."""
    devices: list[str | None] = []
    cases: list[str] = []
    problems: list[Problem] = []
    for axis in axes_of(overrides):
        values, place = [str(one.value) for one in axis.overrides], override_place(axis.text)
        if axis.name == "device":
            unrecorded = [f"'{value}': {UNRECORDED[value]}" for value in values if value in UNRECORDED]
            problems += [Problem(place, message) for message in unrecorded]
            # the default golden is made on the CPU
            devices += [None if value.partition(":")[0] == "cpu" else value for value in values]
        elif axis.name == "case":
            cases += values
        else:
            message = "a golden applies to every cell, so record takes only device= and case="
            problems.append(Problem(place, message))
    refuse_any(problems)
    return devices or [None], cases or None


@dataclass(frozen=True)
class _Recording:
    """What is recorded of each recipe, and how."""

    which: Which | Literal["noise"]
    cases: Sequence[str] | None
    starts: str | None
    running: Running

    def done(self, path: Path, device: str | None) -> Iterator[Recorded]:
        """What became of each case; what cannot be read or written is refused, and the next recipe has its turn."""
        cases, starts, running = self.cases, self.starts, self.running
        try:
            if self.which == "noise":
                yield from refresh(path, cases=cases, device=device, running=running)
            else:
                which = self.which
                yield from record(path, cases=cases, which=which, device=device, starts=starts, running=running)
        except (RecipeError, StorageError) as error:
            is_unwritable = isinstance(error, UnwritableError)
            is_wrong = isinstance(error, RecipeError)
            yield Recorded(str(path), "", "refused", reason=str(error), is_unwritable=is_unwritable, is_wrong=is_wrong)


def _golden_of(one: Recorded, device: str | None) -> Path:
    return one.path or golden_paths(one.recipe, device).json


def _recorded_lines(rows: Rows, one: Recorded, device: str | None) -> Iterator[Line]:
    did = one.did.upper() if one.did == "refused" else one.did
    golden = "" if one.did == "refused" else str(_golden_of(one, device))
    cells = [Words(one.recipe), Words(one.case, "name"), Words(did, STYLES.get(one.did, "aside"))]
    yield rows.row([*cells, Words(golden, "aside")])
    yield from within(text_lines(one.reason), 4, MOST_LINES)


def _recorded_plainly(one: Recorded, device: str | None) -> dict[str, Any]:
    golden = None if one.did == "refused" else str(_golden_of(one, device))
    return {"recipe": one.recipe, "case": one.case, "did": one.did, "golden": golden, "reason": one.reason}
