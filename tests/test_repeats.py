"""`repeats`: a cell runs again on the same numbers, and its runs are compared bit for bit."""

from __future__ import annotations

import json
import math
import weakref
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tensorflow_free import assert_recipe, load_recipe, read_result, register_op, run_recipe
from tensorflow_free.cli import recipe_main, run_recipe_main
from tensorflow_free.composition.override_texts import as_override
from tensorflow_free.errors import RecipeError
from tensorflow_free.judging.repeats import Repeating, difference_of
from tensorflow_free.loading import plan_of
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.process.limits import TimedOut
from tensorflow_free.runner import run, run_repeatedly
from tensorflow_free.sweep.cells import Cell
from tensorflow_free.sweep.trial import Trial

pytest_plugins = ["pytester"]

NEXT = torch.nextafter(torch.tensor(2.0), torch.tensor(math.inf))

OPS = """
import torch
from tensorflow_free import register_op

calls = {"late": 0, "copy": 0, "bit": 0, "back": 0, "stops": 0}

def count(name):
    calls[name] += 1
    return calls[name]

@register_op("p.late")
def late(x: torch.Tensor) -> torch.Tensor:
    return x * 2 if count("late") % 3 == 1 else x * 3

@register_op("p.copy")
def copy(x: torch.Tensor) -> torch.Tensor:
    return x + (0 if count("copy") % 3 == 1 else 1)

@register_op("p.bit")
def bit(x: torch.Tensor) -> torch.Tensor:
    y = x * 2
    if count("bit") % 3 == 2:
        y.detach()[1] = torch.nextafter(y.detach()[1], torch.tensor(torch.inf))
    return y

class Back(torch.autograd.Function):
    forward = staticmethod(lambda ctx, x: x * 2)
    backward = staticmethod(lambda ctx, g: g * (2 if count("back") % 3 == 1 else 3))

@register_op("p.back")
def back(x: torch.Tensor) -> torch.Tensor:
    return Back.apply(x)

@register_op("p.stops")
def stops(x: torch.Tensor) -> torch.Tensor:
    if count("stops") % 3 == 2:
        raise RuntimeError("a race")
    return x * 2
"""


@pytest.fixture(scope="module")
def registered() -> dict[str, int]:
    """How often each op of one's own that has state was called."""
    names: dict[str, dict[str, int]] = {}
    exec(compile(OPS, "ops.py", "exec"), names)
    return names["calls"]


@pytest.fixture
def calls(registered) -> dict[str, int]:
    """The same, none of them called yet."""
    registered.update(dict.fromkeys(registered, 0))
    return registered


def recipe(op: str, **more: object) -> dict[str, object]:
    """A chain with an op of one's own that doubles, but for its fault."""
    return {
        "repeats": 3,
        "tensors": {"x": {"data": [0.5, 1.0, 2.0], "requires_grad": True}},
        "steps": {"h": "x + 0", "y": {"op": op, "args": ["h"]}, "z": "y.sum()"},
        "backward": "z",
        "reference": {"steps.y": "h * 2"},
        **more,
    }


def written(folder: Path, op: str, **more: object) -> str:
    """The file of that recipe."""
    path = folder / f"{op}.yaml"
    path.write_text(json.dumps(recipe(op, **more)))
    return str(path)


def row(folder: Path, op: str, *overrides: str, **more: object):
    """What a sweep has of the cell."""
    return Trial(folder).row(Cell(0, written(folder, op, **more), tuple(map(as_override, overrides)), folder="0"))


def test_runs_that_give_the_same_bits_hold():
    result = run_recipe(load_recipe(recipe("mul", steps={"z": "(x * 2).dropout(0.5, train=True).sum()"})))
    (verdict,) = result.expectations
    assert (verdict.path, verdict.outcome, verdict.asks) == ("repeats", "holds", "the same bits in 3 runs")
    assert result.is_well


@pytest.mark.usefixtures("calls")
def test_one_run_is_all_there_is_without_the_key():
    assert run_recipe(load_recipe(recipe("p.late", repeats=1))).expectations == []


@pytest.mark.usefixtures("calls")
def test_the_last_bit_of_one_element_is_told_with_its_run_and_its_ulps():
    result = run_recipe(load_recipe(recipe("p.bit")))
    (verdict,) = result.expectations
    apart = verdict.cause
    assert (verdict.outcome, apart.value, apart.step, apart.op) == ("nondeterministic", "y", "y", "p.bit")
    assert (apart.run, apart.ran, apart.differ, apart.shown) == (2, 3, 1, 1)
    assert (apart.cause.count, apart.cause.elements, apart.cause.at, apart.cause.ulp) == (1, 3, (1,), 1)
    assert (apart.cause.wanted, float(apart.cause.found)) == ("2", pytest.approx(NEXT.item(), rel=1e-8))
    assert torch.equal(result["y"], torch.tensor([1.0, 2.0, 4.0]))
    assert not result.is_well


