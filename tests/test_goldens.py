"""What is recorded of a recipe, and what a check lets pass: marks, noise, defaults that changed, each verdict."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from tensorflow_free import load_recipe, register_op, run_recipe
from tensorflow_free.errors import RecipeError
from tensorflow_free.golden import verifying
from tensorflow_free.golden.cases import StoredCase, StoredValue
from tensorflow_free.golden.golden_judge import compare
from tensorflow_free.golden.places import read_golden, read_golden_file
from tensorflow_free.golden.reading import read_case
from tensorflow_free.golden.recording import record
from tensorflow_free.golden.verifying import verify

SWITCH: dict[str, tuple[torch.dtype, ...]] = {"lacks": ()}


def _lacking(x: torch.Tensor) -> torch.Tensor:
    if x.dtype in SWITCH["lacks"]:
        raise NotImplementedError(f"\"lacking_cpu\" not implemented for '{x.dtype}'")
    return x * 2


register_op("goldens_lacking", _lacking)

PLAIN = "tensors: {x: {init: randn, size: [50]}}\nsteps: {y: x.exp(), z: y.sum()}\n"
DTYPES = ["float64", "float32", "bfloat16", "float16"]


@pytest.fixture(autouse=True)
def switched(monkeypatch):
    monkeypatch.setitem(SWITCH, "lacks", ())


@pytest.fixture
def recorded(tmp_path):
    """Writes a recipe, and records it."""

    def write(text, name="r.yaml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        assert [one.did for one in record(path)] == ["written"]
        return path

    return write


def values(path) -> StoredCase:
    return read_case(read_golden(path), "")


def outcomes(path, *overrides):
    return [one.outcome for one in verify(path, overrides)]


# what is recorded


@pytest.mark.parametrize("dtype", DTYPES[1:])
def test_noise_is_how_far_an_eager_run_from_the_rounded_numbers_stands_from_float64(recorded, dtype):
    golden = values(recorded(PLAIN))
    wide = golden.starts["x"]
    exact, rough = wide.exp(), wide.to(getattr(torch, dtype)).exp().double()
    errors = (rough - exact).abs()
    noise = golden["y"].noise[dtype]
    assert noise.rmse == pytest.approx(math.sqrt(errors.square().mean()))
    assert noise.max_abs == pytest.approx(errors.max().item())


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_golden_is_a_float64_run_whatever_the_recipes_own_dtype_is(recorded, dtype):
    path = recorded(f"dtype: {dtype}\n{PLAIN}")
    assert values(path)["y"].value.equal(values(path).starts["x"].double().exp())
    assert all(outcomes(path, f"dtype={other}") == ["ok"] for other in DTYPES)


def test_integers_that_differ_between_dtypes_are_marked_and_may_differ_where_rounding_takes_them(recorded):
    path = recorded("tensors: {x: [1.0, 1.0001, 1.00005]}\nsteps: {best: x.argmax(), first: x.argmin()}\n")
    assert [(one.name, one.mark) for one in values(path).values] == [("best", "dtype-dependent"), ("first", None)]
    (found,) = verify(path, ["dtype=bfloat16"])
    assert (found.comparison["best"].rule, found.comparison["first"].rule) == ("rounding", "equal")
    assert found.outcome == "ok"
    (found,) = verify(path, ["dtype=float64"])
    assert found.comparison["best"].rule == "equal"


def test_values_and_gradients_downstream_of_a_random_step_are_marked_and_no_others(recorded):
    path = recorded(
        "tensors: {x: {init: ones, size: [9], requires_grad: true}, w: {init: ones, size: [9], requires_grad: true}}\n"
        "steps: {h: x * 2, y: F.dropout(h), z: (y * w).sum(), apart: (w * 3).sum()}\n"
        "backward: z\n"
    )
    random = {one.name for one in values(path).values if one.mark == "random"}
    assert {"y", "z", "x.grad", "w.grad", "h.grad"} <= random
    assert not random & {"h", "apart", "z.grad"}


@pytest.mark.parametrize(
    ("made_on", "dtype", "outcome"),
    [("cpu", "float64", "mismatch"), ("cpu", "float32", "not comparable"), ("cuda", "float64", "not comparable")],
)
def test_other_random_numbers_are_found_where_the_stream_is_the_goldens(recorded, made_on, dtype, outcome):
    path = recorded("tensors: {x: {init: ones, size: [9]}}\nsteps: {y: {op: rand_like, args: [x]}}\n")
    result = run_recipe(load_recipe(path, [f"dtype={dtype}", "seed=5"]))
    assert compare(result, values(path), made_on=made_on)["y"].outcome == outcome


# one golden for every cell


def test_one_golden_serves_every_dtype_and_device(recorded):
    path = recorded(PLAIN)
    assert all(outcomes(path, f"dtype={dtype}") == ["ok"] for dtype in DTYPES)
    assert outcomes(path, "device=meta") == ["ok"]


KINDS = {
    "loop": "tensors: {h: [0.1], w: [0.5]}\nsteps:\n"
    "  r: {repeat: 3, carry: {h: n}, trace: [l], steps: {n: h * w, l: n.sum()}}\n",
    "in place": "tensors: {x: [1.0, 2.0]}\nsteps: {row: 'x[0]', y: {op: mul_, args: [row, 3.0]}, z: x * 2}\n",
    "complex": "tensors: {z: {data: ['1+2j', '-3.5j']}}\nsteps: {a: z.abs(), b: z * z}\n",
    "sparse": "tensors: {x: [[0.0, 1.5], [2.5, 0.0]]}\nsteps: {s: x.to_sparse(), d: s.to_dense()}\n",
    "float8": "tensors: {x: [0.1, 3.0]}\nsteps: {y: {op: to, args: [x, float8_e4m3fn]}}\n",
    "empty": "tensors: {x: {init: zeros, size: [0, 3]}}\nsteps: {y: x.sum(), z: x.exp(), k: y.item()}\n",
    "stops": "tensors: {x: {init: ones, size: [2, 3]}}\nsteps: {a: x * 2, y: x @ x}\n"
    "expect: {error: {step: y, type: RuntimeError, match: multiplied}}\n",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore:Sparse invariant checks")
def test_every_kind_of_recipe_is_clean_after_it_is_recorded(recorded, kind):
    path = recorded(KINDS[kind])
    assert [outcomes(path, f"dtype={dtype}") for dtype in ("float64", "float32")] == [["ok"], ["ok"]]


# what does not slip through


CHANGES = {
    "dtype: float64": "dtype: float16",
    "seed: 3": "seed: 4",
    "p: 0.5": "p: 0.25",
    "size: [4]": "size: [4], seed: 1",
    "x.exp()": "x.expm1()",
    "atol: 0.001": "atol: 100.0",
    "deterministic: true": "deterministic: false",
}


@pytest.mark.parametrize("old", CHANGES)
def test_a_default_that_changed_is_stale_and_no_looser_tolerance(recorded, old):
    path = recorded(
        "dtype: float64\nseed: 3\nparams: {p: 0.5}\ntolerance: {rtol: 0, atol: 0.001}\nsettings: {deterministic: true}\n"
        'tensors: {x: {init: randn, size: [4]}}\nsteps: {y: x.exp(), z: "y * ${params.p}"}\n'
    )
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, CHANGES[old]), encoding="utf-8")
    assert outcomes(path) == ["stale"]


def test_a_changed_parent_or_file_is_stale(recorded, tmp_path):
    np.save(tmp_path / "x.npy", np.array([1.5, 2.5]))
    (tmp_path / "parent.yaml").write_text("tensors: {x: {init: load, path: x.npy}}\nsteps: {y: x * 2}\n")
    child = recorded("defaults: [parent]\nsteps: {z: y + 1}\n")
    assert outcomes(child) == ["ok"]
    np.save(tmp_path / "x.npy", np.array([1.5, 2.0]))
    assert outcomes(child) == ["stale"]
    np.save(tmp_path / "x.npy", np.array([1.5, 2.5]))
    (tmp_path / "parent.yaml").write_text("tensors: {x: {init: load, path: x.npy}}\nsteps: {y: x * 3}\n")
    assert outcomes(child) == ["stale"]


def test_a_dtype_that_ran_when_it_was_recorded_and_does_not_now_is_a_failure(recorded, monkeypatch):
    path = recorded("tensors: {x: [1.0, 2.0]}\nsteps: {y: {op: goldens_lacking, args: [x]}}\n")
    monkeypatch.setitem(SWITCH, "lacks", (torch.bfloat16,))
    (found,) = verify(path, ["dtype=bfloat16"])
    assert (found.outcome, found.is_well) == ("failed", False)
    assert "bfloat16 ran when the golden was recorded" in found.reason
    assert outcomes(path, "dtype=bfloat16", "backend=aot_eager") == ["unsupported"]


def test_a_dtype_that_did_not_run_when_it_was_recorded_is_unsupported(recorded, monkeypatch):
    monkeypatch.setitem(SWITCH, "lacks", (torch.bfloat16,))
    path = recorded("tensors: {x: [1.0, 2.0]}\nsteps: {y: {op: goldens_lacking, args: [x]}}\n")
    assert outcomes(path, "dtype=bfloat16") == ["unsupported"]


def test_a_golden_in_which_nothing_is_compared_does_not_pass(recorded):
    assert outcomes(recorded("tensors: {x: [1.0]}\n")) == ["nothing compared"]


@pytest.mark.parametrize(("edit", "reason"), [("drop", "the reference has no such value"), ("add", "it is missing")])
def test_a_golden_with_a_value_missing_or_one_too_many_does_not_pass(recorded, edit, reason):
    path = recorded(PLAIN)
    json_path = read_golden(path).path
    content = json.loads(json_path.read_text(encoding="utf-8"))
    listed = content["cases"][""]["values"]
    if edit == "drop":
        del listed[0]
    else:
        listed.append({**listed[1], "name": "more"})
    json_path.write_text(json.dumps(content), encoding="utf-8")
    (found,) = verify(path)
    assert found.outcome == "mismatch"
    assert reason in found.reason


def test_a_case_knows_its_values_by_name(recorded):
    golden = values(recorded(PLAIN))
    assert isinstance(golden["y"], StoredValue)
    with pytest.raises(KeyError, match="did you mean"):
        golden["zz"]


def test_what_is_infinite_in_a_dtype_must_not_become_nan(recorded):
    path = recorded("tensors: {x: [0.0, 12.0, 1.0, 13.0]}\nsteps: {y: {op: exp, args: [x]}}\n")
    assert outcomes(path, "dtype=float16") == ["ok"]
    register_op("lost.exp", lambda x: x.exp() * torch.where(x > 11, torch.nan, 1.0).to(x.dtype), replace=True)
    assert outcomes(path, "dtype=float16", "steps.y.op=lost.exp") == ["mismatch"]


def test_a_shape_that_hangs_on_the_dtype_is_not_judged(recorded):
    path = recorded("tensors: {x: {init: ones, size: [8]}}\nsteps: {y: 'x.view(int64)', z: x + 1}\n")
    for dtype in ("float64", "float32", "float16"):
        assert outcomes(path, f"dtype={dtype}") == ["ok"]


def test_a_golden_of_many_cases_is_read_once(tmp_path, monkeypatch):
    path = tmp_path / "r.yaml"
    path.write_text("cases: {a: {seed: 1}, b: {seed: 2}, c: {seed: 3}}\ntensors: {x: [1.0]}\nsteps: {y: x + 1}\n")
    list(record(path))
    reads = []
    monkeypatch.setattr(verifying, "read_golden_file", lambda *of: reads.append(of) or read_golden_file(*of))
    assert [one.outcome for one in verify(path)] == ["ok"] * 3
    assert len(reads) == 1


def test_another_kernel_is_held_against_the_golden_of_the_op(recorded):
    path = recorded("tensors: {x: {init: randn, size: [8]}}\nsteps: {y: {op: F.silu, args: [x]}}\n")
    register_op("another.silu", lambda x: x * torch.sigmoid(x), replace=True)
    register_op("wrong.silu", lambda x: x * torch.sigmoid(x) * 1.001, replace=True)
    assert outcomes(path, "steps.y.op=another.silu") == ["ok"]
    assert outcomes(path, "steps.y.op=wrong.silu") == ["mismatch"]


def test_a_case_that_cannot_be_read_is_refused_where_it_stands(tmp_path):
    (tmp_path / "r.yaml").write_text("cases: {a: {}}\ntensors: {x: 1.0}\nsteps: {y: x * 2}\n")
    with pytest.raises(RecipeError, match=r"^override 'case=\[a': it does not parse"):
        list(verify(tmp_path / "r.yaml", ["case=[a"]))
    [one] = verify(tmp_path / "r.yaml", ["case=a", "dtype=[a"])
    assert (one.outcome, one.reason.partition(" (")[0]) == ("refused", "override 'dtype=[a': it does not parse")
    assert one.command == f"recipe verify {tmp_path}/r.yaml 'dtype=[a' case=a"
