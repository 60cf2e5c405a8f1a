"""The records of a run: values as they were and at the end, and gradients."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from sys import getrefcount
from typing import Any, Final

from torch import Tensor

from tensorflow_free.plan.calls import GRADIENTS, Snapshot, Values
from tensorflow_free.plan.plan import Plan, Recording
from tensorflow_free.result.run_records import RunRecords
from tensorflow_free.result.run_value import Record, recorded
from tensorflow_free.run.reached import Reached


def records_of(plan: Plan, values: Values, reached: Reached | None = None, *, has_history: bool = True) -> RunRecords:
    """Every record that the plan asks for; those of plain tensors are made when they are asked for.

    Args:
        plan: what ran.
        values: its list of values, as the run left it.
        reached: how far it got; None where all steps ran. If not, a value that is None was never made.
        has_history: whether a value may hold the history that autograd kept of it, which a result must not keep alive.
    """
    found = RunRecords(recordings=plan.recordings)
    _add_values(found, plan, values, reached, has_history=has_history)
    wanted = plan.recipe.record
    listed = frozenset(wanted) if isinstance(wanted, list) else None
    if listed is not None:
        found.leave_out(lambda name: _is_listed(name, listed))
    if plan.left_out is None:
        _add_gradients(found, plan, values, listed)
    return found


def _is_listed(name: str, listed: frozenset[str]) -> bool:
    """Whether a record is listed, or is a field of what is."""
    if name in listed:
        return True
    parts = name.split(".")
    above = (".".join(parts[:count]) for count in range(1, len(parts)))
    return parts[-1] not in ("grad", "after") and any(one in listed for one in above)


def _add_values(found: RunRecords, plan: Plan, values: Values, reached: Reached | None, *, has_history: bool) -> None:
    """Add tensors and steps, as they stood and as they are in the end."""
    for one in plan.recordings:
        if one.stood is not None:
            value = values[one.stood]
            if type(value) is not Tensor:
                if _is_made(one, value, reached):
                    _add(found, recorded(one.name, one.kind, value, one.op))
            elif has_history or getrefcount(value) != _ALONE:
                found.hold(one.name, value)
            else:
                # nobody else has it, so that it stays as it is
                found.data[one.name] = value
        if one.after and (reached is None or reached.is_changed(one.given, one.changers)):
            value = values[one.slot]
            if _is_made(one, value, reached):
                ends = recorded(one.name, "after", value, one.op)
                _add(found, (replace(end, name=f"{end.name}.after") for end in ends))


def _holders(values: Values) -> int:
    value = values[0]
    return getrefcount(value)


_ALONE: Final = _holders([object()])
"""What Python counts for a value that only a list of values and the one who looks have."""


def _add(found: RunRecords, records: Iterable[Record]) -> None:
    found.data.update((record.name, record) for record in records)


def _is_made(one: Recording, value: Any, reached: Reached | None) -> bool:
    # a value may be None itself (the grad_fn of a leaf)
    return reached is None or value is not None or one.kind == "tensor"


def _add_gradients(found: RunRecords, plan: Plan, values: Values, listed: frozenset[str] | None) -> None:
    """Add the gradients of leaves, as far as they are listed, and those of steps' values."""
    for start, slot in zip(plan.starts, plan.leaf_slots, strict=True):
        leaf, name = values[slot], f"{start.name}.grad"
        is_leaf = isinstance(leaf, Tensor) and leaf.requires_grad and leaf.is_leaf
        if is_leaf and (listed is None or _is_listed(name, listed)):
            _add(found, recorded(name, "gradient", leaf.grad))
    watched = values[GRADIENTS]
    for name, slot in plan.retained:
        if name not in plan.watched:
            value = values[slot]
            _add_retained(found, name, value, is_alone=getrefcount(value) == _ALONE)
        else:
            for watched_name, passes in watched.items():
                if passes and (watched_name == name or watched_name.startswith(f"{name}.")):
                    _add(found, recorded(f"{watched_name}.grad", "gradient", sum(passes[1:], passes[0])))


def _add_retained(found: RunRecords, name: str, value: Any, *, is_alone: bool = False) -> None:
    """Add the gradient that autograd kept for a step's value, or for each of its fields.

    Args:
        found: where to.
        name: the value's.
        value: the value.
        is_alone: whether nobody else has the value, and so its gradient.
    """
    if isinstance(value, Tensor):
        gradient = value.grad if value.retains_grad or (value.is_leaf and value.requires_grad) else None
        if gradient is not None and is_alone and not gradient.requires_grad:
            found.data[f"{name}.grad"] = gradient
        elif gradient is not None:
            found.hold(f"{name}.grad", gradient)
    elif isinstance(value, (tuple, list)):
        for record, part in zip(recorded(name, "step", value), value, strict=False):
            _add_retained(found, record.name, part)


def standing_values(plan: Plan, values: Values) -> dict[str, Any]:
    """Starting tensors and recorded values as they stood when their steps ended, by name, for checks to read."""
    slots = {start.name: slot for start, slot in zip(plan.starts, plan.start_slots, strict=True)}
    slots |= {one.name: one.stood for one in plan.recordings if one.stood is not None and one.name in plan.standing}
    stood = {name: values[slot] for name, slot in slots.items()}
    return {name: value.values if isinstance(value, Snapshot) else value for name, value in stood.items()}
