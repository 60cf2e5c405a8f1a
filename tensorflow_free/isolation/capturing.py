"""`captured_run`: a cell's run once more, in which what each call reads, makes, changes and hands back is kept."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final

import torch
from torch.utils._pytree import tree_map

from tensorflow_free.isolation.captured import Captured, CapturedCall, GradientPass
from tensorflow_free.isolation.copies import Copies, equal, tensors_in
from tensorflow_free.ops.guards.handouts import check_indices, check_unshared
from tensorflow_free.ops.signatures import Op
from tensorflow_free.plan.around_calls import with_calls
from tensorflow_free.plan.autograd import run_backward, run_grad
from tensorflow_free.plan.calls import Call, Repeat, Site, Within, read_field, retain, snapshot, watch
from tensorflow_free.plan.plan import Plan
from tensorflow_free.recipe.dotted import KeyPath
from tensorflow_free.registry import find
from tensorflow_free.result.result import Result
from tensorflow_free.runner import GivenTensors, run

HELPERS: Final = frozenset({read_field, snapshot, watch, retain, torch.tensor, check_unshared, check_indices})
"""Functions of calls that are no step's op: they read, keep, check."""

DIFFERENTIATES: Final = frozenset({run_backward, run_grad})
"""Functions whose result is gradients: it is made by the backward of other steps."""


MOST_BYTES: Final = 1 << 31
"""Memory of copies, of what calls read and made, from which on further calls are not kept; gradients may take as much
again."""


def captured_run(
    plan: Plan,
    given: GivenTensors | None = None,
    *,
    hooked: bool = True,
    first: int = 0,
    most_bytes: int = MOST_BYTES,
) -> tuple[Captured, Result]:
    """Run a cell's plan and keep what each of its calls read and made.

    Args:
        plan: the cell's, eager.
        given: as of `run`.
        hooked: whether each call reads aliases of its operands, so that what it hands back to each of them is seen.
        first: the number of the first call that is kept.
        most_bytes: the memory of copies from which on calls are not kept.
    """
    capturing = Capturing(plan, hooked=hooked, first=first, most_bytes=most_bytes)
    result, _ = run(capturing.into(plan), given=given)
    return capturing.captured, result


