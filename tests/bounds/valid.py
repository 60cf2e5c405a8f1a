"""Valid calls to begin from: those that the samples of PyTorch's operator database make, and those found by trying."""

from __future__ import annotations

import contextlib
import faulthandler
import itertools
import random
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import torch
from opdb.entries import ENTRIES, with_out
from torch.utils._python_dispatch import TorchDispatchMode

from bounds.given import given
from bounds.targets import Arguments, Target, targets
from tensorflow_free.ops.signatures import REQUIRED, Parameter
from tensorflow_free.support.database import samples, usual_dtype
from tensorflow_free.support.eager_runs import tensors_in
from tensorflow_free.support.sample_calls import cases
from tensorflow_free.tracing.op_of_function import UnnamedError

Pool = dict[str, list[Arguments]]
"""Calls by the name of their target."""

LARGEST: Final = 5_000
"""Calls on tensors of more elements than this are left out: they would only take longer."""

LONGEST_S: Final = 120
"""Seconds that the samples of one op may take to be recorded; the trial ends then, and tells where it hangs."""

KEPT: Final = 6
"""So many calls of each target are kept, the first of each combination of shapes."""

ATTEMPTS: Final = 400
"""How many combinations of arguments are tried to find a valid one."""


class Overloads(TorchDispatchMode):
    """Takes down every call of an overload of aten, those inside other ops and of backward passes too."""

    def __init__(self, pool: Pool) -> None:
        super().__init__()
        self._pool = pool

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        names = [argument.name for argument in func._schema.arguments]
        base, _, overload = func._schema.name.removeprefix("aten::"), None, func._schema.overload_name
        keep(
            self._pool,
            f"aten.{base}.{overload or 'default'}",
            {**dict(zip(names, args, strict=False)), **(kwargs or {})},
        )
        return func(*args, **(kwargs or {}))


def copied(value: Any) -> Any:
    """Arguments with each tensor copied, contiguous, without history."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {key: copied(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [copied(part) for part in value]
    return value


def keep(pool: Pool, name: str, arguments: Arguments, most: int = KEPT) -> None:
    """Add a call to the pool, unless there are enough like it, or it is of what a recipe cannot give."""
    if not plain(arguments):
        return
    if sum(tensor.numel() for tensor in tensors_in(arguments)) > LARGEST:
        return
    kept = pool.setdefault(name, [])
    like = [shapes(one) for one in kept]
    if len(kept) < most and shapes(arguments) not in like:
        with contextlib.suppress(Exception), torch._C._DisableTorchDispatch():
            kept.append(copied(arguments))


PLAIN: Final = (bool, int, float, complex, str, torch.dtype, torch.device, torch.layout, torch.memory_format)


def plain(value: Any) -> bool:
    """Whether a recipe can give such a value."""
    if isinstance(value, dict):
        return all(plain(part) for part in value.values())
    if isinstance(value, (list, tuple)):
        return all(plain(part) for part in value)
    return value is None or type(value) in (torch.Tensor, torch.nn.Parameter) or isinstance(value, PLAIN)


def shapes(arguments: Arguments) -> str:
    """What tells two calls apart: which arguments there are, and of how many dimensions."""
    return ",".join(
        f"{name}:{value.dim()}:{value.layout}" if isinstance(value, torch.Tensor) else f"{name}:{type(value).__name__}"
        for name, value in sorted(arguments.items())
    )


def recorded() -> Pool:
    """The calls that the database's samples make: by the ops' public names, and inside by the overloads of aten."""
    pool = written()
    by_name: dict[str, list[Target]] = {}
    for target in targets():
        by_name.setdefault(target.name, []).append(target)
    for entry in ENTRIES.values():
        faulthandler.dump_traceback_later(LONGEST_S, exit=True)
        with warnings.catch_warnings(), contextlib.suppress(Exception):
            warnings.simplefilter("ignore")
            for sample in samples(entry, usual_dtype(entry), every=False):
                if sum(tensor.numel() for tensor in tensors_in([sample.input, sample.args, sample.kwargs])) <= LARGEST:
                    _record(entry, sample, pool, by_name)
    faulthandler.cancel_dump_traceback_later()
    return pool


def written() -> Pool:
    """The calls that are written by hand, for each signature that takes them."""
    pool: Pool = {}
    by_base: dict[str, list[Target]] = {}
    for target in targets():
        name = target.name.split(".")[1] if target.name.startswith("aten.") else target.name
        by_base.setdefault(name, []).append(target)
    for name, call in given():
        for target in by_base.get(name, ()):
            arguments = {one.name: call[one.name] for one in target.signature.parameters if one.name in call}
            if not any(one.default is REQUIRED and one.name not in arguments for one in target.signature.parameters):
                keep(pool, str(target), arguments, most=2 * KEPT)
    return pool


def _record(entry: Any, sample: Any, pool: Pool, by_name: Mapping[str, list[Target]]) -> None:
    for case in itertools.chain.from_iterable((one, with_out(one)) for one in cases(entry, sample)):
        with contextlib.suppress(UnnamedError, Exception):
            for call in case.calls(case.args, case.kwargs):
                for target in by_name.get(call.op.removeprefix("Tensor."), ()):
                    arguments = target.named(list(call.args), dict(call.kwargs))
                    if arguments is not None:
                        keep(pool, str(target), arguments)
    with contextlib.suppress(Exception), Overloads(pool):
        made = entry.op(sample.input, *sample.args, **sample.kwargs)
        for part in tensors_in(made):
            if part.requires_grad:
                torch.autograd.backward(part, torch.ones_like(part), retain_graph=True)


def related(target: Target, pool: Pool) -> Iterator[Arguments]:
    """Calls of ops with a like name, as far as they have this target's parameters, the outputs left to be given."""
    wanted = {_plain(one.name): one for one in target.signature.parameters}
    base = _base(target.name)
    for name, calls in pool.items():
        if _base(name.partition("#")[0]) != base:
            continue
        for call in calls:
            arguments = {wanted[_plain(key)].name: value for key, value in call.items() if _plain(key) in wanted}
            if arguments:
                yield arguments


