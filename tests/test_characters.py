r"""No character of a file that could speak to a terminal, turn a line round or break one reaches anyone as it stands.

Each command is run on recipes whose every text is hostile; what it prints, and the files that others read (CSV, JUnit's
XML), hold no such character: they are written out, `\x1b`, `\u202e`. A count says that hostile texts were there to be seen.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import torch

import tensorflow_free.pytest_plugin.collecting  # noqa: F401 - so that a pytest run inside this one finds all loaded
from tensorflow_free import RecipeError, StorageError, cli, load_recipe, register_op, run_recipe
from tensorflow_free.errors import Place, Problem, StepError
from tensorflow_free.registry import load_ops_file
from tensorflow_free.sweep import pool
from tensorflow_free.text.characters import (
    command_of,
    form_problem,
    in_a_line,
    is_printable,
    normal,
    printable,
    printable_json,
    printable_lines,
)
from tests.here import Here
from tests.processes import succeeded

pytest_plugins = ["pytester"]

EVIL = "\x1b[2J\x1b]0;pwn\a\u202e\u200b\x9b31m\x85\u2028\ufe0f\u115f\x7f"
"""An escape, a title, a right-to-left override, a zero-width space, C1's escape, line breaks, letters without ink."""

MARKS = (r"\x1b", r"\u001b")
"""How an escape is written out, in words and in JSON."""

TEXT = rf"""
description: "D[red]x[/red] {ascii(EVIL)[1:-1]}\nwell: 9 of 9"
tags: ["T{ascii(EVIL)[1:-1]}", "[bold]"]
source: "S{ascii(EVIL)[1:-1]}"
tensors: {{x: [1.0]}}
steps: {{y: x + 1}}
expect: {{y: 3.0}}
xfail: [{{reason: "R{ascii(EVIL)[1:-1]}", issue: "I{ascii(EVIL)[1:-1]}", keys: [y], when: {{device: cuda}}}}]
cases: {{"C{ascii(EVIL)[1:-1]}": {{seed: 1}}, "=cmd()": {{seed: 2}}}}
""".replace("\\x07", "\\a")
CASE = f"C{EVIL}"
FILE = f"f{EVIL}.yaml"
FAILING = "tensors: {x: [1.0]}\nsteps: {y: {op: evil_words, args: [x]}}\n"
WRONG = f'tensors: {{x: [1.0]}}\nsteps: {{y: {{op: "O{ascii(EVIL)[1:-1]}", args: ["{ascii(EVIL)[1:-1]}"]}}}}\n'.replace(
    "\\x07", "\\a"
)


@register_op("evil_words")
def _(input: torch.Tensor) -> torch.Tensor:
    message = f"M{EVIL}\nok  y  2.0"
    raise ValueError(message)


def unprintable(text: str) -> list[str]:
    """The characters of a text that nobody should be shown."""
    return [one for line in text.split("\n") for one in line if not is_printable(one)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of hostile recipes, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pool, "CellWorker", Here)
    for name, text in {FILE: TEXT, "plain.yaml": TEXT, "failing.yaml": FAILING, "wrong.yaml": WRONG}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def typed(capsys):
    """Runs a command line: what it printed; no character of it is unprintable, and what is hostile is written out."""

    def type_in(*words: str, shows: bool = True) -> str:
        main = cli.recipe_main if words[0] == "recipe" else cli.run_recipe_main
        cli._guarded(main, words[1:])
        out, err = capsys.readouterr()
        assert unprintable(out + err) == []
        assert not shows or any(mark in out + err for mark in MARKS), out + err
        return out + err

    return type_in


def test_what_a_run_shows_is_printable(folder, typed):
    for words in ([FILE], ["plain.yaml", "--json"]):
        typed("run-recipe", *words)
    typed("run-recipe", "plain.yaml", "--quiet", f"case='{CASE}'")
    shown = typed("run-recipe", FILE, f"case='{CASE}'")
    assert "D[red]x[/red] \\x1b[2J" in shown
    assert "\nwell: 9 of 9" not in shown
    for name in (FILE, "plain.yaml"):
        # YAML has an escape of its own
        assert "\\e[2J" in typed("run-recipe", name, "--cfg", "job", shows=False)


@pytest.mark.parametrize("name", ["failing.yaml", "wrong.yaml"])
def test_what_is_wrong_is_printable_and_no_line_of_it_passes_for_ours(folder, typed, name):
    shown = typed("run-recipe", name)
    assert "\nok  y" not in shown


LOOKED_UP = [
    "list .",
    "list . --json",
    "check FILE plain.yaml wrong.yaml",
    "ops EVIL",
    "show EVIL",
    "table EVIL",
    "EVIL",
]


@pytest.mark.parametrize("words", LOOKED_UP)
def test_what_is_looked_up_is_printable(folder, typed, words):
    typed("recipe", *[word.replace("FILE", FILE).replace("EVIL", EVIL) for word in words.split()])


