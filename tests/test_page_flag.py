"""`--page`: the page that a run or a sweep writes besides what it prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from tensorflow_free import cli
from tensorflow_free.sweep import pool
from tests.here import Here

RECIPE = "tensors: {x: {init: tensor, data: [1.0, 2.0], requires_grad: true}}\nsteps: {y: x.exp(), s: y.sum()}\nbackward: s\n"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pool, "CellWorker", Here)
    monkeypatch.setattr(pool, "cores", lambda: 1)
    Path("one.yaml").write_text(RECIPE)
    Path("two.yaml").write_text(RECIPE)


@pytest.fixture
def typed(capsys):
    def type_in(*words):
        return cli._guarded(cli.run_recipe_main, words), *capsys.readouterr()

    return type_in


def test_a_run_writes_its_page_and_says_where(typed):
    code, out, _ = typed("one.yaml", "--page", "p.html", "hydra.run.dir=ran")
    assert (code, out.splitlines()[-1]) == (0, "p.html")
    text = Path("p.html").read_text()
    assert '"kind":"run"' in text
    assert "recipe show ran" in text
    assert 'data-part="lesson"' in text


def test_a_run_that_is_not_saved_has_a_page_all_the_same(typed):
    assert typed("one.yaml", "--page", "p.html", "--no-save", "-q")[:2] == (0, "")
    assert 'data-part="run"' in Path("p.html").read_text()


def test_a_sweep_writes_its_page(typed):
    code, out, _ = typed("-m", "one.yaml", "dtype=float32,float64", "--page", "p.html")
    assert (code, out.splitlines()[-1]) == (0, "p.html")
    assert '"kind":"sweep"' in Path("p.html").read_text()


def test_the_page_of_a_sweep_knows_the_ops_that_are_named(typed):
    Path("ops.py").write_text("from pathlib import Path\nPath('loaded').write_text('')\n")
    assert typed("-m", "one.yaml", "--ops", "ops.py", "--page", "p.html", "-q")[0] == 0
    assert Path("loaded").exists()


def test_two_recipes_have_no_page_together(typed):
    code, _, err = typed("one.yaml", "two.yaml", "--page", "p.html")
    assert (code, err) == (2, "flag '--page': it is of one run, and 2 recipes are named; add -m, or name one\n")


def test_a_page_that_cannot_be_written_costs_the_exit_code_and_not_the_result(typed):
    code, out, err = typed("one.yaml", "--page", "one.yaml/p.html")
    assert code == 4
    assert "7.38906" in out
    assert err.startswith("'one.yaml/p.html' cannot be written: ")


def test_the_command_on_a_page_has_its_flags_and_ops(typed):
    Path("ops.py").write_text("")
    typed("one.yaml", "hydra.run.dir=ran", "-q")
    assert cli._guarded(cli.recipe_main, ("page", "ran", "--teach", "--ops", "ops.py", "-o", "p.html")) == 0
    assert '"command":"recipe page ran --teach --ops ops.py"' in Path("p.html").read_text()
