"""Nudged runs: how far rounding takes each value, by op."""

from __future__ import annotations

import torch
import torch.nn.functional as F

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
