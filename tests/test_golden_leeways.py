"""How far rounding may take the values of a golden: told by nudged runs when it is recorded, and kept beside them."""

from __future__ import annotations

import json
import math

import pytest
import torch

from tensorflow_free import load_recipe, register_op, run_recipe
from tensorflow_free.golden.golden_judge import compare
from tensorflow_free.golden.levels import ends_of, levels_of, numbers_of, of_text, packed, rounded_up, text_of, unpacked
from tensorflow_free.golden.places import golden_paths, read_golden
from tensorflow_free.golden.reading import read_case
from tensorflow_free.golden.recording import record
from tensorflow_free.golden.refreshing import refresh
from tensorflow_free.golden.verifying import verify

SWITCH: dict[str, object] = {"factor": 1.0, "best": 0}


def _scaled(x: torch.Tensor) -> torch.Tensor:
    return x * SWITCH["factor"]


def _chosen(x: torch.Tensor) -> torch.Tensor:
    return x.argmax() + SWITCH["best"]


register_op("leeways_scaled", _scaled)
register_op("leeways_chosen", _chosen)

DTYPES = ("float64", "float32", "bfloat16", "float16")
CANCELS = "tensors: {x: {init: randn, size: [40]}}\nsteps: {up: x + 1000, y: up - 1000, m: y.mean()}\n"
SCALED = "tensors: {x: {init: randn, size: [40]}}\nsteps: {y: {op: leeways_scaled, args: [x]}, z: y.exp()}\n"


@pytest.fixture(autouse=True)
def switched(monkeypatch):
    for key, value in (("factor", 1.0), ("best", 0)):
        monkeypatch.setitem(SWITCH, key, value)


@pytest.fixture
def recorded(tmp_path):
    """Writes a recipe, and records it."""

    def write(text):
        path = tmp_path / "r.yaml"
        path.write_text(text, encoding="utf-8")
        assert [one.did for one in record(path)] == ["written"]
        return path

    return write


def kept(path, name):
    return read_case(read_golden(path), "")[name]


def outcomes(path, *overrides):
    return [one.outcome for one in verify(path, overrides)]


# levels


@pytest.mark.parametrize("spread", [0.0, 1.0, 20.0])
def test_levels_give_back_numbers_no_smaller_and_little_larger(spread):
    numbers = torch.exp(torch.randn(500, dtype=torch.float64) * spread / 4)
    least, most = ends_of(numbers)
    back = torch.full_like(numbers, most) if least is None else numbers_of(levels_of(numbers, least, most), least, most)
    step = 1.25 if least is None else (most / least) ** (1 / 14)
    assert bool((back >= numbers * (1 - 1e-8)).all())
    assert bool((back <= numbers * step * 1.011).all())


def test_what_does_not_move_keeps_none():
    numbers = torch.tensor([0.0, 3.0, 0.0, 1e-9], dtype=torch.float64)
    least, most = ends_of(numbers)
    assert levels_of(numbers, least, most).tolist() == [0, 15, 0, 1]
    assert ends_of(torch.zeros(3, dtype=torch.float64)) == (None, 0.0)


def test_levels_come_back_from_text_and_bytes():
    rows = [torch.arange(7, dtype=torch.uint8), torch.arange(9, 16, dtype=torch.uint8)]
    assert all(of_text(text_of(row)).equal(row) for row in rows)
    assert all(one.equal(row) for one, row in zip(unpacked(packed(rows), 7), rows, strict=True))


@pytest.mark.parametrize("number", [1.0, 1.2345, 9.999, 1e-300, 0.0, math.inf])
def test_rounding_up_gives_no_less_and_three_digits(number):
    assert number <= rounded_up(number) <= number * 1.01
    assert len(f"{rounded_up(number):g}".partition("e")[0].replace(".", "")) <= 3


# what is recorded


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_leeway_is_how_far_rounding_takes_a_value(recorded, dtype):
    # after 1000 was added, y is known to half an epsilon of 1000, whatever is left of it
    path = recorded(CANCELS)
    leeway = kept(path, "y").leeway[dtype]
    eps = torch.finfo(getattr(torch, dtype)).eps
    assert 0.3 * 1000 * eps < leeway.most < 4 * 1000 * eps
    assert kept(path, "m").leeway[dtype].most < leeway.most


