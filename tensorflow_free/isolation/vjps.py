"""One call alone: what it makes of its operands, what it leaves of them, and the gradients that it hands back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import torch

from tensorflow_free.isolation.captured import CapturedCall, GradientPass
from tensorflow_free.isolation.copies import Convert, alike, each_tensor, equal, numbers_in, tensors_in
from tensorflow_free.isolation.sharing import SharedMemory, shares_of
from tensorflow_free.plan.autograd import backward, grad
from tensorflow_free.tensors.streams import Streams

Gradients = dict[int, torch.Tensor | None]


@dataclass(slots=True)
class Alone:
    """What one call came to.

    Attributes:
        results: the tensors that it made, and the plain numbers.
        operands: its operands' tensors afterwards.
        gradients: what it hands to each operand, by the pass.
        changed: the positions of the operands that it changed, where that was asked.
        shares: which results lie in the memory of which operands.
    """

    results: list[Any]
    operands: list[torch.Tensor]
    gradients: dict[int, Gradients] = field(default_factory=dict)
    changed: frozenset[int] = frozenset()
    shares: SharedMemory = frozenset()


def run_alone(
    call: CapturedCall,
    function: Callable[..., Any],
    convert: Convert,
    passes: Sequence[int],
    *,
    in_place: bool,
) -> Alone:
    """Run one call alone on its captured operands.

    Args:
        call: the call.
        function: what to call in its place.
        convert: makes the numbers of an operand or of a gradient anew: in the dtype, on the device that is wanted.
        passes: the backward passes to run.
        in_place: whether it changes operands, of which autograd then needs copies.
    """
    if call.stood is not None:
        function = partial(_from_there, call.stood, function)
    given = alike(call.operands, convert)
    tensors = tensors_in(given)
    if in_place:
        stood = [_still(one) for one in tensors]
        with torch.no_grad():
            forward = _forward(function, given, tensors)
        moved = [at for at, one in enumerate(forward.operands) if not equal(stood[at], one)]
        forward.changed = frozenset(moved)
        if not passes:
            return forward
        given = alike(call.operands, convert)
        tensors = tensors_in(given)
    elif not passes:
        return _forward(function, given, tensors)
    leaves = _leaves(call, tensors)
    made = function(*_passed(given, leaves, in_place=in_place))
    results = tensors_in(made)
    found = Alone(
        [*map(_still, results), *numbers_in(made)], [_still(one) for one in tensors], shares=shares_of(made, given)
    )
    if in_place:
        found = forward
    backwards = _Backwards(results, leaves, convert)
    for number in sorted(passes):
        found.gradients[number] = backwards.handed(number, call.passes[number])
    return found


def _from_there(stood: Streams, function: Callable[..., Any], *operands: Any) -> Any:
    """Call a function that draws what the cell's drew, from where the random streams stood then."""
    stood.put_back()
    return function(*operands)


def _forward(function: Callable[..., Any], given: Any, tensors: Sequence[torch.Tensor]) -> Alone:
    made = function(*given)
    results = [*map(_still, tensors_in(made)), *numbers_in(made)]
    return Alone(results, [_still(one) for one in tensors], shares=shares_of(made, given))


def _leaves(call: CapturedCall, tensors: Sequence[torch.Tensor]) -> dict[int, torch.Tensor]:
    """The operands that want gradients, by their positions; one that is given twice at the first of them."""
    found: dict[int, torch.Tensor] = {}
    known: set[int] = set()
    for at, one in enumerate(tensors):
        if call.wants[at] and is_differentiable(one) and id(one) not in known:
            known.add(id(one))
            found[at] = one.requires_grad_()
    return found


def _passed(given: Any, leaves: Mapping[int, torch.Tensor], *, in_place: bool) -> Any:
    """The operands as they are passed: of leaves copies, where they are changed in place."""
    if not in_place:
        return given
    copies = {id(one): one.clone() for one in leaves.values()}
    return each_tensor(lambda one: copies.get(id(one), one), given)


