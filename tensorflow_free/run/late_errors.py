"""Errors of a device that show behind the call that raised them, and values that a lost device has taken with it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

import torch

from tensorflow_free.codec.parts import without_numbers
from tensorflow_free.outcome.reasons import StepFailed
from tensorflow_free.plan.calls import Site, Stopped
from tensorflow_free.plan.plan import Plan
from tensorflow_free.result.run_value import Record
from tensorflow_free.run.lost_devices import is_readable_in_part, one_of
from tensorflow_free.tensors.devices import absence, module_of, synchronize


class Late(Stopped):
    """An error that showed behind the call that raised it: its site is the last that it can be of."""


def wait_for(plan: Plan, site: Site) -> None:
    """Wait for all devices of a plan.

    Args:
        plan: what runs.
        site: the last that an error can be of.

    Raises:
        Late: an error shows.
    """
    for device in plan.devices:
        try:
            synchronize(device)
        except Exception as error:
            raise Late(site, ()) from error


def may_be_of_another_step(plan: Plan, error: StepFailed, cause: Exception | None) -> bool:
    """Whether what a step failed with may be an error of a device in a step before, which it tells only now.

    Where a step names a device that is not here, its error is its own, and that device cannot be waited for.
    """
    others = [device for device in plan.devices if module_of(device) is not None]
    on_device = bool(others) and all(absence(device) is None for device in others)
    is_of_kind = isinstance(cause, RuntimeError) or type(cause).__module__ != "builtins"
    behind_steps = error.path.partition(".")[0] != "tensors"
    return on_device and is_of_kind and behind_steps and error.code == "step failed" and not error.is_late


def last_site(plan: Plan, part: str) -> Site:
    """The last call of a part of a run: `tensors`, `steps`, `backward`, `checks`."""
    if part == "tensors" or not (plan.forward or plan.rest):
        start = plan.starts[-1] if plan.starts else None
        return Site("tensors", "tensors", ("tensors",)) if start is None else start_site(start.name, start.init)
    if part == "checks" and plan.checks:
        return plan.checks[-1].calls[-1][3]
    if part != "steps" and plan.passes:
        one = plan.passes[-1]
        return Site("backward", "backward", one.path, (one.target,))
    if plan.compiled and not plan.rest:
        return Site("steps", plan.recipe.backend.name, ("steps",))
    return (plan.rest or plan.forward)[-1][3]


def start_site(name: str, init: str) -> Site:
    """Where a starting tensor comes from."""
    return Site(name, init, ("tensors", name))


def read_in_part(plan: Plan, records: Iterable[Record]) -> None:
    """Read one element of each value that lies on a device: what is worked out late is worked out now.

    Raises:
        Late: an error shows.
    """
    if all(module_of(device) is None for device in plan.devices):
        return
    given = {one.name: (one.given, one.op) for one in plan.recordings}
    for record in records:
        value = record.value
        if not isinstance(value, torch.Tensor) or value.device.type == "cpu" or not is_readable_in_part(value):
            continue
        try:
            one_of(value).cpu()
        except (NotImplementedError, TypeError):
            # there is no kernel for that
            continue
        except Exception as error:
            path, op = given.get(record.name.partition(".")[0], ((), None))
            site = Site(str(path[-1]), op or "", path) if path else last_site(plan, "backward")
            raise Late(site, ()) from error


def without_lost(
    records: Mapping[str, Record], lost: Collection[torch.device], kept: Mapping[str, Record] | None = None
) -> dict[str, Record]:
    """The records, of which those on lost devices have the numbers of copies, or tell that theirs cannot be read.

    Args:
        records: what a run recorded, by name.
        lost: the devices that are lost.
        kept: records of copies, by name.
    """
    return {
        name: _readable(one, (kept or {}).get(name)) if _is_on(one.value, lost) else one
        for name, one in records.items()
    }


def _is_on(value: object, devices: Collection[torch.device]) -> bool:
    return isinstance(value, torch.Tensor) and value.device in devices


def _readable(record: Record, copy: Record | None) -> Record:
    value: torch.Tensor = record.value
    if copy is not None and isinstance(copy.value, torch.Tensor) and copy.value.device != value.device:
        return replace(record, value=copy.value, device=str(value.device))
    shape = () if value.is_nested else tuple(value.shape)
    why = f"lost with the device {value.device}"
    return replace(record, value=without_numbers(value.dtype, shape), unstored=why, device=str(value.device))
