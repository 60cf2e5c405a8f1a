"""The cells of a sweep: every kind of axis that Hydra's grammar has, their order, and that none is made before its turn."""

from __future__ import annotations

import sys
import tracemalloc
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tensorflow_free.composition.compose import compose
from tensorflow_free.composition.grammar import written
from tensorflow_free.composition.override_texts import parse_axis, parse_override
from tensorflow_free.composition.overrides import texts_of
from tensorflow_free.errors import RecipeError
from tensorflow_free.sweep.axes import matrix_of
from tensorflow_free.sweep.cells import Cells, capability_of
from tensorflow_free.sweep.checking import checked

PLAIN = "params: {n: 1}\ntensors: {x: {init: ones, size: [2]}}\nsteps: {y: x * 2}\n"
CASES = (
    "cases:\n"
    "  small: {tensors: {x: 1.0}, steps: {y: x + 1}, params: {}}\n"
    "  big: {tensors: {x: 2.0}, steps: {y: x + 1}, settings: {cpu_capability: default}, params: {}}\n"
)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in {"plain.yaml": PLAIN, "cases.yaml": CASES, "other.yaml": PLAIN}.items():
        (tmp_path / name).write_text(text)


def cells(*words, files=("plain.yaml",)):
    return list(Cells(matrix_of(files, words)))


def values(word):
    return [dict(cell.axes)[word.partition("=")[0].lstrip("+")] for cell in cells(word)]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("seed=1,2", ["1", "2"]),
        ("dtype=choice(float32,float64)", ["float32", "float64"]),
        ("params.n=range(1,4)", ["1", "2", "3"]),
        ("params.n=range(0,1,0.25)", ["0.0", "0.25", "0.5", "0.75"]),
        ("dtype=glob(b*)", ["bfloat16"]),
        ("dtype=glob(*,exclude=float*)", ["bfloat16"]),
        ("params.n=sort(3,1,2)", ["1", "2", "3"]),
        ("params.n=sort(choice(1,3,2),reverse=true)", ["3", "2", "1"]),
        ("params.n=tag(t,choice(a,b))", ["a", "b"]),
        ("params.n=float(range(1,3))", ["1.0", "2.0"]),
        ("params.n=[1,2],[3]", ["[1,2]", "[3]"]),
        ("+params.m={a:1},{b:'x y'}", ["{a:1}", "{b:'x y'}"]),
        ("params.n='a,b',c", ["'a,b'", "c"]),
        ("params.n=null,true,.inf,-0.0", ["null", "true", ".inf", "-0.0"]),
        ("device=cuda:0,cpu", ["cuda:0", "cpu"]),
    ],
)
def test_an_axis_of_each_kind_of_the_grammar(word, expected):
    assert values(word) == expected


def test_a_shuffled_axis_has_all_its_values():
    assert sorted(values("params.n=shuffle(range(0,9))")) == [str(n) for n in range(9)]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("seed=interval(0,1)", "interval(0.0, 1.0) has infinitely many values; write range(0.0, 1.0, STEP)"),
        ("params.n=range(3,3)", "it gives no values"),
        ("params.n=choice()", "empty choice"),
        ("params.n=1e-5,choice(-1,3)", "one of its values is a choice, a range or a glob itself"),
        ("params.n=range(1,5,0)", "its values cannot be listed"),
        ("params.n=range(0,.inf,0.5)", "more than 1,000,000 values"),
        ("params.n=range(0,9999999999)", "more than 1,000,000 values"),
        ("dtype=glob(q*)", "it gives no values: nothing in the dtypes of a recipe fits"),
        ("device=glob(*)", "list the values: device=A,B"),
        ("case=glob(z*)", "it gives no values"),
        ("cases.big=glob(z*)", "list the values: cases.big=A,B"),
        ("~params.n=1,2", "write ~params.n"),
        ("seed=1,", "it does not parse"),
        ("sede=1,2", "'sede' is not a key of a recipe; did you mean 'seed'?"),
        ("recipe=plain,othr", "there is no recipe 'othr' in this folder; did you mean 'other'?"),
        ("recipe=glob(z*)", "it gives no values: nothing in the folder fits"),
        ("hydra@x=1,2", "config group"),
    ],
)
def test_an_axis_that_cannot_be_is_refused(word, said):
    with pytest.raises(RecipeError) as caught:
        cells(word)
    assert str(caught.value).startswith(f"override '{word}': ")
    assert said in str(caught.value)


