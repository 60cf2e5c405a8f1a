"""Two results compared with each other: measures against plain torch, each rule, and where what is wrong begins."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tensorflow_free import load_recipe, run_recipe
from tensorflow_free.judging.comparing import compare_results
from tensorflow_free.judging.measured import Measure
from tensorflow_free.judging.measures import Errors, measure, noise_of
from tensorflow_free.judging.noise import Noise
from tensorflow_free.judging.options import Judging
from tensorflow_free.judging.rules import by_noise, by_tolerance, k_of, usual_noise
from tensorflow_free.judging.verdicts import Comparison

DTYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16, torch.float8_e4m3fn, torch.float8_e5m2]
NAN, INF = math.nan, math.inf


def run(steps, tensors=None, **rest):
    tensors = tensors or {"x": {"init": "randn", "size": [4, 5], "requires_grad": True}}
    return run_recipe(load_recipe({"tensors": tensors, "steps": steps, **rest}))


def tensor(*numbers, dtype=torch.float32):
    return torch.tensor(numbers, dtype=dtype)


# measures


@pytest.mark.parametrize("dtype", DTYPES)
def test_errors_are_those_of_plain_torch(dtype):
    expected = torch.randn(6, 7, dtype=torch.float64)
    actual = expected.to(dtype)
    found = measure(actual, expected)
    errors = (actual.to(torch.float64) - expected).abs()
    assert found.max_abs == errors.max()
    assert errors[found.max_abs_at] == errors.max()
    assert found.rmse == pytest.approx(errors.square().mean().sqrt().item(), rel=1e-12)
    assert found.max_rel == pytest.approx((errors / expected.abs()).max().item(), rel=1e-12)
    power, noise = expected.square().sum().item(), errors.square().sum().item()
    assert found.sqnr_db == (pytest.approx(10 * math.log10(power / noise), rel=1e-9) if noise else None)
    assert found.max_ulp == 0, "the expected number is rounded to the dtype before ULPs are counted"


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_next_number_is_one_ulp_away(dtype):
    actual = tensor(1.0, 0.5, dtype=dtype)
    integers = {8: torch.int64, 4: torch.int32, 2: torch.int16, 1: torch.int8}[actual.element_size()]
    above = (actual.view(integers) + tensor(0, 3, dtype=integers)).view(dtype)
    assert measure(above, actual).max_ulp == 3
    assert measure(above, actual).unequal == 1


def test_nan_equals_nan_alone_and_infinities_have_signs():
    found = measure(tensor(NAN, NAN, INF, -INF, 1.0), tensor(NAN, 1.0, INF, INF, INF))
    assert found.nonfinite == found.unequal == 3
    assert (found.nan, found.inf) == ((2, 1), (2, 3))
    assert found.at == (1,), "the worst is the first that is not finite on one side"


def test_the_largest_finite_error_stands_beside_nan():
    found = measure(tensor(NAN, 1.5, 2.0), tensor(1.0, 1.0, 2.0))
    assert (found.nonfinite, found.max_abs, found.max_abs_at) == (1, 0.5, (1,))


def test_complex_numbers_are_measured_by_their_modulus_and_lost_by_their_parts():
    found = measure(torch.tensor([1 + 1j, complex(NAN, 1)]), torch.tensor([1 + 2j, complex(NAN, 2)]))
    assert found.max_abs == 1.0
    assert found.nonfinite == 1
    assert measure(torch.tensor(complex(NAN, 1)), torch.tensor(complex(NAN, 1))).nonfinite == 0


def test_zeros_have_signs():
    assert measure(tensor(0.0, -0.0, 1.0), tensor(-0.0, -0.0, 1.0)).signed_zeros == 1


def test_integers_beyond_what_float64_holds_differ():
    assert measure(torch.tensor([2**53 + 1]), torch.tensor([2**53])).unequal == 1


def test_nothing_is_measured_of_nothing():
    found = measure(torch.empty(0, 3), torch.empty(0, 3))
    assert (found.elements, found.max_abs, found.rmse, found.max_ulp) == (0, 0.0, 0.0, 0.0)


def test_errors_too_small_or_too_large_to_square_count():
    assert measure(tensor(1e-200, dtype=torch.float64), tensor(0.0, dtype=torch.float64)).max_abs == 1e-200
    huge = measure(tensor(1e300, dtype=torch.float64), tensor(2e300, dtype=torch.float64))
    assert huge.unequal == 1
    assert 1e100 < huge.rmse < INF


@given(st.lists(st.floats(width=32), min_size=1, max_size=8), st.lists(st.floats(width=32), min_size=1, max_size=8))
def test_a_measure_holds_for_any_numbers(mine, its):
    count = min(len(mine), len(its))
    found = measure(torch.tensor(mine[:count]), torch.tensor(its[:count], dtype=torch.float64))
    assert isinstance(found, Measure)
    assert not math.isnan(found.rmse)
    assert 0 <= found.nonfinite <= found.unequal <= count


# rules


def test_noise_is_allowed_k_times_over():
    expected = torch.ones(2000, dtype=torch.float64)
    errors = Errors(expected + 1e-3, expected)
    assert by_noise(errors, Noise(rmse=0.6e-3, max_abs=0.6e-3), torch.float32).used < 1
    assert by_noise(errors, Noise(rmse=0.4e-3, max_abs=0.6e-3), torch.float32).used > 1
    assert [k_of(torch.float32, count) for count in (5, 500, 5000)] == [10, 3, 2]


def test_the_element_that_is_told_is_the_one_that_used_most_of_what_is_allowed():
    good, bad = run({"y": "x * 1"}, {"x": [1000.0, 1.0]}), run({"y": "x * 1"}, {"x": [1000.0, 1.0]})
    bad.records["y"].value.add_(tensor(0.5, 0.1))
    found = compare_results(bad, good, judging=Judging(rtol=1e-3))["y"]
    assert found.measure.at == (1,)
    assert found.measure.max_abs_at == (0,)
    assert "it is 1.1" in found.reason
    assert found.used == pytest.approx(100, rel=1e-3)


def test_a_half_is_bounded_closely_where_eager_is_near():
    expected = torch.ones(2000, dtype=torch.float64)
    noise = Noise(rmse=1e-4, max_abs=2e-3)
    assert by_noise(Errors(expected * 1.03, expected), noise, torch.bfloat16).used > 1


def test_one_wrong_element_among_many_shows():
    expected = torch.randn(100_000, dtype=torch.float64)
    actual = expected + 1e-7 * torch.randn(100_000, dtype=torch.float64)
    noise = noise_of(actual, expected)
    actual[777] += 1e-5
    assert by_noise(Errors(actual, expected), noise, torch.float32).used > 1


def test_small_numbers_are_judged_by_their_own_size():
    expected = torch.full((100,), 1e-39, dtype=torch.float64)
    flushed = torch.zeros(100)
    assert by_noise(Errors(flushed, expected), Noise(rmse=1e-46, max_abs=1e-46), torch.float32).used > 1


def test_a_run_that_is_exact_by_luck_does_not_set_the_measure():
    noises = {"float32": Noise(rmse=1e-8, max_abs=3e-8)}
    assert usual_noise(noises, "float64").rmse == pytest.approx(1e-8 * 2.0**-29)


def test_a_default_tolerance_is_of_the_tensors_size_and_a_stated_one_of_each_element():
    expected = tensor(1000.0, 1e-3, dtype=torch.float64)
    actual = expected + 5e-4
    assert by_tolerance(Errors(actual, expected), (1e-6, 0.0), steps=1).used < 1
    assert by_tolerance(Errors(actual, expected), (1e-6, 0.0)).used > 1


# results


def test_equal_runs_are_equal():
    comparison = compare_results(run({"y": "x.exp().sum()"}, backward="y"), run({"y": "x.exp().sum()"}, backward="y"))
    assert comparison.is_well
    assert {one.rule for one in comparison.values} == {"equal"}
    assert comparison.compared == 5


def test_the_first_step_out_of_bounds_is_named_forward_before_backward():
    good = run({"h": "x.exp()", "y": "h.sum()"}, backward="y")
    comparison = compare_results(run({"h": "x.expm1()", "y": "h.sum()"}, backward="y"), good)
    assert (comparison.where.direction, comparison.where.step) == ("forward", "h")


def test_backward_the_gradient_nearest_the_target_is_named_with_the_steps_that_read_it():
    scaled = {"init": "randn", "size": [4, 5], "requires_grad": True}
    steps = {"h": "x * 2", "e": "h.exp()", "y": "e.sum()"}
    good, bad = run(steps, {"x": scaled}, backward="y"), run(steps, {"x": scaled}, backward="y")
    for name in ("h.grad", "x.grad"):
        bad.records[name].value.mul_(1.01)
    where = compare_results(bad, good).where
    assert (where.direction, where.value, where.through) == ("backward", "h.grad", ("e",))


def test_a_missing_value_and_another_shape_are_mismatches():
    good = run({"y": "x.sum(0)", "z": "x + 1"})
    bad = run({"y": "x.sum(1)"})
    comparison = compare_results(bad, good)
    assert {one.name: one.rule for one in comparison.bad} == {"y": "structure", "z": "structure"}
    assert "[4], and [5]" in comparison["y"].reason


def test_nan_where_the_reference_is_finite_never_passes():
    good, bad = run({"y": "x + 1"}), run({"y": "x + 1"})
    bad.records["y"].value[1, 2] = NAN
    judged = compare_results(bad, good, judging=Judging(rtol=INF, atol=INF))["y"]
    assert (judged.outcome, judged.used) == ("mismatch", INF)
    assert compare_results(bad, good, good, judging=Judging(k=1e30))["y"].outcome == "mismatch"


def test_zeros_of_another_sign_are_told_where_asked():
    start = {"x": [0.0, 1.0]}
    good, bad = run({"y": "x * 1"}, start), run({"y": "x * 1"}, start)
    bad.records["y"].value.neg_()[1] = 1.0
    assert compare_results(bad, good).is_well
    assert not compare_results(bad, good, judging=Judging(signed_zeros=True)).is_well


def test_integers_must_be_those_of_eager_in_the_same_dtype():
    start = {"x": [1.0, 2.0]}
    good, baseline = run({"y": "x.argmax()"}, start), run({"y": "x.argmax()"}, start)
    baseline.records["y"].value.fill_(0)
    again = run({"y": "x.argmax()"}, start)
    again.records["y"].value.fill_(0)
    assert compare_results(again, good, baseline)["y"].outcome == "dtype-dependent"
    assert compare_results(good, good, baseline)["y"].outcome == "ok"
    again.records["y"].value.fill_(5)
    assert compare_results(again, good, baseline)["y"].outcome == "mismatch"


def test_nothing_compared_is_not_well():
    assert not compare_results(run({}), run({})).is_well


def test_a_gradient_that_there_is_not_is_none_on_both_sides():
    steps = {"y": "x.sum()"}
    comparison = compare_results(run(steps, backward="y"), run(steps))
    assert "x.grad" in {one.name for one in comparison.bad}
    assert compare_results(run(steps), run(steps)).is_well


def test_what_was_found_survives_json():
    comparison = compare_results(run({"y": "x.exp()"}, dtype="bfloat16"), run({"y": "x.exp()"}, dtype="float64"))
    assert Comparison.from_plain(comparison.to_plain()) == comparison


def test_a_value_made_in_a_coarser_dtype_is_judged_by_that():
    steps = {"low": "x.to(bfloat16)", "back": "low.to(float32) * 3", "y": "x * 3"}
    rough, exact = run(steps), run({**steps, "low": "x * 1"})
    comparison = compare_results(rough, exact)
    assert comparison["back"].outcome == "ok"
    assert "rtol 0.016" in comparison["back"].allowed
