"""`recipe script`: plain PyTorch that shows what a recipe, a cell or a saved run shows."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import torch

from tensorflow_free.cell.blamed_runs import BlamedRun, blame_recipe, blame_run
from tensorflow_free.commands.find_culprit import refuse_unknown
from tensorflow_free.commands.flags import Flags, wrong
from tensorflow_free.commands.printing import complain, put, put_json
from tensorflow_free.commands.recipe_words import paths_and_overrides
from tensorflow_free.errors import Place, Problem, StorageError, UnavailableError, refuse_any
from tensorflow_free.files.opening import is_folder
from tensorflow_free.files.whole_files import write_whole
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.reproduction.absent_devices import not_run
from tensorflow_free.reproduction.bug_report import bug_report
from tensorflow_free.reproduction.proven_script import ProvenScript, proven_script
from tensorflow_free.reproduction.python_words import NotWritten
from tensorflow_free.result.model import RESULT
from tensorflow_free.text.characters import command_of
from tensorflow_free.text.page import Line, line
from tensorflow_free.text.phrases import counted


def script_command(options: Namespace, flags: Flags) -> int:
    """Write a script, which was run: the exit code."""
    paths, overrides = paths_and_overrides(options.words)
    if len(paths) != 1:
        raise wrong("command line", f"{counted(len(paths), 'path')} named; give one: a recipe, or the folder of a run")
    path, to = Path(paths[0]), None if options.output is None else Path(options.output)
    refuse_any(_wrong_output(to))
    is_run = is_folder(path) or path.name == RESULT
    refuse_unknown(path)
    ops = [word for file in flags.ops for word in ("--ops", file)]
    flags.load_ops()
    try:
        found: BlamedRun = blame_run(path, overrides) if is_run else blame_recipe(path, overrides)
    except UnavailableError:
        found = not_run(path, overrides)
    asked = command_of(["recipe", "script", *options.words, *ops])
    beside = "tensors.pt" if to is None else f"{to.stem}.pt"
    try:
        script = proven_script(found, asked, beside)
    except NotWritten as reason:
        raise wrong(str(path), f"it has {reason}, which no script of plain PyTorch is written for") from None
    return _given(script, to, beside, asked, options, flags)


def _given(script: ProvenScript, to: Path | None, beside: str, asked: str, options: Namespace, flags: Flags) -> int:
    if script.was_run and not script.shows:
        complain(f"{script.fault.sentence}: {script.told()}")
        return ExitCode.UNMET
    if script.files and to is None:
        raise wrong(
            "command line",
            f"the script needs {counted(len(script.files), 'tensor')} in a file beside it; name it with -o",
        )
    text = bug_report(script, asked) if options.issue else script.text
    if to is None:
        if flags.json:
            put_json(_plain(script, []))
        else:
            put(line(one, is_whole=True) for one in text.splitlines())
        return ExitCode.OK
    try:
        written = [to.with_suffix(".py")]
        write_whole(written[0], script.text.encode())
        if script.files:
            written.append(to.parent / beside)
            torch.save(dict(script.files), written[-1])
        if options.issue:
            written.append(to.with_suffix(".md"))
            write_whole(written[-1], text.encode())
    except OSError as error:
        raise StorageError(f"'{to}' cannot be written: {error}") from error
    if flags.json:
        put_json(_plain(script, written))
    elif not flags.quiet:
        put(_told(script, written))
    return ExitCode.OK


def _wrong_output(to: Path | None) -> Iterator[Problem]:
    place = Place(file="flag '--output'")
    if to is None:
        return
    if to.suffix != ".py":
        yield Problem(place, f"'{to}' does not end in .py; a script is a file of Python")
    if not to.parent.is_dir():
        yield Problem(place, f"the folder '{to.parent}' is not there")


def _told(script: ProvenScript, written: list[Path]) -> Iterator[Line]:
    yield line(script.fault.sentence, "bad" if script.fault.kind != "nothing" else "title")
    yield line(script.told())
    yield from (line(str(path), "aside", is_whole=True) for path in written)


def _plain(script: ProvenScript, written: list[Path]) -> dict[str, object]:
    return {
        "well": script.shows or not script.was_run,
        "fault": script.fault.sentence,
        "run": script.was_run,
        "shows": script.shows,
        "printed": script.printed,
        "script": script.text,
        "files": [str(path) for path in written],
    }
