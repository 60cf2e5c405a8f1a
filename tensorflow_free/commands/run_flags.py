"""The command line of `run-recipe`: its help, its flags, and the flags passed on to Hydra. Standard library only.

Hydra has flags that would read recipes or code from elsewhere. Here every flag that Hydra may get is declared, and no
other is passed on.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from typing import Final

from tensorflow_free.command_table.run_recipe_rows import (
    HYDRA_FLAGS,
    INFO,
    MULTIRUN,
    OVERRIDES,
    RUN_EXAMPLES,
    RUN_FLAGS,
    SWEEP_FLAGS,
)
from tensorflow_free.commands.flags import Flags, flags_of, wrong
from tensorflow_free.commands.help_layout import help_width, told_examples, two_columns
from tensorflow_free.commands.parser import Parser, declare
from tensorflow_free.composition.command_line import CommandLine, command_line
from tensorflow_free.outcome.exit_codes import exit_codes_help
from tensorflow_free.recipe.keys import KEYS

USAGE: Final = "run-recipe RECIPE.yaml [KEY=VALUE ...] [flags]"

_DOES: Final = (
    "Runs a recipe: draws its tensors, runs its steps in PyTorch, differentiates, judges what it expects, and writes "
    "every value and gradient to outputs/RECIPE/."
)

_COLUMN: Final = 18
"""Where what a key or an override means begins in the help."""

HYDRAS: Final = ("--multirun", "--run", "--cfg", "--resolve", "--package", "--info", "--hydra-help")
"""The flags of Hydra that are passed on."""

REFUSED: Final = {
    "--config-path": "it is refused: recipes are named by their files, and read from nowhere else",
    "-cp": "it is refused: recipes are named by their files, and read from nowhere else",
    "--config-name": "it is refused: the recipe is named by its file",
    "-cn": "it is refused: the recipe is named by its file",
    "--config-dir": "it is refused: recipes are named by their files, and read from nowhere else",
    "-cd": "it is refused: recipes are named by their files, and read from nowhere else",
    "--experimental-rerun": "it is refused: it loads a pickle; run the recipe.yaml of the earlier run instead",
    "--shell-completion": "it is refused: completion by Hydra is not offered",
    "-sc": "it is refused: completion by Hydra is not offered",
}
"""Flags of Hydra that are not passed on, and why."""


def run_parser() -> Parser:
    """The parser of all flags of `run-recipe`."""
    parser = Parser("run-recipe", _DOES, usage=USAGE, epilog=exit_codes_help(help_width()))
    # argparse indents what stands below a title
    width = help_width() - 2
    keys = [(key.name, key.says.replace("`", "")) for key in KEYS.values()]
    for title, told in (
        ("examples", told_examples(RUN_EXAMPLES, width)),
        ("overrides (Hydra's grammar)", two_columns(OVERRIDES, width, _COLUMN)),
        ("keys of a recipe (docs/recipe-format.md shows each)", two_columns(keys, width, _COLUMN)),
    ):
        parser.add_argument_group(title, told)
    for title, flags in (
        ("flags", RUN_FLAGS),
        ("flags of sweeps", (MULTIRUN, *SWEEP_FLAGS)),
        ("flags of Hydra that are passed on", HYDRA_FLAGS),
    ):
        declare(parser.add_argument_group(title), flags, parser.prog, RUN_EXAMPLES[0][0])
    return parser


def run_flags(words: Sequence[str]) -> tuple[Flags, list[str]]:
    """Our flags of a command line of `run-recipe`, and all other words as they stand, Hydra's flags among them.

    Raises:
        RecipeError: with every flag of ours whose value is missing or wrong.
    """
    parser = Parser("run-recipe")
    declare(parser, (*RUN_FLAGS, *SWEEP_FLAGS))
    return flags_of(words, parser)


def sorted_words(words: Sequence[str]) -> CommandLine:
    """The parts of a command line that none of our flags is in.

    Raises:
        RecipeError: with every flag that is unknown, refused or incomplete; or no recipe is named.
    """
    given = Namespace()
    beside = run_parser().words_beside(_with_info(words), given, REFUSED)
    line = command_line(beside, _spelled_out(given), words)
    if not line.files:
        raise wrong("command line", "no recipe is named; give the path of a .yaml file")
    if len(set(line.flags) & {"--multirun", "--run", "--cfg", "--info", "--hydra-help"}) > 1:
        message = "only one of --multirun, --run, --cfg, --info and --hydra-help can be given"
        raise wrong("command line", message)
    if "--resolve" in line.flags and "--cfg" not in line.flags:
        raise wrong("command line", "--resolve goes with --cfg only")
    return line


def _with_info(words: Sequence[str]) -> list[str]:
    """The words with what `--info` is about behind it, where that is left out and a recipe may follow."""
    found: list[str] = []
    for word, following in zip(words, [*words, ""][1:], strict=True):
        found.append("--info=all" if word in ("-i", "--info") and following not in INFO else word)
    return found


def _spelled_out(given: Namespace) -> list[str]:
    """Flags as Hydra takes them."""
    words: list[str] = []
    for flag in HYDRAS:
        if value := getattr(given, flag[2:].replace("-", "_")):
            words += [flag] if value is True else [flag, value]
    return words