def test_what_is_said_of_goldens_is_printable(folder, typed):
    typed("recipe", "record", FILE, "failing.yaml", "wrong.yaml")
    typed("recipe", "record", FILE, "--json")
    (folder / FILE).write_text(TEXT.replace("x + 1", "x + 2"), encoding="utf-8")
    for words in ([], ["--json"], ["--quiet"]):
        typed("recipe", "verify", FILE, *words)
    typed("recipe", "review", FILE, "--list")
    (folder / FILE.replace(".yaml", ".golden.json")).write_text(json.dumps({"format_version": 1, EVIL: EVIL}))
    typed("recipe", "verify", FILE)
    (folder / "good.yaml").write_text(TEXT.replace("y: 3.0", "y: 2.0"), encoding="utf-8")
    typed("recipe", "record", "good.yaml")
    assert unprintable((folder / "good.golden.json").read_text("utf-8")) == []


def test_what_is_said_of_runs_on_disk_is_printable(folder, typed):
    for name, seed in ((f"a{EVIL}", 1), ("b", 2)):
        run_recipe(load_recipe("plain.yaml", [f"seed={seed}", f"case='{CASE}'"])).save(name)
    typed("recipe", "show", f"a{EVIL}")
    typed("recipe", "compare", f"a{EVIL}", "b")
    typed("recipe", "compare", "b", f"a{EVIL}", "--json", shows=False)
    shutil.rmtree(Path("b") / "result.json", ignore_errors=True)
    (Path("b") / "result.json").write_text(json.dumps({"schema_version": 1, "values": [EVIL], EVIL: 1}))
    typed("recipe", "show", "b", shows=False)


def test_what_is_said_of_a_sweep_is_printable_and_its_csv_too(folder, typed):
    typed("run-recipe", "-m", "plain.yaml", "failing.yaml", "seed=1", "hydra.sweep.dir=swept")
    typed("recipe", "export", "swept", "-o", "exported", shows=False)
    found = [*Path("swept").rglob("*"), *Path("exported").rglob("*")]
    files = [path for path in found if path.suffix in (".csv", ".json", ".jsonl")]
    assert len(files) >= 4
    assert [path.name for path in files if unprintable(path.read_text("utf-8"))] == []
    assert "\n=" not in Path("swept/sweep.csv").read_text()
    typed("recipe", "table", "swept")
    typed("recipe", "table", "swept", "--json")
    typed("recipe", "compare", "swept", "swept", shows=False)
    typed("run-recipe", "-m", FILE, "seed=1")


def test_what_pytest_says_of_recipes_and_its_xml_are_printable(pytester, monkeypatch):
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    pytester.makeini("[pytest]\n")
    recipes = pytester.mkdir("recipes")
    for name, text in {FILE: TEXT, "failing.yaml": FAILING + "expect: {y: 1.0}\n"}.items():
        (recipes / name).write_text(text, encoding="utf-8")
    without = ["-p", "no:xdist", "-p", "no:hydra_pytest", "-p", "no:hypothesispytest"]
    found = pytester.runpytest_inprocess(*without, "-rA", "-v", "--junitxml=report.xml")
    xml = Path(pytester.path / "report.xml").read_text(encoding="utf-8")
    assert unprintable(xml) == []
    assert unprintable(found.stdout.str() + found.stderr.str()) == []
    assert MARKS[0] in xml
    found.assert_outcomes(failed=3)


def test_a_name_with_line_breaks_makes_no_line_of_its_own(folder, typed):
    forged = "a\nok: 9 of 9 hold\n.yaml"
    for name, text in {forged: TEXT, f"failing{forged}": FAILING, f"wrong{forged}": WRONG}.items():
        (folder / name).write_text(text, encoding="utf-8")
        for words in (["run-recipe", name], ["run-recipe", name, "-q"], ["recipe", "check", name], ["recipe", "list"]):
            assert "\nok: 9 of 9" not in typed(*words, *(["."] if words[-1] == "list" else []), shows=False)
        for command in ("record", "verify"):
            assert "\nok: 9 of 9" not in typed("recipe", command, name, shows=False)
    assert "\nok: 9 of 9" not in typed("run-recipe", "-m", f"failing{forged}", "seed=1,2", "-q", shows=False)
    assert "\nok: 9 of 9" not in typed("run-recipe", "-m", f"failing{forged}", "seed=1,2", shows=False)


def test_errors_are_printable_in_python_too():
    problem = Problem(Place(EVIL, EVIL), f"{EVIL}\nok")
    for error in (RecipeError([problem]), StorageError(f"{EVIL}\nok"), StepError(problem, "y", EVIL, [EVIL])):
        assert unprintable(str(error)) == []
        assert "\nok" not in str(error)


# the one form of a name


LIGATURE = "\ufb01"


