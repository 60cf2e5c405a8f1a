"""`each_compiled`: an eager plan whose steps are compiled one by one, each as a function of its own."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

import torch

from tensorflow_free.isolation.capturing import DIFFERENTIATES, HELPERS, raw_function
from tensorflow_free.plan.around_calls import with_calls
from tensorflow_free.plan.backend_options import as_taken
from tensorflow_free.plan.calls import Site
from tensorflow_free.plan.plan import Plan
from tensorflow_free.recipe.dotted import KeyPath
from tensorflow_free.recipe.models import Backend


@dataclass
class EachCompiled:
    """Compiles steps one by one, as long as there is time.

    Attributes:
        backend: what compiles them.
        paths: the paths of the steps that are compiled.
        goes_on: whether there is time for one more.
        left: the names of those that were not compiled, as there was no time or the compiler refused them.
    """

    backend: Backend
    paths: Collection[KeyPath]
    goes_on: Callable[[], bool]
    left: list[str] = field(default_factory=list)

    def into(self, plan: Plan) -> Plan:
        """The eager plan, whose steps are compiled."""
        torch.compiler.reset()
        return with_calls(plan, self._around)

    def _around(self, function: Callable[..., Any], site: Site) -> Callable[..., Any]:
        raw = raw_function(function)
        if raw in HELPERS or raw in DIFFERENTIATES or site.path not in self.paths:
            return function
        backend = self.backend
        compiler: Callable[..., Any] = torch.compile
        step: list[Callable[..., Any]] = []

        def compiled(*operands: Any) -> Any:
            if not step:
                if not self.goes_on():
                    self._leave(site.name)
                    return function(*operands)
                step.append(
                    compiler(
                        _of_its_own(function, site.name),
                        backend=backend.name,
                        mode=backend.mode,
                        options=as_taken(backend),
                        dynamic=backend.dynamic,
                    )
                )
            try:
                return step[0](*operands)
            except Exception:  # noqa: BLE001 - a compiler that refuses one step, in whatever way
                self._leave(site.name)
                return function(*operands)

        return compiled

    def _leave(self, name: str) -> None:
        if name not in self.left:
            self.left.append(name)


def _of_its_own(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """The function with code of its own: a compiler counts how often one piece of code is compiled, and gives up."""

    def step(*operands: Any) -> Any:
        return function(*operands)

    code = step.__code__.replace(co_name=f"step_{name}")
    return FunctionType(code, step.__globals__, step.__name__, None, step.__closure__)
