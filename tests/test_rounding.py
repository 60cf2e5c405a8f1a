"""Nudged runs: how far rounding takes each value, by op."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from tensorflow_free.rounding.composed_forms import FORMS
from tensorflow_free.rounding.nudge import Nudge


def attention_gradients(attend):
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, 3, 6, 8, dtype=torch.float64).requires_grad_() for _ in range(3))
    attend(q, k, v).sin().sum().backward()
    return torch.stack([q.grad, k.grad, v.grad])


def by_hand(q, k, v):
    return (q @ k.mT / 8**0.5).softmax(-1) @ v


def test_gradients_of_fused_attention_are_nudged_as_far_as_those_by_hand():
    exact = attention_gradients(F.scaled_dot_product_attention)
    moved = []
    for attend in (F.scaled_dot_product_attention, by_hand):
        with Nudge(torch.bfloat16, 0):
            moved.append((attention_gradients(attend) - exact).square().mean().sqrt())
    assert moved[0] < 4 * moved[1] < 0.2


FORMS_ON = {
    "native_layer_norm": lambda x, w: (x, [4], w, w.neg(), 1e-5),
    "native_layer_norm_backward": lambda x, w: (
        x.cos(), x, [4], *torch.native_layer_norm(x, [4], w, w, 1e-5)[1:], w, w, [True, True, True]
    ),
    "_softmax": lambda x, w: (x, 1, False),
    "_safe_softmax": lambda x, w: (torch.cat([x, torch.full((1, 4), -torch.inf, dtype=x.dtype)]), 1),
    "_softmax_backward_data": lambda x, w: (x.cos(), x.softmax(0), 0, torch.float64),
    "_log_softmax": lambda x, w: (x, -1, False),
    "_log_softmax_backward_data": lambda x, w: (x.cos(), x.log_softmax(-1), -1, torch.float64),
    "gelu": lambda x, w: (x,),
    "gelu_backward": lambda x, w: (x.cos(), x),
    "silu": lambda x, w: (x,),
    "silu_backward": lambda x, w: (x.cos(), x),
    "sigmoid_backward": lambda x, w: (x.cos(), x.sigmoid()),
    "tanh_backward": lambda x, w: (x.cos(), x.tanh()),
}  # fmt: skip


@pytest.mark.parametrize("op", [torch.ops.aten.gelu.default, torch.ops.aten.gelu_backward.default], ids=str)
def test_gelu_by_tanh_is_what_its_kernel_gives(op):
    args = FORMS_ON[op._schema.name.removeprefix("aten::")](torch.linspace(-3, 3, 13, dtype=torch.float64), None)
    torch.testing.assert_close(FORMS[op](*args, approximate="tanh"), op(*args, approximate="tanh"))


@pytest.mark.parametrize("op", FORMS, ids=str)
def test_the_form_of_an_op_is_what_its_kernel_gives(op):
    x = torch.linspace(-2, 3, 12, dtype=torch.float64).reshape(3, 4)
    args = FORMS_ON[op._schema.name.removeprefix("aten::")](x, torch.tensor([1.0, 2.0, -1.0, 0.5], dtype=torch.float64))
    torch.testing.assert_close(FORMS[op](*args), op(*args), rtol=1e-13, atol=1e-14)
