"""Calls of a reference that the cell has no like of: what a step of the cell's is there in several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from tensorflow_free.isolation.captured import Captured, CapturedCall, tensor_names
from tensorflow_free.isolation.copies import Convert, alike, each_tensor, tensors_in
from tensorflow_free.plan.calls import Site


class NotReadError(Exception):
    """The reference reads what the cell's step does not."""


@dataclass(frozen=True, slots=True)
class StrangeCall:
    """A call that the cell has no like of.

    Attributes:
        function: what is called.
        site: where it is in the reference.
        operands: what it was called with; of these only the places of tensors, and constants, are looked at.
    """

    function: Callable[..., Any]
    site: Site
    operands: tuple[Any, ...]

    def called(self, known: Mapping[str, torch.Tensor]) -> Any:
        """What it gives, with tensors of these names."""
        names = tensor_names(self.site)
        if len(names) != len(tensors_in(self.operands)):
            raise NotReadError(f"what '{self.site.name}' of the reference reads has no names")
        missing = next((name for name in names if name not in known), None)
        if missing is not None:
            raise NotReadError(f"the reference reads '{missing}', which the step does not")
        following = (known[name] for name in names)
        return self.function(*each_tensor(lambda _: next(following), self.operands))


class Strangers:
    """The calls of one run of a reference that the cell has no like of: the parts of `y: a * torch.sigmoid(a)`, say."""

    def __init__(self, captured: Captured) -> None:
        self._paths = {one.site.path for one in captured.calls}
        self._is_whole = not captured.is_cut and captured.first == 0
        self._parts: dict[str, StrangeCall] = {}

    def has(self, site: Site) -> bool:
        """Whether the cell has no call there; where not all of its calls are kept, it may have."""
        return self._is_whole and site.path not in self._paths

    def run(self, function: Callable[..., Any], site: Site, operands: tuple[Any, ...], convert: Convert) -> Any:
        """Run such a call, for the shapes of those that follow, and keep it for the step that it is part of."""
        self._parts[site.name] = StrangeCall(function, site, operands)
        return function(*alike(operands, convert))

    def with_them(
        self, function: Callable[..., Any], site: Site, operands: tuple[Any, ...], call: CapturedCall
    ) -> Callable[..., Any] | None:
        """A call together with those that lead to it, as one function of the cell's operands; None where none do."""
        parts = self._leading_to(tensor_names(site))
        if not parts:
            return None
        last = StrangeCall(function, site, operands)

        def together(*given: Any) -> Any:
            known = dict(zip(tensor_names(call.site), tensors_in(given), strict=True))
            for part in parts:
                known[part.site.name] = part.called(known)
            return last.called(known)

        return together

    def _leading_to(self, names: Sequence[str]) -> list[StrangeCall]:
        """The parts that give values of these names, in the order in which they ran."""
        wanted = set(names)
        found: list[StrangeCall] = []
        for name, part in reversed(self._parts.items()):
            if name in wanted:
                found.append(part)
                wanted.update(tensor_names(part.site))
        return found[::-1]
