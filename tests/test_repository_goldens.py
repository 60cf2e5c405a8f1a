"""The goldens of this repository's own recipes: all there, none stale, and clean in the recipe's own dtype and float64."""

from pathlib import Path

import pytest

from tensorflow_free.golden.verifying import verify

RECIPES = Path(__file__).parent.parent / "recipes"
FILES = sorted(RECIPES.rglob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(RECIPES)))
def test_a_recipe_is_what_it_was_when_it_was_recorded(path):
    for overrides in ((), ("dtype=float64",)):
        found = list(verify(path, overrides))
        assert found
        assert [(one.case, one.outcome, one.reason) for one in found if not one.is_well] == []


def test_every_golden_is_of_a_recipe():
    stems = {path.with_suffix("") for path in FILES}
    goldens = list(RECIPES.rglob("*.golden.json"))
    assert len(goldens) == len(FILES)
    assert [path for path in goldens if Path(str(path).removesuffix(".golden.json")) not in stems] == []
