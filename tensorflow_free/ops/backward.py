"""The ops `backward` and `grad`, which the runner carries out: their parameters."""

from __future__ import annotations

from typing import Final

import torch

from tensorflow_free.ops.signatures import REQUIRED, Op, Parameter, Signature


def _flag(name: str, default: object) -> Parameter:
    types = frozenset({"bool", "None"}) if default is None else frozenset({"bool"})
    return Parameter(name, types, default, keyword_only=True)


_TENSORS = frozenset({"Tensor", "Tensor[]"})
_GRADIENT = frozenset({"Tensor", "number", "float[]", "any", "None", "gradient"})

BACKWARD = Op(
    "backward",
    (
        Signature(
            torch.autograd.backward,
            "function",
            (
                Parameter("target", frozenset({"Tensor"}), REQUIRED, aliases=("tensor", "self", "input")),
                Parameter("gradient", _GRADIENT, None),
                Parameter("inputs", frozenset({"Tensor[]", "None"}), None, keyword_only=True),
                _flag("retain_graph", None),
                _flag("create_graph", False),
            ),
        ),
    ),
    "https://docs.pytorch.org/docs/stable/generated/torch.autograd.backward.html",
)
"""`backward` as a step: its value holds the gradient of each leaf as it stood then, `bw.w`. Binding makes its call."""

GRAD = Op(
    "grad",
    (
        Signature(
            torch.autograd.grad,
            "function",
            (
                Parameter("outputs", _TENSORS),
                Parameter("inputs", _TENSORS),
                Parameter("grad_outputs", _TENSORS | {"None", "gradient", "gradient[]"}, None),
                _flag("retain_graph", None),
                _flag("create_graph", False),
                _flag("allow_unused", None),
                _flag("is_grads_batched", False),
                _flag("materialize_grads", False),
            ),
            returns=None,
        ),
    ),
    "https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad.html",
)
"""`grad` as a step: torch.autograd.grad, of one input its gradient alone. Binding makes its call."""

OPS: Final[dict[str, Op]] = {op.name: op for op in (BACKWARD, GRAD)}
"""The ops that are the runner's own; the first of them in a recipe ends what a backend compiles."""
