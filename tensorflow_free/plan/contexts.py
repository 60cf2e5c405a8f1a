"""The contexts of PyTorch that a `with` block may name: a closed table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Final

import torch

from tensorflow_free.recipe.names import did_you_mean
from tensorflow_free.tensors.dtypes import TORCH_DTYPES
from tensorflow_free.text.phrases import shown

Context = Callable[[], AbstractContextManager[Any]]

CONTEXTS: Final[dict[str, Context]] = {
    "no_grad": torch.no_grad,
    "enable_grad": torch.enable_grad,
    "inference_mode": torch.inference_mode,
}
AUTOCAST: Final = ("dtype", "enabled", "cache_enabled")
"""What `{autocast: {…}}` takes; its device is the recipe's."""

_ALL: Final = (*CONTEXTS, "autocast")
_LISTED: Final = f"; it is one of {', '.join(_ALL)}"


def context_of(written: Any, device: str) -> Context | str:
    """The context that a `with` key names, or what is wrong with it."""
    if isinstance(written, str) and written in CONTEXTS:
        return CONTEXTS[written]
    if written == "autocast":
        return _autocast({}, device)
    if isinstance(written, Mapping) and list(written) == ["autocast"]:
        return _autocast(written["autocast"], device)
    if isinstance(written, Mapping) and len(written) == 1:
        [name] = written
        if name in CONTEXTS:
            return f"'{name}' takes no options; write `with: {name}`"
        return f"'{name}' is not a context{did_you_mean(name, _ALL) or _LISTED}"
    return f"'{shown(written)}' is not a context{did_you_mean(written, _ALL) or _LISTED}"


def _autocast(written: Any, device: str) -> Context | str:
    if not isinstance(written, (str, Mapping)) and written is not None:
        return f"'{shown(written)}' does not fit `autocast`, which is a dtype, or a mapping such as {{dtype: bfloat16}}"
    options: dict[str, Any] = {"dtype": written} if isinstance(written, str) else dict(written or {})
    for name in options:
        if name not in AUTOCAST:
            near = did_you_mean(name, AUTOCAST) or f"; it is one of {', '.join(AUTOCAST)}"
            return f"'{name}' is not a key of autocast{near}"
    if "dtype" in options:
        dtype = TORCH_DTYPES.get(str(options["dtype"]))
        if dtype is None:
            return f"'{shown(options['dtype'])}' is not a dtype{did_you_mean(options['dtype'], TORCH_DTYPES)}"
        options["dtype"] = dtype
    for name in ("enabled", "cache_enabled"):
        if name in options and not isinstance(options[name], bool):
            return f"'{shown(options[name])}' does not fit autocast's `{name}`, which is true or false"
    return partial(torch.autocast, device_type=device.partition(":")[0], **options)
