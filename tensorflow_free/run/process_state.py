"""The state of the process during a run: torch's switches, modes and random streams, put back when it ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import torch

from tensorflow_free.plan import settings
from tensorflow_free.plan.calls import Site, Stopped
from tensorflow_free.plan.plan import Plan
from tensorflow_free.tensors.dtypes import TORCH_DTYPES
from tensorflow_free.tensors.streams import own_stream


@contextmanager
def process_state(plan: Plan) -> Iterator[None]:
    """Set what the recipe asks of the process, and put everything back, also when the run fails.

    Raises:
        Stopped: a device does not tell its random state.
    """
    stream, dtype = torch.default_generator.get_state(), torch.get_default_dtype()
    others = [*_modes_left(plan.recipe.device), *_asked_for(plan)]
    try:
        torch.set_default_dtype(TORCH_DTYPES[plan.recipe.dtype])
        # most runs ask for nothing else
        with torch.enable_grad() if not others else _entered([*others, torch.enable_grad()]):
            yield
    finally:
        torch.set_default_dtype(dtype)
        torch.default_generator.set_state(stream)


@contextmanager
def _entered(contexts: Sequence[AbstractContextManager[Any]]) -> Iterator[None]:
    with ExitStack() as stack:
        for context in contexts:
            stack.enter_context(context)
        yield


def _modes_left(device: str) -> Iterator[AbstractContextManager[Any]]:
    """What leaves the caller's modes for the run: inference mode, autocast, a default device."""
    if torch.is_inference_mode_enabled():
        yield torch.inference_mode(mode=False)
    kind = device.partition(":")[0]
    for one in ("cpu",) if kind in ("cpu", "meta") else ("cpu", kind):
        if torch.is_autocast_enabled(one):
            yield torch.autocast(one, enabled=False)
    # a default device is a mode of torch's functions, and to ask for it takes as long as some small ops
    if torch._C._len_torch_function_stack() and torch.get_default_device().type != "cpu":  # noqa: SLF001 - no public door
        yield torch.device("cpu")


def _asked_for(plan: Plan) -> Iterator[AbstractContextManager[Any]]:
    """What seeds the streams of devices, and sets the switches that the recipe asks for."""
    for device in plan.devices:
        yield _seeded(device, plan.recipe.seed)
    if plan.recipe.settings:
        yield settings.applied(plan.recipe.settings)


@contextmanager
def _seeded(device: str, seed: int) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(own_stream(device, seed))
        except Exception as error:
            raise Stopped(Site("tensors", device, ("tensors",)), ()) from error
        yield
