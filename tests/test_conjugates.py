"""A reference, its nudged runs and a noted cell compute with the conjugates that plain torch computes with."""

from __future__ import annotations

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tensorflow_free import load_recipe, run_recipe
from tensorflow_free.cell.reference import yardstick_of
from tensorflow_free.cell.yardstick import KeptRuns
from tensorflow_free.rounding.nudge import Nudge
from tensorflow_free.tensors.conjugates import seeing_conjugates

X = torch.complex(*torch.randn(2, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))


class Plain(TorchDispatchMode):
    @seeing_conjugates
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return func(*args, **kwargs or {})


CALLS = {
    "pinv": torch.linalg.pinv,
    "product": lambda x: (x * 2).mH @ x,
    "imaginary part": lambda x: x.conj().imag @ x.real,
    "cov": torch.cov,
    "eigh": lambda x: torch.linalg.eigvalsh(x @ x.mH),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=list(CALLS))
def test_a_mode_sees_conjugates(call):
    with Plain():
        found = call(X)
    torch.testing.assert_close(found, call(X))


@pytest.mark.parametrize("call", CALLS.values(), ids=list(CALLS))
def test_what_is_nudged_is_moved_by_some_epsilons_alone(call):
    with Nudge(torch.float32, 0):
        found = call(X.clone())
    torch.testing.assert_close(found, call(X), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_complex_pseudoinverse_is_well(dtype):
    data = {"data": X, "requires_grad": True}
    recipe = {"tensors": {"x": data}, "steps": {"y": "torch.linalg.pinv(x)", "s": "y.abs().sum()"}, "backward": "s"}
    loaded = load_recipe(recipe, [f"dtype={dtype}"])
    assert yardstick_of(recipe, [f"dtype={dtype}"], loaded, KeptRuns()).compare(run_recipe(loaded)).is_well
