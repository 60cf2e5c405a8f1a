"""Device names: which are present, which is the best, and what is wrong with one that is not."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final

import torch

from tensorflow_free.plugins import load_plugins
from tensorflow_free.recipe.device_names import MEANT, OUT_OF_TREE
from tensorflow_free.recipe.names import DEVICES, did_you_mean
from tensorflow_free.tensors.device_kinds import device_kinds, kind_of
from tensorflow_free.text.phrases import counted, shown


def best_device() -> str:
    """The device that `device: auto` stands for: this machine's accelerator, or the CPU."""
    try:
        accelerator = torch.accelerator.current_accelerator(check_available=True)
    except Exception:  # noqa: BLE001 - it calls what a vendor's module may not have
        accelerator = torch.accelerator.current_accelerator()
        if accelerator is not None and absence(accelerator.type) is not None:
            return "cpu"
    return "cpu" if accelerator is None else accelerator.type


def own_kind() -> str:
    """The name that a custom back end gave itself; 'privateuseone' where there is none."""
    name: str = torch._C._get_privateuse1_backend_name()  # noqa: SLF001 - torch tells the name nowhere else
    return name


def kinds() -> tuple[str, ...]:
    """The device types that torch knows by name, a custom back end's own name among them."""
    return (*DEVICES, own_kind())


def all_kinds() -> tuple[str, ...]:
    """Those, the names of back ends that torch does not have here, and those that packages register."""
    return tuple(dict.fromkeys((*kinds(), *OUT_OF_TREE, *device_kinds())))


def form_problem(word: Any, named: Iterable[str] = ()) -> str | None:
    """Why `word` is no device at all, or None.

    Args:
        word: what is written.
        named: the kinds that the recipe itself speaks of (`device_names.named_by`), which need be known nowhere else.

    Raises:
        RecipeError: a package that offers more cannot be loaded.
    """
    kind, colon, index = str(word).partition(":")
    if kind not in ("cpu", "meta"):
        # a package may know it, or count it otherwise
        load_plugins()
    if not isinstance(word, str) or (kind not in all_kinds() and kind not in named):
        near = MEANT.get(kind) or did_you_mean(kind, kinds()) or did_you_mean(kind, OUT_OF_TREE)
        return f"'{shown(word)}' is not a device{near or '; it is cpu, cuda, cuda:1, mps, xpu, meta, or auto'}"
    if colon and not (_INDEX.fullmatch(index) and int(index) <= LARGEST_INDEX):
        return f"'{word}' is not a device; after the ':' comes its number, such as {kind}:0"
    return None


def is_device(word: str) -> bool:
    """Whether a word names a device that torch knows, here or not."""
    return word.partition(":")[0] in kinds() and form_problem(word) is None


LARGEST_INDEX: Final = 127
"""torch keeps a device's number in 8 bits, and takes a larger one for another number (c10/core/Device.h)."""
_INDEX: Final = re.compile("0|[1-9][0-9]{0,2}", re.ASCII)


class Absence(str):
    """Why a device cannot be had on this machine: no fault of the recipe's."""

    __slots__ = ()


def absence(word: str) -> Absence | None:
    """Why the device `word` cannot be had on this machine, or None where it can."""
    if missing := absence_of_kind(word):
        return missing
    device = torch.device(word)
    if device.type in ("cpu", "meta"):
        return None
    count = _count(device.type)
    if count == 0:
        seen = f"this torch ({torch.__version__}) sees no {device.type} device"
        return Absence(f"'{word}' is not available: {seen}; device=cpu runs anywhere")
    if device.index is not None and device.index >= count and not (_is_uncounted(device.type) and _can_allocate(word)):
        last = f" to {device.type}:{count - 1}" if count > 1 else ""
        there = (
            f"there {'is' if count == 1 else 'are'} {counted(count, f'{device.type} device')}, {device.type}:0{last}"
        )
        return Absence(f"'{word}' is not available: {there}")
    return None


