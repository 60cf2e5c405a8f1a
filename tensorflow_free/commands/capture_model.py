"""`recipe capture`: a model that runs, as a recipe that is proven."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tensorflow_free.commands.flags import Flags, wrong
from tensorflow_free.commands.printing import complain, put, put_json
from tensorflow_free.errors import Place, Problem, StorageError, refuse_any
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.text.characters import command_of
from tensorflow_free.text.page import Line, line
from tensorflow_free.text.phrases import counted

if TYPE_CHECKING:
    from tensorflow_free.tracing.captured_recipe import CapturedRecipe


def capture_command(options: Namespace, flags: Flags) -> int:
    """Capture what `FILE.py:MAKE` gives: the exit code."""
    if len(options.words) != 1:
        raise wrong("recipe capture", "name one function: recipe capture FILE.py:MAKE")
    [word] = options.words
    to = Path(options.output or f"{word.rpartition(':')[2]}.yaml")
    refuse_any(_wrong_output(to))
    from tensorflow_free.tracing.model_file import model_file  # noqa: PLC0415 - what is wrong is told before torch loads

    flags.load_ops()
    model = model_file(word)
    from tensorflow_free.tracing.captured_recipe import CaptureOptions, captured_from  # noqa: PLC0415 - as above

    backward = options.backward or not options.no_backward
    description = f"Captured from {word}{f', {options.module}' if options.module else ''}."
    wanted = CaptureOptions(
        to.stem, description, backward, options.module, options.init, options.level, options.freeze_random
    )
    found = captured_from(model, wanted)
    if not found.proof.holds:
        for told in (f"{found.proof.words()}; nothing is written", *found.notes):
            complain(told)
        return ExitCode.UNMET
    try:
        written = found.write(to.parent)
    except OSError as error:
        raise StorageError(f"'{to}' cannot be written: {error}") from error
    if flags.json:
        put_json(_plain(found, written))
    elif not flags.quiet:
        put(_told(found, written, has_draws=options.init))
    return ExitCode.OK


def _wrong_output(to: Path) -> Iterator[Problem]:
    place = Place(file="flag '--output'")
    if to.suffix != ".yaml":
        yield Problem(place, f"'{to}' does not end in .yaml; a recipe is a YAML file")
    if to.is_dir():
        yield Problem(place, f"'{to}' is a folder; name a file")
    elif not to.parent.is_dir():
        yield Problem(place, f"the folder '{to.parent}' is not there")


def _told(found: CapturedRecipe, written: list[Path], *, has_draws: bool) -> Iterator[Line]:
    yield line(found.proof.words(), "title")
    yield from (line(note) for note in found.notes)
    ops = [path for path in written if path.suffix == ".py"]
    yield line(
        command_of(["run-recipe", str(written[0]), *(["--ops", str(ops[0])] if ops else [])]), "name", is_whole=True
    )
    if found.numbers and has_draws:
        yield line(
            f"{counted(found.numbers, 'number')}: integers, which stay as they are; all others are drawn", "aside"
        )
    elif found.numbers:
        said = (
            "the recipe holds the numbers of its tensors, so weights leave with it; --init writes seeded draws instead"
        )
        yield line(
            f"{counted(found.numbers, 'number')} of {counted(len(found.made.starts), 'tensor')}: {said}", "aside"
        )
    if ops:
        yield line(f"'{ops[0]}' has the path and the names of your code, which leave with it", "aside", is_whole=True)
    yield from (line(str(path), "aside", is_whole=True) for path in written)


def _plain(found: CapturedRecipe, written: list[Path]) -> dict[str, Any]:
    proof = found.proof
    return {
        "well": proof.holds,
        "files": [str(path) for path in written],
        "steps": proof.steps,
        "outputs": list(proof.outputs),
        "gradients": list(proof.gradients),
        "changed": list(proof.buffers),
        "notes": found.notes,
    }
