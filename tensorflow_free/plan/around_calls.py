"""A plan with something around each of its calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from tensorflow_free.plan.calls import Call, Repeat, Site, Within, whole
from tensorflow_free.plan.plan import Plan

Function = Callable[..., Any]


def with_calls(plan: Plan, around: Callable[[Function, Site], Function]) -> Plan:
    """The plan with something around each of its calls, in blocks too."""

    def each(calls: Sequence[Call]) -> tuple[Call, ...]:
        return tuple(one(call) for call in calls)

    def one(call: Call) -> Call:
        function, arguments, out, site = call
        if isinstance(function, Within | Repeat):
            return replace(function, body=each(function.body)), arguments, out, site
        # what is given the values themselves clears slots, and is no step
        return call if arguments is whole else (_around(around, function, site), arguments, out, site)

    checks = tuple(replace(check, calls=each(check.calls)) for check in plan.checks)
    return replace(plan, forward=each(plan.forward), rest=each(plan.rest), checks=checks)


def _around(around: Callable[[Function, Site], Function], function: Function, site: Site) -> Function:
    """What `around` makes of a function, which tells `inspect.unwrap` what is inside."""
    made = around(function, site)
    if made is not function:
        made.__wrapped__ = function  # type: ignore[attr-defined]
    return made
