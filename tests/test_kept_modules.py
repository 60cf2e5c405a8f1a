"""A command looks for no garbage among the modules that it imports; what is made later is collected, and all ends."""

from __future__ import annotations

import gc
import sys
import weakref

import pytest

from tensorflow_free.process.kept_modules import modules_kept
from tests.processes import succeeded


class Node:
    """Something that may hold itself."""


@pytest.fixture(autouse=True)
def _unfrozen():
    yield
    gc.unfreeze()


def test_garbage_is_not_looked_for_while_modules_are_imported_and_is_later(monkeypatch):
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    with modules_kept():
        import colorsys  # noqa: F401

        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
    made = Node()
    made.itself, seen = made, weakref.ref(made)
    del made
    gc.collect()
    assert seen() is None


def test_where_nothing_is_imported_nothing_changes():
    before = gc.get_freeze_count()
    with pytest.raises(ValueError, match="refused"), modules_kept():
        raise ValueError("refused")
    assert gc.isenabled()
    assert gc.get_freeze_count() == before


def test_a_collector_that_was_off_stays_off():
    gc.disable()
    try:
        with modules_kept():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


ENDS = """
import atexit
file = open("kept.txt", "w")
file.write("whole")
atexit.register(print, "at exit")
class Last:
    def __del__(self): print("deleted")
last = Last()
def function(): return last
"""
"""A module that has something to do at the end; it refers to itself, as every module that has a function."""


def test_what_a_user_imports_after_the_modules_of_a_command_ends_as_ever(tmp_path):
    (tmp_path / "ends.py").write_text(ENDS)
    first = "import sys; sys.path.append('.')\nfrom tensorflow_free.process.kept_modules import modules_kept"
    code = f"{first}\nwith modules_kept(): import tensorflow_free.cli\nimport ends"
    assert succeeded(sys.executable, "-c", code, cwd=tmp_path).stdout.split("\n")[:2] == ["at exit", "deleted"]
    assert (tmp_path / "kept.txt").read_text() == "whole"
