"""`recipe new`: a recipe to start from, written as a file."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tensorflow_free.commands.flags import Flags, wrong
from tensorflow_free.commands.printing import put, put_json
from tensorflow_free.commands.starters import all_shipped, chosen, is_starter
from tensorflow_free.errors import StorageError
from tensorflow_free.files.whole_files import write_new
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.recipe.names import RECIPE_SUFFIXES
from tensorflow_free.text.characters import command_of, in_a_line
from tensorflow_free.text.page import line, listed


def new_command(options: Namespace, flags: Flags) -> int:
    """Write a recipe to start from, or list what there is: the exit code.

    Raises:
        RecipeError: no recipe of this name can be written, or a file is there already.
        StorageError: a file cannot be written.
    """
    words: list[str] = options.words
    if options.list:
        return _list(words, flags)
    if options.from_op is not None:
        return _from_op(options, flags)
    if len(words) != 1:
        raise wrong("command line", "give one name, such as linear; `recipe new --list` has those that there are")
    recipe, stem = chosen(words[0])
    path = _place(options.output, stem)
    contents = {path: recipe.path.read_bytes()}
    for file in recipe.files():
        contents[path.parent / file.relative_to(recipe.path.parent)] = file.read_bytes()
    return written(path, contents, recipe.description, flags)


def _list(words: list[str], flags: Flags) -> int:
    if words:
        raise wrong("command line", f"--list takes no name, and '{words[0]}' is one")
    recipes = all_shipped()
    if flags.json:
        put_json([{"name": one.name, "starter": is_starter(one), "description": one.description} for one in recipes])
        return ExitCode.OK
    starters = [one for one in recipes if is_starter(one)]
    others = [one for one in recipes if not is_starter(one)]
    put([line("starters", "title")])
    put(listed([one.name for one in starters], [in_a_line(one.description) for one in starters]))
    put([line(), line("all other recipes that come with this package", "title")])
    put(listed([one.name for one in others], [in_a_line(one.description) for one in others]))
    return ExitCode.OK


def _from_op(options: Namespace, flags: Flags) -> int:
    from tensorflow_free.registry import find, suggest  # noqa: PLC0415 - the other recipes need no torch
    from tensorflow_free.support.op_recipe_text import about, text_of_recipe  # noqa: PLC0415
    from tensorflow_free.support.recipe_of_op import NoRecipe, recipe_of_op  # noqa: PLC0415

    words, name = options.words, options.from_op
    if len(words) > 1:
        raise wrong("command line", f"'{words[1]}' is one word too many; give one name, or none")
    flags.load_ops()
    op = find(name)
    if op is None:
        raise wrong("flag '--from-op'", f"'{name}' is not an op{suggest(name) or '; `recipe ops` lists them'}")
    stem = (
        words[0] if words else re.sub(r"\W+", "_", name.rpartition(".")[2] or name, flags=re.ASCII).strip("_") or "op"
    )
    if not re.fullmatch(r"\w[\w.-]*", stem):
        raise wrong("command line", f"'{stem}' cannot be a recipe's name; -o says where it goes")
    path = _place(options.output, stem.removesuffix(".yaml"))
    try:
        recipe = recipe_of_op(name, op)
    except NoRecipe:
        raise wrong(
            "flag '--from-op'",
            f"no call of '{name}' was found that runs here and that a recipe can hold: write one by hand, from "
            f"recipe new {stem} and recipe ops {command_of([name])}",
        ) from None
    return written(path, {path: text_of_recipe(recipe).encode()}, about(recipe), flags)


def _place(output: str | None, stem: str) -> Path:
    """The file to write.

    Raises:
        RecipeError: it would be no recipe's.
    """
    if output is None:
        return Path(f"{stem}.yaml")
    path = Path(output)
    if output.endswith(("/", "\\")) or path.is_dir():
        return path / f"{stem}.yaml"
    if path.suffix not in RECIPE_SUFFIXES:
        raise wrong("flag '--output'", f"'{output}' is neither a folder nor a file that ends in .yaml")
    return path


def written(path: Path, contents: Mapping[Path, bytes], description: str, flags: Flags) -> int:
    """Write a recipe and what it reads, all or nothing, and tell what to type next: the exit code.

    Args:
        path: the recipe's file.
        contents: every file with what it is to hold, the recipe's own among them.
        description: what the recipe shows.
        flags: the flags of all commands.

    Raises:
        RecipeError: a file is there already, with something else in it.
        StorageError: a file cannot be written.
    """
    # what a recipe reads may be there from another one; the recipe itself comes last
    fresh = [one for one in contents if one != path and not _holds(one, contents[one])]
    done: list[Path] = []
    try:
        for one in (*fresh, path):
            one.parent.mkdir(parents=True, exist_ok=True)
            write_new(one, contents[one])
            done.append(one)
    except OSError as error:
        for one in done:
            with suppress(OSError):
                one.unlink()
        if isinstance(error, FileExistsError):
            there = next(one for one in (*fresh, path) if one not in done)
            raise wrong(str(there), "it is there already, and is not written over; -o names another place") from None
        raise StorageError(f"'{path}' cannot be written: {error}") from error
    following = command_of(["run-recipe", str(path)])
    if flags.json:
        put_json({"recipe": str(path), "files": [str(one) for one in contents], "next": following})
    elif not flags.quiet:
        put([line(str(path), "title", is_whole=True), line(in_a_line(description))])
        put([line(str(one), "aside", is_whole=True) for one in contents if one != path])
        put([line(f"run it: {following}", is_whole=True)])
    return ExitCode.OK


def _holds(path: Path, content: bytes) -> bool:
    """Whether a file is there with this content."""
    try:
        return path.read_bytes() == content
    except OSError:
        return False
