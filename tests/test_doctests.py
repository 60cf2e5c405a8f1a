"""The examples in docstrings run, and every name of the public face has one."""

from __future__ import annotations

import doctest
import re
import shutil
from importlib import import_module
from pathlib import Path

import pytest

import tensorflow_free
from tensorflow_free.ops import additions

ROOT = Path(__file__).parent.parent
PUBLIC = sorted({*tensorflow_free.__all__} - {"__version__"})
FILES = [
    file
    for file in sorted((ROOT / "tensorflow_free").rglob("*.py"))
    if re.search(r"^ *>>> ", file.read_text(encoding="utf-8"), re.MULTILINE)
]
MODULES = [".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in FILES]


@pytest.fixture(autouse=True)
def _place(tmp_path, monkeypatch):
    """A folder with the recipe that the examples read, and with room for what they write; their ops go with them."""
    (tmp_path / "recipes").mkdir()
    for file in (ROOT / "recipes").glob("linear_autograd.*"):
        shutil.copy(file, tmp_path / "recipes")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(additions, "_ops", {})
    monkeypatch.setattr(additions, "_origins", {})


def examples_in(module):
    """The docstrings of a module that hold examples, those of what it defines included."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    return [one for one in finder.find(module, module.__name__, extraglobs={}) if one.examples]


def without_example(names, namespace):
    """The names whose docstrings hold no example."""
    parser = doctest.DocTestParser()
    return [name for name in names if not parser.get_examples(getattr(namespace, name).__doc__ or "")]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_give_what_they_say(name):
    told = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    found = examples_in(import_module(name))
    for one in found:
        runner.run(one, out=told.append)
    assert found
    assert runner.summarize(verbose=False).failed == 0, "".join(told)


def test_every_public_name_has_an_example():
    assert len(PUBLIC) >= 20
    assert without_example(PUBLIC, tensorflow_free) == []


def test_a_name_without_an_example_is_told():
    class Names:
        def bare():
            """Says nothing."""

        def shown():
            """One.

            Example:
                >>> 1
                1
            """

    assert without_example(["bare", "shown"], Names) == ["bare"]


def test_no_example_is_left_out():
    written = sum(len(re.findall(r"^ *>>> ", file.read_text(encoding="utf-8"), re.MULTILINE)) for file in FILES)
    run = sum(len(one.examples) for name in MODULES for one in examples_in(import_module(name)))
    assert run == written >= 60
