"""A flag or a command that there is not is told with what was meant: here, at another command, or as a key."""

from __future__ import annotations

import shlex
from argparse import Namespace

import pytest

from tensorflow_free.command_table.all_commands import COMMANDS
from tensorflow_free.command_table.tried_words import TRIED
from tensorflow_free.commands.run_flags import run_parser
from tensorflow_free.commands.subcommands import parser_of
from tensorflow_free.commands.unknown_words import about_command
from tensorflow_free.errors import RecipeError


def told(command, *words):
    """What is said of the words of a command line, line by line."""
    parser = run_parser() if command == "run-recipe" else parser_of(command)
    with pytest.raises(RecipeError) as raised:
        parser.words_beside(words, Namespace(), {})
    return str(raised.value).splitlines()


@pytest.mark.parametrize(
    ("command", "flag", "said"),
    [
        ("blame", "--forwrad", "it is not a flag; did you mean '--forward'? See recipe blame --help"),
        (
            "blame",
            "--dtypes",
            "it is not a flag; did you mean the key of the recipe, dtype=VALUE? See recipe blame --help",
        ),
        ("blame", "--dtype", "it is not a flag of this command; a key of the recipe is written dtype=VALUE"),
        ("list", "--dtype", "it is a flag of recipe matrix, and not of this command; see recipe list --help"),
        ("list", "--dtypes", "it is not a flag; did you mean '--dtype' of recipe matrix? See recipe list --help"),
        (
            "table",
            "--acept-all",
            "it is not a flag; did you mean '--accept-all' of recipe review? See recipe table --help",
        ),
        ("blame", "--resume", "it is a flag of run-recipe, and not of this command; see recipe blame --help"),
        ("compare", "--zzzz", "it is not a flag; see recipe compare --help"),
        ("compare", "-k5", "it is not a flag; see recipe compare --help"),
        ("run-recipe", "--rtol", "it is a flag of recipe compare, and not of this command; see run-recipe --help"),
        (
            "run-recipe",
            "--sweep",
            "it is not a flag of this command; -m runs a sweep: run-recipe -m RECIPE.yaml KEY=A,B",
        ),
        (
            "run-recipe",
            "--force",
            "it is not a flag of this command; no run is written over; hydra.run.dir=FOLDER names the folder of a run",
        ),
        ("run-recipe", "-o", "it is not a flag of this command; hydra.run.dir=FOLDER names the folder of a run"),
        ("run-recipe", "--output", "it is not a flag of this command; hydra.run.dir=FOLDER names the folder of a run"),
        ("compare", "--html", "it is not a flag; did you mean '--page FILE.html'? See recipe compare --help"),
        ("run-recipe", "--fail-first", "it is not a flag; did you mean '--fail-fast'? See run-recipe --help"),
    ],
)
def test_an_unknown_flag_is_told_with_the_nearest(command, flag, said):
    assert told(command, "x", flag) == [f"flag '{flag}': {said}"]


def test_all_unknown_flags_are_told_at_once():
    assert len(told("blame", "x", "--jsn", "--dtypes", "--frward", "--bogus=3")) == 4


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("verfy", "did you mean 'verify'?"),
        ("run", "did you mean `run-recipe RECIPE.yaml`?"),
        ("Run", "did you mean `run-recipe RECIPE.yaml`?"),
        ("diff", "did you mean `recipe compare A B`?"),
        ("graph", "did you mean `recipe show --graph PATH`?"),
        ("update", "did you mean `recipe record PATH` or `recipe review PATH`?"),
        ("accpt", "did you mean `recipe review PATH`?"),
        ("test", "did you mean `recipe verify PATH`?"),
        ("block.yaml", "did you mean `run-recipe block.yaml`?"),
    ],
)
def test_an_unknown_command_is_told_with_what_does_that(word, said):
    assert about_command(word) == f"'{word}' is not a command; {said}"


def test_where_nothing_is_near_all_commands_are_told():
    assert about_command("xyzzy").endswith(f"the commands are {', '.join(COMMANDS)}")


def test_each_word_that_is_tried_is_no_command_and_leads_to_a_command_line_that_is_read():
    assert len(TRIED) >= 45
    assert set(TRIED) & set(COMMANDS) == set()
    for line in {line for lines in TRIED.values() for line in lines}:
        program, *words = shlex.split(line)
        if program == "run-recipe":
            run_parser().words_beside(words, Namespace(), {})
        else:
            parser_of(words[0]).words_beside(words[1:], Namespace(), {})
