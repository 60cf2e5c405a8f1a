"""Recipes with thousands of mistakes are refused as fast as small ones: what is not told is not worded."""

from __future__ import annotations

import difflib
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tensorflow_free import RecipeError, load_recipe
from tensorflow_free.errors import MOST_TOLD, Place, Problem
from tensorflow_free.form import _without

MANY = 1_000


@pytest.fixture
def likened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The words for which the nearest was looked for."""
    words: list[str] = []
    plain = difflib.get_close_matches

    def counted(word: str, *args: Any, **kwargs: Any) -> list[str]:
        words.append(word)
        return plain(word, *args, **kwargs)

    monkeypatch.setattr(difflib, "get_close_matches", counted)
    return words


def refused(recipe: dict[str, Any]) -> RecipeError:
    """What loading the recipe raises."""
    with pytest.raises(RecipeError) as error:
        load_recipe(recipe)
    return error.value


def steps(make: Callable[[int], Any]) -> dict[str, Any]:
    """A recipe of many steps."""
    return {"tensors": {"x": 1.0}, "steps": {f"s{number}": make(number) for number in range(MANY)}}


WRONG: dict[str, Callable[[int], Any]] = {
    "op": lambda number: {"op": f"matmull{number}", "args": ["x"]},
    "module": lambda number: {"op": f"linalgg{number}.relu", "args": ["x"]},
    "aten op": lambda number: {"op": f"aten.matmull{number}", "args": ["x"]},
    "one-line op": lambda number: f"matmull{number}(x)",
    "key": lambda number: {"op": "relu", "args": ["x"], f"kwarg{number}": {}},
}
"""One mistake a step."""


@pytest.mark.parametrize("mistake", WRONG)
def test_the_nearest_word_is_looked_for_where_it_is_told(mistake: str, likened: list[str]) -> None:
    error = refused(steps(WRONG[mistake]))
    assert len(error.problems) == MANY
    assert len({word for word in likened if any(letter.isdigit() for letter in word)}) <= 2 * MOST_TOLD


def test_the_text_tells_a_hundred_problems_and_how_many_more_there_are() -> None:
    error = refused(steps(WRONG["op"]))
    lines = str(error).split("\n")
    assert lines[0] == "steps.s0.op: 'matmull0' is not an op; did you mean 'matmul'?"
    assert lines[MOST_TOLD:] == [f"and {MANY - MOST_TOLD} more problems"]
    assert error.problems[-1].message == f"'matmull{MANY - 1}' is not an op; did you mean 'matmul'?"


@pytest.mark.parametrize("count", [MOST_TOLD, MOST_TOLD + 1])
def test_one_problem_more_is_told_and_not_counted(count: int) -> None:
    error = RecipeError([Problem(Place(str(number)), "wrong") for number in range(count)])
    assert str(error).split("\n") == [f"{number}: wrong" for number in range(count)]


def test_problems_are_alike_by_place_and_words_however_they_are_made() -> None:
    early, late = Problem(Place("x"), "wrong"), Problem(Place("x"), lambda: "wrong")
    assert len({early, late, Problem(Place("x"), "other"), Problem(Place("y"), "wrong")}) == 3
    assert pickle.loads(pickle.dumps(late)) == early


def test_what_is_wrong_with_the_form_is_taken_out_in_one_go() -> None:
    mapping = {"steps": {f"s{number}": {"op": [1]} for number in range(MANY)}, "tags": list(range(MANY))}
    paths = [("steps", f"s{number}", "op") for number in range(MANY)] + [
        ("tags", number) for number in range(0, MANY, 2)
    ]
    kept = _without(mapping, paths)
    assert kept == {"steps": {f"s{number}": {} for number in range(MANY)}, "tags": list(range(1, MANY, 2))}


@pytest.mark.parametrize("name", ["goods", "wrong"])
def test_a_mistake_in_each_of_many_steps_of_a_file_is_placed(name: str, tmp_path: Path) -> None:
    text = "tensors: {x: 1.0}\nsteps:\n" + "".join(f"  s{number}: {name}(x)\n" for number in range(MANY))
    (tmp_path / "many.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError) as error:
        load_recipe(tmp_path / "many.yaml")
    assert [one.place.line for one in error.value.problems] == list(range(3, MANY + 3))
