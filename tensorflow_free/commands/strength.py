"""`recipe strength`: which faults in its steps a recipe would let through."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from tensorflow_free.commands.flags import Flags, with_forward
from tensorflow_free.commands.printing import put, put_json
from tensorflow_free.commands.recipe_words import paths_and_overrides, recipe_files
from tensorflow_free.commands.told_errors import complain_of
from tensorflow_free.errors import RecipeError
from tensorflow_free.outcome.exit_codes import ExitCode, worst_of
from tensorflow_free.process.progress import ProgressBar
from tensorflow_free.strength.cures import cure_of, directions
from tensorflow_free.strength.mutation import TriedMutant
from tensorflow_free.strength.scores import SCORES, Score, ScoreName, Strength, strength_of
from tensorflow_free.sweep.axes import axes_of
from tensorflow_free.sweep.matrix import Combinations
from tensorflow_free.text.page import Line, Page, Style, Words, column, grid, line, parted
from tensorflow_free.text.phrases import counted, some

JUDGES: Final = {"expectations": "what it expects", "golden": "its golden", "sweep": "the comparison of a sweep"}
"""What tells of a mutant, in words."""

MOST_LIVING: Final = 40
"""Groups of mutants of one recipe that are listed."""


def strength_command(options: Namespace, flags: Flags) -> int:
    """Try all mutants of recipes: the exit code."""
    paths, overrides = paths_and_overrides(with_forward(options.words, forward=options.forward))
    cells = Combinations(axes_of(overrides))
    flags.load_ops()
    found: list[Strength] = []
    codes: list[int] = []
    with ProgressBar("mutants", enabled=not (flags.quiet or flags.json)) as tick:
        for path in dict.fromkeys(recipe_files(paths)):
            for cell in cells:
                try:
                    found.append(strength_of(str(path), cell, tick))
                except RecipeError as error:
                    complain_of(error, "strength", quiet=flags.quiet)
                    codes.append(ExitCode.WRONG)
    codes += [ExitCode.UNMET for one in found if _is_below(one, options.at_least)]
    code = worst_of(codes)
    if flags.json:
        put_json({"well": code == ExitCode.OK, "exit_code": code, "strengths": [_plain(one) for one in found]})
        return code
    shown = [one for one in found if _is_below(one, options.at_least)] if flags.quiet else found
    put(parted(_page(shown, options.at_least, details=not options.summary)))
    return code


def _is_below(one: Strength, at_least: float | None) -> bool:
    return at_least is not None and one.decided.percent < at_least


def _page(found: Sequence[Strength], at_least: float | None, *, details: bool) -> Iterator[Page]:
    yield [grid(_columns(found))]
    for one in found if details else ():
        yield _details(one)
    if below := [one for one in found if _is_below(one, at_least)]:
        yield [line(f"{counted(len(below), 'recipe')} below {at_least:g} %.", "bad")]


def _columns(found: Sequence[Strength]) -> Iterator[Any]:
    yield column("recipe", [one.path for one in found], "name")
    yield column("cell", [one.cell for one in found])
    yield column("mutants", [f"{len(one.tried):,}" for one in found], align="right")
    for name in SCORES:
        yield column(name, [_share(one, name) for one in found], align="right")
    yield column("same bits", [f"{len(one.equivalent):,}" for one in found], "aside", align="right")


def _share(one: Strength, name: ScoreName) -> Words:
    """A score in percent, cut and not rounded, as 99.6 is not all; marked where it decides."""
    score = one.score(name)
    if score is None:
        return Words("-", "aside")
    return Words(percent_of(score), "title" if name == one.decisive else "")


def percent_of(score: Score) -> str:
    """A score in whole percents: `96 %`; a dash where there is no mutant."""
    return f"{int(score.percent)} %" if score.counted else "-"


# the mutants that live


def _details(one: Strength) -> Iterator[Line]:
    living, score = one.living, one.decided
    groups = _groups(one, living)
    style: Style = "notice" if living else "well"
    told = f"{len(living)} of {counted(score.counted, 'mutant')} live by {JUDGES[one.decisive]}"
    yield Line((Words(one.path, "name"), Words(f" {one.cell}: "), Words(told, style)))
    for group, mutants in list(groups.items())[:MOST_LIVING]:
        yield line(f"{group.place}  {group.what}: {', '.join(mutants)}", indent=2)
        yield line(f"would tell: {group.cure}", "aside", indent=6)
    if len(groups) > MOST_LIVING:
        yield line(f"and {len(groups) - MOST_LIVING:,} more; --json has them all", "aside", indent=2)
    if by_golden := [each for each in living if one.decisive == "expectations" and each.killed.get("sweep")]:
        yield line(f"a golden tells what a sweep does, {len(by_golden)} of these: recipe record {one.path}", indent=2)
    yield from (line(words, "notice", indent=2) for words in _untold(one))
    if one.equivalent:
        yield line(f"with the same bits, and so not counted: {counted(len(one.equivalent), 'mutant')}", indent=2)
    yield from (line(words, "aside", indent=6) for words in _same_bits(one))


class _Group(NamedTuple):
    """Mutants that are in one place, and that the same would tell."""

    place: str
    what: str
    cure: str


def _groups(one: Strength, living: Sequence[TriedMutant]) -> dict[_Group, list[str]]:
    """The mutants that live, by where they are and what would tell them."""
    recipes = {case.case: case.recipe for case in one.cases}
    found: dict[_Group, list[str]] = {}
    for each in living:
        cure = cure_of(each, recipes[each.case], one.decisive)
        if each.killed.get("sweep"):
            cure = f"a sweep; {cure}"
        group = _Group(_place(each), f"{each.value} ({each.op})", cure)
        found.setdefault(group, []).append(each.mutant.name)
    return found


def _place(one: TriedMutant) -> str:
    place = one.place
    at = ":".join(str(part) for part in (place.file, place.line, place.column) if part is not None)
    return at or one.path


def _untold(one: Strength) -> Iterator[str]:
    """Why a criterion did not judge; that there is no golden needs no word."""
    told = {(name, why): None for case in one.cases for name, why in case.missing.items() if why}
    for name, why in told:
        yield f"{name} did not judge: {why.splitlines()[0]}"


def _same_bits(one: Strength) -> Iterator[str]:
    """Which mutants give the same bits, by the inputs that they would show with."""
    found: dict[str, list[TriedMutant]] = {}
    for each in one.equivalent:
        found.setdefault(each.mutant.seen_with, []).append(each)
    for inputs, mutants in found.items():
        names = dict.fromkeys(each.mutant.name for each in mutants)
        values = list(dict.fromkeys(each.value for each in mutants))
        passes = {case.case: case.recipe for case in one.cases} if mutants[0].mutant.is_backward else {}
        instead = next((way for recipe in passes.values() for way in directions(recipe)), "")
        yield f"{', '.join(names)} at {some(values)}: it takes {inputs}{instead and ', as by '}{instead}"


# as JSON


def _plain(one: Strength) -> dict[str, Any]:
    scores = {name: one.score(name) for name in SCORES}
    recipes = {case.case: case.recipe for case in one.cases}
    return {
        "recipe": one.path,
        "cell": one.cell,
        "decisive": one.decisive,
        "scores": {
            name: None if score is None else {"killed": score.killed, "counted": score.counted}
            for name, score in scores.items()
        },
        "mutants": [
            {
                **_plain_mutant(each),
                "killed": each.killed,
                "cure": None
                if each.killed.get(one.decisive, True)
                else cure_of(each, recipes[each.case], one.decisive),
            }
            for each in one.tried
        ],
        "same_bits": [_plain_mutant(each) for each in one.equivalent],
        "not_judged": {case.case: case.missing for case in one.cases if case.missing},
    }


def _plain_mutant(one: TriedMutant) -> dict[str, Any]:
    place = one.place
    return {
        "step": one.path,
        "op": one.op,
        "value": one.value,
        "mutant": one.mutant.name,
        "case": one.case,
        "file": None if place.file is None else str(Path(place.file)),
        "line": place.line,
        "column": place.column,
    }
