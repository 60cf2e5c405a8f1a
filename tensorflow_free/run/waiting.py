"""A run each of whose calls is waited for, so that an error of a device shows in the call that it is of; slow."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import torch

from tensorflow_free.plan.calls import Call, Repeat, Site, Snapshot, Values, Within, named_fields
from tensorflow_free.plan.plan import Plan
from tensorflow_free.result.run_value import Record, recorded
from tensorflow_free.run.lost_devices import touch


class Waiting:
    """Waits for the devices of a plan after each of its calls, and after each node of a backward pass.

    It keeps copies of what is recorded on the CPU, as it is made: a device that is lost takes its memory with it.
    """

    def __init__(self, plan: Plan) -> None:
        self._devices = plan.devices
        self._ends: list[int] = []
        self._sites: list[Site] = []
        self._recordings = tuple(one for one in plan.recordings if one.stood is not None)
        self._slots = frozenset(one.stood for one in plan.recordings if one.stood is not None)
        self._kept: dict[int, Any] = {}

    def wait(self) -> None:
        """Wait for all devices; raises what they have to tell."""
        for device in self._devices:
            touch(device)

    def waited(self, plan: Plan) -> Plan:
        """The plan, each of whose calls is waited for; of a compiled one, the compiled function waits for itself."""
        forward = plan.forward if plan.compiled else self._calls(plan.forward)
        checks = tuple(replace(check, calls=self._calls(check.calls)) for check in plan.checks)
        prelude, rest = self._calls(plan.prelude), self._calls(plan.rest)
        return replace(plan, prelude=prelude, forward=forward, rest=rest, checks=checks)

    def _calls(self, calls: Sequence[Call]) -> tuple[Call, ...]:
        return tuple(map(self._call, calls))

    def _call(self, call: Call) -> Call:
        function, arguments, out, site = call
        if isinstance(function, Within | Repeat):
            function = replace(function, body=self._calls(function.body))
        return self._then_waiting(function, out, site), arguments, out, site

    def _then_waiting(self, function: Callable[..., Any], out: int, site: Site) -> Callable[..., Any]:
        def waited(*operands: Any) -> Any:
            made = function(*operands)
            self.wait()
            self._keep(out, made)
            self._ends.append(torch.autograd._get_sequence_nr())  # type: ignore[attr-defined]  # noqa: SLF001 - no public door
            self._sites.append(site)
            return made

        return waited

    # copies

    def keep(self, values: Values) -> None:
        """Keep what is recorded of what is there by now."""
        for slot in self._slots:
            self._keep(slot, values[slot])

    def _keep(self, slot: int, value: Any) -> None:
        if slot in self._slots and value is not None:
            self._kept[slot] = _on_cpu(value)

    def kept(self) -> dict[str, Record]:
        """The records that can be made of the copies, by name."""
        made = (
            recorded(one.name, one.kind, self._kept[one.stood], one.op)
            for one in self._recordings
            if one.stood in self._kept
        )
        return {record.name: record for records in made for record in records}

    # backward

    @contextmanager
    def in_backward(self, target: Any) -> Iterator[list[str]]:
        """Inside it, each node of a backward pass is waited for.

        Args:
            target: where the pass begins.

        Yields:
            the steps whose backward has begun, in their order; '' of a node that no step made.
        """
        begun: list[str] = []

        def hook(node: Any) -> Any:
            begins = node.register_prehook(lambda _: begun.append(self._step_of(node)))
            ends = node.register_hook(lambda *_: self.wait())
            return lambda: (begins.remove(), ends.remove())

        with ExitStack() as stack:
            for node in _nodes_below(target):
                stack.callback(hook(node))
            yield begun
            self.wait()

    def _step_of(self, node: Any) -> str:
        """The step that made a node; empty of the end of a leaf, which no step made."""
        at = bisect_right(self._ends, node._sequence_nr())  # noqa: SLF001 - no public door
        return self._sites[at].name if at < len(self._sites) else ""


def _on_cpu(value: Any) -> Any:
    """A value with copies of its tensors on the CPU; a nested or quantised one stays where it is."""
    if isinstance(value, Snapshot):
        return replace(value, values=_on_cpu(value.values))
    if isinstance(value, torch.Tensor):
        is_simple = not value.is_meta and not value.is_nested and not value.is_quantized
        return value.detach().cpu() if is_simple and value.device.type != "cpu" else value.detach()
    if isinstance(value, Mapping):
        return {name: _on_cpu(part) for name, part in value.items()}
    if isinstance(value, tuple | list) and any(isinstance(part, torch.Tensor | tuple | list) for part in value):
        return {name: _on_cpu(part) for name, part in named_fields(value)}
    return value


def _nodes_below(target: Any) -> set[Any]:
    """All nodes of autograd that a backward pass from a target may go through."""
    found: set[Any] = set()
    left = [getattr(one, "grad_fn", None) for one in (target if isinstance(target, tuple | list) else [target])]
    while left:
        node = left.pop()
        if node is not None and node not in found:
            found.add(node)
            left += [below for below, _ in node.next_functions]
    return found
