"""Which step is named as the culprit is held against a report, for a bench of faults of which it is known where they are."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterator

import pytest
import torch

from tests.faults.bench.manners import ALL, scaled
from tests.faults.bench.own_ops import value
from tests.faults.placing import wrongs
from tests.faults.placing.catalogue import cells, sampled
from tests.faults.placing.placing import Bench, Culprit, Placed, round_of
from tests.faults.placing.plant import HOSTS, Cell, Host, Plant, spots_of
from tests.faults.placing.report import GOALS, REPORT, Line, changed, counting, line_of, lines_in, share, text_of

SAMPLE = 24
"""How many cells are tried where not all are."""

COUNT = 1000
"""Faults that the bench must have that count."""


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


def test_no_culprit_that_was_named_rightly_is_named_wrongly_now(full: bool, report: dict) -> None:
    bench, all_of_them = Bench(), cells()
    tried = all_of_them if full else sampled(all_of_them, SAMPLE)
    assert changed(report, [line_of(bench.tried(one)) for one in tried]) == [], "python -m tests.faults.placing --write"


def test_the_report_has_all_cells_and_enough_faults_of_each_part(report: dict) -> None:
    assert set(report) == {one.name for one in cells()}
    faults = {part: counting(report.values(), part) for part in GOALS}
    assert sum(map(len, faults.values())) - len(faults["right"]) >= COUNT
    assert all({one.dtype for one in mine} == set(ALL) for mine in faults.values())
    assert len(faults["right"]) >= 150


@pytest.mark.parametrize("part", GOALS)
def test_of_each_part_as_many_are_placed_as_are_to_be(report: dict, part: str) -> None:
    assert share(counting(report.values(), part)) >= GOALS[part]


def test_where_a_round_is_bad_and_where_two_steps_are_is_told(report: dict) -> None:
    for word in ("round", "both"):
        told = [one.more for one in report.values() if one.more.endswith(word)]
        assert told.count(word) >= 0.95 * len(told) > 0


# what the bench says is so


RNN = Host(HOSTS / "repeat" / "rnn.yaml", "float32")
SPOTS = {one.name: one for one in spots_of(RNN)}


def plant(step: str, rounds: tuple[int, ...] = ()) -> Plant:
    return Plant(SPOTS[step], "backward", "scaled", value(scaled(2.0)), rounds)


def test_a_fault_of_every_round_is_in_the_first_one_and_going_back_in_the_last() -> None:
    forward = dataclasses.replace(plant("zh"), direction="forward")
    found = [round_of(one, Cell("repeat", RNN, (one,))) for one in (forward, plant("zh"), plant("zh", (2,)))]
    assert found == [(1,), (5,), (2,)]


def test_a_fault_of_one_round_is_wrong_there_and_for_the_same_numbers_again() -> None:
    sometimes = wrongs.in_round(value(scaled(2.0)), (2,), (3,))
    found = [float(sometimes(torch.sin, torch.tensor(one))) for one in (0.5, 1.0, 1.5, 1.0, 0.5)]
    right = torch.tensor([0.5, 1.0, 1.5, 1.0, 0.5]).sin()
    assert found == (right * torch.tensor([1, 2, 1, 2, 1])).tolist()


def test_a_step_that_overwrites_an_operand_gives_the_right_value() -> None:
    x, y = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])
    assert wrongs.writes(1, scaled(2.0))(torch.mul, x, y).tolist() == [3.0, 8.0]
    assert (x.tolist(), y.tolist()) == ([1.0, 2.0], [6.0, 8.0])


def test_the_gradient_of_one_operand_is_wrong_also_where_it_is_changed_in_place() -> None:
    x, y = (torch.tensor([1.0, 3.0], requires_grad=True) for _ in range(2))
    for wrong, first in ((wrongs.gradient_of, x), (wrongs.gradient_in_place, x.clone())):
        true = torch.mul if wrong is wrongs.gradient_of else torch.Tensor.mul_
        found = torch.autograd.grad(wrong(1, scaled(2.0))(true, first, y).sum(), [x, y])
        assert [one.tolist() for one in found] == [[1.0, 3.0], [2.0, 6.0]]


def test_a_report_is_read_as_it_was_written() -> None:
    cell = Cell("repeat", RNN, (plant("zh", (2,)),))
    placed = Placed(cell, "right", by_round=False, culprits=(Culprit("zh", "backward", (3,)),))
    lines = [line_of(placed), Line("right: mlp float16 | pytorch", "right")]
    assert list(lines_in(text_of(lines)).values()) == lines
    assert str(lines[0]) == "right  not round repeat: rnn float32 | zh mm backward in round 2 scaled -> zh backward [3]"
    assert changed({lines[0].name: lines[0]}, [dataclasses.replace(lines[0], verdict="wrong")]) != []
