"""Nudged runs: each goes as far as its reference, is as far from it as rounding is, and leaves the process alone."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from tensorflow_free import load_recipe, run_recipe
from tensorflow_free.cell.reference import yardstick_of
from tensorflow_free.cell.yardstick import KeptRuns
from tensorflow_free.rounding.nudge import Nudge
from tensorflow_free.rounding.steps_in_backward import StepsInBackward


def matrix() -> torch.Tensor:
    return torch.randn(4, 5, dtype=torch.complex128, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    "formula",
    [
        torch.cov,
        lambda x: x.conj() @ x.t(),
        lambda x: (x.conj().imag @ x.real.t()).sum(),
        lambda x: torch.linalg.eigvalsh(x @ x.mH),
    ],
)
def test_conjugates_and_negatives_by_a_bit_are_nudged_as_what_they_are(formula):
    exact, moved = formula(matrix()), False
    for number in range(4):
        with Nudge(torch.float64, number):
            nudged = formula(matrix())
        torch.testing.assert_close(nudged, exact, rtol=1e-12, atol=1e-12)
        # a sum may round to what it was
        moved = moved or not torch.equal(nudged, exact)
    assert moved


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.complex64])
def test_a_pinned_dtype_stays_when_it_is_nudged(dtype):
    with Nudge(torch.float32, 0):
        x = torch.randn(4, 4).to(dtype)
        assert (x @ x).dtype == (x * 1.1).dtype == dtype


@pytest.mark.parametrize("reduce", ["sum", "mean", "amax", "amin"])
def test_a_nudged_operand_asks_for_gradients_as_the_operand_does(reduce):
    # its backward reads which elements were the largest, which its forward keeps only where a gradient is asked for
    matrix = torch.eye(5, dtype=torch.float64).to_sparse_csr().requires_grad_()
    dense = torch.ones(5, 3, dtype=torch.float64, requires_grad=True)
    with Nudge(torch.float64, 0):
        torch.sparse.mm(matrix, dense, reduce).sum().backward()
    torch.testing.assert_close(dense.grad, torch.ones(5, 3, dtype=torch.float64), rtol=1e-12, atol=0)


def test_zeros_without_memory_are_not_moved():
    x = torch.randn(3, dtype=torch.float64, requires_grad=True)
    with Nudge(torch.float64, 0):
        x.sgn().backward(torch.ones(3, dtype=torch.float64))
    assert torch.equal(x.grad, torch.zeros(3, dtype=torch.float64))


def test_an_op_whose_decomposition_is_not_for_these_operands_runs_as_it_is():
    x = torch.randn(1, 2, 7, 7, dtype=torch.float64)
    with Nudge(torch.float64, 0):
        assert torch.equal(F.adaptive_max_pool2d(x, 3), F.adaptive_max_pool2d(x, 3))


def test_flags_that_a_backward_reads_are_not_moved():
    x = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    target = torch.tensor([[0, 1, -1], [1, 2, -1]])
    expected = torch.autograd.grad(F.multilabel_margin_loss(x, target), x)[0]
    with Nudge(torch.float64, 0):
        found = torch.autograd.grad(F.multilabel_margin_loss(x, target), x)[0]
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("formula", [torch.tanh, torch.sigmoid, F.tanhshrink])
def test_gradients_of_complex_numbers_are_nudged_as_what_they_are(formula):
    x = matrix().requires_grad_()
    expected = torch.autograd.grad(formula(x).abs().sum(), x)[0]
    with Nudge(torch.float64, 0):
        found = torch.autograd.grad(formula(x).abs().sum(), x)[0]
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("reduce", ["amax", "amin"])
def test_the_backward_of_a_reduction_that_selects_finds_what_it_selected(reduce):
    x = torch.randn(6, dtype=torch.float64, requires_grad=True)
    index = torch.tensor([0, 0, 1, 1, 2, 2])
    with Nudge(torch.float64, 0):
        torch.zeros(3, dtype=torch.float64).scatter_reduce(0, index, x, reduce, include_self=False).sum().backward()
    assert sorted(x.grad.tolist()) == pytest.approx([0.0] * 3 + [1.0] * 3, rel=1e-12)


def test_the_backward_of_a_step_has_its_dtype_also_where_the_step_runs_it_itself():
    steps, seen, x = StepsInBackward(), [], torch.ones(2, requires_grad=True)

    def made():
        y = x * 2
        y.grad_fn.register_prehook(lambda _: seen.append(steps.dtype_here(torch.float64)))
        return y.sum()

    with steps.made_within(torch.bfloat16):
        first = made()
    outside = made()
    with steps.made_within(torch.float32):
        made().backward()
    for one in (first, outside):
        one.backward()
    assert seen == [torch.float32, torch.bfloat16, torch.float64]


PEAKED = {
    "tensors": {one: {"init": "normal", "std": 4, "size": [2, 2, 64, 32], "requires_grad": True} for one in "qkv"},
    "steps": {"y": "F.scaled_dot_product_attention(q, k, v, is_causal=True)", "l": "y.square().mean()"},
    "backward": "l",
}


@pytest.mark.parametrize("seed", range(3))
def test_the_backward_of_fused_attention_with_peaked_scores_is_nudged_as_it_rounds(seed):
    overrides = [f"seed={seed}"]
    found = yardstick_of(PEAKED, overrides, load_recipe(PEAKED, overrides), KeptRuns())
    comparison = found.compare(run_recipe(load_recipe(PEAKED, overrides)))
    assert comparison.is_well, comparison.bad
