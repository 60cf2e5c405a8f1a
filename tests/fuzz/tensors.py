"""Starting tensors of every kind, as the values below `tensors` of a mapping; and steps that make the other kinds."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any, Final

import torch

from tensorflow_free.tensors.dtypes import TORCH_DTYPES

FLOATING: Final = ("float64", "float32", "bfloat16", "float16")
ODD_DTYPES: Final = tuple(word for word in TORCH_DTYPES if word not in FLOATING)
SIZES: Final = ([], [1], [3], [0], [2, 3], [3, 3], [2, 0], [1, 4, 1], [2, 3, 4], [1, 2, 4, 4])


def _dense(random: Random) -> dict[str, Any]:
    size = random.choice(SIZES)
    init = random.choice(("randn", "rand", "ones", "zeros", "eye", "arange"))
    shape: dict[str, Any] = {"eye": {"n": 3}, "arange": {"end": 6, "shape": [2, 3]}}.get(init, {"size": size})
    return {"init": init, **shape, "requires_grad": random.random() < 0.5}


def _pinned(random: Random) -> dict[str, Any]:
    return {"init": "ones", "size": random.choice(SIZES), "dtype": random.choice(ODD_DTYPES)}


def _strided(random: Random) -> dict[str, Any]:
    stride = random.choice(([1, 2], [0, 1], [3, 0], [0, 0], [7, 2]))
    return {"init": "ones", "size": [2, 3], "stride": stride, "storage_offset": random.choice((0, 2))}


def _literal(random: Random) -> Any:
    return random.choice(
        ([1.0, -0.0, 3.5], 2, [[True, False]], [], {"data": [float("nan"), 1e400, -1.0]}, [[1, 2], [0, 1]])
    )


def _made(random: Random) -> dict[str, Any]:
    return {"data": random.choice(list(_tensors().values()))}


@cache
def _tensors() -> dict[str, torch.Tensor]:
    """Tensors of the kinds that no literal makes."""
    matrix = torch.tensor([[1.0, 0.0, 2.0, 0.0], [0.0, 0.0, 0.0, 3.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # sparse and quantised tensors are in beta, or on their way out
        compressed = {
            "csr": matrix.to_sparse_csr(),
            "csc": matrix.to_sparse_csc(),
            "bsr": matrix.to_sparse_bsr((2, 2)),
            "bsc": matrix.to_sparse_bsc((1, 2)),
            "int8 in tenths": torch.quantize_per_tensor(matrix, 0.1, 3, torch.qint8),
            "by channel": torch.quantize_per_channel(
                matrix, torch.tensor([0.1, 0.2]), torch.tensor([0, 1]), 0, torch.quint8
            ),
        }
    doubled = torch.sparse_coo_tensor(torch.tensor([[0, 0], [1, 1]]), torch.tensor([1.0, 2.0]), (2, 3))
    return compressed | {
        "coo": matrix.to_sparse(),
        "hybrid": matrix.to_sparse(1),
        "not coalesced": doubled,
        "without elements": torch.sparse_coo_tensor(torch.zeros(2, 0, dtype=torch.int64), torch.zeros(0), (2, 0)),
        "conjugated": torch.tensor([1 + 2j, 3 - 1j]).conj(),
        "negated": torch.tensor([1 + 2j, 3 - 1j]).conj().imag,
        "expanded": torch.tensor([1.0, 2.0]).expand(3, 2),
        "transposed": matrix.T,
        "parameter": torch.nn.Parameter(matrix.clone()),
        "meta": torch.ones(2, 3, device="meta"),
        "not a number": torch.tensor([float("nan"), float("inf"), -float("inf")]),
    }


KINDS: Final[tuple[Callable[[Random], Any], ...]] = (_dense, _dense, _pinned, _strided, _literal, _made)

NESTED: Final = "aten._nested_tensor_from_mask.default"
MASK: Final = [[True, True, False], [True, True, True]]
"""What makes a nested tensor of a dense one of three dimensions."""


def tensor(random: Random) -> Any:
    """A starting tensor of some kind."""
    return random.choice(KINDS)(random)


def conversion(value: str, random: Random) -> dict[str, Any]:
    """A step that makes a tensor of another kind of a value."""
    steps: tuple[dict[str, Any], ...] = (
        {"op": "to_mkldnn", "args": [value]},
        {"op": "to_sparse", "args": [value]},
        {"op": "to_sparse_csr", "args": [value]},
        {"op": "to", "args": [value], "kwargs": {"device": "meta"}},
        {"op": "to", "args": [value], "kwargs": {"dtype": random.choice(ODD_DTYPES)}},
        {"op": "quantize_per_tensor", "args": [value, 0.1, 0, "quint8"]},
        {"op": "expand", "args": [value, [random.choice((2, 5)), -1]]},
        {"op": "unsqueeze", "args": [value, 0]},
        {"op": "conj", "args": [value]},
        {"op": "_neg_view", "args": [value]},
        {"op": "detach", "args": [value]},
        {"op": "to_dense", "args": [value]},
        {"op": "[]", "args": [value, random.choice(("0", "...", "None", ":0", "::2", "-1"))]},
        {"op": "shape", "args": [value]},
        {"op": NESTED, "args": [value, {"tensor": MASK}]},
        {"op": "expand", "args": [{"tensor": 1.0}, [random.choice((2**20, 2**40, 2**50))]]},
    )
    return random.choice(steps)
