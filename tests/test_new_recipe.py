"""`recipe new`: what it writes runs, nothing is written over, and the names that there are can be listed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tensorflow_free import cli, load_recipe, run_recipe
from tensorflow_free.commands.starters import completed_names
from tensorflow_free.completion.candidate import TypedLine
from tensorflow_free.completion.candidates import candidates

RECIPES = Path(__file__).parent.parent / "recipes"
STARTERS = ["attention", "conv", "linear", "mlp", "norm", "plain", "rope", "softmax", "training"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def typed(capsys):
    """Runs `recipe new` in this process: its exit code, standard output and standard error."""

    def type_in(*words):
        code = cli._guarded(cli.recipe_main, ("new", *words))
        return code, *capsys.readouterr()

    return type_in


def files():
    return sorted(str(path) for path in Path().rglob("*") if path.is_file())


def test_a_starter_is_written_under_its_name_with_what_to_type_next(typed):
    code, out, err = typed("linear")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "linear.yaml"
    assert out.splitlines()[-1] == "run it: run-recipe linear.yaml"
    assert Path("linear.yaml").read_bytes() == (RECIPES / "starters" / "linear.yaml").read_bytes()
    assert run_recipe(load_recipe("linear.yaml")).is_well


def test_the_starters_are_those_of_the_folder():
    assert sorted(path.stem for path in (RECIPES / "starters").glob("*.yaml")) == STARTERS


@pytest.mark.parametrize("name", STARTERS)
def test_each_starter_differentiates_and_expects_something(name):
    recipe = load_recipe(RECIPES / "starters" / f"{name}.yaml")
    assert recipe.expect
    assert "backward:" in (RECIPES / "starters" / f"{name}.yaml").read_text(encoding="utf-8") or name == "training"


def test_any_other_name_gives_the_plain_starter(typed):
    assert typed("my_kernel")[0] == 0
    assert Path("my_kernel.yaml").read_bytes() == (RECIPES / "starters" / "plain.yaml").read_bytes()


@pytest.mark.parametrize("name", ["linear2", "my_conv", "norm_of_mine"])
def test_a_name_of_ones_own_that_holds_a_starters_is_ones_own(typed, name):
    assert typed(name)[0] == 0
    assert files() == [f"{name}.yaml"]


def test_a_misspelt_name_writes_nothing_and_is_told_what_was_meant(typed):
    code, out, err = typed("atention")
    assert (code, out, files()) == (2, "", [])
    assert "did you mean 'attention'?" in err
    assert "recipe new plain -o atention.yaml" in err


@pytest.mark.parametrize("name", ["micrograd", "recipes/micrograd", "recipes/micrograd.yaml", "./micrograd.yaml"])
def test_any_recipe_that_comes_with_the_package_can_be_copied(typed, name):
    assert typed(name)[0] == 0
    assert Path("micrograd.yaml").read_bytes() == (RECIPES / "micrograd.yaml").read_bytes()


def test_a_starter_goes_before_a_recipe_of_its_name_and_the_other_has_its_folder(typed):
    typed("attention")
    typed("recipes/attention", "-o", "other.yaml")
    assert Path("attention.yaml").read_bytes() == (RECIPES / "starters" / "attention.yaml").read_bytes()
    assert Path("other.yaml").read_bytes() == (RECIPES / "attention.yaml").read_bytes()


def test_what_a_recipe_reads_is_written_beside_it(typed):
    assert typed("basics/creating", "-o", "sub/")[0] == 0
    assert files() == ["sub/creating.yaml", "sub/matrix.npy", "sub/pair.npz"]
    assert run_recipe(load_recipe("sub/creating.yaml")).is_well


def test_a_recipe_that_a_recipe_builds_upon_comes_along(typed):
    assert typed("linear_difference")[0] == 0
    assert files() == ["linear_autograd.yaml", "linear_difference.yaml"]
    assert run_recipe(load_recipe("linear_difference.yaml")).is_well


def test_a_file_that_is_there_is_not_written_over(typed):
    Path("linear.yaml").write_text("mine", encoding="utf-8")
    code, out, err = typed("linear")
    assert (code, out) == (2, "")
    assert "linear.yaml: it is there already, and is not written over" in err
    assert Path("linear.yaml").read_text(encoding="utf-8") == "mine"


def test_where_one_file_is_in_the_way_none_is_written(typed):
    Path("pair.npz").write_bytes(b"mine")
    assert typed("creating")[0] == 2
    assert files() == ["pair.npz"]
    assert Path("pair.npz").read_bytes() == b"mine"


def test_data_that_is_there_with_the_same_content_is_not_in_the_way(typed):
    typed("creating")
    assert typed("creating", "-o", "again.yaml")[0] == 0
    assert files() == ["again.yaml", "creating.yaml", "matrix.npy", "pair.npz"]


def test_a_file_of_another_kind_is_refused(typed):
    code, _, err = typed("linear", "-o", "linear.txt")
    assert (code, files()) == (2, [])
    assert "'linear.txt' is neither a folder nor a file that ends in .yaml" in err


@pytest.mark.parametrize("name", ["a/b", "../x", ".hidden", "a\nb"])
def test_what_cannot_be_a_recipes_name_is_refused(typed, name):
    code, out, err = typed(name)
    assert (code, out, files()) == (2, "", [])
    assert "is no recipe that comes with this package" in err


def test_the_list_has_the_starters_first_and_every_other_recipe(typed):
    code, out, _ = typed("--list")
    assert code == 0
    titles = [out.index(f"\n{name} ") for name in ("linear", "softmax", "recipes/micrograd", "recipes/basics/views")]
    assert titles == sorted(titles)
    listed = json.loads(typed("--list", "--json")[1])
    assert [one["name"] for one in listed if one["starter"]] == STARTERS
    assert len(listed) == len(list(RECIPES.rglob("*.yaml")))
    assert len({one["name"] for one in listed}) == len(listed)


def test_as_json_it_tells_the_files_and_the_next_command(typed):
    told = json.loads(typed("creating", "--json")[1])
    assert told == {
        "recipe": "creating.yaml",
        "files": ["creating.yaml", "matrix.npy", "pair.npz"],
        "next": "run-recipe creating.yaml",
    }


def test_names_are_completed_with_what_they_show():
    assert dict(completed_names("lin")).keys() == {"linear"}
    assert "linear layer" in dict(completed_names("lin"))["linear"]


def test_the_shell_offers_them_behind_recipe_new():
    found = {one.word for one in candidates(TypedLine("recipe", ("new",), "rop"))}
    assert found == {"rope"}
