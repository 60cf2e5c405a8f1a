"""The state of the process during a run: torch's switches, modes and random streams, put back when it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

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
    recipe = plan.recipe
    with ExitStack() as stack:
        stack.callback(torch.default_generator.set_state, torch.default_generator.get_state())
        stack.callback(torch.set_default_dtype, torch.get_default_dtype())
        torch.set_default_dtype(TORCH_DTYPES[recipe.dtype])
        _leave_modes(recipe.device, stack)
        stack.enter_context(torch.enable_grad())
        for device in plan.devices:
            try:
                stack.enter_context(own_stream(device, recipe.seed))
            except Exception as error:
                raise Stopped(Site("tensors", device, ("tensors",)), ()) from error
        stack.enter_context(settings.applied(recipe.settings))
        yield


def _leave_modes(device: str, stack: ExitStack) -> None:
    """Leave the caller's modes for the run: inference mode, autocast, a default device."""
    if torch.is_inference_mode_enabled():
        stack.enter_context(torch.inference_mode(mode=False))
    for kind in {"cpu", torch.device(device).type} - {"meta"}:
        if torch.is_autocast_enabled(kind):
            stack.enter_context(torch.autocast(kind, enabled=False))
    if torch.get_default_device().type != "cpu":
        stack.enter_context(torch.device("cpu"))
