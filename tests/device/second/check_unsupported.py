"""A missing kernel on the second device, in the words of several vendors: unsupported, with whose words they are."""

from __future__ import annotations

import pytest

from tensorflow_free import load_recipe
from tensorflow_free.cell.fate import fate_of
from tensorflow_free.loading import plan_of
from tensorflow_free.run import unsupported
from tensorflow_free.runner import run

RECIPE = {"tensors": {"x": {"data": [0.5, 1.0], "requires_grad": True}}, "steps": {"h": "x * 2", "y": "torch.erf(h)"}}


def fate(*overrides, **keys):
    return fate_of(run(plan_of(load_recipe({**RECIPE, **keys}, ["device=loom:1", *overrides])))[0])


@pytest.mark.parametrize(
    ("words", "whose"),
    [
        ("EZ1001: {op} with dtype {dtype} is not supported by the chip", "plain words on a dtype"),
        ("call aclnnErf failed, EZ1001: self not implemented for {dtype}, should be in dtype support list []", "Ascend"),
        ("TT_FATAL @ eltwise_op.cpp:18: detail::is_ok(a.get_dtype())\ninfo:\nUnsupported datatype {dtype}", "Tenstorrent"),
        ("{op} has no tile program on loom", None),
        ("{op}: shape [2] has the wrong layout", None),
        ("loom: no program for {op}", "'no program for [a-z]+'"),
        ("{op} runs nowhere but on the host; loom does not support it", "plain words on a device"),
    ],
)  # fmt: skip
def test_a_missing_kernel_is_unsupported_in_the_words_of_many(monkeypatch, words, whose):
    monkeypatch.setenv("LOOM_NO_KERNEL", "erf")
    monkeypatch.setenv("LOOM_NO_KERNEL_WORDS", words)
    monkeypatch.setenv(unsupported.UNSUPPORTED_VARIABLE, '["no program for [a-z]+"]')
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
