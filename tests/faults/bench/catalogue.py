"""All faults of the bench, made from hosts, targets, dtypes and manners; the same ones each time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from tests.faults.bench import aten, own_ops
from tests.faults.bench.fault import Fault, Host, Target, Wrong
from tests.faults.bench.manners import BOOLEAN, FLOATING, INTEGER, NOT_NUMBERS, Named, chosen, hash_of
from tests.faults.bench.targets import hosts, steps_of, targets_of
from tests.faults.catalogue import CATALOGUE as IN_REGISTRY
from tests.faults.fault import found_op

BOOLEAN_OPS: Final = frozenset(
    "gt lt eq logical_not logical_and isnan isinf isfinite any gt.Scalar eq.Tensor isnan.default".split()
)
INTEGER_OPS: Final = frozenset(
    "floor_divide remainder argmax argsort bucketize bincount bitwise_and count_nonzero floor round sign argmax.default "
    "bucketize.Tensor floor.default round.default".split()
)
SHARES: Final = {"op": 18, "compiler": 34, "kernel": 28}
"""How many in a hundred of all that can be made are in the bench; a hash of its name decides, so that a new host or
manner leaves the others as they are."""

LARGE_SHARE: Final = 5
"""The same in hosts of 10⁵ numbers and more, of which each run takes seconds."""

LARGE: Final = frozenset({"large", "million", "long", "vocabulary"})
"""The recipes and cases that are."""

EXACT_SHARE: Final = 50
"""The same of whole numbers, truth values, NaN and infinities."""

RIGHT_SHARE: Final = 15
"""The same of steps by an op of the user's own that is right."""

RUN_NOT: Final = frozenset({"linear without transposing"})
"""Faults of the registry's catalogue that end a run where the shapes are not square."""


def faults(*, all_of_them: bool = False) -> Iterator[Fault]:
    """Every fault, host by host; or all that can be made."""
    for host in hosts():
        for target in targets_of(host.recipe):
            exact = _is_exact(host, target)
            share = LARGE_SHARE if _is_large(host) else EXACT_SHARE if exact else SHARES[target.kind]
            for name, wrong in dict(_manners(host, target)).items():
                one = Fault(host, target, name, wrong, exact)
                if all_of_them or hash_of(one.name) % 100 < share:
                    yield one


def right_cells() -> Iterator[Fault]:
    """Cells in which nothing is wrong: eager ones, compiled ones, and steps by an op of the user's own that is right."""
    for host in hosts():
        yield Fault(host, Target("kernel", "none"), "right", None)
        if host.recipe not in UNCOMPILED:
            yield Fault(host, Target("compiler", "none"), "right", None)
        share = LARGE_SHARE if _is_large(host) else RIGHT_SHARE
        steps = [Fault(host, target, "right", None) for target in targets_of(host.recipe) if target.kind == "op"]
        yield from (one for one in steps if hash_of(one.name) % 100 < share)


UNCOMPILED = frozenset({"double_backward"})
"""Hosts that `torch.compile` refuses: it does not differentiate a gradient."""


def _is_large(host: Host) -> bool:
    return bool({host.recipe, host.case} & LARGE)


def _manners(host: Host, target: Target) -> Iterator[tuple[str, Wrong]]:
    fitting, key = _fitting(host, target), f"{host.recipe} {host.case} {target}"
    for one in chosen(fitting, host.dtype, key, 1):
        yield one.name, own_ops.value(one.manner) if target.kind == "op" else aten.result(one.manner)
    if target.kind != "op":
        yield from aten.OWN.get(target.op, {}).items()
    elif fitting is FLOATING:
        yield from _own_op_faults(host, target, key)


def _own_op_faults(host: Host, target: Target, key: str) -> Iterator[tuple[str, Wrong]]:
    """Faults of the gradient, and those of the registry's catalogue that are of this op."""
    if "update" in target.step or target.op.endswith("_"):
        # under no_grad, where there is none, and in place, where autograd refuses another view of what is changed
        return
    (one,) = chosen(FLOATING, host.dtype, f"{key} backward", 1)
    which = own_ops.gradient if hash_of(key) % 3 else own_ops.gradient_of_first
    yield f"gradient {one.name}", which(one.manner)
    if host.dtype == "float32":
        op = found_op(target.op).name
        yield from ((one.name, one.wrong) for one in IN_REGISTRY if op in one.ops and one.name not in RUN_NOT)
    if steps_of(host.recipe)[target.step]["op"] in ("add", "mul", "matmul", "mm", "atan2", "div", "outer"):
        yield "gradient to the other operand", own_ops.gradient_to_the_other


def _fitting(host: Host, target: Target) -> tuple[Named, ...]:
    if target.op in BOOLEAN_OPS:
        return BOOLEAN
    if target.op in INTEGER_OPS or (host.recipe == "integers" and target.op == "cumsum"):
        return INTEGER
    return NOT_NUMBERS if host.recipe == "not_numbers" else FLOATING


def _is_exact(host: Host, target: Target) -> bool:
    return _fitting(host, target) is not FLOATING


def sampled(faults: Sequence[Fault], count: int) -> list[Fault]:
    """Some of them, in small hosts; always the same, in their order."""
    small = [one for one in faults if not _is_large(one.host)]
    few = set(sorted(small, key=lambda one: hash_of(f"sample {one.name}"))[:count])
    return [one for one in small if one in few]
