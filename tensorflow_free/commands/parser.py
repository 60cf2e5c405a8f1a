"""argparse with our messages: every mistake on a command line reported at once, and the process not ended."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import fill
from typing import Any, Final, TypeAlias

from tensorflow_free.command_table.flag_values import FlagValue
from tensorflow_free.command_table.table_rows import Flag
from tensorflow_free.commands.help_layout import formatter, help_width
from tensorflow_free.commands.unknown_words import about_flag
from tensorflow_free.errors import Place, Problem, refuse_any

Declared: TypeAlias = "argparse.ArgumentParser | argparse._ArgumentGroup"  # noqa: SLF001 - it has no public name
"""Where flags are declared: with a heading of their own in the help, or without."""

NO_FLAGS: Final = ("-", "->")
"""Words that begin as flags do: standard input, and a part of the names of some ops."""


class Parser(argparse.ArgumentParser):
    """The flags of a command: what it is given beside flags is left to the command.

    `-h` and `--help` are its own, and set `help` alone; whoever parses prints it.
    """

    def __init__(self, prog: str, does: str | None = None, **settings: Any) -> None:
        super().__init__(
            prog,
            description=does and fill(does, help_width()),
            formatter_class=formatter(),
            add_help=False,
            allow_abbrev=False,
            exit_on_error=False,
            **settings,
        )

    @property
    def flags(self) -> list[str]:
        """All flags that it knows."""
        return list(self._option_string_actions)

    def taken_off(self, words: Sequence[str], options: object) -> list[str]:
        """Set the flags on `options`, and give all other words as they stand, flags that it does not know among them.

        Raises:
            RecipeError: with every flag whose value is missing or wrong.
        """
        rest, problems = self._read(words, options)
        refuse_any(problems)
        return rest

    def words_beside(self, words: Sequence[str], options: object, refused: Mapping[str, str]) -> list[str]:
        """Set the flags on `options`, and give the words that are no flags.

        Raises:
            RecipeError: with every flag whose value is missing or wrong, and every flag that is not known; `refused`
                has those that cannot be had here, and why.
        """
        rest, problems = self._read(words, options)
        problems += self._unknown(rest, refused)
        refuse_any(problems)
        return rest

    def _read(self, words: Sequence[str], options: object) -> tuple[list[str], list[Problem]]:
        problems: list[Problem] = []
        while True:
            try:
                return self.parse_known_args(words, options)[1], problems
            except argparse.ArgumentError as error:
                flag = str(error.argument_name).rpartition("/")[2]
                action = self._option_string_actions[flag]
                problems.append(flag_problem(flag, _what_is_wrong(action, flag, error)))
                # it is reported, and the rest is read as if it were right
                action.nargs, action.type = "?", None

    def _unknown(self, words: Sequence[str], refused: Mapping[str, str]) -> Iterator[Problem]:
        for word in words:
            name = word.partition("=")[0]
            if word.startswith("-") and word not in NO_FLAGS and name not in self.flags:
                yield flag_problem(word, about_flag(name, self.prog, self.flags, refused))

    def _get_option_tuples(self, option_string: str) -> list[tuple[argparse.Action, str, str | None]]:
        """What a word could stand for that is no flag as it is: nothing, as `-cp` is not `-c p`."""
        del option_string
        return []


def declare(group: Declared, flags: Iterable[Flag], command: str = "", plain: str = "") -> None:
    """Declare flags of the table, with their examples where they are those of a command."""
    for flag in flags:
        names = flag.names.split()
        if flag.value is None:
            action = group.add_argument(*names, action="store_true", help=flag.help)
        else:
            action = group.add_argument(
                *names,
                action="append" if flag.many else "store",
                default=[] if flag.many else flag.default,
                type=flag.value,
                metavar=flag.metavar,
                help=flag.help.replace("%", "%%"),
            )
        if command:
            vars(action)["example"] = flag.example_of(command, plain)


def _what_is_wrong(action: argparse.Action, flag: str, error: argparse.ArgumentError) -> str:
    if isinstance(error.__context__, argparse.ArgumentTypeError):
        return str(error.__context__)
    if isinstance(action.type, FlagValue):
        return f"it needs {action.type.wanted}"
    return f"it takes no value; write {flag}"


def flag_problem(flag: str, message: str) -> Problem:
    """What is wrong with a flag."""
    return Problem(Place(file=f"flag '{flag}'"), message)