@pytest.mark.parametrize(
    ("recipe", "path"),
    [
        ({"tensors": {LIGATURE: [1.0], "fi": [2.0]}, "steps": {"line": f"{LIGATURE} + 1"}}, f"tensors.{LIGATURE}"),
        ({"tensors": {"fi": [2.0]}, "steps": {"line": f"{LIGATURE} + 1"}}, "steps.line"),
        ({"tensors": {"fi": [2.0]}, "steps": {"y": {"op": "[]", "args": ["fi", f"{LIGATURE}"]}}}, "steps.y"),
        ({"tensors": {"x": [2.0]}, "steps": {"\u00b5": "x + 1"}}, "steps.\u00b5"),
        ({"tensors": {"x": [2.0]}, "checks": {"e\u0301": "x + 1"}}, "checks.e\u0301"),
        ({"params": {LIGATURE: 1}}, f"params.{LIGATURE}"),
        ({"cases": {LIGATURE: {}, "fi": {}}}, f"cases.{LIGATURE}"),
        ({"tensors": {"fi": [2.0]}, "expect": {LIGATURE: 2.0}}, f"expect.{LIGATURE}"),
        ({"tensors": {"x\ufe0f": [2.0]}}, "tensors.x"),
        ({"tensors": {"x": [2.0]}, "steps": {"y\u3164": "x + 1"}}, "steps.y"),
        ({"tensors": {"x": [2.0]}, "steps": {"y\u200b": "x + 1"}}, "steps.y"),
    ],
)
def test_a_name_whose_letters_have_a_second_form_or_cannot_be_seen_is_refused(recipe, path):
    with pytest.raises(RecipeError) as caught:
        load_recipe(recipe)
    assert any(problem.place.path.startswith(path) for problem in caught.value.problems), caught.value


@pytest.mark.parametrize(
    "override", [f"+tensors.{LIGATURE}=[1.0]", f"+steps.{LIGATURE}='fi + 1'", f"+params.{LIGATURE}=1"]
)
def test_a_name_with_two_forms_is_refused_on_the_command_line_too(override):
    with pytest.raises(RecipeError, match="override"):
        load_recipe({"tensors": {"fi": [1.0]}}, [override])


def test_what_was_meant_is_the_normal_form():
    recipe = {"tensors": {"fi": [1.0]}, "steps": {"y": {"op": "neg", "args": [LIGATURE]}}, "record": [LIGATURE]}
    with pytest.raises(RecipeError, match="did you mean 'fi'"):
        load_recipe(recipe)


def test_a_recipe_whose_path_is_no_utf_8_is_refused_before_anything_runs(tmp_path):
    file = tmp_path / os.fsdecode(b"\xff.yaml")
    file.write_text("tensors: {x: 1.0}\n")
    with pytest.raises(RecipeError, match=r"\\udcff.yaml: the file's path is not UTF-8; rename it"):
        load_recipe(str(file))


def test_a_file_of_ops_whose_path_is_no_utf_8_is_refused(tmp_path):
    file = tmp_path / os.fsdecode(b"\xff.py")
    file.write_text("")
    with pytest.raises(RecipeError, match="the file's path is not UTF-8; rename it"):
        load_ops_file(file)


def test_letters_with_one_form_are_names():
    recipe = {"tensors": {"\u03b1": [1.0], "gr\u00f6\u00dfe": [2.0]}, "steps": {"\u0394": "\u03b1 + gr\u00f6\u00dfe"}}
    assert run_recipe(load_recipe(recipe))["\u0394"].tolist() == [3.0]


# the functions


def test_printable_writes_out_what_cannot_be_seen_and_nothing_else():
    assert printable("a\u00e9\u4e2d[red] 'x' \\") == "a\u00e9\u4e2d[red] 'x' \\"
    assert printable("a\x1b\n\u202e\ud800\ufe0f") == r"a\x1b\n\u202e\ud800\ufe0f"
    assert printable_lines("a\x1b\nb\r\x85") == "a\\x1b\nb\\r\\x85"
    assert in_a_line(" a\n  b\u2028c ") == "a b\\u2028c"
    assert (normal(LIGATURE), form_problem("fi")) == ("fi", None)


def test_json_says_the_same_in_characters_that_can_be_seen():
    content = {EVIL: [EVIL, "plain", "gr\u00f6\u00dfe", 1]}
    for text in (json.dumps(content, ensure_ascii=False), json.dumps(content, ensure_ascii=False, indent=1)):
        assert unprintable(printable_json(text)) == []
        assert json.loads(printable_json(text)) == content
    assert printable_json('["gr\u00f6\u00dfe"]') == '["gr\u00f6\u00dfe"]'


@pytest.mark.parametrize("word", [EVIL, "a'b\\\x1bc", "\x9b31m \xad\xa0", "\n\t", "plain", "two words", "it's", ""])
def test_a_command_is_printable_and_a_shell_reads_the_words_that_it_was_made_of(word):
    line = command_of(["printf", "%s", word])
    assert is_printable(line)
    said = succeeded("bash", "-c", line, env={"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]})
    assert said.stdout == word


def test_a_command_names_a_file_whose_name_is_no_text():
    assert command_of(["recipe", "check", os.fsdecode(b"a\xff.yaml")]) == r"recipe check $'a\xff.yaml'"
