"""The benchmarks run, each with the smallest sizes; none fails on time."""

import math
import sys

import pytest

from benchmarks import goldens, table
from benchmarks.__main__ import main
from benchmarks.chains import chain, compiled_source, python_source
from benchmarks.figures import TINY, Figure, Side, excess, figure, ratio
from tensorflow_free import load_recipe, run_recipe

DEAR = {
    *("blame-memory", "golden-linear", "golden-pytest", "golden-named", "sweep-joblib", "sweep-two"),
    *("command-overrides", "command-hydra-dir", "gradient", "verify-one"),
}
"""Those that take longest even with the smallest sizes; each has a cheaper one of its kind beside it."""
BENCHMARKS = [
    pytest.param(one, id=one.name, marks=[pytest.mark.full] if one.name in DEAR else []) for one in table.BENCHMARKS
]


@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_benchmark_gives_a_figure(benchmark):
    if benchmark.name == "memory" and sys.platform != "linux":
        pytest.skip("the peak is read from Linux's /proc")
    found = benchmark.measure(TINY)
    assert math.isfinite(found.value)
    assert found.value > 0 or found.kind != "ratio"
    assert found.pairs == 1


def test_sides_are_run_in_turn_and_their_first_runs_are_not_counted():
    runs = []
    found = ratio(Side(lambda _: runs.append("A")), Side(lambda _: runs.append("B")), 3)
    assert runs == ["A", "B"] * 4
    assert found.pairs == 3


def test_cold_sides_are_run_once_a_pair():
    runs = []
    ratio(Side(lambda _: runs.append("A")), Side(lambda _: runs.append("B")), 1, warm=False)
    assert runs == ["A", "B"]


def test_what_prepares_a_run_is_not_timed():
    clock = iter(range(100))
    slow = Side(lambda _: None, prepare=lambda: [next(clock) for _ in range(10)], clock=lambda: next(clock))
    assert slow.seconds() == 1


def test_excess_is_a_difference_for_each_part():
    clock = iter([0, 5, 10, 11, 20, 25, 30, 31])
    nothing = Side(lambda _: None, clock=lambda: next(clock))
    assert excess(nothing, nothing, 1, "seconds", share=2).value == (5 - 1) / 2


def test_a_figure_is_the_median_with_its_quartiles():
    assert figure([4.0, 1.0, 2.0, 3.0, 100.0], "ratio") == Figure(3.0, 2.0, 4.0, "ratio", 5)


def test_the_chain_in_python_gives_every_value_of_the_recipe_bit_for_bit():
    result = run_recipe(load_recipe(chain(8, "all")))
    values = compiled_source(python_source(8, keep=True))(result["x"], result["w"])
    assert [result[f"s{index}"].item() for index in range(8)] == [value.item() for value in values]


@pytest.mark.parametrize("number", [0, 7, 123, 999])
def test_the_test_written_by_hand_has_the_numbers_of_the_recipe(number, tmp_path):
    (tmp_path / "recipe.yaml").write_text(goldens.recipe_text(number))
    result = run_recipe(load_recipe(tmp_path / "recipe.yaml"))
    written = goldens.test_body(number)
    assert len(result) == 16
    assert all(f"torch.tensor({result[name].tolist()}" in written for name in result)


def test_recipes_of_different_numbers_have_different_ops():
    assert len({tuple(goldens.ops_of(number)) for number in range(1000)}) == 1000


def test_the_page_tells_every_benchmark_once_and_whole_calls_first():
    told = table.in_order()
    assert sorted(one.name for one in told) == sorted(one.name for one in table.BENCHMARKS)
    assert len(told) == len({one.name for one in told})
    count = len([one for one in told if one.name in table.FIRST])
    assert all(one.name in table.FIRST for one in told[:count])


def test_a_row_that_is_over_its_limit_says_so():
    benchmark = table.BENCHMARKS[0]
    over, under = (figure([benchmark.limit * factor], "ratio") for factor in (2, 0.5))
    assert "**no**" in table.row(benchmark, over)
    assert "**no**" not in table.row(benchmark, under)


def test_the_table_is_written_between_its_marks_and_nothing_else_changes(tmp_path, monkeypatch):
    page = tmp_path / "performance.md"
    page.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n")
    monkeypatch.setattr(table, "PAGE", page)
    table.write("new")
    assert page.read_text() == f"before\n{table.BEGIN}\nnew\n{table.END}\nafter\n"


def test_rows_that_are_not_measured_stay_as_they_stand():
    one, other, *_ = table.in_order()
    before = table.table({each: figure([1.0, 2.0], "ratio") for each in (one, other)})
    after = table.table({one: figure([3.0, 3.0], "ratio")}, before)
    assert "3.00" in after.splitlines()[2]
    assert after.splitlines()[3] == before.splitlines()[3]


def test_only_the_named_benchmark_runs_and_the_page_stays(capsys, monkeypatch):
    monkeypatch.setattr("benchmarks.__main__.QUICK", TINY)
    before = table.PAGE.read_text()
    main(["--quick", "--only", "run-short"])
    named = next(one for one in table.BENCHMARKS if one.name == "run-short")
    assert capsys.readouterr().out.startswith(f"| {named.what} | {named.against} |")
    assert table.PAGE.read_text() == before


def test_the_page_has_every_row_and_names_the_peers():
    page = table.PAGE.read_text()
    assert [
        benchmark.name for benchmark in table.BENCHMARKS if f"| {benchmark.what} | {benchmark.against} |" not in page
    ] == []
    assert all(peer in page for peer in ("torch 2.", "libyaml 0.", "safetensors 0.", "PyYAML 6."))