@dataclass
class _Backwards:
    """The backward passes through one call, one after another.

    Attributes:
        results: what the call made.
        leaves: the operands that want gradients, by their positions.
        convert: as of `run_alone`.
    """

    results: Sequence[torch.Tensor]
    leaves: Mapping[int, torch.Tensor]
    convert: Convert
    _came: dict[tuple[int, int], torch.Tensor] = field(default_factory=dict)
    """What came in to passes that can be differentiated, by the pass and the result."""
    _handed: dict[tuple[int, int], torch.Tensor] = field(default_factory=dict)
    """What those handed on, by the pass and the operand."""

    def handed(self, number: int, one: GradientPass) -> Gradients:
        """What a pass hands to each leaf, and to what came in to an earlier one; nothing where nothing came."""
        pairs = [
            (self.results[at], gradient, (number, at))
            for at, gradient in one.incoming.items()
            # to a result of another shape comes a gradient of that shape, and the result is what is wrong
            if at < len(self.results) and self.results[at].requires_grad and _has_shape_of(self.results[at], gradient)
        ]
        again = [(self._handed[of], gradient) for of, gradient in one.further.items() if of in self._handed]
        if not self.leaves or not (pairs or again):
            return {}
        came = {key: self._like(gradient, result) for result, gradient, key in pairs}
        if one.has_graph:
            self._came |= {key: gradient.requires_grad_() for key, gradient in came.items()}
        earlier = {key: gradient for key, gradient in self._came.items() if key[0] != number}
        gradients = _gradients(
            [*(result for result, _, _ in pairs), *(output for output, _ in again)],
            [*self.leaves.values(), *earlier.values()],
            [*came.values(), *(self._like(gradient, output) for output, gradient in again)],
            has_graph=one.has_graph,
        )
        for at, gradient in zip(self.leaves, gradients, strict=False):
            if one.has_graph and gradient is not None and gradient.requires_grad:
                self._handed[number, at] = gradient
        found: Gradients = dict(zip(self.leaves, map(_detached, gradients), strict=False))
        back = dict(zip(earlier, gradients[len(self.leaves) :], strict=True))
        found |= {place_of(key): _detached(gradient) for key, gradient in back.items() if key in one.returned}
        return found

    def _like(self, gradient: torch.Tensor, result: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = alike(gradient, self.convert)
        if result.is_nested and result.layout == torch.jagged:
            # of one shape are two only where they share what tells it
            made = torch.nested.nested_tensor_from_jagged(made.values(), result.offsets())  # type: ignore[attr-defined]
        return made if made.dtype == result.dtype else made.to(result.dtype)


def _has_shape_of(result: torch.Tensor, gradient: torch.Tensor) -> bool:
    """Whether a gradient has a result's shape; a nested tensor has none to tell."""
    return result.is_nested or gradient.is_nested or gradient.shape == result.shape


def _gradients(
    outputs: Sequence[torch.Tensor], leaves: Sequence[torch.Tensor], came: Sequence[torch.Tensor], *, has_graph: bool
) -> Sequence[torch.Tensor | None]:
    """What comes to leaves, which hold no gradients, for what comes to the outputs."""
    try:
        gradients: Sequence[torch.Tensor | None] = grad(
            outputs, leaves, came, retain_graph=True, create_graph=has_graph, allow_unused=True
        )
        return gradients
    except RuntimeError:
        if has_graph:
            raise
    # a checkpoint that is entered again takes only this
    try:
        backward(outputs, came, retain_graph=True)
        return [one.grad for one in leaves]
    finally:
        for one in leaves:
            one.grad = None


def _detached(gradient: torch.Tensor | None) -> torch.Tensor | None:
    return None if gradient is None else gradient.detach()


def place_of(came: tuple[int, int]) -> int:
    """The place, in `Gradients`, of what is handed to a gradient that came in to an earlier pass; operands are from 0.

    Args:
        came: the earlier pass, and the position of the result whose gradient it is.
    """
    number, position = came
    return -1 - position - MOST_RESULTS * number


MOST_RESULTS: Final = 1 << 16
"""More tensors than an op gives."""


def _still(one: torch.Tensor) -> torch.Tensor:
    """A copy that stays as it is; what memory it shares is not needed."""
    return one.detach().clone()


def is_differentiable(one: torch.Tensor) -> bool:
    """Whether a tensor may want gradients."""
    return one.is_floating_point() or one.is_complex()


WIDE = {torch.complex64: torch.complex128, torch.complex32: torch.complex128}


def widened(flat: torch.Tensor) -> torch.Tensor:
    """Numbers in float64, complex ones in complex128; integers and booleans a copy."""
    if not is_differentiable(flat):
        return flat.clone()
    return flat.to(WIDE.get(flat.dtype, torch.complex128 if flat.is_complex() else torch.float64), copy=True)
