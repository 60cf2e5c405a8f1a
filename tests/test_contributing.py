"""CONTRIBUTING names files, constants and commits that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "tensorflow_free"
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
FILES = sorted(set(re.findall(r"`([\w/.-]+/[\w.-]*\w\.(?:py|yaml))`", TEXT)))
LINKS = sorted(set(re.findall(r"\]\(([\w/.-]+)(?:#[\w-]+)?\)", TEXT)))
CONSTANTS = sorted(set(re.findall(r"`(_?[A-Z][A-Z_]{3,})`", TEXT)) - {"NAME"})


def constants():
    """The names of all constants of the package."""
    sources = "\n".join(file.read_text(encoding="utf-8") for file in PACKAGE.rglob("*.py"))
    return set(re.findall(r"^(_?[A-Z][A-Z_]+)\b.*=", sources, re.MULTILINE))


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_named_exists(name):
    assert (ROOT / name).exists() or (PACKAGE / name).exists()


@pytest.mark.parametrize("name", LINKS)
def test_a_link_leads_somewhere(name):
    assert (ROOT / name).exists()


def test_the_constants_that_are_named_exist():
    assert len(CONSTANTS) >= 8
    assert set(CONSTANTS) <= constants()


def test_these_tests_see_what_they_look_for():
    assert len(FILES) >= 6
    assert len(LINKS) >= 12
    assert "NO_SUCH_CONSTANT" not in constants()
