"""docs/bug-report.md, run as it is printed: a model, its recipe, a sweep, the culprit, the script, the report."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from tests.processes import succeeded
from tests.test_readme import ROOT, Command, blocks, commands, matches, run

PAGE = "docs/bug-report.md"
TEXT = (ROOT / PAGE).read_text(encoding="utf-8")
MODEL, SCRIPT = blocks("python", TEXT)
[RECIPE] = blocks("yaml", TEXT)
COMMANDS = [command for block in blocks("console", TEXT) for command in commands(block)]


def in_this_run(command: Command) -> Command:
    """A command that names the sweep's folder, which has another name in each run."""
    folder = next((path.as_posix() for path in Path("multirun").glob("*")), "")
    return Command(command.line.replace("multirun/…", folder), command.shown)


def code_of(script):
    """What a script does, whatever its lines are broken like, without the words at its head, which name the sweep."""
    return [ast.unparse(statement) for statement in ast.parse(script).body[1:]]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("charges.py").write_text(MODEL, encoding="utf-8")
    return tmp_path


def type_in(folder, command):
    done = run(folder, "bash", "-c", in_this_run(command).line)
    printed = done.stdout + done.stderr
    assert matches(command.shown, printed), f"{command.line}\nshown:\n{command.shown}\nprinted:\n{printed}"


def test_the_model_becomes_the_recipe(folder):
    type_in(folder, COMMANDS[0])
    assert Path("charges.yaml").read_text(encoding="utf-8") == RECIPE


def test_the_script_shows_the_error_of_the_compiler(folder):
    Path("repro.py").write_text(SCRIPT, encoding="utf-8")
    shown = next(command.shown for command in COMMANDS if command.line == "python repro.py")
    assert matches(shown, succeeded(sys.executable, "repro.py").stdout)


@pytest.mark.full
def test_each_command_prints_what_is_shown(folder):
    for command in COMMANDS:
        type_in(folder, command)
    assert code_of(Path("repro.py").read_text(encoding="utf-8")) == code_of(SCRIPT)
    [report] = blocks("markdown", TEXT)
    assert matches(f"{report}…", Path("repro.md").read_text(encoding="utf-8"))
