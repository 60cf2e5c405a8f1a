"""docs/continuous-integration.md and the files of examples/ci: they are as the page shows them, and what they type works."""

from __future__ import annotations

import shlex
import xml.etree.ElementTree as ET
from argparse import Namespace
from pathlib import Path

import pytest
import yaml

from tensorflow_free import cli
from tensorflow_free.commands.run_flags import run_flags, sorted_words
from tensorflow_free.commands.subcommands import parser_of
from tensorflow_free.sweep import pool
from tests.here import Here
from tests.test_readme import ROOT, blocks, run

PAGE = (ROOT / "docs" / "continuous-integration.md").read_text(encoding="utf-8")
FILES = {name: (ROOT / "examples" / "ci" / f"{name}.yml").read_text(encoding="utf-8") for name in ("github", "gitlab")}
GITHUB, GITLAB = (yaml.safe_load(text) for text in FILES.values())
STEPS = GITHUB["jobs"]["numerics"]["steps"]
TYPED = {
    "github": [step["run"] for step in STEPS if "run" in step],
    "gitlab": [line for job in GITLAB.values() for key in ("script", "after_script") for line in job.get(key, ())],
}
OURS = {name: [line for line in lines if "recipe" in line.split()[0]] for name, lines in TYPED.items()}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with a recipe that has a golden, and one that is wrong in bfloat16."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pool, "CellWorker", Here)
    monkeypatch.setattr(pool, "cores", lambda: 1)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "step.md")
    Path("recipes").mkdir()
    Path("recipes/doubled.yaml").write_text("tensors: {x: [1.0, 2.0]}\nsteps: {y: x * 2}\nexpect: {y: [2.0, 4.0]}\n")
    assert cli._guarded(cli.recipe_main, ["record", "recipes"]) == 0
    Path("step.md").unlink(missing_ok=True)


def typed(line):
    """Run a command line in this process, its patterns of files expanded: the exit code."""
    program, *rest = shlex.split(line)
    words = [word for one in rest for word in (sorted(map(str, Path().glob(one))) if "*" in one else [one])]
    return cli._guarded(cli.recipe_main if program == "recipe" else cli.run_recipe_main, words)


def test_the_page_shows_the_files_as_they_are():
    assert blocks("yaml", PAGE) == list(FILES.values())


@pytest.mark.parametrize("line", [line for lines in OURS.values() for line in lines])
def test_each_command_is_one_that_the_parser_takes(line):
    program, *words = shlex.split(line)
    if program == "run-recipe":
        assert sorted_words(run_flags(words)[1]).is_multirun
    else:
        parser_of(words[0]).words_beside(words[1:], Namespace(), {})


@pytest.mark.parametrize("name", FILES)
def test_the_commands_verify_sweep_and_leave_a_page_and_junit(project, name):
    assert [typed(line) for line in OURS[name]] == [0, 0]
    for kind in ("verify", "sweep"):
        assert ET.fromstring(Path(f"reports/{kind}.xml").read_text()).get("tests") == "2"
        assert Path(f"reports/{kind}.html").stat().st_size > 10_000
    told = Path("step.md").read_text()
    assert "**2 cells: 2 ok.**" in told
    assert told.count("\n### ") == 2


def test_what_is_kept_is_what_is_written():
    assert next(step["with"] for step in STEPS if "upload" in step.get("uses", ""))["path"] == "reports"
    assert GITLAB[".numerics"]["artifacts"]["paths"] == ["reports/"]
    assert GITLAB[".numerics"]["artifacts"]["reports"]["junit"] == "reports/*.xml"
    assert {GITLAB[job]["extends"] for job in ("fixtures", "sweep")} == {".numerics"}


@pytest.mark.full
def test_the_scripts_run_in_a_shell_as_they_stand(project):
    for line in OURS["gitlab"]:
        assert run(Path.cwd(), "bash", "-ec", line).returncode == 0
    assert Path("reports/sweep.md").read_text().startswith("### recipes/doubled.yaml, 2 cells")
