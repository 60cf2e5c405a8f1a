"""The records of a run: values as they were and at the end, and gradients."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from sys import getrefcount
from typing import Any, Final

from torch import Tensor

from tensorflow_free.plan.calls import GRADIENTS, Snapshot, Values, grad_fn_name
from tensorflow_free.plan.plan import Plan, Recording
from tensorflow_free.result.model import EntryKind
from tensorflow_free.result.run_records import HeldValue, RunRecords
from tensorflow_free.result.run_value import recorded
from tensorflow_free.run.reached import Reached


def records_of(plan: Plan, values: Values, reached: Reached | None = None, *, has_history: bool = True) -> RunRecords:
    """Every record that the plan asks for; those of plain tensors are made when they are asked for.

    Args:
        plan: what ran.
        values: its list of values, as the run left it.
        reached: how far it got; None where all steps ran. If not, a value that is None was never made.
        has_history: whether a value may hold the history that autograd kept of it, which a result must not keep alive.
    """
    held = _of_values(plan, values, reached, has_history=has_history)
    gradients = _of_gradients(plan, values) if plan.left_out is None else {}
    wanted = plan.recipe.record
    if isinstance(wanted, list):
        listed, retained = frozenset(wanted), frozenset(name for name, _ in plan.retained)
        held = {name: one for name, one in held.items() if _is_listed(name, listed)}
        gradients = {
            name: one
            for name, one in gradients.items()
            if name.partition(".")[0] in retained or _is_listed(name, listed)
        }
    return RunRecords(held | gradients if gradients else held, plan.recordings)


def _is_listed(name: str, listed: frozenset[str]) -> bool:
    """Whether a record is listed, or is a field of what is."""
    if name in listed:
        return True
    parts = name.split(".")
    above = (".".join(parts[:count]) for count in range(1, len(parts)))
    return parts[-1] not in ("grad", "after") and any(one in listed for one in above)


def _of_values(plan: Plan, values: Values, reached: Reached | None, *, has_history: bool) -> dict[str, HeldValue]:
    """What is recorded of tensors and steps, as they stood and as they are in the end."""
    held: dict[str, HeldValue] = {}
    for one in plan.recordings:
        if one.stood is not None:
            value = values[one.stood]
            if not has_history and type(value) is Tensor and getrefcount(value) == _ALONE:
                # nobody else has it, so that it stays as it is
                held[one.name] = value
            elif _is_made(one, value, reached):
                _hold(held, one.name, one.kind, value, one.op)
        if one.after and (reached is None or reached.is_changed(one.given, one.changers)):
            value = values[one.slot]
            if _is_made(one, value, reached):
                ends = recorded(one.name, "after", value, one.op)
                held.update((f"{end.name}.after", replace(end, name=f"{end.name}.after")) for end in ends)
    return held


def _holders(values: Values) -> int:
    value = values[0]
    return getrefcount(value)


_ALONE: Final = _holders([object()])
"""What Python counts for a value that only a list of values and the one who looks have."""


def _hold(held: dict[str, HeldValue], name: str, kind: EntryKind, value: Any, op: str | None = None) -> None:
    """Hold what is recorded of a value, out of reach of whoever else has it."""
    if type(value) is Tensor:
        held[name] = kind, op, value.detach(), value.requires_grad, grad_fn_name(value)
    else:
        held.update((record.name, record) for record in recorded(name, kind, value, op))


def _is_made(one: Recording, value: Any, reached: Reached | None) -> bool:
    # a value may be None itself (the grad_fn of a leaf)
    return reached is None or value is not None or one.kind == "tensor"


def _of_gradients(plan: Plan, values: Values) -> dict[str, HeldValue]:
    held: dict[str, HeldValue] = {}
    for name, gradient in _gradients(plan, values):
        _hold(held, f"{name}.grad", "gradient", gradient)
    return held


def _gradients(plan: Plan, values: Values) -> Iterator[tuple[str, Any]]:
    """The gradients of leaves and of steps' values, each with the name of what it is of."""
    for start, slot in zip(plan.starts, plan.leaf_slots, strict=True):
        leaf = values[slot]
        if isinstance(leaf, Tensor) and leaf.requires_grad and leaf.is_leaf:
            yield start.name, leaf.grad
    watched = values[GRADIENTS]
    for name, slot in plan.retained:
        if name not in plan.watched:
            yield from _step_gradients(name, values[slot])
        else:
            for watched_name, passes in watched.items():
                if passes and (watched_name == name or watched_name.startswith(f"{name}.")):
                    yield watched_name, sum(passes[1:], passes[0])


def _step_gradients(name: str, value: Any) -> Iterator[tuple[str, Tensor]]:
    """The gradient that autograd kept for a step's value, or for each of its fields."""
    if isinstance(value, Tensor):
        if (value.retains_grad or (value.is_leaf and value.requires_grad)) and value.grad is not None:
            yield name, value.grad
    elif isinstance(value, (tuple, list)):
        for record, part in zip(recorded(name, "step", value), value, strict=False):
            yield from _step_gradients(record.name, part)


def standing_values(plan: Plan, values: Values) -> dict[str, Any]:
    """Starting tensors and recorded values as they stood when their steps ended, by name, for checks to read."""
    slots = {start.name: slot for start, slot in zip(plan.starts, plan.start_slots, strict=True)}
    slots |= {one.name: one.stood for one in plan.recordings if one.stood is not None and one.name in plan.standing}
    stood = {name: values[slot] for name, slot in slots.items()}
    return {name: value.values if isinstance(value, Snapshot) else value for name, value in stood.items()}