class Capturing:
    """A run being captured."""

    def __init__(self, plan: Plan, *, hooked: bool, first: int, most_bytes: int) -> None:
        self.captured = Captured(first=first, is_partial=_asks_for_some(plan), device=plan.recipe.device)
        self._most_bytes = most_bytes
        self._number = 0
        self._hooked = hooked
        # a pass that differentiates another may hand a gradient to a result that the call itself keeps for its backward
        self._twice = any(one.create_graph for one in plan.passes) or _differentiates(plan)
        self._copies = Copies()
        self._turn = 0
        self._visits: Counter[KeyPath] = Counter()
        self._repeats = dict(repeats_in((*plan.forward, *plan.rest)))

    def into(self, plan: Plan) -> Plan:
        """The plan, whose run is captured."""
        return with_calls(plan, self._around)

    def _around(self, function: Callable[..., Any], site: Site) -> Callable[..., Any]:
        raw = raw_function(function)
        if raw in HELPERS:
            return function
        op = find(site.op)
        differentiates = raw in DIFFERENTIATES

        def captured(*operands: Any) -> Any:
            if _running_pass() != -1:
                # a forward pass that a backward one runs again
                return function(*operands)
            visit, number = self._visits[site.path], self._number
            self._visits[site.path] += 1
            self._number += 1
            self.captured.made = self._number
            if not self._is_kept(number):
                return function(*operands)
            call = self._begun(function, site, operands, visit, number)
            call.is_judged = not differentiates
            aliased = self._hooked and not differentiates and not changes(op)
            made = self._hooked_call(call, operands) if aliased else function(*operands)
            if aliased and self._twice:
                made = _aliased(made, operands)
            self._end(call, operands, made)
            return made

        return captured

    def _is_kept(self, number: int) -> bool:
        """Whether a call is kept; from the one on that memory does not reach for, none is."""
        if number < self.captured.first:
            return False
        self.captured.is_cut = self.captured.is_cut or self._copies.held > self._most_bytes
        return not self.captured.is_cut

    def _begun(
        self, function: Callable[..., Any], site: Site, operands: tuple[Any, ...], visit: int, number: int
    ) -> CapturedCall:
        tensors = tensors_in(operands)
        grad = torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
        return CapturedCall(
            number=number,
            turn=0,
            site=site,
            visit=visit,
            rounds=_rounds(visit, self._repeats.get(site.path, ())),
            function=function,
            operands=self._copies.of(operands),
            wants=tuple(grad and one.requires_grad for one in tensors),
            state=torch.default_generator.get_state(),
        )

    def _hooked_call(self, call: CapturedCall, operands: tuple[Any, ...]) -> Any:
        """Call on aliases of the operands that want gradients, so that what is handed to each is seen by itself."""
        aliases: dict[int, torch.Tensor] = {}
        origins: dict[int, torch.Tensor] = {}
        for position, (one, wants) in enumerate(zip(tensors_in(operands), call.wants, strict=True)):
            if wants and id(one) not in aliases and _can_be_aliased(one):
                alias = aliases[id(one)] = torch.ops.aten.alias.default(one)
                origins[id(alias)] = one
                _hook(alias, partial(self._see, call, position, incoming=False))
        call.is_hooked = True
        made = call.function(*tree_map(lambda one: aliases.get(id(one), one), operands))
        return tree_map(lambda one: origins.get(id(one), one), made) if aliases else made

    def _end(self, call: CapturedCall, operands: tuple[Any, ...], made: Any) -> None:
        self._turn += 1
        call.turn = self._turn
        call.result = self._copies.of(made)
        call.draws = not torch.equal(call.state, torch.default_generator.get_state())
        before, now = tensors_in(call.operands), tensors_in(operands)
        for position, (stood, one) in enumerate(zip(before, now, strict=True)):
            if not equal(stood, one.detach().cpu()):
                call.after[position] = self._copies.of(one)
        read = {id(one) for one in now}
        for position, one in enumerate(tensors_in(made)):
            own = id(one) not in read or changes(find(call.site.op))
            if own and one.requires_grad and one.grad_fn is not None and torch.is_grad_enabled():
                self._hook_result(call, position, one)
        self.captured.calls.append(call)

    def _hook_result(self, call: CapturedCall, position: int, one: torch.Tensor) -> None:
        """Note what comes in for a result; for a view that was changed in place, its part of what comes for it all.

        Autograd gives such a view a history anew, that of all that it is a view of, each time it is read.
        """
        base = one._base if changes(find(call.site.op)) else None  # noqa: SLF001 - no public door
        if base is None or base.grad_fn is None:
            _hook(one, partial(self._see, call, position, incoming=True))
        else:
            base.grad_fn.register_prehook(partial(self._see_part, call, position, _part_of(one, base)))

    def _see(self, call: CapturedCall, position: int, gradient: torch.Tensor, *, incoming: bool) -> torch.Tensor | None:
        """Note a gradient, of the pass that is running; of one that can be differentiated, an alias goes on."""
        found = self._pass(call)
        if found is None:
            return None
        (found.incoming if incoming else found.outgoing)[position] = self._copies.of(gradient.detach())
        if not (gradient.requires_grad and torch.is_grad_enabled() and self._hooked):
            return None
        found.has_graph = True
        alias: torch.Tensor = torch.ops.aten.alias.default(gradient)
        _hook(alias, partial(self._see_again, call, (_running_pass(), position), incoming=incoming))
        return alias

    def _see_part(
        self, call: CapturedCall, position: int, part: Callable[[torch.Tensor], torch.Tensor], gradients: Any
    ) -> None:
        """Note what comes in for a view, of what comes for the tensor that it is a view of."""
        found = self._pass(call)
        if found is not None and gradients[0] is not None:
            found.incoming[position] = self._copies.of(part(gradients[0].detach()))

    def _see_again(self, call: CapturedCall, of: tuple[int, int], gradient: torch.Tensor, *, incoming: bool) -> None:
        """Note what comes to a gradient of an earlier pass, in a pass that differentiates that."""
        found = self._pass(call)
        if found is not None:
            (found.returned if incoming else found.further)[of] = self._copies.of(gradient.detach())

    def _pass(self, call: CapturedCall) -> GradientPass | None:
        """The pass through a call that is running; None where memory does not reach for it."""
        if self._copies.held > 2 * self._most_bytes:
            self.captured.is_partial = self.captured.is_cut = True
            return None
        self._turn += 1
        return call.passes.setdefault(_running_pass(), GradientPass(self._turn))


