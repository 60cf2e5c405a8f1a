"""A call in plain eager torch, on copies of its own: the values, the inputs as they are afterwards, the gradients."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import torch

SEED: Final = 42
"""What the entries that draw random numbers seed torch with."""


def seed(number: int) -> None:
    """Seed the CPU's generator; torch.manual_seed also seeds devices that are not there, and takes long to note it."""
    torch.default_generator.manual_seed(number)


class CopiedArguments:
    """Copies of tensors in equal memory layouts, each tensor once."""

    def __init__(self) -> None:
        self._copies: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    def of(self, value: Any) -> Any:
        """The value with each tensor inside replaced by its copy."""
        if isinstance(value, torch.Tensor):
            # the original is held, for an id is only its own while it lives
            return self._copies.setdefault(id(value), (_copy(value), value))[0]
        if isinstance(value, Mapping):
            return {key: self.of(part) for key, part in value.items()}
        if isinstance(value, slice):
            return slice(self.of(value.start), self.of(value.stop), self.of(value.step))
        if type(value) in (list, tuple):
            return type(value)(self.of(part) for part in value)
        return value


def _copy(tensor: torch.Tensor) -> torch.Tensor:
    numbers = tensor.detach()
    if numbers.layout != torch.strided:  # no storage to copy
        made = numbers.clone()
    elif numbers.is_conj():  # its deep copy would be worked out
        made = copy.deepcopy(numbers.conj()).conj()
    else:
        made = copy.deepcopy(numbers)
    return made.requires_grad_(tensor.requires_grad)


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """Every tensor inside arguments, in order."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, Mapping):
        yield from tensors_in(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from tensors_in(part)
    elif isinstance(value, slice):
        yield from tensors_in([value.start, value.stop, value.step])


def distinct_tensors(value: Any) -> list[torch.Tensor]:
    """Every tensor inside arguments, in order, each once."""
    return list({id(tensor): tensor for tensor in tensors_in(value)}.values())


@dataclass
class EagerCall:
    """What plain torch gave."""

    value: Any = None
    values: dict[str, Any] = field(default_factory=dict)
    """Each part of the value by its position: `y`, or `y.0`, `y.1.0`."""
    inputs: list[torch.Tensor] = field(default_factory=list)
    """The inputs as they are in the end."""
    gradients: list[torch.Tensor | None] = field(default_factory=list)
    """The inputs' gradients."""
    passes: dict[str, torch.Tensor] = field(default_factory=dict)
    """The gradient that backward began from, by the name of the part."""
    error: Exception | None = None


def run_eagerly(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], inputs: Sequence[torch.Tensor]
) -> EagerCall:
    """Call the function on copies, then backward from every differentiable part of its value.

    Args:
        function: what the database calls.
        args: its arguments.
        kwargs: its keyword arguments.
        inputs: the tensors in them whose state afterwards and gradients are wanted.
    """
    copies, made = CopiedArguments(), EagerCall()
    args, kwargs = copies.of(list(args)), copies.of(dict(kwargs))
    made.inputs = [copies.of(tensor) for tensor in inputs]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seed(SEED)
        try:
            made.value = function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - however it fails, the recipe must fail alike
            made.error = error
            return made
        made.values = dict(flat("y", made.value))
        _differentiate(made)
    return made


def _differentiate(made: EagerCall) -> None:
    """Backward from each part in turn; what torch refuses (eigenvectors of no certain phase) is left out."""
    for name, value in made.values.items():
        if isinstance(value, torch.Tensor) and value.requires_grad:
            gradient = gradient_for(value)
            try:
                torch.autograd.backward(value, gradient, retain_graph=True)
            except RuntimeError:
                continue
            made.passes[name] = gradient
    made.gradients = [tensor.grad if tensor.is_leaf else None for tensor in made.inputs]


def gradient_for(value: torch.Tensor) -> torch.Tensor:
    """A gradient of uneven small numbers that every floating dtype holds exactly."""
    numbers = torch.arange(value.numel()).remainder(7).sub(2).div(4)
    return numbers.reshape(value.shape).to(value.dtype)


def flat(name: str, value: Any, *, fields: bool = False) -> Iterator[tuple[str, Any]]:
    """A value, or each part of several, with its name: by position, or (`fields`) as a recipe's result has it."""
    if isinstance(value, (tuple, list)) and value and not isinstance(value, torch.Size):
        named = getattr(type(value), "__match_args__", ()) if fields else ()
        for position, inner in enumerate(value):
            part = named[position] if named else position
            yield from flat(f"{name}.{part}", inner, fields=fields)
    else:
        yield name, value
