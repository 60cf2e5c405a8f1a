"""The README does what it says: its commands run and print what it shows, its code runs, its recipes run."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tensorflow_free.ops import additions
from tests.processes import finished

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
NAMES = (
    "README.md",
    "docs/sweeps.md",
    "docs/goldens.md",
    "docs/judging.md",
    "docs/strength.md",
    "docs/pages.md",
    "docs/api.md",
    "docs/command-line.md",
)
PAGES = {page: (ROOT / page).read_text(encoding="utf-8") for page in NAMES}
BIN = Path(sys.executable).parent

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
VERSION = re.compile(r"torch \d+\.\d+\.\d+\S*")


def blocks(language, text=README):
    return [block for found, block in BLOCK.findall(text) if found == language]


@dataclass
class Command:
    """A line to type, and what is shown below it."""

    line: str
    shown: str

    def __str__(self):
        return self.line


def commands(text):
    """The commands of a block."""
    parts = re.split(r"^\$ (.*)\n", text, flags=re.MULTILINE)
    return [Command(line, shown) for line, shown in zip(parts[1::2], parts[2::2], strict=True)]


COMPILED_SWEEP = re.compile(r"^run-recipe -m .*backend=[a-z,]*inductor")
"""Each of its cells is compiled: these run in the full tier, and single compiled runs in the other."""
COMMANDS = [
    pytest.param(
        command, id=f"{page}-{command}", marks=[pytest.mark.full] if COMPILED_SWEEP.match(command.line) else []
    )
    for page, text in PAGES.items()
    for block in blocks("console", text)
    for command in commands(block)
]
CODES = [
    pytest.param(code, id=f"{page}-{code.splitlines()[0]}")
    for page, text in PAGES.items()
    for code in blocks("python", text)
]


def matches(shown, printed):
    """Whether what was printed is what is shown; `…` stands for anything, alone on a line for any lines."""
    shown, printed = ("\n" + VERSION.sub("torch VERSION", text.strip()) for text in (shown, printed))
    anything = {"\n…": "(?:\n.*)*", "…": ".*"}
    pattern = "".join(anything.get(part) or re.escape(part) for part in re.split("(\n…|…)", shown))
    return re.fullmatch(pattern, printed) is not None


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A folder that looks like the repository, but that commands may write to."""
    folder = tmp_path_factory.mktemp("clone")
    for name in ("recipes", "tests", "docs"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def run(folder, *command):
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    return finished(*command, cwd=folder, env=environment)


def code_of(command):
    """The exit code that a command must have, by what it shows."""
    if "refusals" in command.line or re.match(r"flag '|command line: |override '", command.shown):
        return 2
    return 1 if re.search(r"\d (?:mismatch|stale|failed)\b|^Culprit ", command.shown, re.MULTILINE) else 0


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_prints_what_is_shown(clone, command):
    done = run(clone, "bash", "-c", command.line)
    printed = done.stdout + done.stderr
    assert matches(command.shown, printed), f"{command.line}\nshown:\n{command.shown}\nprinted:\n{printed}"
    assert done.returncode == code_of(command)


@pytest.mark.parametrize("code", CODES)
def test_python_runs(clone, code):
    done = run(clone, sys.executable, "-c", code)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("text", blocks("yaml"), ids=lambda text: text.splitlines()[0])
def test_a_recipe_runs_and_gives_what_it_expects(tmp_path, text):
    (tmp_path / "recipe.yaml").write_text(text, encoding="utf-8")
    done = run(tmp_path, "run-recipe", "recipe.yaml", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_recipe_at_the_top_is_the_one_of_the_repository():
    assert blocks("yaml")[0] == (ROOT / "recipes" / "linear_autograd.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("end", ["/run-recipe recipes/linear_autograd.yaml", "/python -m pytest"])
def test_one_line_sets_up_and_ends_with(end):
    lines = [line for text in blocks("sh") for line in text.splitlines()]
    assert len(lines) == 2
    assert [line.startswith("python3 -m venv .venv && ") for line in lines if line.endswith(end)] == [True]


def test_the_share_of_the_operator_database_is_that_of_the_page():
    covered, entries = re.search(r"(\d+) of the (\d+) entries", README).groups()
    assert f"| **all** | **{entries}** | **{covered}** |" in (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8")


def test_set_up_installs_what_ci_pins():
    assert all("-c constraints.txt" in text for text in blocks("sh"))
    assert "torch==" in (ROOT / "constraints.txt").read_text(encoding="utf-8")


def anchors(text):
    """What may stand behind `#` in a link to a page: its headings, as GitHub writes them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def is_there(page, link):
    name, _, anchor = link.partition("#")
    target = ROOT / page if not name else (ROOT / page).parent / name
    return target.exists() and (not anchor or anchor in anchors(target.read_text(encoding="utf-8")))


def test_every_file_and_heading_that_is_linked_is_there():
    for page in ("README.md", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))):
        links = re.findall(r"\]\(([^):]+)\)", (ROOT / page).read_text(encoding="utf-8"))
        assert [link for link in links if not is_there(page, link)] == []
        assert links or page not in PAGES


def test_blocks_are_seen():
    assert len(COMMANDS) >= 20
    assert len(CODES) >= 4
    assert len(blocks("yaml")) >= 1


def test_what_is_shown_must_match():
    assert matches("a …\n…\nz", "a b c\nd\ne\nz")
    assert matches("torch 2.13.0", "torch 2.11.0+cpu")
    assert not matches("a", "b")
    assert not matches("a.c", "abc")
    assert not matches("a …\nz", "a b\nc\nz")


@pytest.fixture(scope="module")
def draw():
    spec = importlib.util.spec_from_file_location("draw", ROOT / "docs" / "draw.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_picture_shows_what_a_terminal_shows(draw):
    drawn, kept = draw.picture("linear_autograd"), (ROOT / "docs" / "linear_autograd.svg").read_text(encoding="utf-8")
    version = re.compile(r"torch&#160;[\d.]+")
    assert version.sub("", kept) == version.sub("", drawn), "run `python docs/draw.py`"


def test_the_picture_of_a_bound_shows_what_is_allowed(draw, monkeypatch):
    monkeypatch.setattr(additions, "_ops", {})
    monkeypatch.setattr(additions, "_origins", {})
    drawn, kept = draw.allowed_of_one_number(), (ROOT / "docs" / "judging.svg").read_text(encoding="utf-8")
    words = re.compile(r">([^<>]+)</text>")
    assert len(words.findall(kept)) > 10
    assert words.findall(kept) == words.findall(drawn), "run `python docs/draw.py`"