def test_all_that_is_wrong_is_told_at_once():
    with pytest.raises(RecipeError) as caught:
        cells("sede=1,2", "dtype=glob(z)", "seed=1,2", "seed=3", files=["plain.yaml", "nowhere.yaml"])
    told = [str(problem) for problem in caught.value.problems]
    assert len(told) == 4
    assert any("'seed' varies and is given 2 times" in line for line in told)
    assert any("nowhere.yaml: there is no such file" in line for line in told)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("dtype=float32,flaot64", "override 'dtype=flaot64': dtype: 'flaot64'"),
        ("device=cpu,toaster", "override 'device=toaster': device: 'toaster' is not a device"),
        ("device=cpu,cuda:x", "override 'device=cuda:x': device: 'cuda:x' is not a device"),
        ("seed=0,-99999999999999999999", "override 'seed=-99999999999999999999': seed"),
        ("seed=range(0,99999999999999999999,50000000000000000000)", "override 'seed=50000000000000000000': seed"),
        ("case=big,bigg", "'bigg' is not a case of this recipe; did you mean 'big'?"),
        ("~params.q", "override '~params.q': 'params.q' is not there"),
    ],
)
def test_a_value_that_no_recipe_takes_is_refused_before_anything_runs(word, said):
    with pytest.raises(RecipeError, match=r"override|is not a case") as caught:
        checked(matrix_of(["cases.yaml"], [word]))
    assert said in str(caught.value)


def test_recipes_come_first_then_cases_then_axes_as_typed_and_the_last_is_fastest():
    found = cells("seed=1,2", "params.n=7,8", files=["cases.yaml", "plain.yaml"])
    assert [cell.number for cell in found] == list(range(12))
    assert [dict(cell.axes)["recipe"] for cell in found] == ["cases.yaml"] * 8 + ["plain.yaml"] * 4
    assert [texts_of(cell.overrides) for cell in found[:5]] == [
        ("case=small", "seed=1", "params.n=7"),
        ("case=small", "seed=1", "params.n=8"),
        ("case=small", "seed=2", "params.n=7"),
        ("case=small", "seed=2", "params.n=8"),
        ("case=big", "seed=1", "params.n=7"),
    ]
    assert "case" not in dict(found[-1].axes)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], ["small", "big"]),
        (["case=big"], ["big"]),
        (["case=big,small"], ["big", "small"]),
        (["case=glob(s*)"], ["small"]),
        (["cases.third={steps: {z: x * 3}, tensors: {x: 1.0}}"], ["small", "big", "third"]),
    ],
)
def test_a_sweep_takes_all_cases_unless_it_is_told_which(words, expected):
    found = cells(*words, files=["cases.yaml"])
    assert [compose(cell.recipe, cell.overrides).mapping["case"] for cell in found] == expected


def test_recipes_can_be_chosen_by_name_and_by_glob():
    assert [cell.recipe for cell in cells("recipe=plain,other")] == ["plain.yaml", "other.yaml"]
    assert {cell.recipe for cell in cells("recipe=glob(*)")} == {"plain.yaml", "other.yaml", "cases.yaml"}
    assert [cell.recipe for cell in cells("recipe=other")] == ["other.yaml"]


