"""Checks for the kernels of embedding bags, and of their backward passes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tensorflow_free.ops.guards import single_kernels
from tensorflow_free.ops.guards.checks import ArgumentRule, CallArguments, Shape, alike, among, dense, shaped, within
from tensorflow_free.ops.guards.dimensions import ranks


def _rows(name: str) -> Shape:
    return lambda given: (given[name].shape[0],)


def _places(given: CallArguments) -> Sequence[int]:
    """Where there is none, it is found from the offsets."""
    found: Sequence[int] = given["indices"].shape
    return (0,) if "offsets" in given and not given["offset2bag"].numel() else found


def _weights(given: CallArguments) -> int:
    return int(given["num_weights"] if "num_weights" in given else given["weight"].shape[0])


def _largest(given: CallArguments) -> Sequence[int]:
    of = "grad" if given["mode"] == _MAX or "maximum_indices" not in given else "maximum_indices"
    shape: Sequence[int] = given[of].shape
    return shape


_MAX: Final = 2
_BAGS: Final = (single_kernels.bags("indices", "include_last_offset"),)
_FORWARD: Final = (
    ranks("weight", 2),
    ranks("indices", 1),
    ranks("offsets", 1),
    alike("indices offsets"),
    alike("weight per_sample_weights"),
    within("indices", lambda given: int(given["weight"].shape[0]), of="rows of the weight"),
    shaped("per_sample_weights", _rows("indices"), of="one number for each index"),
    *_BAGS,
)
_BACK: Final = (
    ranks("grad", 2),
    ranks("indices", 1),
    within("indices", _weights, of="rows of the weight"),
    shaped("offset2bag", _places, of="one number for each index"),
    within("offset2bag", lambda given: int(given["grad"].shape[0]), of="bags"),
    alike("indices offset2bag"),
    dense("grad indices offset2bag"),
)
_KEPT: Final = (
    *_BACK,
    among("mode", 0, 1, _MAX),
    shaped("per_sample_weights", _rows("indices"), of="one number for each index"),
    shaped("bag_size", _rows("grad"), of="one number for each bag"),
    shaped("maximum_indices", _largest, of="that of 'grad'"),
    within("maximum_indices", _weights, of="rows of the weight", least=-1),
    alike("grad per_sample_weights"),
    alike("indices bag_size maximum_indices"),
    dense("bag_size maximum_indices per_sample_weights"),
)
_LISTED: Final = (shaped("offsets", _rows("grad"), of="one number for each bag"), alike("indices offsets"), *_BAGS)

BAGS: Final[dict[str, tuple[ArgumentRule, ...]]] = {
    "_embedding_bag": _FORWARD,
    "_embedding_bag_forward_only": _FORWARD,
    "_embedding_bag_dense_backward": _KEPT,
    "_embedding_bag_backward": (*_KEPT, *_LISTED),
    "_embedding_bag_sparse_backward": (*_KEPT, *_LISTED),
    "_embedding_bag_per_sample_weights_backward": (
        *_BACK,
        among("mode", 0),
        shaped("weight", lambda given: (given["weight"].shape[0], given["grad"].shape[1]), of="rows as long as 'grad'"),
        alike("grad weight"),
        dense("weight"),
        *_LISTED,
    ),
}
