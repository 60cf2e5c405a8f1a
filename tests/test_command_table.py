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
from tensorflow_free.commands.subcommands import parser_of, recipe_parser
from tensorflow_free.errors import RecipeError

COMMON = 7
"""Flags that every command has."""

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


def test_each_command_has_one_to_four_examples_with_words_of_their_own():
    assert len(COMMANDS) >= 20
    for name, command in COMMANDS.items():
        assert 1 <= len(command.examples) <= 4
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


@pytest.mark.parametrize("columns", [60, 80, 100, 120, 200])
def test_help_fits_the_terminal_and_shows_each_example_whole(columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    texts = {f"recipe {name}": parser_of(name).format_help() for name in COMMANDS}
    texts |= {"run-recipe": run_parser().format_help(), "recipe": recipe_parser().format_help()}
    width = max(min(columns - 2, 118), WIDEST + len("    $ "))
    assert {command: line for command, text in texts.items() for line in text.splitlines() if len(line) > width} == {}
    for command, plain, flag in FLAGS:
        assert f"    $ {flag.example_of(command, plain)}\n" in texts[command]
    for command, text in texts.items():
        for line, says in COMMANDS[command.split()[-1]].examples if " " in command else ():
            assert f"  {line} " in text or f"  {line}\n" in text
            assert says.split()[-1] in text


def test_the_words_of_a_flag_stand_before_its_example(monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    lines = parser_of("compare").format_help().splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("  --rtol X "))
    assert lines[at].endswith("  the relative tolerance, instead of the rules of the dtype")
    assert lines[at + 1] == "    $ recipe compare outputs/eager outputs/compiled --rtol 1e-5"


def test_in_the_overview_a_command_with_many_words_has_what_it_does_below(monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    lines = recipe_parser().format_help().splitlines()
    at = lines.index("  pack RECIPE.yaml … KEY=A,B")
    assert lines[at + 1].startswith(f"{' ' * 26}write cells, their starting tensors")
    assert not any(line.endswith("-") for line in lines)


def test_these_tests_can_fail():
    assert len(common_flags("")) == COMMON
    with pytest.raises(RecipeError, match="it is not a flag"):
        parsed("recipe compare a b --rtoll 1e-5")
