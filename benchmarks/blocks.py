"""A GPT-2 block, two layer norms, attention of 12 heads, an MLP with GELU: a recipe with backward, and a module."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as nnf


def gpt2_block(
    length: int = 256, width: int = 768, heads: int = 12, *, batch: int = 1, norms: bool = True, **more: Any
) -> dict[str, Any]:
    """The recipe of a block on sequences.

    Args:
        length: tokens of a sequence.
        width: numbers of each token.
        heads: heads of the attention.
        batch: sequences.
        norms: whether the weights and biases of its layer norms have gradients.
        more: further keys of the recipe.
    """

    def weight(*size: int) -> dict[str, Any]:
        return {"init": "normal", "mean": 0.0, "std": 0.02, "size": list(size), "requires_grad": True}

    def of_norm(init: str) -> dict[str, Any]:
        return {"init": init, "size": [width], "requires_grad": norms}

    def bias(size: int) -> dict[str, Any]:
        return {"init": "zeros", "size": [size], "requires_grad": True}

    split = f".view({batch}, {length}, {heads}, {width // heads}).transpose(1, 2)"
    return {
        "tensors": {
            "x": {"init": "randn", "size": [batch, length, width], "requires_grad": True},
            "ln_1_w": of_norm("ones"),
            "ln_1_b": of_norm("zeros"),
            "ln_2_w": of_norm("ones"),
            "ln_2_b": of_norm("zeros"),
            "qkv_w": weight(3 * width, width),
            "qkv_b": bias(3 * width),
            "proj_w": weight(width, width),
            "proj_b": bias(width),
            "fc_w": weight(4 * width, width),
            "fc_b": bias(4 * width),
            "out_w": weight(width, 4 * width),
            "out_b": bias(width),
            "gradient": {"init": "randn", "size": [batch, length, width]},
        },
        "steps": {
            "ln_1": f"F.layer_norm(x, [{width}], ln_1_w, ln_1_b)",
            "qkv": "F.linear(ln_1, qkv_w, qkv_b)",
            **{name: f"qkv.narrow(2, {at * width}, {width}){split}" for at, name in enumerate(("q", "k", "v"))},
            "attended": "F.scaled_dot_product_attention(q, k, v, is_causal=True)",
            "joined": f"attended.transpose(1, 2).reshape({batch}, {length}, {width})",
            "proj": "F.linear(joined, proj_w, proj_b)",
            "mid": "x + proj",
            "ln_2": f"F.layer_norm(mid, [{width}], ln_2_w, ln_2_b)",
            "fc": "F.linear(ln_2, fc_w, fc_b)",
            "act": "F.gelu(fc, approximate='tanh')",
            "out": "F.linear(act, out_w, out_b)",
            "y": "mid + out",
        },
        "backward": {"target": "y", "gradient": "gradient"},
        **more,
    }


class Gpt2Block(nn.Module):
    """The same as a module of torch's."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.fc, self.out = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def draw(self) -> None:
        """Draw the weights anew, and forget their gradients."""
        self.zero_grad()
        for linear in (self.qkv, self.proj, self.fc, self.out):
            nn.init.normal_(linear.weight, 0.0, 0.02)
            nn.init.zeros_(linear.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The block's output, of the shape of `x`: `[batch, length, width]`."""
        batch, length, width = x.shape
        parts = self.qkv(self.ln_1(x)).view(batch, length, 3, self.heads, width // self.heads)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        attended = nnf.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(attended.transpose(1, 2).reshape(batch, length, width))
        return x + self.out(nnf.gelu(self.fc(self.ln_2(x)), approximate="tanh"))
