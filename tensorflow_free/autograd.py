"""The runner's own ops: `backward`, `grad`, and the gradient that a backward pass starts from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from tensorflow_free.factories import Start, make
from tensorflow_free.ops.signatures import REQUIRED, Op, Parameter, Signature


def run_backward(
    names: tuple[str, ...],
    options: Mapping[str, Any],
    target: torch.Tensor,
    gradient: Any,
    inputs: Sequence[torch.Tensor] | None,
    *leaves: torch.Tensor,
) -> dict[str, torch.Tensor | None]:
    """Call backward on `target`, and give each leaf's gradient as it stands then, by the leaf's name."""
    if gradient is not None and not isinstance(gradient, torch.Tensor):
        gradient = spread(gradient, target)
    torch.autograd.backward(target, gradient, inputs=inputs, **options)
    return {name: _stands(leaf) for name, leaf in zip(names, leaves, strict=True) if leaf.requires_grad}


def _stands(leaf: torch.Tensor) -> torch.Tensor | None:
    """A leaf's gradient, out of reach of the passes to come; with its history where it has one."""
    return None if leaf.grad is None else leaf.grad.clone()


def spread(number: Any, target: torch.Tensor) -> torch.Tensor:
    """Literal numbers as a gradient of `target`: in its dtype, on its device, spread over its shape."""
    return torch.tensor(number, dtype=target.dtype, device=target.device).expand(target.shape)


def drawn(start: Start, target: torch.Tensor) -> torch.Tensor:
    """An init without size as a gradient of `target`: made for its shape, then in its dtype and on its device."""
    made, _ = make(start, {start.input or "": torch.empty(target.shape, dtype=target.dtype)})
    return made.to(device=target.device, dtype=target.dtype)


def run_grad(outputs: Any, inputs: Any, grad_outputs: Any = None, **options: Any) -> Any:
    """torch.autograd.grad: for one input its gradient, for a list of inputs their gradients by position."""
    gradients = torch.autograd.grad(outputs, inputs, grad_outputs, **options)
    return gradients[0] if isinstance(inputs, torch.Tensor) else gradients


def _flag(name: str, default: object) -> Parameter:
    types = frozenset({"bool", "None"}) if default is None else frozenset({"bool"})
    return Parameter(name, types, default, keyword_only=True)


_TENSORS = frozenset({"Tensor", "Tensor[]"})
_GRADIENT = frozenset({"Tensor", "number", "float[]", "any", "None"})

BACKWARD = Op(
    "backward",
    (
        Signature(
            run_backward,
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
"""`backward` as a step: its value holds the gradient of each leaf as it stood then, `bw.w`."""

GRAD = Op(
    "grad",
    (
        Signature(
            run_grad,
            "function",
            (
                Parameter("outputs", _TENSORS),
                Parameter("inputs", _TENSORS),
                Parameter("grad_outputs", _TENSORS | {"None"}, None),
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
"""`grad` as a step: torch.autograd.grad."""
