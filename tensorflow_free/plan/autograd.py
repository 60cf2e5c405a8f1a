"""The backward pass as the runner calls it, and the gradient that a pass starts from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import torch
from torch.overrides import has_torch_function

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
    backward(target, gradient, inputs, **options)
    return {name: _stands(leaf) for name, leaf in zip(names, leaves, strict=True) if leaf.requires_grad}


def run_grad(outputs: Any, inputs: Any, grad_outputs: Any = None, **options: Any) -> Any:
    """torch.autograd.grad: for one input its gradient, for a list of inputs their gradients by position."""
    if isinstance(grad_outputs, list) and isinstance(outputs, list):
        grad_outputs = [_made(one, target) for one, target in zip(grad_outputs, outputs, strict=False)]
    else:
        grad_outputs = _made(grad_outputs, outputs)
    gradients = grad(outputs, inputs, grad_outputs, **options)
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


# torch.autograd's functions, without what they import to compare two shapes

_ENGINE: Final[Callable[..., Any] | None] = getattr(torch.autograd.graph, "_engine_run_backward", None)
"""What torch.autograd's functions call once they have checked what they are given; a private name."""

_Tensors: TypeAlias = tuple[torch.Tensor, ...]


def backward(
    targets: Any, gradients: Any, inputs: Any = None, *, retain_graph: bool | None = None, create_graph: bool = False
) -> None:
    """torch.autograd.backward; see `_fitting`."""
    fitting, leaves = _fitting(targets, gradients), () if inputs is None else _plain(inputs)
    if _ENGINE is None or fitting is None or leaves is None:
        torch.autograd.backward(targets, gradients, retain_graph, create_graph, inputs=inputs)
    else:
        kept = create_graph if retain_graph is None else retain_graph
        _ENGINE(*fitting, kept, create_graph, leaves, allow_unreachable=True, accumulate_grad=True)


def grad(outputs: Any, inputs: Any, gradients: Any, **options: Any) -> Any:
    """torch.autograd.grad; see `_fitting`."""
    fitting, sources = _fitting(outputs, gradients), _plain(inputs)
    if _ENGINE is None or fitting is None or sources is None or any(map(options.get, _OTHERWISE)):
        return torch.autograd.grad(outputs, inputs, gradients, **options)
    create_graph = options.get("create_graph", False)
    kept = create_graph if options.get("retain_graph") is None else options["retain_graph"]
    return _ENGINE(*fitting, kept, create_graph, sources, bool(options.get("allow_unused")), accumulate_grad=False)


_OTHERWISE: Final = ("is_grads_batched", "materialize_grads")
"""Options of torch.autograd.grad with which it does more than to call its engine."""


def _fitting(targets: Any, gradients: Any) -> tuple[_Tensors, _Tensors] | None:
    """Targets and their gradients for the engine, where torch.autograd would find nothing wrong with them; else None.

    To find that out, it imports sympy, which takes a third of the time of importing torch, and compares two shapes.
    So plain tensors are compared here, and the engine is called as it would be; for anything else, a wrong gradient
    too, torch's own function is called.
    """
    if torch.compiler.is_compiling():
        return None
    given, begun = _plain(targets), _plain(gradients)
    if given is None or begun is None or len(given) != len(begun) or has_torch_function(given):
        return None
    return (given, begun) if all(map(_fits, given, begun)) else None


def _plain(given: Any) -> _Tensors | None:
    """One tensor, or several, in a tuple; None where there is none, or one that is not plain."""
    several = (given,) if isinstance(given, torch.Tensor) else given if isinstance(given, (list, tuple)) else ()
    return tuple(several) if several and all(type(one) is torch.Tensor for one in several) else None


def _fits(target: torch.Tensor, gradient: torch.Tensor) -> bool:
    """Whether a gradient has its target's shape, and is complex where that is; a nested tensor has no shape to tell."""
    return (
        not (target.is_nested or gradient.is_nested)
        and target.shape == gradient.shape
        and target.is_complex() == gradient.is_complex()
    )
