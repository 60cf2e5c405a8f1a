"""`recipe list` and `recipe check`: the recipes in a folder, and what is wrong with them; nothing runs."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from tensorflow_free.commands.flags import Flags, wrong
from tensorflow_free.commands.printing import complain, put, put_json
from tensorflow_free.commands.recipe_words import recipe_files
from tensorflow_free.commands.told_errors import complain_lines, hints_of
from tensorflow_free.composition.override_texts import of_case
from tensorflow_free.errors import RecipeError
from tensorflow_free.loading import cases_of, load_recipe, read_form
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.text.characters import in_a_line
from tensorflow_free.text.page import line, listed, text_lines


def list_recipes(options: Namespace, flags: Flags) -> int:
    """List each recipe below a folder, its path, its cases, its description: the exit code."""
    recipes: dict[str, Recipe] = {}
    code = ExitCode.OK
    for path in recipe_files(options.words or [_recipes_here()]):
        try:
            recipes[str(path)] = read_form(path)
        except RecipeError as error:
            complain(text_lines(str(error)))
            code = ExitCode.WRONG
    if flags.json:
        put_json([_listed(name, recipe) for name, recipe in recipes.items()])
        return code
    put(listed(recipes, map(_about, recipes.values())))
    return code


def _about(recipe: Recipe) -> str:
    cases = f" (cases: {', '.join(recipe.cases)})" if recipe.cases else ""
    return f"{in_a_line(recipe.description or '')}{cases}"


def _recipes_here() -> str:
    """The folder whose recipes are listed where none is named.

    Raises:
        RecipeError: there is none.
    """
    if not Path("recipes").is_dir():
        raise wrong("command line", "there is no folder 'recipes' here; name one: recipe list FOLDER")
    return "recipes"


def _listed(path: str, recipe: Recipe) -> dict[str, object]:
    sentence = " ".join((recipe.description or "").split())
    return {"recipe": path, "cases": list(recipe.cases), "tags": recipe.tags, "description": sentence}


def check_recipes(options: Namespace, flags: Flags) -> int:
    """Bind each recipe, in each of its cases, and print every problem: the exit code."""
    if not options.words:
        raise wrong("command line", "no recipe is named; give the path of a .yaml file")
    flags.load_ops()
    code = ExitCode.OK
    for path in recipe_files(options.words):
        errors = _refusals(path)
        if errors:
            told = dict.fromkeys(one for error in errors for one in str(error).splitlines())
            complain_lines("\n".join(told), [] if flags.quiet else hints_of(errors, "check"))
            code = ExitCode.WRONG
        elif not flags.quiet:
            put([line(f"{path}: well-formed", is_whole=True)])
    return code


def _refusals(path: Path) -> list[RecipeError]:
    """What refuses a recipe, in each of its cases."""
    try:
        cases = cases_of(path)
    except RecipeError as error:
        return [error]
    errors = []
    for case in cases or ("",):
        try:
            load_recipe(path, of_case(case))
        except RecipeError as error:
            errors.append(error)
    return errors
