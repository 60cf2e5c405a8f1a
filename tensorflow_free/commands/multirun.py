"""`run-recipe -m` and `--resume`: a sweep in local workers, as jobs of a launcher, or by another sweeper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from tensorflow_free.commands.ci_report import CiReport
from tensorflow_free.commands.flags import Flags, wrong
from tensorflow_free.commands.printing import complain
from tensorflow_free.commands.sweep_screen import run_and_show, show
from tensorflow_free.composition.command_line import CommandLine
from tensorflow_free.composition.override_texts import parse_override
from tensorflow_free.composition.overrides import OverrideError, override_place
from tensorflow_free.composition.scalars import ScalarError
from tensorflow_free.errors import Place, Problem, StorageError, refuse_any
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.sweep.launch import Settings
from tensorflow_free.sweep.preparation import one_timeout, resume_sweep


def run_sweep(words: CommandLine, flags: Flags, report: CiReport) -> int:
    """`run-recipe -m`: the exit code; what the sweep came to is told in `report`.

    Raises:
        RecipeError: something of the command line is wrong, and nothing has run.
    """
    # a resumed sweep does not need Hydra
    from tensorflow_free.hydra_app.sweeping import swept  # noqa: PLC0415

    settings = Settings(
        cell_timeout_s=flags.limits.timeout_s,
        fail_fast=flags.fail_fast,
        strict=flags.strict,
        ops=tuple(flags.ops),
        keeps=not flags.no_save,
        max_memory_gib=flags.limits.memory_gib,
        must_run=tuple(flags.must_run),
        against=flags.against or "",
    )
    found = swept(words, settings)
    if not found.has_run:
        return run_and_show(found.sweep, flags, report)
    if not len(found.sweep):
        return ExitCode.OK
    for reason in dict.fromkeys(found.lost):
        complain(f"{found.sweep.document.launcher.name}: a job ended early: {reason}")
    return show(found.sweep, flags, report, found.ended)


LAUNCHER_KEYS: Final = ("hydra.launcher.n_jobs", "hydra.launcher.cell_timeout_s")
"""What may be set again for a resumed sweep."""


def resume(flags: Flags, words: Sequence[str], report: CiReport) -> int:
    """`run-recipe --resume FOLDER` and the words beside it: the exit code; what came of it is told in `report`.

    Raises:
        RecipeError: the folder is no sweep's, its recipe has changed, or there are words that cannot be taken anew.
    """
    said: dict[str, Any] = {}
    again = [word for word in words if word.startswith("backend")]
    words = [word for word in words if word not in again]
    for flag, given in (("--repeats", flags.repeats), ("--starts", flags.starts)):
        if given is not None:
            raise wrong(f"flag '{flag}'", "a resumed sweep keeps the settings it began with")
    problems = [problem for text in words for problem in _said(text, said)]
    for name in ("no_save", "isolated", "forward", "must_run", "against"):
        if getattr(flags, name):
            place = Place(file=f"flag '--{name.replace('_', '-')}'")
            problems.append(Problem(place, "a resumed sweep keeps the settings it began with"))
    refuse_any(problems)
    try:
        sweep = resume_sweep(
            str(flags.resume),
            n_jobs=said.get(LAUNCHER_KEYS[0]),
            cell_timeout_s=one_timeout(said.get(LAUNCHER_KEYS[1]), flags.limits.timeout_s),
            max_memory_gib=flags.limits.memory_gib,
            fail_fast=flags.fail_fast,
            strict=flags.strict,
            ops=flags.ops,
            overrides=again,
        )
    except StorageError as error:
        raise wrong("flag '--resume'", str(error)) from error
    return run_and_show(sweep, flags, report)


def _said(text: str, said: dict[str, Any]) -> Iterator[Problem]:
    """Take in a setting of the launcher; a problem for every other word."""
    if "=" not in text and not text.startswith("~"):
        message = "a resumed sweep has its recipe and its overrides in its folder; leave this out"
        yield Problem(Place(file=f"command line: '{text}'"), message)
        return
    try:
        override = parse_override(text)
    except (OverrideError, ScalarError) as error:
        yield Problem(override_place(text), str(error))
        return
    if override.key in LAUNCHER_KEYS:
        said[override.key] = override.value
    else:
        message = (
            f"--resume takes everything from the folder; it can be combined only with {' and '.join(LAUNCHER_KEYS)}"
        )
        yield Problem(override_place(text), message)
