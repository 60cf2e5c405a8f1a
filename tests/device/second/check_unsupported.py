"""A missing kernel on the second device, in the words of several vendors: unsupported, with whose words they are."""

from __future__ import annotations

import pytest

from tensorflow_free import cli, load_recipe
from tensorflow_free.cell.fate import fate_of
from tensorflow_free.golden.verifying import verify_case
from tensorflow_free.loading import plan_of
from tensorflow_free.run import error_patterns, failures
from tensorflow_free.runner import run

RECIPE = {"tensors": {"x": {"data": [0.5, 1.0], "requires_grad": True}}, "steps": {"h": "x * 2", "y": "torch.erf(h)"}}


def fate(*overrides, **keys):
    return fate_of(run(plan_of(load_recipe({**RECIPE, **keys}, ["device=loom:1", *overrides])))[0])


@pytest.mark.parametrize(
    ("words", "whose"),
    [
        ("EZ1001: {op} with dtype {dtype} is not supported by the chip", "plain English (dtype)"),
        ("call aclnnErf failed, EZ1001: self not implemented for {dtype}, should be in dtype support list []", "Ascend"),
        ("TT_FATAL @ eltwise_op.cpp:18: detail::is_ok(a.get_dtype())\ninfo:\nUnsupported datatype {dtype}", "Tenstorrent"),
        ("{op} has no tile program on loom", None),
        ("{op}: shape [2] has the wrong layout", None),
        ("loom: no program for {op}", "'no program for [a-z]+'"),
        ("{op} runs nowhere but on the host; loom does not support it", "plain English (device)"),
    ],
)  # fmt: skip
def test_a_missing_kernel_is_unsupported_in_the_words_of_many(monkeypatch, words, whose):
    monkeypatch.setenv("LOOM_NO_KERNEL", "erf")
    monkeypatch.setenv("LOOM_NO_KERNEL_WORDS", words)
    monkeypatch.setenv(error_patterns.UNSUPPORTED_VARIABLE, '["no program for [a-z]+"]')
    found = fate()
    assert found.outcome == ("failed" if whose is None else "unsupported")
    assert found.causes[0].whose == (whose or "")
    assert (found.causes[0].step, found.causes[0].op) == ("y", "torch.erf")


def test_the_lack_of_a_deterministic_implementation_is_one(monkeypatch):
    monkeypatch.setenv("LOOM_NONDETERMINISTIC", "erf")
    found = fate("settings.deterministic=true")
    assert (found.outcome, found.causes[0].whose) == ("unsupported", "PyTorch")


def test_a_compiler_that_does_not_know_the_device_says_so_in_a_line():
    found = fate("backend=inductor", backward="y", steps={"h": "x * 2", "y": "torch.softmax(h, 0).sum()"})
    assert found.outcome == "unsupported"
    assert found.causes[0].message == "inductor generates no code for 'loom' devices"


def test_a_golden_of_a_device_without_float64_has_the_float64_numbers_of_the_cpu(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LOOM_NO_FLOAT64", "1")
    path = tmp_path / "r.yaml"
    path.write_text(
        "tensors: {x: {init: randn, size: [9], requires_grad: true}}\nsteps: {y: x.exp().sum()}\nbackward: y\n"
    )
    assert cli._guarded(cli.recipe_main, ["record", str(path), "device=loom", "--in-process"]) == 0
    assert "so that the float64 numbers are the CPU's: Cannot convert a LOOM Tensor" in capsys.readouterr().out
    cells = {dtype: ["device=loom:1", f"dtype={dtype}"] for dtype in ("float32", "float64")}
    found = {dtype: verify_case(path, "", cell) for dtype, cell in cells.items()}
    assert {dtype: one.outcome for dtype, one in found.items()} == {"float32": "ok", "float64": "unsupported"}
    assert found["float32"].golden.name == "r.loom.golden.json"
    monkeypatch.setenv("LOOM_WRONG", "exp")
    assert verify_case(path, "", cells["float32"]).outcome == "mismatch"


def test_a_device_that_holds_no_tensor_of_a_dtype_lacks_it_in_whatever_words(monkeypatch):
    monkeypatch.setenv("LOOM_NO_FLOAT64", "1")
    monkeypatch.setattr(failures, "lack_of", lambda *_: None)
    found = fate("dtype=float64")
    assert (found.outcome, found.causes[0].whose) == ("unsupported", "'loom:1', which holds float32 and not float64")
    assert fate("dtype=float32").outcome == "ok"


def test_what_runs_in_no_dtype_on_a_device_has_no_golden_of_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LOOM_NO_KERNEL", "erf")
    path = tmp_path / "r.yaml"
    path.write_text("tensors: {x: [1.0]}\nsteps: {y: torch.erf(x)}\n")
    assert cli._guarded(cli.recipe_main, ["record", str(path), "device=loom", "--in-process"]) == 3
    assert "it runs in no dtype on 'loom':" in capsys.readouterr().out


def test_an_op_that_must_run_has_no_kernel_on_the_device(monkeypatch):
    monkeypatch.setenv("LOOM_NO_KERNEL", "erf")
    assert (
        fate("must_run=[mul]", steps={"h": {"op": "mul", "args": ["x", 2]}, "y": "torch.erf(h)"}).outcome
        == "unsupported"
    )
    found = fate("must_run=[erf]")
    assert (found.outcome, found.exit_code) == ("failed", 3)
