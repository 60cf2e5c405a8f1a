"""A call as a step that is written out: its arguments as the format says them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import torch

from tensorflow_free.tensors.dtypes import word_of
from tensorflow_free.tracing.sizes import MovingNumber

ENDS: Final = ("min", "max")
"""The finite ends of a floating dtype, with which masks are filled; in another dtype they are others."""

SUBSCRIPTS: Final = {"__getitem__": "[]", "__setitem__": "[]="}


class NotSaid(Exception):
    """An argument that a recipe cannot say; its words say which."""


class WordsOfCalls:
    """Writes the arguments of calls.

    Args:
        name: the name of a tensor, as a recipe refers to it: `x`, `split.0`, `top.values`.
        number: the name of the step that gave a floating number, or None.
        floating: the dtype that is the recipe's own, written as `floating`.
        device: the device that is the recipe's.
    """

    def __init__(
        self,
        name: Callable[[torch.Tensor], str],
        number: Callable[[float], str | None],
        floating: torch.dtype,
        device: torch.device,
    ) -> None:
        self.name = name
        self.number = number
        self.floating = floating
        self.device = device
        self._words: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
            (torch.Tensor, name),
            (MovingNumber, lambda value: value.word),
            (float, lambda value: number(value) or self.end(value) or value),
            ((bool, int, type(None)), lambda value: value),
            (complex, lambda value: {"complex": [value.real, value.imag]}),
            (str, lambda value: {"str": value}),
            (torch.dtype, lambda value: "floating" if value == floating else {"dtype": word_of(value)}),
            (torch.device, lambda value: "${device}" if self.is_own(value) else str(value)),
            ((torch.layout, torch.memory_format), lambda value: str(value).removeprefix("torch.")),
            ((list, tuple, range), lambda value: [self.word(part) for part in value]),
        )

    def end(self, value: float) -> dict[str, str] | None:
        """A number that is an end of the recipe's own dtype, `torch.finfo(x.dtype).min`, which follows it."""
        info = torch.finfo(self.floating)
        return next(({"finfo": end} for end in ENDS if getattr(info, end) == value), None)

    def step(self, op: str, args: Any, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """A call as a step.

        Raises:
            NotSaid: an argument is nothing that a recipe can say.
        """
        if op in SUBSCRIPTS:
            return {
                "op": SUBSCRIPTS[op],
                "args": [self.word(args[0]), self.subscript(args[1]), *map(self.word, args[2:])],
            }
        step: dict[str, Any] = {"op": op, "args": [self.word(value) for value in args]}
        return {**step, "kwargs": {key: self.word(value) for key, value in kwargs.items()}} if kwargs else step

    def word(self, value: Any) -> Any:
        """An argument as the format writes it.

        Raises:
            NotSaid: it has no words for it.
        """
        for kinds, write in self._words:
            if isinstance(value, kinds):
                return write(value)
        if hasattr(type(value), "__members__"):
            return int(value.value)  # torch's own enumerations, which its ops take as integers
        raise NotSaid(f"a {type(value).__name__}")

    def subscript(self, index: Any) -> str:
        """What stands between the brackets of `x[…]`.

        Raises:
            NotSaid: no subscript of a recipe's is like it.
        """
        match index:
            case torch.Tensor():
                return self.read(index)
            case slice():
                parts = ["" if part is None else self.subscript(part) for part in (index.start, index.stop, index.step)]
                return ":".join(parts if index.step is not None else parts[:2])
            case tuple():
                inside = ", ".join(self.subscript(part) for part in index)
                return f"{inside}," if len(index) == 1 else inside or "()"
            case list():
                return f"[{', '.join(self.subscript(part) for part in index)}]"
            case MovingNumber():
                return index.word
            case None | bool() | int():
                return str(index)
        if index is Ellipsis:
            return "..."
        raise NotSaid(f"a {type(index).__name__} in a subscript")

    def read(self, tensor: torch.Tensor) -> str:
        """A value as a line of Python reads it: a part of several values by its position in brackets, `split[0]`."""
        name, *fields = self.name(tensor).split(".")
        return name + "".join(f"[{field}]" if field.isdigit() else f".{field}" for field in fields)

    def is_own(self, device: torch.device) -> bool:
        """Whether a device is the recipe's."""
        return device.type == self.device.type and device.index in (None, self.device.index, 0)
