"""What is tried: each signature of each op, called by the names of its parameters."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tensorflow_free import registry
from tensorflow_free.ops.guards.bounds import guarded
from tensorflow_free.ops.signatures import REQUIRED, Signature
from tensorflow_free.support.eager_runs import tensors_in

CHECKED = True
"""Whether calls have the checks of a recipe's steps."""

Arguments = dict[str, Any]
"""A call's arguments, by the names of the signature's parameters."""


@dataclass(frozen=True, slots=True)
class Target:
    """One signature of an op."""

    name: str
    position: int
    signature: Signature

    def __str__(self) -> str:
        return f"{self.name}#{self.position}" if self.position else self.name

    def call(self, arguments: Mapping[str, Any]) -> Any:
        """Call what a recipe's step of this op would call."""
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        for parameter in self.signature.parameters:
            if parameter.name not in arguments:
                continue
            value = arguments[parameter.name]
            if self.signature.variadic and isinstance(value, (list, tuple)) and not kwargs:
                args += value
            elif parameter.keyword_only or len(args) != self._place(parameter.name):
                kwargs[parameter.name] = value
            else:
                args.append(value)
        if not CHECKED:
            return self.signature.function(*args, **kwargs)
        odd = any(tensor.is_meta or tensor.is_mkldnn for tensor in tensors_in(arguments))
        nested = any(tensor.is_nested for tensor in tensors_in(arguments))
        return guarded(self.name, self.signature, arguments, odd=odd, unseen=False, nested=nested)(*args, **kwargs)

    def _place(self, name: str) -> int:
        return [parameter.name for parameter in self.signature.parameters].index(name)

    def named(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Arguments | None:
        """The arguments of a call by their parameters' names, or None where they are not this signature's."""
        positional = [one for one in self.signature.parameters if not one.keyword_only]
        if self.signature.variadic:
            args = [list(args)]
        elif len(args) > len(positional) and self.signature.spread:
            args = [*args[: len(positional) - 1], list(args[len(positional) - 1 :])]
        if len(args) > len(positional):
            return None
        found = dict(zip((one.name for one in positional), args, strict=False))
        words = {word: one.name for one in self.signature.parameters for word in (one.name, *one.aliases)}
        if not kwargs.keys() <= words.keys():
            return None
        found |= {words[word]: value for word, value in kwargs.items()}
        required = {one.name for one in self.signature.parameters if one.default is REQUIRED}
        return found if required <= found.keys() else None


@functools.cache
def targets() -> tuple[Target, ...]:
    """Each signature of each op of the registry, those of aten last."""
    found = []
    for name in (*registry.names(), *registry.aten_names()):
        op = registry.find(name)
        if op is not None and name not in ("backward", "grad"):
            found += [Target(name, position, one) for position, one in enumerate(op.signatures)]
    return tuple(found)
