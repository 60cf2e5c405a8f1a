"""Exit codes come from one table, which the page of files and `--help` follow."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tensorflow_free.commands.run_flags import run_parser
from tensorflow_free.commands.subcommands import recipe_parser
from tensorflow_free.outcome.exit_codes import ExitCode, after_signal, worst_of

ROOT = Path(__file__).parent.parent
MODULES = sorted([*(ROOT / "tensorflow_free").rglob("*.py"), *(ROOT / "hydra_plugins").rglob("*.py")])
ENDING = {"exit", "_exit", "SystemExit"}
"""Functions that end a process."""


def bare_codes(tree):
    """Lines on which a number stands for an exit code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ENDING:
            yield from (argument for argument in node.args if is_number(argument))
        if isinstance(node, ast.keyword | ast.Assign | ast.AnnAssign) and is_number(node.value):
            names = [node.arg] if isinstance(node, ast.keyword) else [ast.unparse(t) for t in targets_of(node)]
            yield from (node.value for name in names if "code" in (name or "").lower())
        if isinstance(node, ast.FunctionDef) and "exit code" in (ast.get_docstring(node) or "").lower():
            yield from (one.value for one in ast.walk(node) if isinstance(one, ast.Return) and is_number(one.value))


def targets_of(node):
    return node.targets if isinstance(node, ast.Assign) else [node.target]


def is_number(node):
    return isinstance(node, ast.Constant) and type(node.value) is int


def test_no_exit_code_is_a_bare_number():
    found = {
        f"{path}:{node.lineno}"
        for path in MODULES
        for node in bare_codes(ast.parse(path.read_text(encoding="utf-8")))
        if path.name != "exit_codes.py"
    }
    assert found == set()


@pytest.mark.parametrize(
    "text",
    [
        "sys.exit(3)",
        "os._exit(1)",
        "code = 2",
        "CODE: Final = 4",
        "f(exit_code=1)",
        "def f():\n 'The exit code.'\n return 0",
    ],
)
def test_a_bare_number_would_be_found(text):
    assert list(bare_codes(ast.parse(text)))


def test_the_page_and_both_helps_list_each_exit_code_with_its_meaning():
    helps = [run_parser().format_help(), recipe_parser().format_help()]
    page = (ROOT / "docs" / "files.md").read_text(encoding="utf-8")
    for text in (page.replace(" | ", " "), *helps):
        missing = [code for code in ExitCode if f"{code:d} {code.meaning}" not in " ".join(text.split())]
        assert missing == []


def test_of_several_codes_what_could_not_begin_counts_before_a_step_that_failed():
    assert worst_of([0, 1, 3, 2]) is ExitCode.WRONG
    assert worst_of([ExitCode.UNMET, 3]) is ExitCode.STEP_FAILED
    assert worst_of([]) is ExitCode.OK


def test_after_a_signal_the_code_is_128_and_its_number():
    assert [after_signal(number) for number in (2, 15, 1, 9)] == [130, 143, 129, 137]
