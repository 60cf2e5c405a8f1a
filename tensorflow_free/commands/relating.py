"""`recipe relations`: every kind of relation that fits, tried on recipes, and which hold."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any, Final

from tensorflow_free.commands.flags import Flags
from tensorflow_free.commands.printing import put, put_json
from tensorflow_free.commands.recipe_words import paths_and_overrides, recipe_files
from tensorflow_free.commands.told_errors import complain_of
from tensorflow_free.composition.override_texts import as_override, of_case
from tensorflow_free.composition.overrides import Override
from tensorflow_free.errors import RecipeError
from tensorflow_free.loading import cases_of, load_recipe, plan_of
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.outcome.reasons import StepFailed
from tensorflow_free.process.progress import ProgressBar
from tensorflow_free.recipe.relation_kinds import RELATION_KINDS
from tensorflow_free.relations.how_far import Level
from tensorflow_free.relations.trying import Tried, tried
from tensorflow_free.runner import run
from tensorflow_free.text.page import Line, line, text_lines
from tensorflow_free.text.phrases import counted

HEADING: Final = "| recipe | bit for bit | within noise | of some values | not tried |\n| --- | --- | --- | --- | --- |"

_COLUMNS: Final = {"bit_for_bit": Level.BITS, "within_noise": Level.NOISE, "of_some_values": Level.BROKEN}
"""How far a kind holds at best, in the order of the columns."""


@dataclass(frozen=True)
class _OfRecipe:
    """What was tried on a recipe, in one of its cases.

    Attributes:
        path: the recipe file.
        case: the case; empty where it has none.
        found: what was tried.
        stops: why nothing was, as the run itself stops; empty where it does not.
    """

    path: Path
    case: str
    found: Sequence[Tried] = ()
    stops: str = ""

    @property
    def name(self) -> str:
        """The words of a command line that choose it."""
        return f"{self.path} case={self.case}" if self.case else str(self.path)

    def kinds(self) -> dict[str, list[str]]:
        """The kinds by how far one of their relations holds at best, and those of which some were not tried."""
        best: dict[str, Level] = {}
        for one in self.found:
            if one.level is not None:
                best[one.kind] = min(best.get(one.kind, one.level), one.level)
        untried = {one.kind for one in self.found if not one.is_tried}
        columns = {
            word: [kind for kind in RELATION_KINDS if best.get(kind) == level] for word, level in _COLUMNS.items()
        }
        return {**columns, "not_tried": [kind for kind in RELATION_KINDS if kind in untried]}


def relations_command(options: Namespace, flags: Flags) -> int:
    """Try relations on each recipe, in each of its cases: the exit code."""
    paths, overrides = paths_and_overrides(options.words)
    flags.load_ops()
    given = [as_override(one) for one in overrides]
    code, documents = ExitCode.OK, list[dict[str, Any]]()
    if options.table and not flags.json:
        put(text_lines(HEADING))
    for path in dict.fromkeys(recipe_files(paths)):
        try:
            for one in _of_recipe(path, given, options, flags):
                if flags.json:
                    documents.append(_plain(one, table=options.table))
                else:
                    put([_row(one)] if options.table else _page(one))
        except RecipeError as error:
            complain_of(error, "relations", quiet=flags.quiet)
            code = ExitCode.WRONG
    if flags.json:
        put_json(documents)
    return code


def _of_recipe(path: Path, given: Sequence[Override], options: Namespace, flags: Flags) -> Iterator[_OfRecipe]:
    """What holds of a recipe in the case that is chosen, or in each."""
    cases = () if any(one.key == "case" for one in given) else cases_of(path)
    for case in cases or ("",):
        plan = plan_of(load_recipe(path, [*given, *of_case(case)]))
        name = plan.recipe.case or ""
        result, _ = run(plan)
        if result.error is not None:
            yield _OfRecipe(path, name, stops=_why(result.error))
            continue
        with ProgressBar("relations", enabled=not (flags.quiet or flags.json)) as tick:
            found = tried(plan, result, seconds=options.seconds or inf, best=options.table, progress=tick)
            related = _OfRecipe(path, name, sorted(found, key=lambda one: list(RELATION_KINDS).index(one.kind)))
        yield related


def _why(error: StepFailed) -> str:
    """Why nothing is tried on a run that stops, as it should or not."""
    first = error.message.partition("\n")[0]
    return f"its run stops at '{error.step}': {first}"


def _plain(one: _OfRecipe, *, table: bool) -> dict[str, Any]:
    of = {"recipe": str(one.path), "case": one.case, "stops": one.stops or None}
    return {**of, **one.kinds()} if table else {**of, "relations": [_plain_relation(each) for each in one.found]}


def _plain_relation(one: Tried) -> dict[str, Any]:
    named = {"exact": list(one.exact), "close": list(one.close), "broken": list(one.broken)}
    return {"kind": one.kind, "of": one.of, **named, "why": one.why, "tried": one.is_tried}


# all of one recipe


def _page(related: _OfRecipe) -> Iterator[Line]:
    """A line for each relation that holds, as a recipe would state it, and how many do not."""
    yield line(related.name, "title")
    if related.stops:
        yield line(f"nothing is tried: {related.stops}", indent=2)
        return
    found = [one for one in related.found if one.is_tried]
    holding = [one for one in found if one.holds]
    for one in holding:
        yield line(f"{_how(one):<14}{_stated(one)}", indent=2)
    whole = sum(not one.broken for one in holding)
    told = f"{counted(len(found), 'relation')} tried: {whole} hold, {len(holding) - whole} of some values"
    silent = sum(not one.holds and not one.broken for one in found)
    yield line(f"{told}; {len(found) - len(holding) - silent} do not hold, {silent} say nothing here.")
    if untried := len(related.found) - len(found):
        yield line(f"{counted(untried, 'relation')} not tried, as the seconds are over.", "notice")


def _how(one: Tried) -> str:
    return "within noise" if one.close else "bit for bit"


def _stated(one: Tried) -> str:
    """A relation as a recipe would state it."""
    of = f"{{{', '.join(f'{name}: {told}' for name, told in one.of.items())}}}" if isinstance(one.of, dict) else one.of
    if not one.broken:
        return f"{one.kind}: {of}"
    return f"{one.kind}: {{of: {of}, values: [{', '.join(one.holds)}]}}"


# a row for each recipe


def _row(one: _OfRecipe) -> Line:
    """The kinds of which at least one relation holds, by how far it does, and those of which some were not tried."""
    cells = [", ".join(kinds) for kinds in one.kinds().values()]
    if one.stops:
        cells[-1] = f"all: {one.stops}".replace("|", "\\|")
    return line(f"| `{one.name}` | {' | '.join(cells)} |", is_whole=True)
