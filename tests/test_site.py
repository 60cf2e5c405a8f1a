"""The site of docs/: all pages are in it, no link leads nowhere, and it opens in a browser without asking for anything."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from tests.processes import succeeded
from tests.test_readme import ROOT

DOCS = ROOT / "docs"
LOOKED_AT = ("index.html", "tutorial.html", "recipe-format.html", "commands.html", "api.html", "judging.html", "sweeps.html")
PUBLIC = ("load_recipe", "run_recipe", "sweep_recipe", "register_op", "RecipeError")
OUTSIDE = re.compile(r'(?:src|href|action|data|srcset)="(?:https?:)?//(?!docs\.|github|hydra|www\.)[^"]*"')


def module_of(name):
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_commands_is_current():
    kept = (DOCS / "commands.md").read_text(encoding="utf-8")
    assert kept == module_of("write_commands").page(), "run `python docs/write_commands.py`"


def test_the_contents_have_each_page_once():
    pytest.importorskip("sphinx")
    listed = [page for part in module_of("conf").CONTENTS.values() for page in part]
    assert sorted([*listed, "index"]) == sorted(path.stem for path in DOCS.glob("*.md"))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built as CI builds it."""
    pytest.importorskip("sphinx", reason="the site is built by the extra `docs`")
    folder = tmp_path_factory.mktemp("site")
    succeeded(sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", DOCS, folder, cwd=ROOT)
    return folder


def test_each_public_name_is_in_the_api(site):
    text = (site / "api.html").read_text(encoding="utf-8")
    import tensorflow_free

    names = [name for name in tensorflow_free.__all__ if not name.startswith("_")]
    assert set(PUBLIC) <= set(names)
    assert [name for name in names if f'id="tensorflow_free.{name}"' not in text] == []


def test_a_section_has_the_anchor_that_it_has_on_github(site):
    assert 'id="must_run"' in (site / "recipe-format.html").read_text(encoding="utf-8")
    assert 'id="the-culprit"' in (site / "judging.html").read_text(encoding="utf-8")


def test_pages_and_their_pictures_open_from_disk_and_ask_for_nothing_else(site, browser):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    problems = []
    page.on("console", lambda said: problems.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda asked: problems.append(asked.url) if not asked.url.startswith(site.as_uri()) else None)
    for name in LOOKED_AT:
        page.goto((site / name).as_uri())
        assert page.locator("h1").first.is_visible()
        assert page.evaluate("() => [...document.images].filter((one) => !one.naturalWidth).map((one) => one.src)") == []
        assert (name, problems) == (name, [])
    context.close()
