"""The records of a run: values as they were and at the end, and gradients."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch

from tensorflow_free.plan.calls import GRADIENTS, Snapshot, Values
from tensorflow_free.plan.plan import Plan, Recording
from tensorflow_free.result.run_value import Record, recorded
from tensorflow_free.run.reached import Reached


def records_of(plan: Plan, values: Values, reached: Reached | None = None) -> Iterator[Record]:
    """Every record that the plan asks for.

    Args:
        plan: what ran.
        values: its list of values, as the run left it.
        reached: how far it got; None where all steps ran. If not, a value that is None was never made.
    """
    wanted = plan.recipe.record
    listed = frozenset(wanted) if isinstance(wanted, list) else None
    retained = frozenset(name for name, _ in plan.retained)
    for record in _all_records(plan, values, reached):
        asked = record.kind == "gradient" and record.name.partition(".")[0] in retained
        if listed is None or asked or _is_listed(record.name, listed):
            yield record


def _is_listed(name: str, listed: frozenset[str]) -> bool:
    """Whether a record is listed, or is a field of what is."""
    if name in listed:
        return True
    parts = name.split(".")
    above = (".".join(parts[:count]) for count in range(1, len(parts)))
    return parts[-1] not in ("grad", "after") and any(one in listed for one in above)


def _all_records(plan: Plan, values: Values, reached: Reached | None) -> Iterator[Record]:
    finished = reached is None
    for one in plan.recordings:
        if one.stood is not None and _is_made(one, values[one.stood], finished=finished):
            yield from recorded(one.name, one.kind, values[one.stood], one.op)  # type: ignore[arg-type]
        changed = one.after and (reached is None or reached.is_changed(one.given, one.changers))
        if changed and _is_made(one, values[one.slot], finished=finished):
            for record in recorded(one.name, "after", values[one.slot], one.op):
                yield replace(record, name=f"{record.name}.after")
    if plan.left_out is None:
        yield from _gradients(plan, values)


def _is_made(one: Recording, value: Any, *, finished: bool) -> bool:
    # a value may be None itself (the grad_fn of a leaf)
    return finished or value is not None or one.kind == "tensor"


def _gradients(plan: Plan, values: Values) -> Iterator[Record]:
    for start, slot in zip(plan.starts, plan.leaf_slots, strict=True):
        leaf = values[slot]
        if isinstance(leaf, torch.Tensor) and leaf.requires_grad and leaf.is_leaf:
            yield from recorded(f"{start.name}.grad", "gradient", leaf.grad)
    watched = values[GRADIENTS]
    for name, slot in plan.retained:
        if name not in plan.watched:
            yield from _step_gradients(name, values[slot])
        else:
            for watched_name, passes in watched.items():
                if passes and (watched_name == name or watched_name.startswith(f"{name}.")):
                    yield from recorded(f"{watched_name}.grad", "gradient", sum(passes[1:], passes[0]))


def _step_gradients(name: str, value: Any) -> Iterator[Record]:
    """The gradient that autograd kept for a step's value, or for each of its fields."""
    if isinstance(value, torch.Tensor):
        if (value.retains_grad or (value.is_leaf and value.requires_grad)) and value.grad is not None:
            yield from recorded(f"{name}.grad", "gradient", value.grad)
    elif isinstance(value, (tuple, list)):
        for record, part in zip(recorded(name, "step", value), value, strict=False):
            yield from _step_gradients(record.name, part)


def standing_values(plan: Plan, values: Values) -> dict[str, Any]:
    """Starting tensors and recorded values as they stood when their steps ended, by name, for checks to read."""
    slots = {start.name: slot for start, slot in zip(plan.starts, plan.start_slots, strict=True)}
    slots |= {one.name: one.stood for one in plan.recordings if one.stood is not None and one.name in plan.standing}
    stood = {name: values[slot] for name, slot in slots.items()}
    return {name: value.values if isinstance(value, Snapshot) else value for name, value in stood.items()}
