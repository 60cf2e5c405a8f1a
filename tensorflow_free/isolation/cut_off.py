"""Gradients that a step does not hand on at all, where the reference's does: no pass comes through it to be judged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import torch

from tensorflow_free.isolation.captured import Captured, CapturedCall, GradientPass
from tensorflow_free.isolation.copies import tensors_in
from tensorflow_free.isolation.forcing import Forced
from tensorflow_free.isolation.vjps import Gradients, is_differentiable, run_alone
from tensorflow_free.tensors.streams import kept_streams

PASS: Final = 0
"""The number of the only pass of a call that is tried."""


def cut_off(forced: Forced) -> Iterator[tuple[CapturedCall, int]]:
    """The calls that hand nothing to an operand to which the reference's hand something, and which operand that is.

    Each is tried with a gradient of the same numbers for both.

    Args:
        forced: runs of the reference on the operands of the cell's calls; `wanted` says of which.
    """
    captured, wanted = forced.captured, forced.wanted
    judged = [
        one for one in captured.calls if one.is_judged and any(one.wants) and (wanted is None or one.number in wanted)
    ]
    tried = {one.number: _tried(one) for one in judged}
    calls = [tried.get(one.number, one) for one in captured.calls]
    exact = replace(forced, captured=replace(captured, calls=calls), wanted=frozenset(tried)).run()
    # a pass goes from the last call to the first, unless steps differentiate in between
    for call in judged if captured.is_partial else reversed(judged):
        theirs = exact[call.number].gradients.get(PASS, {}) if call.number in exact else {}
        reached = [at for at, one in theirs.items() if at >= 0 and one is not None and bool(one.any())]
        mine = _mine(captured, tried[call.number]) if reached else None
        if mine is not None:
            yield from ((call, at) for at in reached if mine.get(at) is None)


def _tried(call: CapturedCall) -> CapturedCall:
    """The call with one pass, of gradients that do not cancel."""
    incoming = {
        at: torch.linspace(1, 2, one.numel(), dtype=torch.float64).reshape(one.shape).to(one.dtype)
        for at, one in enumerate(tensors_in(call.result))
        if is_differentiable(one) and one.layout == torch.strided and not one.is_nested
    }
    return replace(call, passes={PASS: GradientPass(call.turn, incoming)})


def _mine(captured: Captured, call: CapturedCall) -> Gradients | None:
    """What the cell's own call hands on; None where it cannot be run alone."""
    with kept_streams(captured.devices):
        try:
            alone = run_alone(
                call, call.function, lambda flat: flat.to(captured.device, copy=True), (PASS,), in_place=call.in_place
            )
        except Exception:  # noqa: BLE001 - whatever an op raises, it tells nothing here
            return None
    return alone.gradients[PASS]
