"""What is built of this repository: which files a wheel and a source distribution have, and what they say of themselves."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder
from trove_classifiers import classifiers

from tensorflow_free.files import shipped
from tensorflow_free.version import VERSION

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SHIPPED = "tensorflow_free/shipped"


def files_of(builder) -> set[str]:
    return {file.distribution_path for file in builder.recurse_included_files()}


@pytest.fixture(scope="module")
def wheel():
    return files_of(WheelBuilder(str(ROOT)))


@pytest.fixture(scope="module")
def sdist():
    return files_of(SdistBuilder(str(ROOT)))


@pytest.fixture(scope="module")
def metadata():
    """What the wheel says of the project, as a package index reads it."""
    return WheelBuilder(str(ROOT)).metadata.core


def below(folder: str, *endings: str) -> set[str]:
    """Files of the repository by their paths in it, without goldens."""
    found = (file for ending in endings for file in (ROOT / folder).rglob(f"*{ending}") if ".golden." not in file.name)
    return {file.relative_to(ROOT).as_posix() for file in found}


def test_the_wheel_has_every_recipe_and_what_they_read_and_no_golden(wheel):
    expected = {f"{SHIPPED}/{name}" for name in below("recipes", ".yaml", ".npy", ".npz")}
    assert len(expected) > 60
    assert {name for name in wheel if name.startswith(f"{SHIPPED}/recipes/")} == expected


def test_the_wheel_has_every_page_of_the_documentation(wheel):
    pages = {f"{SHIPPED}/{name}" for name in below("docs", ".md", ".schema.json", ".svg")}
    assert f"{SHIPPED}/docs/recipe-format.md" in pages
    assert {name for name in wheel if name.startswith(f"{SHIPPED}/docs/")} == pages


def test_the_wheel_has_the_package_and_hydras_plugins_and_nothing_else(wheel):
    sources = below("tensorflow_free", ".py", ".js", ".css", ".md", "py.typed") | below("hydra_plugins", ".py")
    assert "tensorflow_free/py.typed" in sources
    assert {name for name in wheel if not name.startswith(SHIPPED)} == sources


def test_the_source_distribution_has_what_it_takes_to_build_to_test_and_to_read(sdist):
    wanted = {"README.md", "CHANGELOG.md", "CITATION.cff", "constraints.txt", ".ci/package", ".importlinter"}
    assert wanted <= sdist
    assert below("tests", ".py", ".yaml") | below("docs", ".md", ".png") | below("examples", ".py") <= sdist
    assert "recipes/linear_autograd.golden.json" in sdist


def test_the_source_distribution_has_nothing_that_is_made(sdist):
    made = re.compile(r"(^|/)(outputs|multirun|dist|\.venv[^/]*|__pycache__|\.\w+_cache|\.screenshots)/")
    assert [name for name in sdist if made.search(name)] == []
    folders = {name.partition("/")[0] for name in sdist if "/" in name}
    code = {"tensorflow_free", "hydra_plugins", "tests", "benchmarks", ".ci"}
    assert folders == code | {"recipes", "docs", "examples"}


def test_in_a_wheel_what_is_shipped_lies_inside_the_package(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "_IN_WHEEL", tmp_path)
    (tmp_path / "docs").mkdir()
    assert shipped.shipped("docs") == tmp_path / "docs"
    assert shipped.shipped("recipes") == ROOT / "recipes"


def test_on_a_package_index_the_readme_has_no_link_that_leads_nowhere(metadata):
    links = re.findall(r"\]\(([^)\s]+)\)", metadata.readme)
    assert [link for link in links if not link.startswith("https://")] == []
    assert "![" not in metadata.readme
    assert "run-recipe" in metadata.readme


def test_the_version_and_the_title_to_cite_are_those_of_the_package():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (cited["title"], cited["version"], cited["license"]) == (PROJECT["name"], VERSION, PROJECT["license"])
    assert f"## {VERSION}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_authors_to_cite_are_those_of_the_licence():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    [author] = cited["authors"]
    assert f"Copyright (c) 2026 {author['name']}" in (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_every_classifier_is_one_of_the_indexs():
    assert set(PROJECT["classifiers"]) <= set(classifiers)
