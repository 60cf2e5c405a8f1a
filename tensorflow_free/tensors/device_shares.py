"""How devices can be shared among processes: of each kind how many there are, and what makes one of them visible."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

import torch

from tensorflow_free.tensors.device_kinds import CUDA, ROCM, DeviceShare, device_kinds, kind_of
from tensorflow_free.tensors.devices import kinds, own_kind, told_count


def device_shares(asked: Iterable[str], environment: Mapping[str, str] = os.environ) -> list[DeviceShare]:
    """The kinds of which there are devices here. No device is taken into use.

    Args:
        asked: kinds that are meant, in case nothing but trying tells whether there are any.
        environment: the variables of this process.
    """
    meant = frozenset(asked) - {"cpu", "meta"}
    names = dict.fromkeys((*device_kinds(), own_kind(), *sorted(meant)))
    counts = {name: _count(name, is_meant=name in meant) for name in names}
    return [_share(name, count, environment) for name, count in counts.items() if count]


def _count(name: str, *, is_meant: bool) -> int:
    """How many there are; where that cannot be told, one of a kind that torch has and that is meant."""
    count = told_count(name)
    return int(is_meant and name in kinds()) if count is None else count


def _share(name: str, count: int, environment: Mapping[str, str]) -> DeviceShare:
    known = kind_of(name)
    visible = ROCM if torch.version.hip and known.visible == CUDA else known.visible
    return DeviceShare(name, count, known.processes, *(_split(visible, count, environment) or (None, ())))


def _split(variables: Sequence[str], count: int, environment: Mapping[str, str]) -> tuple[str, list[str]] | None:
    """The variable that is split among processes, and what it says for each device; None where that is not known."""
    given = [name for name in variables if environment.get(name, "").strip()]
    if len(given) > 1 or not variables:
        # each narrows what the other leaves
        return None
    if not given:
        return variables[0], [str(index) for index in range(count)]
    # `level_zero:0,1` is a list behind the name of its driver
    before, colon, listed = environment[given[0]].strip().rpartition(":")
    names = [name.strip() for name in listed.split(",") if name.strip()]
    if len(names) < count or ";" in before:
        return None
    return given[0], [f"{before}{colon}{name}" for name in names[:count]]
