"""The table of commands and flags: each has an example, and each example is a command line that works."""

from __future__ import annotations

import shlex
from argparse import Namespace
from pathlib import Path

import pytest

from tensorflow_free.command_table.all_commands import COMMANDS
from tensorflow_free.command_table.run_recipe_rows import HYDRA_FLAGS, MULTIRUN, RUN_EXAMPLES, RUN_FLAGS, SWEEP_FLAGS
from tensorflow_free.command_table.shared_flags import common_flags
from tensorflow_free.commands.run_flags import run_parser
from tensorflow_free.commands.subcommands import parser_of

ROOT = Path(__file__).parent.parent
OF_RUN = (*RUN_FLAGS, MULTIRUN, *SWEEP_FLAGS, *HYDRA_FLAGS)
WIDEST = 72
"""Characters of an example: with its indentation it fits a terminal of 80."""


def flags_with_commands():
    """Each flag with the command that it is of, and the plainest command line of that."""
    for name, command in COMMANDS.items():
        for flag in (*command.flags, *common_flags("", command.ops)):
            yield f"recipe {name}", command.plain, flag
    for flag in OF_RUN:
        yield "run-recipe", RUN_EXAMPLES[0][0], flag


def parsed(line):
    """What the real parser makes of an example: its options, and the words beside them."""
    program, *words = shlex.split(line)
    options = Namespace()
    if program == "run-recipe":
        return options, run_parser().words_beside(words, options, {})
    assert program == "recipe"
    if words[0].startswith("-"):
        assert words == ["--version"]
        return Namespace(version=True), []
    return options, parser_of(words[0]).words_beside(words[1:], options, {})


def value_of(options, flag):
    long = [name for name in flag.names.split() if name.startswith("--")]
    return getattr(options, (long or flag.names.split())[0].lstrip("-").replace("-", "_"))


FLAGS = list(flags_with_commands())
LINES = [line for one in COMMANDS.values() for line, _ in one.examples] + [line for line, _ in RUN_EXAMPLES]


def test_each_command_has_one_to_three_examples_with_words_of_their_own():
    assert len(COMMANDS) >= 20
    for name, command in COMMANDS.items():
        assert 1 <= len(command.examples) <= 3
        assert all(shlex.split(line)[:2] == ["recipe", name] for line, _ in command.examples)
    said = [says for one in COMMANDS.values() for _, says in one.examples]
    assert all(said)


@pytest.mark.parametrize("line", LINES)
def test_an_example_of_a_command_is_read_by_its_parser(line):
    _, words = parsed(line)
    assert len(line) <= WIDEST
    files = [ROOT / word for word in words if word.startswith("recipes/") and "*" not in word]
    assert [file for file in files if not file.exists()] == []


def test_each_flag_has_an_example_that_gives_it():
    assert len(FLAGS) >= 240
    for command, plain, flag in FLAGS:
        line = flag.example_of(command, plain)
        options, _ = parsed(line)
        assert len(line) <= WIDEST, line
        assert set(flag.names.split()) & {word.partition("=")[0] for word in shlex.split(line)}, line
        unset = False if flag.value is None else [] if flag.many else flag.default
        assert value_of(options, flag) != unset, line


def test_an_example_of_a_flag_is_of_the_command_that_has_it():
    for command, plain, flag in FLAGS:
        line = flag.example_of(command, plain)
        assert line.startswith(f"{command} ") or line == "recipe --version", line
