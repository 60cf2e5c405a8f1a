"""`recipe relations`: every kind of relation that fits, tried on recipes, and which hold."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence
from typing import Any, Final

from tensorflow_free.commands.flags import Flags
from tensorflow_free.commands.printing import complain, put, put_json
from tensorflow_free.commands.recipe_words import paths_and_overrides, recipe_files
from tensorflow_free.composition.override_texts import as_override, of_case
from tensorflow_free.errors import RecipeError
from tensorflow_free.loading import cases_of, load_recipe, plan_of
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.recipe.relation_kinds import RELATION_KINDS
from tensorflow_free.relations.trying import Tried, tried
from tensorflow_free.runner import run
from tensorflow_free.text.page import Line, line, text_lines
from tensorflow_free.text.phrases import counted

HEADING: Final = "| recipe | bit for bit | within noise | of some values |\n| --- | --- | --- | --- |"


def relations_command(options: Namespace, flags: Flags) -> int:
    """Try relations on each recipe, in each of its cases: the exit code."""
    paths, overrides = paths_and_overrides(options.words)
    flags.load_ops()
    given = [as_override(one) for one in overrides]
    chosen = any(one.key == "case" for one in given)
    code, documents = ExitCode.OK, list[dict[str, Any]]()
    if options.table and not flags.json:
        put(text_lines(HEADING))
    for path in recipe_files(paths):
        try:
            cases = () if chosen else cases_of(path)
            for case in cases or ("",):
                recipe = load_recipe(path, [*given, *of_case(case)])
                found = _found(recipe)
                name = f"{path}{f' case={recipe.case}' if recipe.case else ''}"
                if flags.json:
                    documents.append(
                        {"recipe": str(path), "case": recipe.case or "", "relations": [_plain(one) for one in found]}
                    )
                else:
                    put([_row(name, found)] if options.table else _page(name, found))
        except RecipeError as error:
            complain(text_lines(str(error)))
            code = ExitCode.WRONG
    if flags.json:
        put_json(documents)
    return code


def _found(recipe: Recipe) -> list[Tried]:
    """What was tried on a recipe; nothing where its run stops."""
    plan = plan_of(recipe)
    result, _ = run(plan)
    return [] if result.has_failed else list(tried(plan, result))


def _plain(one: Tried) -> dict[str, Any]:
    named = {"exact": list(one.exact), "close": list(one.close), "broken": list(one.broken)}
    return {"kind": one.kind, "of": one.of, **named, "why": one.why}


# all of one recipe


def _page(name: str, found: Sequence[Tried]) -> Iterator[Line]:
    """A line for each relation that holds, as a recipe would state it, and how many do not."""
    yield line(name, "title")
    holding = [one for one in found if one.holds]
    for one in holding:
        yield line(f"{_how(one):<14}{_stated(one)}", indent=2)
    whole = sum(not one.broken for one in holding)
    told = f"{counted(len(found), 'relation')} tried: {whole} hold, {len(holding) - whole} of some values"
    silent = sum(not one.holds and not one.broken for one in found)
    yield line(f"{told}; {len(found) - len(holding) - silent} do not hold, {silent} say nothing here.")


def _how(one: Tried) -> str:
    return "within noise" if one.close else "bit for bit"


def _stated(one: Tried) -> str:
    """A relation as a recipe would state it."""
    of = f"{{{', '.join(f'{name}: {told}' for name, told in one.of.items())}}}" if isinstance(one.of, dict) else one.of
    if not one.broken:
        return f"{one.kind}: {of}"
    return f"{one.kind}: {{of: {of}, values: [{', '.join(one.holds)}]}}"


# a row for each recipe


def _row(name: str, found: Sequence[Tried]) -> Line:
    """The kinds of which at least one relation holds: bit for bit, within noise, or of some values alone."""
    best: dict[str, int] = {}
    for one in found:
        if one.holds:
            level = 2 if one.broken else 1 if one.close else 0
            best[one.kind] = min(best.get(one.kind, level), level)
    cells = [", ".join(kind for kind in RELATION_KINDS if best.get(kind) == level) for level in range(3)]
    return line(f"| `{name}` | {' | '.join(cells)} |", is_whole=True)
