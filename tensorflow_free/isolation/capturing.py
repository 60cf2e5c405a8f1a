"""`captured_run`: a cell's run once more, in which what each call reads, makes, changes and hands back is kept."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final

import torch

from tensorflow_free.isolation.captured import Captured, CapturedCall, GradientPass
from tensorflow_free.isolation.copies import Copies, equal, tensors_in
from tensorflow_free.isolation.handing import Handing, versions, watch_part
from tensorflow_free.isolation.readers_apart import ReadersApart, hook
from tensorflow_free.isolation.sharing import memory_of
from tensorflow_free.ops.guards.handouts import check_indices, check_unshared
from tensorflow_free.ops.signatures import Op
from tensorflow_free.plan.around_calls import with_calls
from tensorflow_free.plan.autograd import run_backward, run_grad
from tensorflow_free.plan.calls import Call, Repeat, Site, Within, read_field, retain, snapshot, watch
from tensorflow_free.plan.plan import Plan
from tensorflow_free.recipe.dotted import KeyPath
from tensorflow_free.recipe.graph import steps_of
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.registry import find
from tensorflow_free.result.result import Result
from tensorflow_free.runner import GivenTensors, run
from tensorflow_free.tensors.streams import Streams


class TheseFunctions:
    """Some functions; what a call calls may have no hash, as it holds lists."""

    def __init__(self, *functions: Callable[..., Any]) -> None:
        self._functions = functions

    def __contains__(self, function: Callable[..., Any]) -> bool:
        """Whether it is one of them."""
        return any(one is function for one in self._functions)


HELPERS: Final = TheseFunctions(read_field, snapshot, watch, retain, torch.tensor, check_unshared, check_indices)
"""Functions of calls that are no step's op: they read, keep, check."""

