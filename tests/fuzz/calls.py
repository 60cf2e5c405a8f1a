"""Steps: an op of the registry with arguments that its signature takes, most of them; and samples of PyTorch's own."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cache
from random import Random
from typing import Any, Final

import torch
from opdb.entries import ENTRIES

from tensorflow_free.ops.signatures import Parameter
from tensorflow_free.registry import aten_names, find, torch_names
from tensorflow_free.support.database import dtypes_of, samples, usual_dtype
from tensorflow_free.support.sample_calls import cases
from tensorflow_free.support.translation import UntranslatableError, recipe_of
from tensorflow_free.tracing.op_of_function import UnnamedError

INTEGERS: Final = (0, 0, 1, 1, 1, 2, 2, 3, -1, -2, 5, 64, 2**31, 2**63 - 1, -(2**63))
NUMBERS: Final = (0, 1, 2, -1, 0.5, -0.0, 1e-30, 1e300, float("inf"), float("nan"))
WORDS: Final = (
    "mean",
    "sum",
    "none",
    "reflect",
    "linear",
    "nearest",
    "floor",
    "trunc",
    "tanh",
    "r",
    "ij,jk->ik",
    "fro",
    "amax",
)
MOST_TRIED: Final = 30


@cache
def names() -> tuple[str, ...]:
    """The names of PyTorch's ops. Not those of this process's own, so that a number gives the same recipe anywhere."""
    return tuple(sorted(torch_names().all))


@cache
def all_ops() -> tuple[str, ...]:
    """The names of all ops, aten's among them."""
    return (*names(), *aten_names())


def step(values: Sequence[str], random: Random) -> dict[str, Any]:
    """A step of any op, on these values."""
    for _ in range(MOST_TRIED):
        op = find(random.choice(all_ops() if random.random() < 0.4 else names()))
        if op is not None and op.signatures:
            break
    else:
        return {"op": "neg", "args": [random.choice(values)]}
    signature = random.choice(op.signatures)
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for parameter in signature.parameters:
        if not parameter.required and random.random() < 0.75:
            continue
        value = argument(parameter, values, random)
        by_position = not parameter.keyword_only and not kwargs and len(args) == signature.parameters.index(parameter)
        if by_position:
            args.append(value)
        else:
            kwargs[parameter.name] = value
    return {"op": op.name, "args": args, "kwargs": kwargs} if kwargs else {"op": op.name, "args": args}


def argument(parameter: Parameter, values: Sequence[str], random: Random) -> Any:
    """Something that the parameter takes; now and then something that it does not."""
    if random.random() < 0.02:
        return random.choice(
            (None, "nowhere", [], {"ref": "x"}, {"str": "a"}, 10**30, [[1]], "x.grad", "x.shape.0", {"tensor": []})
        )
    kind = random.choice(sorted(parameter.types))
    length = random.choice((0, 1, 2, 2, 3, 4))
    if kind.endswith("[]"):
        return [_single(kind.removesuffix("[]"), parameter, values, random) for _ in range(length)]
    return _single(kind, parameter, values, random)


def _single(kind: str, parameter: Parameter, values: Sequence[str], random: Random) -> Any:
    if kind == "Tensor":
        return random.choice(values)
    if kind == "int":
        return random.choice(INTEGERS)
    if kind in ("float", "number"):
        return random.choice(NUMBERS)
    if kind == "bool":
        return random.random() < 0.5
    if kind == "complex":
        return {"complex": [1.0, random.choice((0.0, -2.0))]}
    if kind == "str":
        return {"str": random.choice(sorted(parameter.words) if parameter.words else WORDS)}
    words = {
        "dtype": (
            "float64",
            "float32",
            "float16",
            "bfloat16",
            "int64",
            "int8",
            "bool",
            "complex64",
            "uint8",
            "uint16",
            "float8_e5m2",
        ),
        "layout": ("strided", "sparse_coo", "sparse_csr", "sparse_bsr", "jagged"),
        "memory_format": ("contiguous_format", "channels_last", "preserve_format"),
        "device": ("cpu", "meta"),
        "any": (1, 2.5, [1, 2], random.choice(values)),
    }
    return random.choice(words.get(kind, (None,)))


def sample(random: Random) -> dict[str, Any] | None:
    """A valid recipe: a sample of PyTorch's operator database in one of its forms; None where it is no recipe's."""
    entry = ENTRIES[random.choice(sorted(ENTRIES))]
    dtype = random.choice((usual_dtype(entry), usual_dtype(entry), *dtypes_of(entry)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = _samples(entry.full_name, dtype)
        if not found:
            return None
        one = random.choice(list(cases(entry, random.choice(found))))
        try:
            return dict(recipe_of(one, {}))
        except (UnnamedError, UntranslatableError):
            return None
        except Exception:  # noqa: BLE001 - recording the calls of a sample runs it, and torch may refuse it in any way
            return None


@cache
def _samples(entry: str, dtype: torch.dtype) -> list[Any]:
    try:
        return list(samples(ENTRIES[entry], dtype, every=False))
    except Exception:  # noqa: BLE001 - a sample of the database may fail to be made in any way
        return []