@pytest.mark.usefixtures("calls")
def test_what_differs_backward_alone_is_told_as_a_gradient():
    (verdict,) = run_recipe(load_recipe(recipe("p.back"))).expectations
    apart = verdict.cause
    assert (apart.value, apart.direction, apart.through) == ("h.grad", "backward", ("y",))
    assert "forward, all bits are the same" in verdict.message


@pytest.mark.usefixtures("calls")
def test_right_the_first_time_and_wrong_the_second_is_a_mismatch_of_run_2(tmp_path):
    found = row(tmp_path, "p.late")
    assert (found.outcome, found.place) == ("mismatch", "y (p.late, forward)")
    assert "run 2 differs from run 1" in found.reason
    assert "run 1 is not wrong; the values told are those of run 2" in found.reason
    assert read_result(tmp_path / "0")["y"].tolist() == [1.5, 3.0, 6.0]


@pytest.mark.usefixtures("calls")
def test_a_run_that_is_right_and_not_the_same_is_nondeterministic_in_its_row(tmp_path):
    found = row(tmp_path, "p.bit")
    assert (found.outcome, found.code(), found.place) == ("nondeterministic", 1, "y (p.bit, forward)")
    assert read_result(tmp_path / "0").expectations[0].outcome == Outcome.NONDETERMINISTIC


@pytest.mark.usefixtures("calls")
def test_a_gradient_that_goes_wrong_in_a_later_run_is_a_mismatch(tmp_path):
    found = row(tmp_path, "p.back", "dtype=float64")
    assert (found.outcome, found.where.direction, found.where.value) == ("mismatch", "backward", "h.grad")


@pytest.mark.usefixtures("calls")
def test_a_step_that_stops_in_a_later_run_fails_the_cell(tmp_path):
    found = row(tmp_path, "p.stops")
    assert (found.outcome, found.code()) == ("failed", 3)
    assert "a race" in found.reason
    assert "y: run 2 differs from run 1" in found.reason


@pytest.mark.usefixtures("calls")
def test_an_expectation_that_a_later_run_does_not_meet_fails_before_the_bits():
    result = run_recipe(load_recipe(recipe("p.late", expect={"y": [1.0, 2.0, 4.0]})))
    assert [one.outcome for one in result.expectations] == ["nondeterministic", "fails"]
    assert result["y"].tolist() == [1.5, 3.0, 6.0]


@pytest.mark.usefixtures("calls")
@pytest.mark.parametrize(
    ("keys", "outcome"), [(["y"], "known fault"), (None, "known fault"), (["z"], "nondeterministic")]
)
def test_a_mark_on_the_first_value_that_differs_makes_it_known(tmp_path, keys, outcome):
    mark = {"reason": "a race in the kernel", **({"keys": keys} if keys else {})}
    assert row(tmp_path, "p.bit", xfail=[mark]).outcome == outcome


@pytest.mark.usefixtures("calls")
def test_where_the_first_run_is_wrong_it_is_told_and_no_more_run_than_show_that_they_differ():
    result = run_recipe(load_recipe(recipe("p.late", repeats=5, expect={"y": [1.0, 2.0, 5.0]})))
    apart = result.expectations[0].cause
    assert (apart.run, apart.ran, apart.shown) == (2, 2, 1)
    assert result["y"].tolist() == [1.0, 2.0, 4.0]
    assert [one.outcome for one in result.expectations] == ["nondeterministic", "fails"]


def test_a_buffer_that_is_handed_out_again_does_not_hide_what_the_first_run_gave():
    buffer = torch.zeros(3)
    state = {"n": 0}

    @register_op("p.buffer")
    def reuse(x: torch.Tensor) -> torch.Tensor:
        state["n"] += 1
        return buffer.copy_(x.detach() * state["n"])

    plain = {"repeats": 2, "tensors": {"x": [1.0, 2.0, 3.0]}, "steps": {"y": "p.buffer(x)"}}
    result = run_recipe(load_recipe(plain))
    assert result["y"].tolist() == [1.0, 2.0, 3.0]
    assert result.expectations[0].cause.cause.count == 3


def test_a_run_whose_numbers_are_the_same_is_judged_by_what_is_expected_of_its_strides():
    state = {"n": 0}

    @register_op("p.turns")
    def turns(x: torch.Tensor) -> torch.Tensor:
        state["n"] += 1
        return x + 0 if state["n"] == 1 else x.T.contiguous().T

    plain = {"repeats": 2, "tensors": {"x": [[1.0, 2.0], [3.0, 4.0]]}, "steps": {"y": "p.turns(x)"}}
    result = run_recipe(load_recipe({**plain, "expect": {"y": {"stride": [2, 1]}}}))
    assert [one.outcome for one in result.expectations] == ["holds", "fails"]


