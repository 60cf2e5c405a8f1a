"""The judge is watched: what it catches of a bench of faults, and which right cells it calls wrong, is held against a report."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterator

import pytest
import torch

from tensorflow_free import load_recipe, run_recipe
from tensorflow_free.cell.yardstick import KeptRuns
from tests.faults.bench.aten import result
from tests.faults.bench.badness import badness
from tests.faults.bench.catalogue import faults, right_cells, sampled
from tests.faults.bench.compilers import NAME, compiler
from tests.faults.bench.fault import Fault, Host, Target
from tests.faults.bench.kernels import kernel
from tests.faults.bench.manners import scaled
from tests.faults.bench.own_ops import value
from tests.faults.bench.report import REPORT, Change, Line, change, line_of, lines_in, text_of
from tests.faults.bench.trying import Bench, judged, put_in, true_runs

SAMPLE = {"faults": 40, "right": 16}
"""How many faults, and how many right cells, are tried where not all are."""

COUNT = 500
"""Faults that the bench must have that count."""

CAUGHT = Line("mlp float32 | op F.gelu a | zeros", "caught", "9e+06", "1e+05", named=True)

MLP, ROPE = Host("mlp", "", "float32"), Host("rope", "", "float32")


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> Iterator[None]:
    threads = torch.get_num_threads()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def report() -> dict:
    return lines_in(REPORT.read_text("utf-8"))


@pytest.fixture(scope="module")
def found(full: bool) -> list[Line]:
    wrong, right = list(faults()), list(right_cells())
    if not full:
        wrong, right = sampled(wrong, SAMPLE["faults"]), sampled(right, SAMPLE["right"])
    bench = Bench()
    return [line_of(bench.tried(one)) for one in (*wrong, *right)]


def test_no_fault_that_was_caught_escapes_now(found: list[Line], report: dict) -> None:
    assert change(report, found).lost == []


def test_no_right_cell_is_called_wrong_that_was_not(found: list[Line], report: dict) -> None:
    assert change(report, found).alarms == []


def test_the_report_is_what_a_run_finds(found: list[Line], report: dict) -> None:
    assert change(report, found).others == [], "python -m tests.faults.bench --write"


def test_the_report_has_all_faults_and_enough_of_them(report: dict) -> None:
    assert list(report) == [one.name for one in (*faults(), *right_cells())]
    counting = [one for one in report.values() if one.counts]
    assert len(counting) >= COUNT
    assert sum(one.kind == "compiler" for one in counting) >= len(counting) / 3


@pytest.mark.parametrize(("dtype", "share"), [("float32", 0.995), ("bfloat16", 0.97), ("float16", 0.97)])
def test_the_report_bears_out_what_the_readme_says(report: dict, dtype: str, share: float) -> None:
    lines = [one for one in report.values() if one.dtype == dtype]
    counting = [one for one in lines if one.counts]
    assert sum(one.verdict == "caught" for one in counting) >= share * len(counting)
    assert [one.name for one in lines if one.verdict == "red"] == []


# the measure, beside plain torch


def test_a_run_is_as_bad_as_its_errors_are_larger_than_those_of_eager_pytorch() -> None:
    eager, exact = true_runs(MLP)
    off = float((exact["a"] - eager["a"]).pow(2).mean().sqrt())
    wrong = Fault(MLP, Target("op", "F.gelu", "a"), "scaled", value(scaled(1.01)))
    with put_in(wrong) as overrides:
        run, _ = judged(MLP, overrides, KeptRuns())
    errors = float((run["a"] - exact["a"]).pow(2).mean().sqrt())
    assert badness(run, eager, exact).ratio >= errors / off > 8
    assert badness(eager, eager, exact).ratio <= 1


def test_where_eager_pytorch_is_exact_an_error_is_held_against_half_an_ulp() -> None:
    # adding 1 to 1 and 3 is exact; the root mean square of 2 and 4 is the root of 10
    runs = [run_recipe(load_recipe({"tensors": {"x": [1.0, 3.0]}, "steps": {"y": f"x + {one}"}})) for one in (1, 1.5)]
    half_an_ulp = 2.0**-24 * 10**0.5
    assert badness(runs[1], runs[0], runs[0]).ratio == pytest.approx(0.5 / half_an_ulp)


# the ways in


def test_a_wrong_kernel_is_wrong_in_its_dtype_alone_and_only_for_a_while() -> None:
    x = torch.tensor([0.5, 1.0])
    with kernel("exp.default", "float32", result(scaled(2.0))):
        assert torch.equal(x.exp(), 2 * x.double().exp().float())
        assert torch.equal(x.double().exp(), (x.double()).exp())
    assert torch.equal(x.exp(), x.double().exp().float())


def test_a_compiler_rewrites_one_node_of_the_graph_that_is_named() -> None:
    with compiler("cos.default", "forward", result(torch.zeros_like)) as rewriting:
        judged(ROPE, [f"backend={NAME}"], KeptRuns())
    assert rewriting.count == 1


def test_an_op_of_the_users_own_is_held_against_pytorchs() -> None:
    wrong = Fault(MLP, Target("op", "F.gelu", step="a"), "zeros", value(torch.zeros_like))
    tried = Bench().tried(wrong)
    assert (tried.verdict, tried.names_it, tried.where) == ("caught", True, "a forward")


def test_a_report_is_read_as_it_was_written() -> None:
    lines = [CAUGHT, dataclasses.replace(CAUGHT, name="rope bfloat16 | kernel cos.default | sign", verdict="escaped")]
    right = Line("mlp float32 | compiler none | right", "green", "", "0.7")
    assert list(lines_in(text_of([*lines, right])).values()) == [*lines, right]


def test_a_fault_that_escapes_now_and_a_right_cell_that_is_red_now_are_told() -> None:
    right = Line("mlp float32 | compiler none | right", "green", "", "0.7")
    report = lines_in(text_of([CAUGHT, right]))
    now = [dataclasses.replace(CAUGHT, verdict="escaped"), dataclasses.replace(right, verdict="red")]
    assert change(report, [CAUGHT, right]) == Change([], [], [])
    assert [len(one) for one in dataclasses.astuple(change(report, now))] == [1, 1, 0]
