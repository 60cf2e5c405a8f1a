"""What `recipe` does: a command for each thing that is not running. Imports late, to stay light."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tensorflow_free.commands.console import complain, print_json, say, show
from tensorflow_free.commands.flags import Flags, wrong
from tensorflow_free.commands.options import Options, Spec, not_negative, options_of, positive, recipe_files
from tensorflow_free.errors import RecipeError, StorageError
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.text.characters import in_a_line, printable

if TYPE_CHECKING:
    from tensorflow_free.recipe.models import Recipe

Subcommand = Callable[[Sequence[str], Flags], int]
"""Takes the words behind its name and the flags; gives the exit code."""


@dataclass(frozen=True)
class _Command:
    """What a command does with its options, and which it has."""

    act: Callable[[Options, Flags], int]
    spec: Spec = field(default_factory=dict)

    def run(self, words: Sequence[str], flags: Flags) -> int:
        return self.act(options_of(words, self.spec), flags)


def subcommand(words: Sequence[str]) -> tuple[Subcommand, Sequence[str]]:
    """What the first word names, and the words behind it.

    Raises:
        RecipeError: it names nothing.
    """
    from tensorflow_free.recipe.names import did_you_mean

    name, *rest = words or [""]
    if name.startswith("-"):
        # a flag of no command; its name is what is missed first
        options_of(words, {})
    if name not in COMMANDS:
        near = did_you_mean(name, COMMANDS) or f"; the commands are {', '.join(COMMANDS)}"
        raise wrong("command line", f"'{name}' is not a command{near}")
    return COMMANDS[name].run, rest


def _ops(options: Options, flags: Flags) -> int:
    from tensorflow_free.report.op_report import look_up, records

    words = options.words
    if len(words) > 1:
        raise wrong("command line", f"'{words[1]}' is one word too many; give one op or one pattern, in quotes")
    flags.load_ops()
    pattern = words[0] if words else None
    text, found = look_up(pattern)
    if flags.json and found:
        print_json(records(pattern))
    elif found:
        say(text)
    else:
        complain(text)
    return ExitCode.OK if found else ExitCode.WRONG


def _list(options: Options, flags: Flags) -> int:
    """Each recipe below a folder: its path, its cases, its description."""
    from tensorflow_free.loading import read_form

    recipes: dict[str, Recipe] = {}
    code = ExitCode.OK
    for path in recipe_files(options.words or [_recipes_here()]):
        try:
            recipes[str(path)] = read_form(path)
        except RecipeError as error:
            complain(str(error))
            code = ExitCode.WRONG
    if flags.json:
        print_json([_listed(name, recipe) for name, recipe in recipes.items()])
        return code
    names = [*map(printable, recipes)]
    width = max(map(len, names), default=0)
    for name, recipe in zip(names, recipes.values(), strict=True):
        cases = printable(f" (cases: {', '.join(recipe.cases)})") if recipe.cases else ""
        say(f"{name.ljust(width)}  {in_a_line(recipe.description or '')}{cases}".rstrip())
    return code


def _recipes_here() -> str:
    """The folder whose recipes are listed where none is named.

    Raises:
        RecipeError: there is none.
    """
    if not Path("recipes").is_dir():
        raise wrong("command line", "there is no folder 'recipes' here; name one: recipe list FOLDER")
    return "recipes"


def _sentence(recipe: Recipe) -> str:
    return " ".join((recipe.description or "").split())


def _listed(path: str, recipe: Recipe) -> dict[str, object]:
    return {"recipe": path, "cases": list(recipe.cases), "tags": recipe.tags, "description": _sentence(recipe)}


def _check(options: Options, flags: Flags) -> int:
    """Bind each recipe, in each of its cases; print every problem."""
    from tensorflow_free.composition.overrides import case_override
    from tensorflow_free.loading import cases_of, load_recipe

    if not options.words:
        raise wrong("command line", "no recipe is named; give the path of a .yaml file")
    flags.load_ops()
    code = ExitCode.OK
    for path in recipe_files(options.words):
        problems: dict[str, None] = {}
        try:
            cases = cases_of(path)
        except RecipeError as error:
            cases, problems = (), dict.fromkeys(str(error).splitlines())
        for case in cases or (() if problems else ("",)):
            try:
                load_recipe(path, [case_override(case)] if case else [])
            except RecipeError as error:
                problems.update(dict.fromkeys(str(error).splitlines()))
        if problems:
            complain("\n".join(problems))
            code = ExitCode.WRONG
        elif not flags.quiet:
            say(printable(f"{path}: well-formed"))
    return code


def _show_folders(options: Options, flags: Flags) -> int:
    from tensorflow_free.result.reading import read_result

    if not options.words:
        raise wrong("command line", "no folder is named; give a run's folder")
    code = ExitCode.OK
    several = len(options.words) > 1
    for position, folder in enumerate(options.words):
        try:
            result = read_result(folder)
            if several and position and not (flags.json or flags.quiet):
                say("")
            # of several, each is told apart by its folder
            show(result, str(Path(folder, "result.json")) if several else None, flags)
        except StorageError as error:
            complain(str(error))
            code = ExitCode.WRONG
    return code


def _schema(options: Options, flags: Flags) -> int:
    del options, flags
    from tensorflow_free.result.model import RunFile

    print_json(RunFile.model_json_schema())
    return ExitCode.OK


def _late(module: str, name: str, options: Options, flags: Flags) -> int:
    """A command of `commands`, which needs torch and is loaded when it is typed."""
    from importlib import import_module

    act: Any = getattr(import_module(f"tensorflow_free.commands.{module}"), name)
    code: int = act(options, flags)
    return code


COMMANDS: Final[dict[str, _Command]] = {
    "ops": _Command(_ops),
    "list": _Command(_list),
    "check": _Command(_check),
    "show": _Command(_show_folders),
    "schema": _Command(_schema),
    "record": _Command(partial(_late, "record", "record_command"), {"--missing": None, "--stale": None}),
    "verify": _Command(partial(_late, "verify", "verify_command"), {"-k": positive}),
    "review": _Command(
        partial(_late, "review", "review_command"), {"--list": None, "--accept-all": None, "--accept-noise": None}
    ),
    "compare": _Command(
        partial(_late, "compare", "compare_command"),
        {
            "--rtol": not_negative,
            "--atol": not_negative,
            "--signed-zeros": None,
            "--baseline": str,
            "--k": positive,
            "-k": positive,
        },
    ),
    "table": _Command(partial(_late, "stored_sweeps", "table_command")),
}
