"""The table of keys: what the models, the documentation and the help know of a key is what stands in its row."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tensorflow_free import RecipeError, load_recipe
from tensorflow_free.commands.run_flags import run_parser
from tensorflow_free.composition.compose import compose
from tensorflow_free.golden.digest import digest_of
from tensorflow_free.golden.verifying import verify
from tensorflow_free.judging import probes
from tensorflow_free.recipe.init_kinds import INIT_KINDS
from tensorflow_free.recipe.keys import (
    CELL,
    DEFAULTS,
    EXPECTATION_KEYS,
    KEYS,
    KINDS,
    NAMED,
    STEP_KEYS,
    USUAL_REFERENCE,
    Key,
    defaults,
)
from tensorflow_free.recipe.models import Expectation, Model, Recipe, Step, written_keys

PAGE = Path(__file__).parent.parent / "docs" / "recipe-format.md"

EXAMPLES: dict[str, Any] = {
    "description": "in words", "tags": ["small"], "source": "a book", "device": "meta", "dtype": "float64", "seed": 3,
    "backend": "aot_eager", "settings": {"num_threads": 1}, "params": {"n": 2}, "cases": {"other": {"seed": 1}},
    "case": "big", "tensors": {"v": 2.0}, "steps": {"z": "x * 3"}, "backward": "y", "forward": True, "checks": {"same": "y == x * 2"},
    "expect": {"y": 2.0}, "starts": "kept", "tolerance": {"rtol": 0.5, "atol": 0}, "relations": {"repeat": 2}, "judge": {"k": 12.0}, "record": "outputs", "repeats": 2, "must_run": "all", "input_precision": "bfloat16",
    "reference": {"dtype": "float32"}, "xfail": [{"reason": "known"}], "ops": ["sub"], "defaults": ["_self_"],
}  # fmt: skip
"""Another value of each key than it has by default."""

RECIPE = "tensors: {x: {data: 1.0, requires_grad: true}}\nsteps: {y: x * 2}\ncases: {big: {params: {m: 1}}}\n"


def rows(page: str) -> list[tuple[str, str, str]]:
    """The rows of the page's table of keys: name, default, words."""
    table = page.partition("| key | default | what it says |\n| --- | --- | --- |\n")[2].partition("\n\n")[0]
    return [
        (name, default, says)
        for line in table.splitlines()
        for name, default, says in re.findall(r"^\| \[?`(\w+)`(?:\]\([^)]*\))? \| (.*) \| (.*) \|$", line)
    ]


def usual(key: Key) -> str:
    """A default as the page shows it."""
    words = (
        {None: "none", (): "`[]`"}.get(key.default) if not isinstance(key.default, dict | type(DEFAULTS)) else "`{}`"
    )
    return key.usual or words or f"`{key.default}`"


def written(tmp_path: Path, **keys: Any) -> Path:
    """A small recipe with other values of some keys."""
    path = tmp_path / "r.yaml"
    path.write_text(RECIPE)
    composed = compose(path).mapping
    from tensorflow_free.composition.writer import dump_yaml

    merged = {
        key: {**composed.get(key, {}), **value} if isinstance(value, dict) else value for key, value in keys.items()
    }
    path.write_text(dump_yaml({**composed, **merged}))
    return path


@pytest.mark.parametrize(
    ("model", "table"),
    [
        (Recipe, set(KEYS) - {"defaults"}),
        (Step, set(STEP_KEYS)),
        (Expectation, EXPECTATION_KEYS),
    ],
    ids=lambda one: one.__name__ if isinstance(one, type) else "",
)
def test_a_key_of_the_table_is_a_field_of_the_model_and_the_other_way_round(
    model: type[Model], table: set[str]
) -> None:
    fields = set(written_keys(model))
    assert table - fields == set(), "keys that the model has no field of"
    assert fields - table == set(), "fields that the table has no row of"


