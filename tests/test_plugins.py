"""What packages offer by entry points: loaded once, and what fails is told with its place."""

from __future__ import annotations

import sys

import pytest

from tensorflow_free import RecipeError, plugins


@pytest.fixture
def offered(tmp_path, monkeypatch):
    """Installs a package of these entry points of vendors, with this code; gives what its code counts."""

    def install(points: str, code: str) -> None:
        info = tmp_path / "a_chip-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: a-chip\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{plugins.PLUGINS}]\n{points}\n")
        (tmp_path / "a_chip.py").write_text(code)

    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(plugins, "_loaded", set())
    yield install
    sys.modules.pop("a_chip", None)


def test_a_function_is_called_once_and_a_module_imported(offered):
    offered("chip = a_chip:extend\nwhole = a_chip", "called = []\ndef extend():\n    called.append(1)\n")
    plugins.load_plugins()
    plugins.load_plugins()
    assert sys.modules["a_chip"].called == [1]


def test_all_that_fail_are_told_with_their_entry_points(offered):
    offered("chip = a_chip:extend\nother = a_chip:no_such", "def extend():\n    raise ValueError('no chip')\n")
    with pytest.raises(RecipeError) as told:
        plugins.load_plugins()
    first, second = str(told.value).splitlines()
    assert first == "entry point 'chip' of group 'tensorflow_free.plugins': 'a_chip:extend': ValueError: no chip"
    assert second.startswith("entry point 'other' of group 'tensorflow_free.plugins': 'a_chip:no_such': AttributeError")
