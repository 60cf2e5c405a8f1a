"""`recipe matrix`: what a device supports of PyTorch's operator database, and of recipes."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from tensorflow_free.commands.flags import Flags, wrong
from tensorflow_free.commands.printing import complain, put, put_json, while_read
from tensorflow_free.commands.recipe_words import recipe_files
from tensorflow_free.composition.command_line import is_override
from tensorflow_free.errors import Place, Problem, StorageError, reason_of, refuse_any
from tensorflow_free.files.new_folders import filled, output_folder
from tensorflow_free.loading import load_recipe
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.process.endings import code_of, words_of
from tensorflow_free.process.progress import ProgressBar
from tensorflow_free.recipe.names import AUTO, DTYPES, RECIPE_DTYPES, did_you_mean
from tensorflow_free.support.coverage import coverage_of, page_of_coverage, plain_coverage
from tensorflow_free.support.making import Making, MatrixPlan, entries_that_match, write_matrix
from tensorflow_free.support.matrix_changes import SupportChange, changes_of, page_of_changes, plain_changes
from tensorflow_free.support.matrix_file import MATRIX, MatrixFile, csv_of, read_matrix
from tensorflow_free.support.matrix_page import failures_of, markdown_of, page_of
from tensorflow_free.support.recipes_in_matrix import cases_in_words, probes_of_recipes
from tensorflow_free.tensors.devices import best_device
from tensorflow_free.text.page import line, parted

PROBE: Final[dict[str, Any]] = {"tensors": {"x": [1.0]}, "steps": {"y": "x + x"}}
"""A recipe on which a device and overrides are tried before anything runs."""

PATTERNS: Final = "; give names or patterns such as softmax or 'linalg.*', or a file of ops, which ends in .py"
"""What `--ops` takes."""

SAMPLE_TIMEOUT_S: Final = 60.0
"""Seconds that one run may take, by default."""

FORMATS: Final = {"csv": csv_of, "markdown": markdown_of}
"""What `--format` takes besides `table`."""


def matrix_command(options: Namespace, flags: Flags) -> int:
    """Make a support matrix, and show it: the exit code.

    Raises:
        RecipeError: something of the command line is wrong, and nothing has run.
        StorageError: the matrix cannot be written.
    """
    if options.coverage:
        return _coverage(options, flags)
    older = None if options.against is None else _older(options.against)
    making, ended = Making(_planned(options, flags)), None
    try:
        with ProgressBar("ops", enabled=not (flags.quiet or flags.json), after_s=0.0) as tick:
            making.run(tick)
    except KeyboardInterrupt as stop:
        ended = stop
    matrix, path = _written(making)
    changes = None if older is None else changes_of(older, matrix, making.names)
    with while_read():
        _show(matrix, changes, options, flags)
    if ended is not None:
        complain(f"{words_of(ended)}: what had run by then is in {path}")
        return code_of(ended)
    if changes is not None:
        return ExitCode.UNMET if any(one.is_worse for one in changes) else ExitCode.OK
    return matrix.exit_code()


def _coverage(options: Namespace, flags: Flags) -> int:
    """Tell which ops recipes exercise, and run nothing on a device: the exit code."""
    flags.load_ops()
    dtypes: list[tuple[str, ...]] = [(f"dtype={one}",) for one in (options.dtype or "").split(",") if one] or [()]
    words = [word for word in options.words if is_override(word) and not Path(word).exists()]
    paths = [*options.coverage, *options.recipes, *(word for word in options.words if word not in words)]
    files = _files(paths)
    cells = [(file, (*case, *dtype, *words)) for file in files for case in cases_in_words(file) for dtype in dtypes]
    with ProgressBar("recipes", enabled=not (flags.quiet or flags.json)) as tick:
        coverage = coverage_of(cells, tick)
    if flags.json:
        put_json(plain_coverage(coverage))
    else:
        put(page_of_coverage(coverage))
    return ExitCode.WRONG if coverage.problems else ExitCode.OK


def _older(file: str) -> MatrixFile:
    path = Path(file) / MATRIX if Path(file).is_dir() else Path(file)
    if not path.exists():
        raise wrong("flag '--against'", f"{path}: there is no such file; give the {MATRIX} of an earlier matrix")
    try:
        return read_matrix(path)
    except StorageError as error:
        raise wrong("flag '--against'", str(error)) from error


def _written(making: Making) -> tuple[MatrixFile, Path]:
    folder = making.plan.folder
    try:
        matrix = making.matrix()
        return matrix, write_matrix(matrix, folder, markdown_of(matrix))
    except OSError as error:
        raise StorageError(f"{folder}: the matrix cannot be written: {reason_of(error)}") from error


def _show(matrix: MatrixFile, changes: Sequence[SupportChange] | None, options: Namespace, flags: Flags) -> None:
    if flags.json:
        more = {} if changes is None else {"changes": plain_changes(changes)}
        put_json({**matrix.model_dump(mode="json"), **more})
    elif options.format in FORMATS:
        sys.stdout.write(FORMATS[options.format](matrix))
    else:
        page = failures_of(matrix) if flags.quiet else page_of(matrix, every=options.all)
        told = [] if changes is None else page_of_changes(changes, options.against)
        put(parted([list(page), list(told), [line(f"{options.out}/matrix.json", is_whole=True)]]))


# what is asked for


def _planned(options: Namespace, flags: Flags) -> MatrixPlan:
    """What a command line asks for.

    Raises:
        RecipeError: with all that is wrong with it.
    """
    files = [file for file in flags.ops if file.endswith(".py")]
    patterns = [one for text in flags.ops if text not in files for one in text.split(",") if one]
    flags.ops = list(files)
    flags.load_ops()
    words = _Words(options)
    options.out = options.out or str(output_folder("matrix"))
    refuse_any(words.problems(options.out))
    device = best_device() if words.device == AUTO else words.device
    dtypes = [one for one in words.dtypes if one in RECIPE_DTYPES] or ["float32"]
    load_recipe(PROBE, [f"device={device}", f"dtype={dtypes[0]}", *words.overrides])
    recipes = _files(words.paths)
    return MatrixPlan(
        device=device,
        dtypes=words.dtypes,
        folder=Path(options.out),
        overrides=words.overrides,
        names=_names(patterns, options.samples),
        recipes=tuple(probes_of_recipes(recipes, words.dtypes, forward=options.forward)),
        samples=options.samples,
        forward=options.forward,
        n_jobs=options.jobs,
        timeout_s=options.timeout or SAMPLE_TIMEOUT_S,
        ops=files,
    )


def _files(paths: Sequence[str]) -> list[Path]:
    """The recipes that paths name.

    Raises:
        RecipeError: one of them is not there, or is a folder without any.
    """
    message = "there is no such recipe or folder; entries of the operator database are named with --ops"
    refuse_any(Problem(Place(file=path), message) for path in paths if not Path(path).exists())
    return list(recipe_files(paths))


def _names(patterns: Sequence[str], samples: int | None) -> list[str]:
    """The entries of the database that patterns ask for.

    Raises:
        RecipeError: some pattern matches none.
    """
    if samples == 0:
        return []
    every = entries_that_match([])
    problems = [
        Problem(
            Place(file="flag '--ops'"),
            f"'{one}' matches no entry of PyTorch's operator database{did_you_mean(one, every) or PATTERNS}",
        )
        for one in patterns
        if not entries_that_match([one])
    ]
    refuse_any(problems)
    return entries_that_match(patterns)


class _Words:
    """The device, the dtypes, the overrides and the recipes of a command line."""

    def __init__(self, options: Namespace) -> None:
        said = [word for word in options.words if is_override(word) and not Path(word).exists()]
        self.paths = [*options.recipes, *(word for word in options.words if word not in said)]
        self.device: str = options.device
        self.dtypes: list[str] = list(dict.fromkeys(one for one in (options.dtype or "float32").split(",") if one))
        self.overrides = said

    def problems(self, folder: str) -> Iterator[Problem]:
        """What is wrong with them."""
        for one in self.dtypes:
            if one not in DTYPES:
                near = did_you_mean(one, DTYPES) or f"; give some of {', '.join(DTYPES)}"
                yield Problem(Place(file="flag '--dtype'"), f"'{one}' is not a dtype{near}")
        for word in self.overrides:
            key = word.lstrip("~+").partition("=")[0]
            if key in ("device", "dtype", "backward"):
                flag = {"device": "--device NAME", "dtype": "--dtype NAMES", "backward": "--forward"}[key]
                yield Problem(Place(file=f"command line: '{word}'"), f"a matrix takes it as a flag: {flag}")
        if (taken := filled(Path(folder))) is not None:
            yield Problem(Place(file="flag '--out'"), taken)
