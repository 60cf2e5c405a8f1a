"""`each_compiled`: an eager plan whose steps are compiled one by one, each as a function of its own."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from tensorflow_free.isolation.capturing import DIFFERENTIATES, HELPERS, raw_function
from tensorflow_free.plan.around_calls import with_calls
from tensorflow_free.plan.calls import Site
from tensorflow_free.plan.compiled_function import CompiledFunction
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
        return with_calls(plan, self._around)

    def _around(self, function: Callable[..., Any], site: Site) -> Callable[..., Any]:
        raw = raw_function(function)
        if raw in HELPERS or raw in DIFFERENTIATES or site.path not in self.paths:
            return function
        backend = self.backend.model_copy(update={"fullgraph": False})
        made: list[CompiledFunction] = []

        def step(*operands: Any) -> Any:
            return function(*operands)

        def compiled(*operands: Any) -> Any:
            if not made and not self.goes_on():
                self._leave(site.name)
                return function(*operands)
            try:
                if not made:
                    made.append(CompiledFunction(step, backend))
                return made[0](*operands)
            except Exception:  # noqa: BLE001 - a compiler that refuses one step, in whatever way
                self._leave(site.name)
                return function(*operands)

        return compiled

    def _leave(self, name: str) -> None:
        if name not in self.left:
            self.left.append(name)