def test_what_does_not_vary_is_in_every_cell_in_the_order_in_which_it_was_typed():
    found = cells("params.n=3", "seed=1,2", "~steps.y", "steps.z=x + 1")
    assert [texts_of(cell.overrides) for cell in found] == [
        ("params.n=3", f"seed={seed}", "~steps.y", "steps.z=x + 1") for seed in (1, 2)
    ]
    assert [list(compose(cell.recipe, cell.overrides).mapping["steps"]) for cell in found] == [["z"], ["z"]]


def test_a_cell_by_its_number_is_the_cell_of_the_product():
    matrix = matrix_of(["cases.yaml", "plain.yaml"], ["seed=1,2,3", "params.n=range(5)", "dtype=float64"])
    axes = (["seed=1", "seed=2", "seed=3"], [f"params.n={n}" for n in range(5)], ["dtype=float64"])
    cases = [("cases.yaml", ("case=small",)), ("cases.yaml", ("case=big",)), ("plain.yaml", ())]
    made = [(cell.recipe, texts_of(cell.overrides)) for cell in Cells(matrix)]
    assert made == [(path, (*case, *texts)) for path, case in cases for texts in product(*axes)]
    assert len(made) == len(matrix) == 2 * 15 + 15
    with pytest.raises(IndexError):
        Cells(matrix)[45]


def test_every_value_of_every_axis_is_looked_at_once_and_not_every_cell():
    matrix = matrix_of(["cases.yaml"], ["params.n=1,2,3,4", "seed=range(100)", "dtype=float32,float64"])
    assert len(matrix) == 1600
    corners = list(matrix.corners())
    assert len(corners) == 2 + 3 + 1 + 1
    assert {one.text for _, overrides in corners for one in overrides} >= {"params.n=4", "seed=99", "dtype=float64"}


def test_the_capability_of_a_cell_is_that_of_its_overrides_or_of_its_file():
    found = cells("seed=1,2", "settings.cpu_capability=avx2", files=["cases.yaml"])
    assert {cell.capability for cell in found} == {"avx2"}
    assert [cell.capability for cell in cells(files=["cases.yaml"])] == [None, "default"]
    assert capability_of([parse_override("settings={cpu_capability: avx512, num_threads: 1}")]) == "avx512"


def test_one_cell_more_of_a_hundred_thousand_costs_what_it_costs_of_a_hundred():
    few, many = (Cells(matrix_of(["plain.yaml"], [f"seed=range({n})", "params.n=range(10)"])) for n in (10, 10_000))
    assert (len(few), len(many)) == (100, 100_000)

    assert calls(lambda: many[98_765]) == calls(lambda: few[98])


def calls(function):
    """How many calls a function makes, Python's and those of C."""
    made = []
    sys.setprofile(lambda _, event, about: made.append(about) if event in ("call", "c_call") else None)
    try:
        function()
    finally:
        sys.setprofile(None)
    return len(made)


def test_a_million_cells_take_no_memory_before_their_turn():
    matrix = matrix_of(["plain.yaml"], ["seed=range(1000)", "params.n=range(1000)"])
    tracemalloc.start()
    last = Cells(matrix)[999_999]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert texts_of(last.overrides) == ("seed=999", "params.n=999")
    assert peak < 100_000


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=8)
)
VALUES = st.recursive(
    SCALARS,
    lambda below: (
        st.lists(below, max_size=3) | st.dictionaries(st.from_regex(r"[a-z]{1,4}", fullmatch=True), below, max_size=3)
    ),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(VALUES, min_size=2, max_size=3))
def test_a_value_is_read_back_as_it_was_given_alone_and_in_a_sweep(given):
    assert [repr(parse_override(f"a={written(value)}").value) for value in given] == [repr(value) for value in given]
    found = parse_axis("a=" + ",".join(written(value) for value in given)).overrides
    assert [repr(one.value) for one in found] == [repr(value) for value in given]
    assert [repr(parse_override(one.text)) for one in found] == list(map(repr, found))