def test_what_rounds_nothing_has_no_leeway_in_the_file(recorded):
    path = recorded("tensors: {x: [1.0, -2.0]}\nsteps: {y: x.neg(), n: x.argmax()}\n")
    assert "leeway" not in golden_paths(path).json.read_text()
    assert outcomes(path, "dtype=bfloat16") == ["ok"]


def test_rounded_starting_tensors_are_part_of_it(recorded):
    path = recorded("tensors: {x: [1000.1]}\nsteps: {y: x * 1.0}\n")
    off = abs(float(torch.tensor(1000.1).bfloat16()) - 1000.1)
    assert kept(path, "y").leeway["bfloat16"].moved >= 0.5 * off


def test_many_numbers_have_their_levels_in_the_safetensors_file(recorded):
    path = recorded("tensors: {x: {init: randn, size: [30, 30]}}\nsteps: {y: x.softmax(0)}\n")
    text = json.loads(golden_paths(path).json.read_text())
    (value,) = text["cases"][""]["values"]
    assert value["levels"] in read_golden(path).stored_names()
    assert "levels" not in value["leeway"]["float32"]
    assert all(kept(path, "y").leeway[dtype].levels.numel() == 900 for dtype in DTYPES)


def test_levels_that_do_not_fit_are_told(recorded):
    path = recorded("tensors: {x: {init: randn, size: [40]}}\nsteps: {y: x.exp().cumsum(0)}\n")
    text = golden_paths(path).json.read_text()
    levels = kept(path, "y").leeway["float32"].levels
    golden_paths(path).json.write_text(text.replace(text_of(levels), text_of(levels)[1:]))
    (found,) = verify(path)
    assert (found.outcome, "'y': it has 40 numbers, and not as many levels" in found.reason) == ("refused", True)


# what it lets pass


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_lucky_eager_run_bounds_nothing(recorded, dtype):
    path = recorded(CANCELS)
    stored = read_case(read_golden(path), "")
    result = run_recipe(load_recipe(path, [f"dtype={dtype}"]))
    lucky = [type(one)(one.name, one.kind, one.value, one.op, {}, None, one.leeway) for one in stored.values]
    found = compare(result, type(stored)(stored.digest, stored.made, stored.starts, lucky, nudged_runs=16))
    assert found.is_well


@pytest.mark.parametrize(("dtype", "factor"), [("float64", 1e-14), ("float32", 3e-6), ("bfloat16", 0.1)])
def test_what_rounding_does_not_explain_is_found(recorded, monkeypatch, dtype, factor):
    path = recorded(SCALED)
    monkeypatch.setitem(SWITCH, "factor", 1 + factor)
    (found,) = verify(path, [f"dtype={dtype}"])
    assert found.outcome == "mismatch"
    assert {one.rule for one in found.comparison.bad} <= {"rounding", "baseline"}


def test_integers_may_differ_only_where_rounding_makes_them(recorded, monkeypatch):
    path = recorded("tensors: {x: [1.0, 1.0001, 0.5]}\nsteps: {best: {op: leeways_chosen, args: [x]}}\n")
    assert outcomes(path, "dtype=float32") == ["ok"]
    monkeypatch.setitem(SWITCH, "best", -1)
    assert outcomes(path, "dtype=float32") == ["mismatch"]
    monkeypatch.setitem(SWITCH, "best", 0)
    (found,) = verify(path, ["dtype=bfloat16"])
    assert (found.outcome, found.comparison["best"].rule) == ("ok", "rounding")


def test_a_tolerance_is_for_expectations_and_loosens_no_golden(recorded, monkeypatch):
    path = recorded(f"tolerance: {{rtol: 0.5, atol: 0.5}}\n{SCALED}")
    monkeypatch.setitem(SWITCH, "factor", 1.001)
    assert outcomes(path) == ["mismatch"]


def test_a_factor_of_the_recipe_loosens_it(recorded, monkeypatch):
    path = recorded(f"judge: {{k: 1e6}}\n{SCALED}")
    monkeypatch.setitem(SWITCH, "factor", 1.001)
    assert outcomes(path) == ["ok"]


