"""What is known of each kind of device: how it is shared, how it is counted, its versions. Does not import torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

Count = Callable[[], int]
"""How many devices of a kind there are."""

Versions = Callable[[], Mapping[str, object]]
"""What a kind's numbers hang on, by name: a driver's version, a library's; None for one that is not known."""


@dataclass(frozen=True, slots=True)
class DeviceKind:
    """One kind of device.

    Attributes:
        visible: the variables of the environment that say which of its devices a process sees, as a list joined by
            commas; the first that is set is split among workers, and where none is, the first of all is set. Without
            any, one worker takes all cells that use the kind.
        processes: how many processes may use one device at a time.
        count: how many there are; None to ask `torch.<kind>.device_count()`.
        versions: what its numbers hang on besides what PyTorch tells; None for nothing.
    """

    visible: tuple[str, ...] = ()
    processes: int = 1
    count: Count | None = None
    versions: Versions | None = None


@dataclass(frozen=True, slots=True)
class DeviceShare:
    """One kind of device, as a process that has torch tells it to one that has not.

    Attributes:
        kind: its name.
        count: how many there are.
        processes: how many processes may use one at a time.
        variable: the variable that says which are visible; None where none is known, or what it says cannot be split.
        values: what makes each of them alone visible; none where `variable` is None.
    """

    kind: str
    count: int
    processes: int = 1
    variable: str | None = None
    values: Sequence[str] = ()


CUDA: Final = ("CUDA_VISIBLE_DEVICES",)
"""The variable of the kind `cuda` where it is NVIDIA's."""

ROCM: Final = ("HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES")
"""Those of the kind `cuda` where it is AMD's; ROCR_VISIBLE_DEVICES, where it is set, has been applied before them."""

_KINDS: Final[dict[str, DeviceKind]] = {
    "cuda": DeviceKind(CUDA),
    # a mask of Level Zero's, and a choice among what that leaves
    "xpu": DeviceKind(("ZE_AFFINITY_MASK", "ONEAPI_DEVICE_SELECTOR")),
    "npu": DeviceKind(("ASCEND_RT_VISIBLE_DEVICES",)),
    "hpu": DeviceKind(("HABANA_VISIBLE_MODULES",)),
    "mlu": DeviceKind(("MLU_VISIBLE_DEVICES",)),
    "musa": DeviceKind(("MUSA_VISIBLE_DEVICES",)),
    "mtia": DeviceKind(),
    "mps": DeviceKind(),
}


def device_kinds() -> tuple[str, ...]:
    """The kinds of which something is known."""
    return tuple(_KINDS)


def kind_of(name: str) -> DeviceKind:
    """What is known of a kind: nothing of one that is in no table, which one process uses at a time."""
    return _KINDS.get(name, DeviceKind())


def variables_of(name: str) -> tuple[str, ...]:
    """The variables of the environment that say which devices of a kind a process sees, whatever they are of."""
    visible = kind_of(name).visible
    return (*ROCM, "ROCR_VISIBLE_DEVICES") if visible == CUDA else visible


def register_device(
    kind: str,
    *,
    visible: str | Sequence[str] | None = None,
    processes: int = 1,
    count: Count | None = None,
    versions: Versions | None = None,
) -> None:
    """Tells how a kind of device is shared among the workers of a sweep, and what its numbers hang on.

    Call it in what the entry point of the group `tensorflow_free.plugins` names, or in a file of `--ops`. A kind that
    nobody has registered works, too: `torch.<kind>.device_count()` counts it, and one process at a time uses it.

    Args:
        kind: the device's name, as in `device=KIND`.
        visible: the variable of the environment that says which devices a process sees, such as
            `CUDA_VISIBLE_DEVICES`: numbers, or other names, joined by commas. With it, each device has a worker of its
            own. Of several names the one that the user has set is split among the workers, else the first.
            None leaves what is known of the kind.
        processes: how many processes may use one device at a time.
        count: gives how many devices there are, without taking one into use; None for what PyTorch says.
        versions: gives what numbers hang on, by name: `{"driver": "1.2", "compiler": "3.4"}`. It is called once in a
            process that has used the device; where it fails, the run tells nothing of it.

    Raises:
        ValueError: `kind` is no name of a device, `visible` no variable, or `processes` no number from 1 on.

    Example:
        >>> from tensorflow_free import register_device
        >>> register_device("chip", visible="CHIP_VISIBLE_DEVICES", processes=2, versions=lambda: {"driver": "1.2"})
    """
    names = () if visible is None else (visible,) if isinstance(visible, str) else tuple(visible)
    if not (isinstance(kind, str) and kind.isidentifier() and kind.isascii()) or kind in ("cpu", "meta", "auto"):
        message = f"'{kind}' cannot be registered as a device; give the name of its back end, such as 'npu'"
        raise ValueError(message)
    for name in names:
        if not (isinstance(name, str) and name.isidentifier()):
            message = f"visible of '{kind}': '{name}' is no variable of the environment; give its name"
            raise ValueError(message)
    if not isinstance(processes, int) or isinstance(processes, bool) or processes < 1:
        message = f"processes of '{kind}': '{processes}' is not a number of processes; give an integer of at least 1"
        raise ValueError(message)
    for what, function in (("count", count), ("versions", versions)):
        if function is not None and not callable(function):
            message = f"{what} of '{kind}': '{function}' cannot be called; give a function without arguments"
            raise ValueError(message)
    known = kind_of(kind)
    _KINDS[kind] = replace(
        known,
        visible=names or known.visible,
        processes=processes,
        count=count or known.count,
        versions=versions or known.versions,
    )
