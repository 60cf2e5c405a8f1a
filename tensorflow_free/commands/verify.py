"""`recipe verify`: recipes compared with their goldens: a line for each cell, and failures in full."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from tensorflow_free.cell.fate import Fate
from tensorflow_free.codec.values import plain
from tensorflow_free.commands.cases_apart import case_worker
from tensorflow_free.commands.ci_report import CiReport
from tensorflow_free.commands.flags import Flags, with_forward, with_isolated, with_repeats, with_starts, wrong
from tensorflow_free.commands.page_file import put_page
from tensorflow_free.commands.printing import Rows, counts_of, put, put_json
from tensorflow_free.commands.recipe_words import paths_and_overrides, recipe_files, recipes_at
from tensorflow_free.commands.told_cases import ToldCases
from tensorflow_free.composition.overrides import Override, texts_of
from tensorflow_free.errors import StorageError
from tensorflow_free.golden.apart import HERE, Running
from tensorflow_free.golden.orphans import device_of, orphans_below
from tensorflow_free.golden.verification import Verification
from tensorflow_free.golden.verification_words import cells_of, failure_of
from tensorflow_free.golden.verifying import verify
from tensorflow_free.judging.shortfalls import Shortfalls
from tensorflow_free.ops.ops_files import ops_words
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.outcome.outcomes import GOLDEN_OUTCOMES, Outcome, code_of_all, well_first
from tensorflow_free.outcome.reasons import OF_COMPILER, OfGolden
from tensorflow_free.outcome.sentences import words
from tensorflow_free.pages.case_list import CaseList
from tensorflow_free.pages.golden_sections import VERIFIED, verified_row, verified_section
from tensorflow_free.sweep.axes import axes_of
from tensorflow_free.sweep.earlier import Earlier, earlier_at, ran_before
from tensorflow_free.sweep.matrix import Combinations
from tensorflow_free.text.characters import command_of
from tensorflow_free.text.page import Line, Page, line, parted
from tensorflow_free.text.phrases import counted, some

MOST_FAILURES: Final = 20
"""Failures that are shown in full."""

MOST_NAMED: Final = 10
"""Recipes without a golden that are named in one command."""


def verify_command(options: Namespace, flags: Flags) -> int:
    """Check recipes against their goldens, a line a cell: the exit code."""
    report = CiReport("recipe verify", options.markdown, options.junit)
    return report.around(lambda: _verified(options, flags, report))


def _verified(options: Namespace, flags: Flags, report: CiReport) -> int:
    paths, overrides = paths_and_overrides(
        with_forward(
            with_isolated(
                with_starts(with_repeats(options.words, options.repeats), options.starts), isolated=options.isolated
            ),
            forward=options.forward,
        )
    )
    cells = Combinations(axes_of(overrides))
    flags.load_ops()
    files = files_of(paths)
    checked, told = Tally(paths), ToldCases(report)
    earlier = _earlier(options.must_run or ())
    rows = rows_of(files)
    documents: list[dict[str, Any]] = []
    listed = None if options.page is None else CaseList(VERIFIED)
    with case_worker(options) as apart:
        for found in verifications(files, paths, cells, options.k, Running(apart)):
            one = held_to_run(found.strictly() if options.strict else found, earlier)
            checked.add(one)
            told.add(one, code_of(one))
            if listed is not None:
                _list(listed, one)
            if flags.json:
                documents.append(plain_of(one))
            elif not (one.is_well and flags.quiet):
                put([row_of(rows, one)])
    if flags.json:
        put_json({"well": checked.code == ExitCode.OK, "exit_code": checked.code, "verifications": documents})
    elif checked.code != ExitCode.OK or not flags.quiet:
        put([line(), *checked.page()])
    told.tell(checked.page(), is_bad=checked.code != ExitCode.OK)
    if listed is not None:
        command = command_of(["recipe", "verify", *options.words, *ops_words()])
        put_page(listed.page(f"verified: {some(paths)}", checked.in_all(), command), options.page, flags)
    return checked.code


def _list(listed: CaseList, one: Verification) -> None:
    """Take a verdict into a page."""
    listed.add(verified_row(one), verified_section(one) if listed.wants(is_bad=not one.is_well) else None)


def _earlier(paths: Iterable[str]) -> list[Earlier]:
    """What ran before.

    Raises:
        RecipeError: a path names nothing of the kind.
    """
    try:
        return [earlier_at(path) for path in paths]
    except StorageError as error:
        raise wrong("flag '--must-run'", str(error)) from error


def held_to_run(one: Verification, earlier: Sequence[Earlier]) -> Verification:
    """A verdict on a cell that failed where it cannot run here, and ran before."""
    why = ran_before(one.recipe, texts_of(one.overrides), one.outcome, earlier)
    return one if why is None else one.failing(why)


def verifications(
    files: Sequence[Path],
    paths: Sequence[str],
    cells: Iterable[Sequence[Override]],
    k: float | None = None,
    running: Running = HERE,
) -> Iterator[Verification]:
    """A verdict on each case of each recipe in each cell, and on each golden that nothing uses.

    Args:
        files: the recipes.
        paths: the paths that named them; below folders, goldens without a recipe are looked for.
        cells: the overrides of each cell.
        k: how many times the recorded noise is allowed, instead of the number of the dtype.
        running: how cases are run.

    Raises:
        RecipeError: an override would make another recipe.
    """
    for path in files:
        yield from checked_in(path, cells, k, running)
    yield from orphans(paths)


def checked_in(
    path: Path, cells: Iterable[Sequence[Override]], k: float | None = None, running: Running = HERE
) -> Iterator[Verification]:
    """The verdicts on a recipe; what is unused is found in each cell, and told once."""
    unused: set[tuple[str, Path | None]] = set()
    for cell in cells:
        for one in verify(path, cell, k=k, running=running):
            if one.outcome == Outcome.UNUSED:
                if (one.case, one.golden) in unused:
                    continue
                unused.add((one.case, one.golden))
            yield one


def files_of(paths: Sequence[str]) -> list[Path]:
    """The recipes that paths name, each once; none where all that a folder holds is goldens without a recipe.

    Raises:
        RecipeError: there is nothing at all below a folder.
    """
    found: dict[Path, None] = {}
    for path in paths:
        folder = Path(path)
        if recipes_at(folder) or next(orphans_below(folder), None) is None:
            found |= dict.fromkeys(recipe_files([path]))
    return list(found)


def orphans(paths: Sequence[str]) -> Iterator[Verification]:
    """Goldens whose recipe is gone: one that nothing checks would seem to guard something."""
    folders = [path for path in map(Path, paths) if path.is_dir()]
    for golden, recipe in dict.fromkeys(found for folder in folders for found in orphans_below(folder)):
        orphan = OfGolden(code="orphan", recipe=recipe.name, golden=golden.name)
        yield Verification(str(recipe), "", "", Fate(Outcome.UNUSED, [orphan]), golden=golden)


def code_of(one: Verification) -> ExitCode:
    """The exit code that a verdict asks for."""
    return ExitCode.OK if one.is_well else one.fate.exit_code


class Tally:
    """What checking came to, taken in one verdict after another."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths
        self._counts: Counter[Outcome] = Counter()
        self._codes: set[int] = set()
        self._failures: list[list[Line]] = []
        self._untold = 0
        self._shortfalls = Shortfalls()
        self._missing: dict[str, None] = {}
        self._by_noise: dict[str | None, dict[str, None]] = {}
        self._compilers: Counter[str] = Counter()

    def add(self, one: Verification) -> None:
        """Take a verdict in."""
        self._counts[one.outcome] += 1
        self._codes.add(code_of(one))
        if one.comparison is not None:
            reasons = (*one.fate.causes, *one.fate.notes)
            compared, unjudged = one.comparison.compared, len(one.comparison.unjudged)
            self._shortfalls.add(reasons, one.dtype, compared=compared, unjudged=unjudged)
        self._compilers.update(words(note) for note in one.fate.notes if note.code in OF_COMPILER)
        if one.by_noise and one.golden is not None:
            self._by_noise.setdefault(device_of(one.golden, Path(one.recipe)), {})[one.recipe] = None
        if one.outcome == Outcome.MISSING:
            self._missing[one.recipe] = None
        elif not one.is_well and len(self._failures) < MOST_FAILURES:
            self._failures.append(list(failure_of(one)))
        elif not one.is_well:
            self._untold += 1

    @property
    def code(self) -> ExitCode:
        """The exit code: what is refused before a step that failed before what does not hold."""
        return code_of_all(self._codes, self._counts)

    def page(self) -> Page:
        """The failures in full, and how many cells came out how."""
        more = f"and {self._untold:,} more failures; check fewer recipes to see them, or give --json"
        return parted([*self._failures, [line(more)] if self._untold else [], list(self.in_all())])

    def in_all(self) -> Page:
        """How many cells came out how, and what is to be told of all of them."""
        count = f"{counted(self._counts.total(), 'cell')}: {counts_of(self._counts, well_first(GOLDEN_OUTCOMES))}."
        return parted(
            [
                self._missing_lines() if self._missing else [],
                [line(text, "notice") for text in self._shortfalls.sentences()],
                [line(text, "notice") for text in self._of_compilers()],
                [line(text, "notice", is_whole=True) for text in self._older()],
                [line(count, "title" if self.code == ExitCode.OK else "bad")],
            ]
        )

    def _of_compilers(self) -> Iterator[str]:
        """What compilers did not compute, that of most cells first."""
        for text, count in self._compilers.most_common(MOST_NAMED):
            yield f"{text}, in {counted(count, 'cell')}."
        if (more := len(self._compilers) - MOST_NAMED) > 0:
            yield f"{more:,} more such reasons; check fewer recipes to see them."

    def _older(self) -> Iterator[str]:
        """That goldens are of an older format, and what brings them up."""
        for device, recipes in self._by_noise.items():
            count = counted(len(recipes), "golden")
            named = list(recipes) if len(recipes) <= MOST_NAMED else self._paths
            on = [] if device is None else [f"device={device}"]
            command = command_of(["recipe", "record", "--refresh-noise", *named, *on, *ops_words()])
            was = "was" if len(recipes) == 1 else "were"
            yield f"{count} {was} recorded before rounding was derived, and judged by one run's noise; mend: {command}"

    def _missing_lines(self) -> Iterator[Line]:
        recipes = list(self._missing)
        yield line(f"MISSING: {counted(len(recipes), 'recipe')} without a golden; record what is right:", "bad")
        named = recipes if len(recipes) <= MOST_NAMED else self._paths
        yield line(command_of(["recipe", "record", "--missing", *named, *ops_words()]), "name", indent=4, is_whole=True)


def rows_of(files: Sequence[Path]) -> Rows:
    """Rows for verdicts on these recipes."""
    longest = max((len(str(path)) for path in files), default=0)
    return Rows(len(Outcome.KNOWN_FAULT), longest, 0, len("bfloat16-cpu"), len("0.123x"))


def row_of(rows: Rows, one: Verification) -> Line:
    """A verdict in a row."""
    return rows.row(cells_of(one))


def plain_of(one: Verification) -> dict[str, Any]:
    """A verdict as strict JSON holds it."""
    worst = None if one.comparison is None else one.comparison.worst
    return {
        "recipe": one.recipe,
        "case": one.case,
        "cell": one.cell,
        "overrides": list(texts_of(one.overrides)),
        "outcome": one.outcome,
        "reason": one.reason,
        "causes": [cause.model_dump(mode="json") for cause in one.fate.causes],
        "golden": None if one.golden is None else str(one.golden),
        "by_noise": one.by_noise,
        "used": None if worst is None else plain(worst.used),
        "comparison": None if one.comparison is None else one.comparison.to_plain(),
        "command": one.command,
    }