def test_what_pytorch_itself_loses_is_known_and_more_is_not(recorded):
    # index_add adds up in half precision: 2048 + 1 is 2048
    text = "tensors: {x: {init: ones, size: [4096]}, i: {init: zeros, size: [4096], dtype: int64}, z: {init: zeros, size: [1]}}\n"
    path = recorded(text + "steps: {y: 'z.index_add(0, i, x)'}\n")
    assert kept(path, "y").leeway["float16"].over > 1
    assert outcomes(path, "dtype=float16") == ["ok"]


# goldens of format 1, and noise measured anew


def older(path):
    """Make a golden one of format 1, as it was recorded before."""
    golden = golden_paths(path).json
    text = json.loads(golden.read_text())
    text["format_version"] = 1
    for case in text["cases"].values():
        del case["nudged_runs"]
        for value in case["values"]:
            value.pop("leeway", None)
    golden.write_text(json.dumps(text))
    return text


def test_a_golden_of_format_1_is_judged_by_its_noise_and_that_is_told(recorded):
    path = recorded(CANCELS)
    older(path)
    for dtype in DTYPES:
        (found,) = verify(path, [f"dtype={dtype}"])
        assert (found.outcome, found.by_noise) == ("ok", True)
        assert {one.rule for one in found.comparison.values} <= {"noise", "equal"}


def test_refreshing_the_noise_changes_no_value(recorded):
    path = recorded(CANCELS)
    new = json.loads(golden_paths(path).json.read_text())
    old = older(path)
    assert [one.did for one in refresh(path)] == ["written"]
    refreshed = json.loads(golden_paths(path).json.read_text())
    assert refreshed == new
    assert without_noise(refreshed) == without_noise(old)
    assert [one.did for one in refresh(path)] == ["unchanged"]


def without_noise(golden):
    for case in golden["cases"].values():
        case.pop("nudged_runs", None)
        for value in case["values"]:
            for key in ("noise", "leeway", "levels"):
                value.pop(key, None)
    return golden["cases"]


def test_a_stale_golden_is_not_refreshed(recorded):
    path = recorded(CANCELS)
    path.write_text(CANCELS.replace("1000", "1001"), encoding="utf-8")
    (found,) = refresh(path)
    assert found.did == "refused"
    assert found.reason.startswith("stale: the recipe has changed since")


def test_a_golden_that_does_not_pass_is_not_refreshed(recorded, monkeypatch):
    path = recorded(SCALED)
    before = golden_paths(path).json.read_bytes()
    monkeypatch.setitem(SWITCH, "factor", 1.001)
    (found,) = refresh(path)
    assert (found.did, "float64-cpu: mismatch: y" in found.reason) == ("refused", True)
    assert golden_paths(path).json.read_bytes() == before


def test_where_there_is_no_golden_none_is_made(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text(CANCELS, encoding="utf-8")
    assert [(one.did, one.reason) for one in refresh(path)] == [("kept", "there is no golden")]
    assert not golden_paths(path).json.exists()


def test_what_zeros_would_pass_for_is_held_against_the_noise(recorded, monkeypatch):
    # of x, what is left of 1000 + x in float16 is a multiple of a half
    loses = SCALED.replace("randn", "rand").replace("args: [x]", "args: [d]")
    path = recorded(loses.replace("y: {", "d: x + 1000 - 1000, y: {"))
    assert outcomes(path, "dtype=float16") == ["ok"]
    monkeypatch.setitem(SWITCH, "factor", 3.0)
    (found,) = verify(path, ["dtype=float16"])
    assert (found.comparison["y"].outcome, found.comparison["y"].rule) == ("mismatch", "noise")


def test_numbers_that_are_flushed_to_zero_are_found(recorded, monkeypatch):
    path = recorded("tensors: {x: [3.0e-308, 1.0e-310]}\nsteps: {y: {op: leeways_scaled, args: [x]}}\n")
    assert outcomes(path, "dtype=float64") == ["ok"]
    monkeypatch.setitem(SWITCH, "factor", torch.tensor([1.0, 0.0], dtype=torch.float64))
    assert outcomes(path, "dtype=float64") == ["mismatch"]