def test_no_run_is_kept_while_the_next_one_runs_but_a_copy_of_the_first():
    plan, made = plan_of(load_recipe({"repeats": 4, "tensors": {"x": 1.0}, "steps": {"y": "x * 2"}})), []

    def runs():
        for _ in range(4):
            assert [one for one in made if one() is not None] == []
            found = run(plan)
            made.append(weakref.ref(found[0]))
            yield found
            del found

    result, _ = Repeating(4, runs(), lambda result: not result.is_well).told()
    assert (len(made), [one.outcome for one in result.expectations]) == (4, ["holds"])


def test_a_run_that_a_limit_ended_is_told_and_says_nothing_of_the_bits():
    @register_op("p.late_limit")
    def late(x: torch.Tensor) -> torch.Tensor:
        state["n"] += 1
        if state["n"] == 2:
            raise TimedOut("it took longer than 1 s")
        return x + 0

    state = {"n": 0}
    plan = plan_of(load_recipe({"repeats": 3, "tensors": {"x": 1.0}, "steps": {"y": "p.late_limit(x)"}}))
    result, _ = run_repeatedly(plan)
    assert (result.error.code, state["n"]) == ("timed out", 2)
    assert [(one.outcome, one.message) for one in result.expectations] == [
        ("not judged", "it cannot be judged: run 2 was ended: timed out")
    ]


def test_a_compiled_cell_is_compiled_once_and_called_again(tmp_path):
    compiled = []

    def forgetful(module, inputs):
        compiled.append(0)

        def run(*args):
            compiled[-1] += 1
            return tuple(one * compiled[-1] for one in module(*args))

        return run

    torch._dynamo.register_backend(forgetful, "forgetful")
    try:
        steps = {"h": "x + 0", "y": "h * 2", "z": "y.sum()"}
        found = row(tmp_path, "mul", "backend=forgetful", steps=steps)
    finally:
        torch._dynamo.backends.registry._BACKENDS.pop("forgetful")
    # what is compiled after it looks for the culprit
    assert compiled[0] == 2
    assert (found.outcome, "run 2 differs from run 1" in found.reason) == ("mismatch", True)


def test_starting_tensors_that_steps_change_are_made_again():
    changing = {"repeats": 3, "tensors": {"x": {"init": "randn", "size": [4]}}, "steps": {"y": "x.mul_(2)"}}
    assert run_recipe(load_recipe(changing)).is_well


QUIET_NAN, OTHER_NAN = (torch.tensor([0x7FC00000 + payload], dtype=torch.int32) for payload in (0, 1))

BYTES = (torch.tensor(1, dtype=torch.uint8), torch.tensor(2, dtype=torch.uint8))

WITHOUT = ["-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:hydra_pytest", "-p", "no:hypothesispytest"]
"""Plugins of others, which take a second to load."""

