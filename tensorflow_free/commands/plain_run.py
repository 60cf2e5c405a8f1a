"""A run in this process: a composed recipe is run, saved and shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tensorflow_free.cell.fate import fate_of
from tensorflow_free.commands.ci_report import CiReport
from tensorflow_free.commands.flags import Flags
from tensorflow_free.commands.printing import complain
from tensorflow_free.commands.run_screen import show, tell_run
from tensorflow_free.commands.told_errors import complain_lines, hints_of_failure
from tensorflow_free.composition.compose import Composed
from tensorflow_free.composition.override_texts import case_override
from tensorflow_free.errors import Place, Problem, RecipeError, StorageError, refuse_any
from tensorflow_free.loading import plan_of, recipe_of, untaken_case_of
from tensorflow_free.located.located_run import run_located
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.process.progress import ProgressBar
from tensorflow_free.result.result import Result
from tensorflow_free.text.characters import command_of
from tensorflow_free.text.page import line
from tensorflow_free.text.phrases import seen_from_here

if TYPE_CHECKING:
    from tensorflow_free.commands.limited_run import Watched


def run_composed(
    composed: Composed, folder: Path, flags: Flags, report: CiReport, watched: Watched | None = None
) -> int:
    """Run a composed recipe, save it, show it and tell it in `report`: the exit code.

    `watched` gets it, where there are limits.

    Raises:
        RecipeError: something of it is wrong.
    """
    refuse_any([Problem(Place(file=f"flag '{flag}'"), "it is for sweeps; add -m") for flag in _of_sweeps(flags)])
    flags.load_ops()
    if (code := _without_steps(composed)) is not None:
        return code
    try:
        recipe = recipe_of(composed)
    except RecipeError as error:
        if untaken := untaken_case_of(composed, error):
            raise RecipeError([*error.problems, *untaken]) from error
        raise
    plan = plan_of(recipe)
    if watched is not None:
        watched.begins(plan, composed.stem, folder)

    def kept(result: Result) -> bool:
        result.name = composed.stem
        saved = not flags.no_save and _saved(result, folder)
        if watched is not None:
            watched.ended()
        return saved

    with ProgressBar("steps", enabled=not flags.quiet) as progress:
        watch = None if watched is None else watched.watch
        result, _ = run_located(plan, progress=progress, watch=watch, early=kept)
    saved = kept(result)
    file = f"{folder}/result.json" if saved else None
    show(result, file, flags)
    if not (flags.quiet or flags.json):
        unread = [f"nothing in the recipe reads '{name}'" for name in composed.unread()]
        complain_lines("", [*unread, *hints_of_failure(result.error)])
    tell_run(result, file, report)
    if flags.page is not None:
        _put_page(result, folder if saved else None, flags.page, flags)
    if not saved and not flags.no_save:
        return ExitCode.INTERNAL
    return fate_of(result).exit_code


def _put_page(result: Result, folder: Path | None, to: str, flags: Flags) -> None:
    """Write the page of a result, and tell where it is."""
    from tensorflow_free.commands.page_file import put_page  # noqa: PLC0415 - most runs draw none
    from tensorflow_free.pages.page_of_run import page_of_run  # noqa: PLC0415

    command = "" if folder is None else command_of(["recipe", "show", str(seen_from_here(folder))])
    put_page(page_of_run(result, folder, command=command), to, flags)


def _of_sweeps(flags: Flags) -> list[str]:
    """The flags that were given and are for sweeps."""
    names = ("fail_fast", "strict", "isolated", "must_run", "against", "junit")
    return [f"--{name.replace('_', '-')}" for name in names if getattr(flags, name)]


def _saved(result: Result, folder: Path) -> bool:
    """Save the result; where that fails, say so: what was computed is still worth showing."""
    try:
        result.on_disk().write(folder, lasting=True)
    except StorageError as error:
        complain(str(error))
        return False
    return True


def _without_steps(composed: Composed) -> int | None:
    """For a file that only has cases: list them, and the exit code; None for one that can run."""
    mapping = composed.mapping
    if mapping.get("steps") or mapping.get("case") or not mapping.get("cases"):
        return None
    what = f"{composed.place(('cases',))}: the recipe has no steps of its own; choose one of its cases:"
    complain([line(what), *(line(case_override(name).text, indent=2) for name in mapping["cases"])])
    return ExitCode.WRONG