def absence_of_kind(word: str) -> Absence | None:
    """That torch knows no devices of the kind of `word`, which a package of its own brings; None where it does."""
    kind = word.partition(":")[0]
    if kind in kinds():
        return None
    seen = f"this torch ({torch.__version__}) has no {kind} device, and no package here brings one"
    return Absence(f"'{word}' is not available: {seen}; device=cpu runs anywhere")


def _count(kind: str) -> int:
    """How many devices of a kind there are, by what is told of it; one of which nothing is told is tried."""
    told = told_count(kind)
    return int(_can_allocate(kind)) if told is None else told


def told_count(kind: str) -> int | None:
    """How many devices of a kind there are, by what it is registered with or its module says; None where neither tells.

    Nothing is tried, so that no device is taken into use.
    """
    registered = kind_of(kind).count
    available, count = (function_of(kind, name) for name in ("is_available", "device_count"))
    try:
        if registered is not None:
            return int(registered())
        if available is not None and not available():
            return 0
        return int(count()) if count is not None else None if available is None else 1
    except Exception:  # noqa: BLE001 - a vendor's module may fail in any way, and trying tells how
        return None


def _is_uncounted(kind: str) -> bool:
    """Whether nothing tells how many devices of a kind there are, but that there are some."""
    return kind_of(kind).count is None and function_of(kind, "device_count") is None


def lacks_dtype(word: str, dtype: torch.dtype) -> bool:
    """Whether a device holds tensors of float32, and none of this dtype: found by making empty ones."""
    return module_of(word) is not None and _can_allocate(word, 1) and not _can_allocate(word, 1, dtype)


def _can_allocate(word: str, size: int = 0, dtype: torch.dtype = torch.float32) -> bool:
    try:
        torch.empty(size, dtype=dtype, device=word)
    except Exception:  # noqa: BLE001 - whatever a vendor raises
        return False
    return True


def synchronize(word: str) -> None:
    """Wait for what the device still has to do; one that is not here has nothing to do."""
    wait = function_of(word, "synchronize")
    if wait is None or absence(word) is not None:
        return
    if takes_a_device(wait):
        wait(torch.device(word))
    else:
        wait()


def empty_cache(word: str) -> None:
    """Give back the memory that PyTorch keeps for later of the kind of a device, where it keeps some.

    A device that is lost has none to give; whoever uses it next is told so.
    """
    empty = function_of(word, "empty_cache")
    if empty is not None:
        with suppress(Exception):
            empty()


def numbered(word: str) -> torch.device:
    """The device with its number, where its module tells it: which one is current of its kind may change meanwhile."""
    device, current = torch.device(word), function_of(word, "current_device")
    if device.index is not None or current is None:
        return device
    try:
        return torch.device(device.type, current())
    except Exception:  # noqa: BLE001 - torch's own raise AssertionError where they were not built, and vendors' anything
        return device


def module_of(word: str) -> Any:
    """PyTorch's module of a device's kind (`torch.cuda`), which seeds and waits; None for the CPU, `meta`, and none."""
    kind = word.partition(":")[0]
    return None if kind in ("cpu", "meta") else getattr(torch, kind, None)


def function_of(word: str, name: str) -> Callable[..., Any] | None:
    """A function of the module of a device's kind; None where there is none, or the module fails to give it."""
    found = attribute_of(word, name)
    return found if callable(found) else None


def attribute_of(word: str, name: str) -> Any:
    """What the module of a device's kind has under a name; None where it has nothing, or fails to give it."""
    try:
        return getattr(module_of(word), name, None)
    except Exception:  # noqa: BLE001 - a module may load the vendor's library when it is asked
        return None


def takes_a_device(function: Callable[..., Any], given: int = 0) -> bool:
    """Whether a function of a device's module takes a device behind what it is `given`; those of `mps` do not."""
    try:
        return len(inspect.signature(function).parameters) > given
    except (TypeError, ValueError):
        # written in C, and silent about itself
        return True
