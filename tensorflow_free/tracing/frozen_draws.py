"""Random numbers that a run drew, as starting tensors: steps that draw nothing stand in place of those that do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import torch

from tensorflow_free.tracing.calls_of_run import Taken, TracedCall, kept
from tensorflow_free.tracing.leaves import joined, memory_of, tensors_in
from tensorflow_free.tracing.origins import Origins
from tensorflow_free.tracing.refusals import refusal

MASKED: Final = tuple(
    f"torch.{where}{word}"
    for word in ("dropout", "dropout1d", "dropout2d", "dropout3d", "feature_dropout")
    for where in ("", "nn.functional.")
)
"""Calls that multiply what they are given by a mask that they draw."""

DRAWN_ALONE: Final = (
    "rand", "randn", "randint", "randperm", "rand_like", "randn_like", "randint_like", "normal", "bernoulli",
    "multinomial", "poisson", "binomial",
)  # fmt: skip
"""Calls whose results are drawn, and hand no gradient on."""

FILLED: Final = ("normal_", "uniform_", "bernoulli_", "exponential_", "random_", "cauchy_", "geometric_", "log_normal_")
"""Methods that fill a tensor with numbers that they draw."""


def freeze(taken: Taken, origins: Origins) -> dict[int, torch.Tensor]:
    """Put starting tensors in place of what was drawn.

    Args:
        taken: what was seen of a run; its calls that draw are replaced, or left out.
        origins: takes the tensors.

    Returns:
        The tensors' numbers as they were drawn, by identity.

    Raises:
        RecipeError: a call draws numbers that it does not give; the message has the line.
    """
    frozen: dict[int, torch.Tensor] = {}

    def start(tensor: torch.Tensor, numbers: torch.Tensor, call: TracedCall, word: str) -> torch.Tensor:
        origins.add(tensor, joined(call.module, word))
        frozen[id(tensor)] = numbers
        return tensor

    calls: list[TracedCall] = []
    for call in taken.calls:
        word = call.name.rpartition(".")[2]
        if not call.draws:
            calls.append(call)
        elif call.name in MASKED and not call.changed:
            mask = _mask(call)
            calls.append(_of(call, "mul", (_given(call), start(mask, mask, call, f"{word}_mask"))))
        elif word in FILLED and call.changed:
            drawn = call.stood[0]
            calls.append(_of(call, "copy_", (_given(call), start(drawn, drawn, call, f"{word}drawn"))))
        elif word in DRAWN_ALONE and not call.changed:
            [drawn] = call.stood
            if _changes_later(call, taken.calls):
                calls.append(_of(call, "clone", (start(drawn, drawn, call, word),)))
            else:
                start(call.result, drawn, call, word)
        else:
            raise refusal(
                f"'{call.name.removeprefix('torch.')}' draws random numbers inside, which cannot be kept",
                call.source,
                "set its dropout to 0, or leave --freeze-random out, so that it draws them from the recipe's seed",
            )
    taken.calls[:] = calls
    return frozen


def _of(call: TracedCall, method: str, args: tuple[Any, ...]) -> TracedCall:
    """A call of a tensor's method that draws nothing, in place of one that draws."""
    name = f"torch.Tensor.{method}"
    return replace(call, function=getattr(torch.Tensor, method), name=name, args=args, kwargs={}, draws=False)


def _changes_later(call: TracedCall, calls: Sequence[TracedCall]) -> bool:
    memory = memory_of(call.result)
    return any(memory_of(one) == memory for other in calls for one in other.changed)


def _given(call: TracedCall) -> torch.Tensor:
    """What a call is given first, by position or by name."""
    return next(tensors_in([call.args, call.kwargs]))


def _mask(call: TracedCall) -> torch.Tensor:
    """The mask that a dropout drew, drawn again: what it makes of ones."""
    given = _given(call)

    def ones(values: Any) -> Any:
        return torch.ones_like(given) if values is given else values

    args = [ones(one) for one in call.args]
    kwargs: Mapping[str, Any] = {key: ones(one) for key, one in call.kwargs.items()}
    before = torch.default_generator.get_state()
    torch.default_generator.set_state(call.stream)  # type: ignore[arg-type]
    try:
        with torch.no_grad():
            return kept(call.function(*args, **kwargs))
    finally:
        torch.default_generator.set_state(before)
