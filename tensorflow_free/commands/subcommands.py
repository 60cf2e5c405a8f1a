"""The command line of `recipe`: the parser of each command, made from the table, and the module that does it.

The arguments of a command are declared in the table and not in its module, so that help and errors do not wait for
PyTorch.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from tensorflow_free.command_table.all_commands import COMMAND_GROUPS, COMMANDS
from tensorflow_free.command_table.shared_flags import common_flags
from tensorflow_free.command_table.table_rows import Command
from tensorflow_free.commands.flags import Flags, wrong
from tensorflow_free.commands.help_layout import help_width, told_examples, two_columns
from tensorflow_free.commands.parser import Parser, declare
from tensorflow_free.commands.unknown_words import about_command
from tensorflow_free.outcome.exit_codes import exit_codes_help
from tensorflow_free.process.kept_modules import modules_kept

RUN: Final = "run-recipe"
"""The other command."""

RECIPE_USAGE: Final = "recipe COMMAND [WORDS …] [flags]"

JSON: Final = "the answer as JSON"
"""What `--json` gives."""

COLUMN: Final = 24
"""Where what a command does begins in the help."""


def recipe_parser() -> Parser:
    """The parser of `recipe` itself: the flags of all its commands, and its help."""
    # argparse indents what stands below a title
    width = help_width() - 2
    parser = Parser(
        "recipe",
        usage=RECIPE_USAGE,
        epilog="`recipe help COMMAND` shows all flags of a command, with examples.\n"
        "`recipe help PAGE` shows a page of the documentation.\n"
        "`recipe explain CODE` tells what a word of a result means.\n\n"
        f"{exit_codes_help(help_width())}",
    )
    for title, commands in COMMAND_GROUPS.items():
        rows = [_overview(name, one) for name, one in commands.items()]
        parser.add_argument_group(title, two_columns(rows, width, COLUMN))
    declare(parser.add_argument_group("flags of all commands"), common_flags(JSON))
    return parser


def _overview(name: str, command: Command) -> tuple[str, str]:
    told = f"{command.help} ({', '.join(flag.name for flag in command.flags)})" if command.flags else command.help
    return f"{name} {command.words}", told


def parser_of(name: str) -> Parser:
    """The parser of one of the commands.

    Raises:
        RecipeError: there is no such command.
    """
    if name not in COMMANDS:
        raise wrong("command line", about_command(name))
    command = COMMANDS[name]
    usage = " ".join(part for part in ("recipe", name, command.words, "[flags]") if part)
    parser = Parser(f"recipe {name}", f"{command.help[0].upper()}{command.help[1:]}.", usage=usage)
    parser.add_argument_group("examples", told_examples(command.examples, help_width() - 2))
    if command.flags:
        declare(parser.add_argument_group("flags"), command.flags, parser.prog, command.plain)
    common = common_flags(JSON, command.ops)
    declare(parser.add_argument_group("flags of all commands"), common, parser.prog, command.plain)
    return parser


def run_command(words: Sequence[str], flags: Flags) -> int:
    """Run the command that the first word names: the exit code.

    Raises:
        RecipeError: there is no such command, or something behind its name is wrong.
    """
    if not words or words[0].startswith("-"):
        # a flag of no command; its name is what is missed first
        recipe_parser().words_beside(words, Namespace(), {})
    name, *behind = words or [""]
    options = Namespace()
    parser = parser_of(name)
    options.words = parser.words_beside(behind, options, dict(COMMANDS[name].refused))
    module, _, act = COMMANDS[name].run.partition(":")
    with modules_kept():
        run = getattr(import_module(f"tensorflow_free.commands.{module}"), act)
    code: int = run(options, flags)
    return code
