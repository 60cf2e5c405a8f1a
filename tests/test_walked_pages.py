"""The tutorial and the how-tos, walked from top to bottom: their files are written, their commands print what is shown."""

from __future__ import annotations

import re
import runpy
import shlex
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tensorflow_free import cli
from tensorflow_free.ops import additions
from tensorflow_free.sweep import pool
from tests.here import Here
from tests.test_readme import ROOT, commands, matches, run

QUICK = {
    "tutorial": (11, 3),
    "own-kernel": (9, 4),
    "training-loop": (3, 0),
    "attention": (3, 0),
    "precision-report": (6, 1),
    "inputs-from-files": (4, 1),
    "comparing-runs": (5, 1),
    "expectations": (9, 4),
    "in-a-notebook": (0, 0),
    "looking-up-ops": (6, 2),
    "teaching": (4, 1),
}
"""Each page, and how many commands it has: all, and those that are shown to fail."""
COMPILED = {"compilers": (3, 2)}
"""The pages whose commands compile."""

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"# ([\w./-]+\.(?:yaml|py))$", re.MULTILINE)
FAILS = re.compile(r"\d (?:mismatch|stale|failed)\b|^(?:Culprit|Overflow) |^FAILS |values out of bounds", re.MULTILINE)
REFUSED = re.compile(r"did you mean")

NUMBER = r"-?[\d.]+(?:e[+-]?\d+)?"
INEXACT = [
    # where the largest error is, and how large
    (rf"{NUMBER} at [\w.]+(?:\[[\d, ]+\])?(?= )| at \[[\d, ]+\]", " N"),
    # many digits, and shares of what is allowed
    (r"-?\d+\.\d{3,}(?:e[+-]\d+)?|-?[\d.]+e[+-]?\d+|\b[\d,.]+x|\b[\d,.]+ times", "N"),
    # the measures of `recipe compare`, and a table of digits
    (r"(?<=  rounding)  +N .*|(?<=  inputs)  .*|(?:  +-?\d\.\d){3}$", " N"),
    # the room that all these take
    (r" {2,}", "  "),
]
"""What is otherwise on another processor, and what stands for it."""


def plain(text):
    """A text without what another processor has otherwise."""
    for pattern, instead in INEXACT:
        text = re.sub(pattern, instead, text, flags=re.MULTILINE)
    return text


def blocks_of(page):
    return BLOCK.findall((ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8"))


def code_of(command):
    """The exit code that a command must have, by what it shows."""
    if REFUSED.search(command.shown):
        return 2
    return 1 if FAILS.search(command.shown) else 0


def in_this_process(line):
    """Run a command line here, where torch is imported already, and where it knows no op of another's files: the exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "CellWorker", Here)
        patch.setattr(pool, "cores", lambda: 1)
        for table in ("_ops", "_origins"):
            patch.setattr(additions, table, {})
        patch.setattr("tensorflow_free.ops.ops_files._named", {})
        return _code_of_line(*shlex.split(line))


def _code_of_line(program, *words):
    if "-m" in words:
        # what a sweep's workers do
        for file in (value for flag, value in pairwise(words) if flag == "--ops"):
            additions.load_ops_file(file)
    if program == "run-recipe":
        return cli._guarded(cli.run_recipe_main, words)
    if program == "recipe":
        return cli._guarded(cli.recipe_main, words)
    assert program in ("python", "ls"), program
    if program == "ls":
        print(*sorted(path.name for path in Path(words[0]).iterdir()), sep="\n")
    else:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", list(words))
            runpy.run_path(words[0], run_name="__main__")
    return 0


def walk(page, runs):
    """Do what a reader of a page does: `runs` takes a command line and gives its exit code and what it printed."""
    seen, names = [], {"__name__": "__main__"}
    for language, body in blocks_of(page):
        named = NAMED.match(body)
        if named:
            Path(named[1]).write_text(body, encoding="utf-8")
        elif language == "python":
            exec(compile(body, page, "exec"), names)
        elif language == "console":
            for command in commands(body):
                code, printed = runs(command.line)
                shown = plain(command.shown)
                assert matches(shown, plain(printed)), f"{command}\nshown:\n{command.shown}\nprinted:\n{printed}"
                assert code == code_of(command), command
                seen.append(code)
    return seen


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", QUICK)
def test_a_page_can_be_walked(page, folder, capsys):
    def runs(line):
        capsys.readouterr()
        code = in_this_process(line)
        return code, "".join(capsys.readouterr())

    seen = walk(page, runs)
    assert (len(seen), sum(code != 0 for code in seen)) == QUICK[page]


@pytest.mark.full
@pytest.mark.parametrize("page", [*QUICK, *COMPILED])
def test_a_page_can_be_walked_in_a_shell(page, folder):
    def runs(line):
        done = run(folder, "bash", "-c", line)
        return done.returncode, done.stdout + done.stderr

    seen = walk(page, runs)
    assert (len(seen), sum(code != 0 for code in seen)) == {**QUICK, **COMPILED}[page]


def test_only_digits_that_processors_differ_in_are_passed_over():
    assert plain("4 cells: 3 ok, 1 mismatch.") == "4 cells: 3 ok, 1 mismatch."
    assert (
        plain("   5  float32  ok   0.7x  1.21e-09 at conv.grad[3, 7]  rounding") == "  5  float32  ok  N  N  rounding"
    )
    assert plain("it is 0.2345 at [3, 12], shape [3, 12]") == "it is N N, shape [3, 12]"
    assert plain("FAILS  w.grad  4.0") != plain("FAILS  w.grad  5.0")
