"""Kinds of checks of dimensions, numbers and lists of tensors."""

from __future__ import annotations

from collections.abc import Callable

from tensorflow_free.ops.guards.checks import ArgumentRule, CallArguments, dense, same


def axis(name: str, tensor: str) -> ArgumentRule:
    """The number, where it is given, is that of a dimension of the tensor; it may be counted from the end."""

    def rule(given: CallArguments) -> str | None:
        value, dims = given.get(name), max(1, given[tensor].dim())
        if value is None or -dims <= value < dims:
            return None
        return f"'{name}' is {value}; '{tensor}' has {dims} dimensions, so that it can be {-dims} to {dims - 1}"

    return rule


def axes(name: str, tensor: str) -> ArgumentRule:
    """Each number of the list is that of a dimension of the tensor, counted from the front, and stands once."""

    def rule(given: CallArguments) -> str | None:
        listed, dims = list(given[name]), given[tensor].dim()
        if listed and len(set(listed)) == len(listed) and all(0 <= one < dims for one in listed):
            return None
        return f"'{name}' is {listed}; it can hold each dimension of '{tensor}' once, 0 to {dims - 1}"

    return rule


def needed(names: str, when: Callable[[CallArguments], bool], why: str) -> ArgumentRule:
    """The arguments of these names are given where the condition holds, which `why` says in words."""

    def rule(given: CallArguments) -> str | None:
        missing = [name for name in names.split() if given.get(name) is None]
        return f"'{missing[0]}' is missing; it is needed {why}" if missing and when(given) else None

    return rule


def sized(name: str, count: int, least: int) -> ArgumentRule:
    """The list holds one number, or `count` of them, each at least `least`, and of 32 bits."""

    def rule(given: CallArguments) -> str | None:
        listed = list(given[name]) if isinstance(given[name], (list, tuple)) else [given[name]] * count
        if len(listed) == count and all(least <= one < 2**31 for one in listed):
            return None
        return f"'{name}' is {given[name]}; it can hold {count} numbers, each at least {least}"

    return rule


def paired(first: str, *others: str) -> ArgumentRule:
    """The lists hold as many tensors, and those at one place are dense, of one shape, dtype and device."""

    def rule(given: CallArguments) -> str | None:
        for name in others:
            if len(given[name]) != len(given[first]):
                return f"'{name}' holds {len(given[name])} tensors; it can hold {len(given[first])}, as '{first}'"
            for place, (one, other) in enumerate(zip(given[first], given[name], strict=True)):
                both = {first: one, name: other}
                for check in (*same(name, first), dense(f"{first} {name}")):
                    problem = check(both)
                    if problem is not None:
                        return f"at {place}, {problem}"
        return None

    return rule


def ranks(name: str, *allowed: int) -> ArgumentRule:
    """The tensor has one of these numbers of dimensions."""

    def rule(given: CallArguments) -> str | None:
        dims = given[name].dim()
        if dims in allowed:
            return None
        return f"'{name}' has {dims} dimensions; it can have {' or '.join(str(one) for one in allowed)}"

    return rule


def rising(name: str) -> ArgumentRule:
    """No number of the vector is less than the one before it."""

    def rule(given: CallArguments) -> str | None:
        value = given[name]
        if value.is_meta or value.numel() <= 1 or bool((value[1:] >= value[:-1]).all()):
            return None
        return f"'{name}' holds {value.tolist()}; its numbers must not fall"

    return rule