def test_a_default_of_the_table_is_that_of_the_model() -> None:
    for key, value in defaults().items():
        assert getattr(Recipe.model_validate({key: value}), key) == getattr(Recipe(), key), key


def test_the_table_of_the_page_has_a_row_for_each_key() -> None:
    assert {name: (default, says) for name, default, says in rows(PAGE.read_text())} == {
        key.name: (usual(key), key.says) for key in KEYS.values()
    }
    assert len(rows(PAGE.read_text())) == len(KEYS) > 20


def test_the_table_of_the_page_has_each_init_once_with_what_it_needs() -> None:
    table = (
        PAGE.read_text().partition("| init | parameters | an example |\n| --- | --- | --- |\n")[2].partition("\n\n")[0]
    )
    found = [(re.findall(r"`(\w+)`", line.split(" | ")[0]), line) for line in table.splitlines()]
    assert sorted(name for names, _ in found for name in names) == sorted(INIT_KINDS)
    for names, line in found:
        for name in names:
            assert all(f"`{key}`" in line for key in INIT_KINDS[name].required if "those of the plain" not in line), (
                name
            )


def test_the_help_says_of_each_key_what_the_table_says() -> None:
    lines = [line.split(maxsplit=1) for line in run_parser().format_help().splitlines() if line.strip()]
    for key in KEYS.values():
        assert [key.name, key.says.replace("`", "")] in lines, key.name


def test_each_key_has_an_example_here() -> None:
    assert set(EXAMPLES) == set(KEYS)


@pytest.mark.parametrize("key", [key for key in KEYS if key not in ("defaults", "case")])
def test_a_digest_changes_with_a_key_that_counts_and_with_no_other(tmp_path: Path, key: str) -> None:
    plain = digest_of(written(tmp_path))
    assert (digest_of(written(tmp_path, **{key: EXAMPLES[key]})) != plain) == KEYS[key].counts


@pytest.mark.parametrize("key", list(KEYS))
def test_a_case_holds_a_key_that_it_may_hold_and_no_other(tmp_path: Path, key: str) -> None:
    path = written(tmp_path, cases={"big": {key: EXAMPLES[key]}})
    if KEYS[key].in_case:
        assert compose(path, ["case=big"]).mapping[key] is not None
    else:
        with pytest.raises(RecipeError, match="a case cannot hold this key"):
            compose(path, ["case=big"])


@pytest.mark.parametrize("key", [key for key in DEFAULTS if key != "case"])
def test_a_golden_is_verified_with_another_value_of_a_key_that_may_vary_and_of_no_other(
    tmp_path: Path, key: str
) -> None:
    # without the key `backward`, it is the recipe forward only
    verifying = verify(written(tmp_path), [f"++{key}={'x' if key == 'backward' else 'null'}"])
    if KEYS[key].varies:
        assert next(verifying).outcome in ("missing", "refused")
    else:
        with pytest.raises(RecipeError, match="it changes the recipe"):
            next(verifying)


def test_a_digest_tells_the_order_of_names_and_of_nothing_else(tmp_path: Path) -> None:
    for key, one, other in (("tensors", 1.0, 2.0), ("steps", "x + 1", "x + 2"), ("params", 1, 2), ("expect", 1.0, 1.0)):
        forth, back = (
            digest_of(written(tmp_path, **{key: names}))
            for names in ({"one": one, "other": other}, {"other": other, "one": one})
        )
        assert (forth != back) == (key in NAMED), key


def test_every_kind_of_expectation_is_judged() -> None:
    assert set(probes.PROBES) == set(KINDS)


def test_a_cell_and_a_reference_are_named_by_the_same_keys() -> None:
    assert set(CELL) == set(USUAL_REFERENCE)


def test_an_unknown_key_is_told_with_those_of_the_table() -> None:
    with pytest.raises(RecipeError, match=f"'zzz' is not a key of a recipe; it is one of {', '.join(KEYS)}"):
        load_recipe({"zzz": 1})