def _running_pass() -> int:
    """The number of the backward pass that is running; -1 outside of any."""
    number: int = torch._C._current_graph_task_id()  # noqa: SLF001 - torch tells it nowhere else
    return number


def _hook(one: torch.Tensor, see: Callable[[torch.Tensor], torch.Tensor | None]) -> None:
    one.register_hook(see)  # type: ignore[no-untyped-call]


def _part_of(view: torch.Tensor, base: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    """What gives, of numbers for all of a tensor, those that a view of it has."""
    shape, strides = tuple(base.shape), base.stride()
    place = view.shape, view.stride(), int(view.storage_offset() - base.storage_offset())

    def part(numbers: torch.Tensor) -> torch.Tensor:
        spread = torch.empty_strided(shape, strides, dtype=numbers.dtype, device=numbers.device).copy_(numbers)
        return spread.as_strided(*place)

    return part


def raw_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """What a call calls, without what stands around it and without its arguments by name."""
    inner = inspect.unwrap(function)
    return inner.func if isinstance(inner, partial) else inner


def changes(op: Op | None) -> bool:
    """Whether an op says that it may change an operand; `out` aside, which takes no gradients."""
    return op is not None and any(set(one.changes) - {"out"} for one in op.signatures)


def _can_be_aliased(one: torch.Tensor) -> bool:
    return type(one) in (torch.Tensor, torch.nn.Parameter) and one.layout == torch.strided and not one.is_nested


def _aliased(made: Any, operands: Any) -> Any:
    """Aliases of what a call made, so that what comes to them is from what follows alone."""
    read = {id(one) for one in tensors_in(operands)}

    def alias(one: Any) -> Any:
        wants = isinstance(one, torch.Tensor) and one.requires_grad and torch.is_grad_enabled()
        return torch.ops.aten.alias.default(one) if wants and id(one) not in read and _can_be_aliased(one) else one

    return tree_map(alias, made)


def _asks_for_some(plan: Plan) -> bool:
    """Whether a backward pass asks for the gradients of some tensors alone."""
    return any(one.inputs is not None for one in plan.passes) or _differentiates(plan)


def _differentiates(plan: Plan) -> bool:
    """Whether a step differentiates."""
    found: list[bool] = []

    def noted(function: Callable[..., Any], site: Site) -> Callable[..., Any]:
        del site
        if raw_function(function) in DIFFERENTIATES:
            found.append(True)
        return function

    with_calls(plan, noted)
    return bool(found)


def repeats_in(calls: Sequence[Call], rounds: tuple[int, ...] = ()) -> Iterator[tuple[KeyPath, tuple[int, ...]]]:
    """The rounds of the `repeat` blocks around each step, by the step's path."""
    for function, _, _, site in calls:
        if isinstance(function, Repeat):
            yield from repeats_in(function.body, (*rounds, function.rounds))
        elif isinstance(function, Within):
            yield from repeats_in(function.body, rounds)
        else:
            yield site.path, rounds


def _rounds(visit: int, repeats: tuple[int, ...]) -> tuple[int, ...]:
    """Which round of each block the visit is in, from 1."""
    found: list[int] = []
    for length in reversed(repeats):
        visit, inner = divmod(visit, max(1, length))
        found.append(inner + 1)
    return tuple(reversed(found))