PAIRS = {
    "zeros of another sign": (lambda: (torch.tensor([0.0]), torch.tensor([-0.0])), True),
    "NaN of another payload": (lambda: (QUIET_NAN.view(torch.float32), OTHER_NAN.view(torch.float32)), False),
    "complex": (lambda: (torch.tensor([complex(math.nan, 1)]), torch.tensor([complex(math.nan, 2)])), True),
    "float8": (lambda: tuple(torch.tensor([one]).to(torch.float8_e5m2) for one in (1.0, 1.25)), True),
    "bytes without numbers": (lambda: tuple(one.view(torch.bits8) for one in BYTES), True),
    "two numbers in a byte": (lambda: tuple(one.view(torch.float4_e2m1fn_x2) for one in BYTES), True),
    "booleans": (lambda: (torch.tensor([True, False]), torch.tensor([True, True])), True),
    "large integers": (lambda: (torch.tensor([2**62]), torch.tensor([2**62 + 1])), True),
    "sparse": (lambda: (torch.eye(2).to_sparse(), (2 * torch.eye(2)).to_sparse()), True),
    "sparse and the same": (lambda: (torch.eye(2).to_sparse(), torch.eye(2).to_sparse()), False),
    "nested": (lambda: tuple(torch.nested.nested_tensor([torch.tensor([one])]) for one in (1.0, 2.0)), True),
    "shapes": (lambda: (torch.ones(2), torch.ones(3)), True),
    "strides": (lambda: (torch.ones(2, 3), torch.ones(3, 2).T), False),
    "numbers": (lambda: (1.0, -0.0), True),
    "NaN": (lambda: (math.nan, math.nan), False),
    "words": (lambda: ("a", "b"), True),
    "lists": (lambda: ([1, -0.0], [1, 0.0]), True),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_values_of_every_kind_are_compared_by_their_bits(pair):
    make, differs = PAIRS[pair]
    result = run_recipe(load_recipe({"tensors": {"x": 1.0}, "steps": {"y": "x * 2"}}))
    first, again = (replace(result, records={"y": replace(result.records["y"], value=value)}) for value in make())
    assert (difference_of(again, first) is not None) == differs


def test_memory_that_nothing_wrote_is_left_out_with_what_hangs_on_it():
    chain = {"tensors": {"x": 1.0}, "steps": {"e": "torch.empty(2)", "y": "e + x", "z": "x * 2"}}
    first = run_recipe(load_recipe(chain))

    def other(*names):
        records = {
            name: replace(one, value=torch.full_like(one.value, 7)) if name in names else one
            for name, one in first.records.items()
        }
        return difference_of(replace(first, records=records), first)

    assert other("e", "y") is None
    assert other("y").where.value == "y"
    assert other("e", "y", "z").where.value == "z"


@pytest.mark.parametrize("value", ["0", "-1", "2.5", "true", "three", "null", "[2]"])
def test_what_is_no_number_of_runs_is_refused(value):
    with pytest.raises(RecipeError, match=r"repeats: .*does not fit `repeats`, which is an integer of at least 1"):
        load_recipe({"tensors": {"x": 1.0}, "steps": {"y": "x"}}, [f"repeats={value}"])


# the commands


@pytest.mark.usefixtures("calls")
def test_the_flag_wins_over_the_key_and_over_an_override(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path, "p.bit", repeats=1)
    assert run_recipe_main([path, "--no-save"]) == 0
    assert run_recipe_main([path, "--no-save", "repeats=1", "--repeats=3"]) == 1
    shown = capsys.readouterr().out
    assert "NONDETERMINISTIC  y  the same bits in 3 runs" in shown
    assert "0 of 1 expectations hold, 1 nondeterministic." in shown


def test_a_flag_that_is_no_number_of_runs_is_refused(capsys):
    with pytest.raises(RecipeError, match="flag '--repeats': '0' is not an integer of at least 1, such as 3"):
        run_recipe_main(["r.yaml", "--repeats", "0"])


def test_a_sweep_of_workers_tells_it_in_its_table(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("ops.py").write_text(OPS)
    path = written(tmp_path, "p.bit", repeats=1)
    words = ["-m", path, "--ops", "ops.py", "--repeats", "2", "hydra.launcher.n_jobs=1"]
    assert run_recipe_main(words) == 1
    shown = capsys.readouterr().out
    assert "NONDETERMINISTIC at y (p.bit, forward): 1 cell" in shown
    assert "1 cell: 1 nondeterministic." in shown
    assert "repeats=2" in shown


@pytest.mark.usefixtures("calls")
def test_a_golden_is_verified_in_several_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path, "p.late", repeats=1, steps={"h": "x + 0", "y": "h * 2", "z": "y.sum()"})
    assert recipe_main(["record", path]) == 0
    assert recipe_main(["verify", path, "--repeats", "3"]) == 0
    assert "1 cell: 1 ok." in capsys.readouterr().out


@pytest.mark.usefixtures("calls")
def test_a_golden_tells_the_run_that_is_not_as_it_was_recorded(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path, "clone", repeats=1)
    assert recipe_main(["record", path]) == 0
    assert recipe_main(["verify", path, "steps.y.op=p.copy", "--repeats", "3"]) == 1
    shown = capsys.readouterr().out
    assert "y (p.copy, forward) is the first value out of bounds" in shown
    assert "y: run 2 differs from run 1 on the same numbers" in shown


@pytest.mark.usefixtures("calls")
def test_a_test_of_a_recipe_tells_that_its_runs_differ(tmp_path):
    path = written(tmp_path, "p.bit", repeats=1, expect={"y": [1.0, 2.0, 4.0]})
    assert_recipe(path)
    with pytest.raises(AssertionError, match="nondeterministic: y: run 2 differs from run 1"):
        assert_recipe(path, "repeats=3")


@pytest.mark.usefixtures("calls")
def test_pytest_takes_the_number_of_runs(pytester, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    pytester.mkdir("recipes")
    written(pytester.path / "recipes", "p.bit", repeats=1, expect={"y": [1.0, 2.0, 4.0]})
    pytester.runpytest_inprocess(*WITHOUT, "--recipe-repeats=1").assert_outcomes(passed=1)
    found = pytester.runpytest_inprocess(*WITHOUT, "--recipe-repeats=3")
    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(["nondeterministic: y: run 2 differs from run 1*", "*recipe verify*repeats=3*"])


@pytest.mark.parametrize("given", ["none", "0", "-1", "2.5", "²"])
def test_pytest_refuses_what_is_no_number_of_runs(pytester, given):
    refused = pytester.runpytest_inprocess(*WITHOUT, f"--recipe-repeats={given}")
    refused.stderr.fnmatch_lines([f"*'{given}' is not a number of runs; give an integer of at least 1"])
