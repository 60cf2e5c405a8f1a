"""What `recipe` does: looks ops up, lists and checks recipes, shows results and the schema. Imports late."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tensorflow_free.console import complain, print_json, show
from tensorflow_free.errors import RecipeError, StorageError
from tensorflow_free.flags import Flags, wrong

if TYPE_CHECKING:
    from tensorflow_free.recipe import Recipe

WELL, WRONG = 0, 2
"""Exit codes; `cli.py` has all of them."""

Subcommand = Callable[[Sequence[str], Flags], int]
"""Takes the words behind its name and the flags; gives the exit code."""


def subcommand(words: Sequence[str]) -> tuple[Subcommand, Sequence[str]]:
    """What the first word names, and the words behind it.

    Raises:
        RecipeError: it names nothing, or there is a flag that nobody knows.
    """
    from tensorflow_free.names import did_you_mean

    unknown = [word for word in words if word.startswith("-") and len(word) > 1 and word != "->"]
    if unknown:
        near = did_you_mean(unknown[0], (*Flags.SWITCHES, "--ops")) or "; see recipe --help"
        raise wrong(f"flag '{unknown[0]}'", f"it is not a flag{near}")
    name, *rest = words or [""]
    if name not in COMMANDS:
        near = did_you_mean(name, COMMANDS) or f"; the commands are {', '.join(COMMANDS)}"
        raise wrong("command line", f"'{name}' is not a command{near}")
    return COMMANDS[name], rest


def _ops(words: Sequence[str], flags: Flags) -> int:
    from tensorflow_free.lookup import look_up, records

    if len(words) > 1:
        raise wrong("command line", f"'{words[1]}' is one word too many; give one op or one pattern, in quotes")
    flags.load_ops()
    pattern = words[0] if words else None
    text, found = look_up(pattern)
    if flags.json and found:
        print_json(records(pattern))
    elif found:
        print(text)
    else:
        complain(text)
    return WELL if found else WRONG


def _list(words: Sequence[str], flags: Flags) -> int:
    """Each recipe below a folder: its path, its cases, its description."""
    from tensorflow_free.loading import read_form

    recipes: dict[str, Recipe] = {}
    code = WELL
    for path in _recipe_files(words or ["recipes"]):
        try:
            recipes[str(path)] = read_form(path)
        except RecipeError as error:
            complain(str(error))
            code = WRONG
    if flags.json:
        print_json([_listed(name, recipe) for name, recipe in recipes.items()])
        return code
    width = max(map(len, recipes), default=0)
    for name, recipe in recipes.items():
        cases = f" (cases: {', '.join(recipe.cases)})" if recipe.cases else ""
        print(f"{name.ljust(width)}  {_sentence(recipe)}{cases}".rstrip())
    return code


def _recipe_files(folders: Sequence[str]) -> Iterator[Path]:
    for folder in map(Path, folders):
        if not folder.is_dir():
            yield folder
            continue
        found = sorted(path for suffix in ("*.yaml", "*.yml") for path in folder.rglob(suffix))
        if not found:
            raise wrong(str(folder), "there is no recipe below this folder")
        yield from found


def _sentence(recipe: Recipe) -> str:
    return " ".join((recipe.description or "").split())


def _listed(path: str, recipe: Recipe) -> dict[str, object]:
    return {"recipe": path, "cases": list(recipe.cases), "tags": recipe.tags, "description": _sentence(recipe)}


def _check(words: Sequence[str], flags: Flags) -> int:
    """Bind each recipe, in each of its cases; print every problem."""
    from tensorflow_free.loading import cases_of, load_recipe

    if not words:
        raise wrong("command line", "no recipe is named; give the path of a .yaml file")
    flags.load_ops()
    code = WELL
    for path in _recipe_files(words):
        problems: dict[str, None] = {}
        try:
            cases = cases_of(path)
        except RecipeError as error:
            cases, problems = (), dict.fromkeys(str(error).splitlines())
        for case in cases or (() if problems else ("",)):
            try:
                load_recipe(path, [f"case={case}"] if case else [])
            except RecipeError as error:
                problems.update(dict.fromkeys(str(error).splitlines()))
        if problems:
            complain("\n".join(problems))
            code = WRONG
        elif not flags.quiet:
            print(f"{path}: well-formed")
    return code


def _show_folders(words: Sequence[str], flags: Flags) -> int:
    from tensorflow_free.storage import read_result

    if not words:
        raise wrong("command line", "no folder is named; give a run's folder")
    code = WELL
    for folder in words:
        try:
            show(read_result(folder), None, flags)
        except StorageError as error:
            complain(str(error))
            code = WRONG
    return code


def _schema(words: Sequence[str], flags: Flags) -> int:
    del words, flags
    from tensorflow_free.result import RunFile

    print_json(RunFile.model_json_schema())
    return WELL


COMMANDS: Final[dict[str, Subcommand]] = {
    "ops": _ops,
    "list": _list,
    "check": _check,
    "show": _show_folders,
    "schema": _schema,
}
