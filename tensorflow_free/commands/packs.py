"""`recipe pack` and `recipe check-in`: cells taken to another machine, run and judged there."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tensorflow_free.commands.ci_report import CiReport
from tensorflow_free.commands.flags import Flags, with_forward, with_starts, wrong
from tensorflow_free.commands.printing import complain, put, put_json
from tensorflow_free.commands.recipe_words import paths_and_overrides, recipe_files
from tensorflow_free.commands.sweep_screen import run_and_show
from tensorflow_free.composition.command_line import is_override
from tensorflow_free.composition.override_texts import word_override
from tensorflow_free.errors import Place, Problem, StorageError, refuse_any
from tensorflow_free.files.new_folders import moment
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.packs.checking_in import check_in
from tensorflow_free.packs.model import PackedCell
from tensorflow_free.sweep.axes import matrix_of
from tensorflow_free.sweep.launch import Settings
from tensorflow_free.sweep.matrix import Matrix
from tensorflow_free.text.characters import command_of
from tensorflow_free.text.page import Line, line, text_lines, within
from tensorflow_free.text.phrases import counted

if TYPE_CHECKING:
    from tensorflow_free.packs.packing import CellLeftOut

USUAL: Final = "cells.zip"
"""What a pack is called where nothing else is said."""

MOST_LINES: Final = 25
"""Lines of a reason."""


def pack_command(options: Namespace, flags: Flags) -> int:
    """Pack cells, a line for each that cannot be: the exit code."""
    paths, overrides = paths_and_overrides(with_starts(options.words, options.starts))
    files = [str(path) for path in dict.fromkeys(recipe_files(paths))]
    to = Path(options.output or USUAL)
    refuse_any(_wrong_output(to))
    matrix = matrix_of(files, overrides)
    refuse_any(_of_devices(matrix))
    flags.load_ops()
    # what is wrong with the command line is told before torch is loaded
    from tensorflow_free.packs.packing import pack  # noqa: PLC0415 - as above

    packed: list[PackedCell] = []
    refused: list[CellLeftOut] = []
    for found in pack(matrix, to):
        if isinstance(found, PackedCell):
            packed.append(found)
            continue
        refused.append(found)
        if not flags.json:
            complain(_refused_lines(found))
    failed = ExitCode.WRONG if all(one.is_wrong for one in refused) else ExitCode.STEP_FAILED
    code = failed if refused else ExitCode.OK
    if flags.json:
        put_json(_plain(packed, refused, to))
    elif code != ExitCode.OK or not flags.quiet:
        put(_told(packed, refused, to))
    return code


def _wrong_output(to: Path) -> Iterator[Problem]:
    place = Place(file="flag '--output'")
    if to.suffix != ".zip":
        yield Problem(place, f"'{to}' does not end in .zip; a pack is a zip file")
    if to.is_dir():
        yield Problem(place, f"'{to}' is a folder; name a file")


def _of_devices(matrix: Matrix) -> Iterator[Problem]:
    """Refuse what a pack leaves to whoever checks it in."""
    for axis in matrix.axes:
        if axis.overrides[0].parts[0] == "device":
            message = "a pack is made on the CPU and judged on any device; give --device to recipe check-in"
            yield Problem(axis.overrides[0].place, message)


def _refused_lines(one: CellLeftOut) -> Iterator[Line]:
    cell = one.cell
    axes = " ".join(f"{key}={value}" for key, value in cell.axes if key != "recipe")
    yield line(f"{cell.recipe}{f' ({axes})' if axes else ''}: it cannot be packed:")
    yield from within(text_lines(one.reason), 4, MOST_LINES)


def _told(packed: Sequence[PackedCell], refused: Sequence[CellLeftOut], to: Path) -> Iterator[Line]:
    left_out = f", {len(refused):,} left out" if refused else ""
    if not packed:
        yield line(f"nothing could be packed{left_out}; {to} is not written", "bad")
        return
    yield line(f"{counted(len(packed), 'cell')} packed{left_out}; on the other machine:", "bad" if refused else "title")
    yield line(command_of(["recipe", "check-in", to.name, "--device", "NAME"]), "name", indent=4, is_whole=True)
    yield line(str(to), "aside", is_whole=True)


def _plain(packed: Sequence[PackedCell], refused: Sequence[CellLeftOut], to: Path) -> dict[str, Any]:
    return {
        "well": not refused,
        "file": str(to) if packed else None,
        "packed": [one.model_dump(mode="json") for one in packed],
        "refused": [{"recipe": one.cell.recipe, "axes": dict(one.cell.axes), "reason": one.reason} for one in refused],
    }


def check_in_command(options: Namespace, flags: Flags) -> int:
    """Run and judge the cells of a pack: the exit code, as of a sweep."""
    report = CiReport("recipe check-in", options.markdown, options.junit)
    return report.around(lambda: _checked_in(options, flags, report))


def _checked_in(options: Namespace, flags: Flags, report: CiReport) -> int:
    words = list(options.words)
    files = [word for word in words if not is_override(word) or Path(word).is_file()]
    if len(files) != 1:
        raise wrong("command line", f"{counted(len(files), 'pack')} named; give one, such as cells.zip")
    overrides = with_forward([word for word in words if word not in files], forward=options.forward)
    if options.device is not None:
        overrides.append(word_override("device", options.device).text)
    folder = Path(options.output) if options.output is not None else Path("checked-in") / moment()
    settings = Settings(
        options.jobs,
        options.timeout,
        options.fail_fast,
        tuple(flags.ops),
        strict=options.strict,
    )
    try:
        sweep = check_in(Path(files[0]), overrides, folder, settings)
    except StorageError as error:
        complain(text_lines(str(error)))
        return ExitCode.WRONG
    return run_and_show(sweep, flags, report)