DIFFERENTIATES: Final = TheseFunctions(run_backward, run_grad)
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
        hooked: whether what each call hands back to each of its operands is seen.
        first: the number of the first call that is kept.
        most_bytes: the memory of copies from which on calls are not kept.
    """
    capturing = CallKeeper(plan, hooked=hooked, first=first, most_bytes=most_bytes)
    result, _ = run(capturing.into(plan), given=given)
    # where a pass failed, not all was handed on
    capturing.captured.is_partial = capturing.captured.is_partial or result.error is not None
    return capturing.captured, result


class CallKeeper:
    """A run being captured."""

    def __init__(self, plan: Plan, *, hooked: bool, first: int, most_bytes: int) -> None:
        self.captured = Captured(
            first=first, is_partial=_asks_for_some(plan), device=plan.recipe.device, devices=plan.devices
        )
        self._most_bytes = most_bytes
        self._number = 0
        self._hooked = hooked
        # a pass that differentiates another may hand a gradient to a result that the call itself keeps for its backward
        self._twice = makes_graphs(plan.recipe)
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
            hooks = self._hooked and not differentiates and not changes(op)
            return self._called_apart(call, operands) if hooks and self._twice else self._called(call, operands, hooks)

        return captured

    def _called(self, call: CapturedCall, operands: tuple[Any, ...], hooks: bool) -> Any:  # noqa: FBT001 - of two
        """What a call makes of its operands, as they are."""
        handing, stood = Handing(operands, call.wants), versions(operands)
        made = call.function(*operands)
        self._end(call, operands, made, stood)
        if self._twice:
            self._watch_results(call, operands, made)
        else:
            own, made = made, made if call.in_place else handing.results_apart(made)
            self.captured.is_aliased = self.captured.is_aliased or made is not own
            handing.watch_results(made, partial(self._see, call, incoming=True), in_place=call.in_place)
        call.is_hooked = hooks and not call.in_place
        if call.is_hooked:
            handing.watch_operands(made, partial(self._see, call, incoming=False))
        return made

    def _called_apart(self, call: CapturedCall, operands: tuple[Any, ...]) -> Any:
        """What it makes of aliases of them, where a pass differentiates another: all that comes to these is its own."""
        stood = versions(operands)
        aliases = ReadersApart(operands, call.wants, partial(self._see, call, incoming=False))
        made = aliases.of_results(call.function(*aliases.operands))
        self.captured.is_aliased = self.captured.is_aliased or len(tensors_in(made)) > 1
        self._end(call, operands, made, stood)
        self._watch_results(call, operands, made)
        call.is_hooked = not call.in_place
        return made

    def _watch_results(self, call: CapturedCall, operands: tuple[Any, ...], made: Any) -> None:
        read = {id(one) for one in tensors_in(operands)}
        for position, one in enumerate(tensors_in(made)):
            own = id(one) not in read or call.in_place
            if own and one.requires_grad and one.grad_fn is not None and torch.is_grad_enabled():
                see = partial(self._see, call, position, incoming=True)
                if not (call.in_place and watch_part(one, see)):
                    hook(one, see)

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
            stood=Streams.noted(self.captured.devices),
        )

    def _end(self, call: CapturedCall, operands: tuple[Any, ...], made: Any, stood: list[int]) -> None:
        self._turn += 1
        call.turn = self._turn
        call.result = self._copies.of(made)
        if call.stood is not None and not call.stood.have_moved():
            call.stood = None
        before, now = tensors_in(call.operands), tensors_in(operands)
        for position, (was, one) in enumerate(zip(before, now, strict=True)):
            if not equal(was, one.detach()):
                call.after[position] = self._copies.of(one)
        call.in_place = changes(find(call.site.op)) or versions(operands) != stood or bool(call.after)
        call.read, call.memory = memory_of(now), memory_of(tensors_in(made))
        self.captured.calls.append(call)

    def add(self, call: CapturedCall) -> None:
        """Take in a call that was seen in another way."""
        self._turn += 1
        call.turn, call.number = self._turn, self._number
        self._number += 1
        self.captured.made = self._number
        self.captured.calls.append(call)

    def see_through(self, one: torch.Tensor, call: CapturedCall, position: int, *, incoming: bool) -> None:
        """Take the gradient that comes to a tensor for that of a call's operand, or of its result."""
        hook(one, partial(self._see, call, position, incoming=incoming))

    def _see(
        self, call: CapturedCall, position: int, gradient: torch.Tensor | None, *, incoming: bool
    ) -> torch.Tensor | None:
        """Note a gradient, of the pass that is running; of one that can be differentiated, an alias goes on."""
        found = None if gradient is None else self._pass(call)
        if found is None or gradient is None:
            return None
        seen, noted = found.incoming if incoming else found.outgoing, gradient.detach()
        if not incoming and position in seen:
            # several nodes of one call hand something to the operand
            noted = seen[position].to(noted.device) + noted
        seen[position] = self._copies.of(noted)
        if not (gradient.requires_grad and torch.is_grad_enabled() and self._hooked):
            return None
        found.has_graph = True
        alias: torch.Tensor = torch.ops.aten.alias.default(gradient)
        hook(alias, partial(self._see_again, call, (_running_pass(), position), incoming=incoming))
        return alias

    def _see_again(
        self, call: CapturedCall, of: tuple[int, int], gradient: torch.Tensor | None, *, incoming: bool
    ) -> None:
        """Note what comes to a gradient of an earlier pass, in a pass that differentiates that."""
        found = None if gradient is None else self._pass(call)
        if found is not None and gradient is not None:
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


def raw_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """What a call calls, without what stands around it and without its arguments by name."""
    inner = inspect.unwrap(function)
    return inner.func if isinstance(inner, partial) else inner


def changes(op: Op | None) -> bool:
    """Whether an op says that it may change an operand; `out` aside, which takes no gradients."""
    return op is not None and any(set(one.changes) - {"out"} for one in op.signatures)


def _asks_for_some(plan: Plan) -> bool:
    """Whether a backward pass asks for the gradients of some tensors alone."""
    return any(one.inputs is not None for one in plan.passes) or _differentiates(plan)


def makes_graphs(recipe: Recipe) -> bool:
    """Whether gradients of gradients are possible."""
    told = (step.kwargs.get("create_graph") for _, step in steps_of(recipe.steps))
    return any(one.create_graph for one in recipe.backward) or any(told)


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
