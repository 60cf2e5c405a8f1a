"""The backward pass as the runner calls it, and the gradient that a pass starts from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from tensorflow_free.tensors.starting_tensors import Start, make


def run_backward(
    names: tuple[str, ...],
    options: Mapping[str, Any],
    target: torch.Tensor,
    gradient: Any,
    inputs: Sequence[torch.Tensor] | None,
    *leaves: torch.Tensor,
) -> dict[str, torch.Tensor | None]:
    """Call backward on `target`, and give each leaf's gradient as it stands then, by the leaf's name."""
    if isinstance(gradient, Start):
        gradient = drawn(gradient, target)
    elif gradient is not None and not isinstance(gradient, torch.Tensor):
        gradient = spread(gradient, target)
    torch.autograd.backward(target, gradient, inputs=inputs, **options)
    return {name: _stands(leaf) for name, leaf in zip(names, leaves, strict=True) if leaf.requires_grad}


def run_grad(outputs: Any, inputs: Any, grad_outputs: Any = None, **options: Any) -> Any:
    """torch.autograd.grad: for one input its gradient, for a list of inputs their gradients by position."""
    if isinstance(grad_outputs, list) and isinstance(outputs, list):
        grad_outputs = [_made(one, target) for one, target in zip(grad_outputs, outputs, strict=False)]
    else:
        grad_outputs = _made(grad_outputs, outputs)
    gradients = torch.autograd.grad(outputs, inputs, grad_outputs, **options)
    return gradients[0] if isinstance(inputs, torch.Tensor) else gradients


def _made(gradient: Any, target: Any) -> Any:
    """An init made for its target, or one for each of several; anything else is the gradient itself."""
    if not isinstance(gradient, Start):
        return gradient
    return [drawn(gradient, one) for one in target] if isinstance(target, list) else drawn(gradient, target)


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
