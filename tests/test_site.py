"""The site of docs/: all pages are in it, no link leads nowhere, and it opens in a browser without asking for anything."""

from __future__ import annotations

import importlib.util
import re
import sys

import pytest
from axe_playwright_python.sync_playwright import Axe

import tensorflow_free
from tests.processes import succeeded
from tests.test_readme import ROOT

DOCS = ROOT / "docs"
LOOKED_AT = ("index.html", "tutorial.html", "api.html", "sweeps.html")
CHECKED = (
    "index.html",
    "tutorial.html",
    pytest.param("commands.html", marks=pytest.mark.full),
    pytest.param("api.html", marks=pytest.mark.full),
)
NAMES = [name for name in tensorflow_free.__all__ if not name.startswith("_")]
PUBLIC = ("load_recipe", "run_recipe", "sweep_recipe", "register_op", "RecipeError")


def module_of(name):
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_commands_is_current():
    kept = (DOCS / "commands.md").read_text(encoding="utf-8")
    assert kept == module_of("write_commands").page(), "run `python docs/write_commands.py`"


def test_the_contents_have_each_page_once():
    listed = [page for part in module_of("conf").CONTENTS.values() for page in part]
    assert sorted([*listed, "index"]) == sorted(path.stem for path in DOCS.glob("*.md"))


def test_the_page_of_the_api_has_each_public_name_and_what_it_is():
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", (DOCS / "api.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(PUBLIC) <= set(NAMES)
    assert rows == {name: getattr(tensorflow_free, name).__doc__.strip().splitlines()[0] for name in NAMES}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built as CI builds it."""
    folder = tmp_path_factory.mktemp("site")
    succeeded(sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", DOCS, folder, cwd=ROOT)
    return folder


def test_each_public_name_is_in_the_api(site):
    text = (site / "api.html").read_text(encoding="utf-8")
    assert [name for name in NAMES if f'id="tensorflow_free.{name}"' not in text] == []


def test_a_section_has_the_anchor_that_it_has_on_github(site):
    assert 'id="must_run"' in (site / "recipe-format.html").read_text(encoding="utf-8")
    assert 'id="the-culprit"' in (site / "judging.html").read_text(encoding="utf-8")


@pytest.fixture
def looked_at(site, browser):
    """A page of the browser, and what went wrong in it: errors, and requests for anything but the site's own files."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="dark")
    page, problems = context.new_page(), []
    page.on("console", lambda said: problems.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(site.as_uri()) else problems.append(asked.url))
    yield page, problems
    context.close()


@pytest.mark.parametrize("name", LOOKED_AT)
def test_a_page_and_its_pictures_open_from_disk_and_ask_for_nothing_else(site, looked_at, name):
    page, problems = looked_at
    page.goto((site / name).as_uri())
    assert page.locator("h1").first.is_visible()
    assert page.evaluate("() => [...document.images].filter((one) => !one.naturalWidth).map((one) => one.src)") == []
    assert problems == []


@pytest.mark.parametrize("name", CHECKED)
def test_a_page_has_nothing_against_the_rules_of_accessibility(site, looked_at, name):
    page, _ = looked_at
    page.goto((site / name).as_uri())
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_a_word_is_found_without_a_server(site, looked_at):
    page, problems = looked_at
    page.goto(f"{(site / 'search.html').as_uri()}?q=culprit")
    page.wait_for_selector("#search-results a[href^='judging.html']")
    assert problems == []
