"""A call of PyTorch's as it was seen, with what stood around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from tensorflow_free.tracing.leaves import tensors_in
from tensorflow_free.tracing.refusals import ModelLine


@dataclass(frozen=True, slots=True)
class BlockState:
    """What `with` blocks of the model's stand around a call."""

    grad: bool
    inference: bool
    autocast: tuple[str, torch.dtype, bool] | None
    """The device, the dtype, and whether casts are kept; None outside."""


@dataclass(slots=True, eq=False)
class TracedCall:
    """One call.

    Attributes:
        function: what was called.
        name: its public name with torch's path, where it has one: `torch.Tensor.view`.
        args: its arguments, its own tensors among them.
        kwargs: those that were given by name.
        result: what it gave.
        module: the path of the module that made it: `attn.q`; empty outside of modules.
        source: the model's line.
        state: the blocks around it.
        changed: the positions among its tensors of those that it changed.
        draws: whether it drew random numbers.
        stood: its values as they were when it ended: `kept` of `result`.
        output_of: the module whose output the result is.
    """

    function: Callable[..., Any]
    name: str
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    result: Any
    module: str
    source: ModelLine
    state: BlockState
    changed: tuple[torch.Tensor, ...] = ()
    draws: bool = False
    stood: list[torch.Tensor] = field(default_factory=list)
    output_of: str = ""
    own: type[torch.autograd.Function] | None = None
    """The function of autograd's that users wrote, whose `apply` was called."""
    inside: tuple[TracedCall, ...] | None = None
    """The calls of aten's that it made; None where nobody looked."""
    stream: torch.Tensor | None = None
    """Where the generator stood before a call that drew."""
    refused: str | None = None
    """Why a step with these arguments would be refused, of a call of aten's."""

    @property
    def tensors(self) -> list[torch.Tensor]:
        """The tensors among its arguments."""
        return list(tensors_in([self.args, self.kwargs]))

    @property
    def is_in_place(self) -> bool:
        """Whether it changed one of its arguments."""
        return bool(self.changed)


@dataclass(slots=True)
class Taken:
    """What was seen of a run.

    Attributes:
        calls: in order.
        asked: lines at which Python was given a number of a tensor, with the call's name.
        left: where tensors left PyTorch, with the call's name.
        under: where transforms of functions ran, with their names.
        numbers: steps that gave Python a floating number, by that number's identity.
        result: what the callable gave.
        notes: what is worth knowing, and no failure.
    """

    calls: list[TracedCall] = field(default_factory=list)
    asked: dict[ModelLine, str] = field(default_factory=dict)
    left: dict[ModelLine, str] = field(default_factory=dict)
    under: dict[ModelLine, str] = field(default_factory=dict)
    numbers: dict[int, TracedCall] = field(default_factory=dict)
    result: Any = None
    notes: list[str] = field(default_factory=list)


def kept(value: torch.Tensor) -> torch.Tensor:
    """A tensor as it is now."""
    return value.detach().clone() if value.layout == torch.strided else value.detach()


def state() -> BlockState:
    """The blocks around the line that runs."""
    autocast = None
    for device in ("cpu", "cuda", "xpu"):
        if torch.is_autocast_enabled(device):
            autocast = device, torch.get_autocast_dtype(device), torch.is_autocast_cache_enabled()
    return BlockState(torch.is_grad_enabled(), torch.is_inference_mode_enabled(), autocast)