def _plain(name: str) -> str:
    return "self" if name in ("input", "x", "a", "A", "data") else name


def _base(name: str) -> str:
    tail = name.split(".")[1] if name.startswith("aten.") else name.rpartition(".")[2]
    return tail.removesuffix("_copy").strip("_")


# found by trying


SHAPES: Final = ((), (3,), (2, 3), (3, 3), (2, 3, 4), (1, 2, 4, 4), (1, 2, 4, 4, 4), (1,))
INDICES: Final = ("index", "indices", "idx", "offset", "length", "target", "batch_sizes", "ids", "rows", "cols", "seq")


def attempts(target: Target, pool: Pool) -> Iterator[Arguments]:
    """Combinations of arguments that may be valid, the likely ones first; the same each time."""
    draw = random.Random(str(target))
    near = list(related(target, pool))
    for attempt in range(ATTEMPTS):
        given = dict(near[attempt % len(near)]) if near and attempt < 3 * len(near) + 20 else {}
        usual = draw.choice(SHAPES)
        arguments = {}
        for parameter in target.signature.parameters:
            if parameter.name in given:
                arguments[parameter.name] = copied(given[parameter.name])
            elif parameter.default is REQUIRED or parameter.name in _written(target) or draw.random() < 0.1:
                value = _guess(parameter, usual, draw, written=parameter.name in _written(target))
                if value is not None:
                    arguments[parameter.name] = value
        yield arguments


def _written(target: Target) -> set[str]:
    """The parameters that an overload only writes to."""
    return {
        one.name for one in target.signature.parameters if one.keyword_only and one.name in target.signature.changes
    }


def _guess(parameter: Parameter, usual: tuple[int, ...], draw: random.Random, *, written: bool) -> Any:
    types = sorted(parameter.types - {"None", "any"})
    if not types:
        return 1 if "any" in parameter.types else None
    kind = draw.choice(types)
    if kind.endswith("[]"):
        count = len(usual) if draw.random() < 0.5 else draw.choice((1, 2, 2, 3))
        one = Parameter(parameter.name, frozenset({kind.removesuffix("[]")}), words=parameter.words)
        return [_guess(one, usual, draw, written=written) for _ in range(count)]
    if kind == "Tensor":
        return _tensor(parameter, usual, draw, written=written)
    numbers = {"int": draw.choice((0, 1, 1, 2, 3, 4)), "float": draw.choice((1.0, 0.5)), "bool": draw.random() < 0.5}
    words = {"dtype": torch.float32, "layout": torch.strided, "memory_format": torch.contiguous_format, "device": "cpu"}
    if kind == "str":
        return draw.choice(sorted(parameter.words or {"sum", "mean", "none"}))
    return {**numbers, **words, "number": 1, "complex": 1j}.get(kind)


def _tensor(parameter: Parameter, usual: tuple[int, ...], draw: random.Random, *, written: bool) -> torch.Tensor:
    shape = usual if draw.random() < 0.6 else draw.choice(SHAPES)
    integral = any(word in parameter.name for word in INDICES)
    kinds = (
        (torch.int64, torch.int32, torch.float32)
        if integral
        else (torch.float32, torch.int64, torch.bool, torch.int8, torch.uint8)
    )
    dtype = kinds[0] if draw.random() < 0.7 else draw.choice(kinds)
    if written:
        return torch.empty(0 if draw.random() < 0.7 else shape, dtype=dtype)
    return torch.ones(shape, dtype=dtype) if draw.random() < 0.5 else torch.zeros(shape, dtype=dtype)
