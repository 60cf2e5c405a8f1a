"""The words that PyTorch's `str` parameters accept, by parameter, and by op where that is not enough.

Source: the documentation of each op, and the checks in its code. A parameter that is not here takes a word that only
PyTorch judges.
"""

from __future__ import annotations

from typing import Final

_SIDES: Final = frozenset({"left", "right"})
_REDUCTIONS: Final = frozenset({"none", "mean", "sum"})
_INTERPOLATIONS: Final = frozenset({"linear", "lower", "higher", "midpoint", "nearest"})
_ENLARGEMENTS: Final = frozenset({"nearest", "linear", "bilinear", "bicubic", "trilinear", "area", "nearest-exact"})
_MATRIX_NORMS: Final = frozenset({"fro", "nuc"})

BY_PARAMETER: Final[dict[str, frozenset[str]]] = {
    "UPLO": frozenset({"L", "U"}),
    "approximate": frozenset({"none", "tanh"}),
    "compute_mode": frozenset(
        {
            "use_mm_for_euclid_dist_if_necessary",
            "use_mm_for_euclid_dist",
            "donot_use_mm_for_euclid_dist",
        }
    ),
    "indexing": frozenset({"ij", "xy"}),
    "interpolation": _INTERPOLATIONS,
    "method": frozenset({"basic", "ortho"}),
    "norm": frozenset({"forward", "backward", "ortho"}),
    "ord": _MATRIX_NORMS,
    "pad_mode": frozenset({"constant", "reflect", "replicate", "circular"}),
    "padding": frozenset({"valid", "same"}),
    "padding_mode": frozenset({"zeros", "border", "reflection"}),
    "reduction": _REDUCTIONS,
    "rounding_mode": frozenset({"trunc", "floor"}),
    "side": _SIDES,
}

BY_OP: Final[dict[tuple[str, str], frozenset[str]]] = {
    ("nn.functional.kl_div", "reduction"): _REDUCTIONS | {"batchmean"},
    ("nn.functional.interpolate", "mode"): _ENLARGEMENTS,
    ("nn.functional.upsample", "mode"): _ENLARGEMENTS,
    ("nn.functional.grid_sample", "mode"): frozenset({"bilinear", "nearest", "bicubic"}),
    ("nn.functional.pad", "mode"): frozenset({"constant", "reflect", "replicate", "circular"}),
    ("nn.functional.embedding_bag", "mode"): frozenset({"sum", "mean", "max"}),
    ("linalg.cond", "p"): _MATRIX_NORMS,
    ("segment_reduce", "reduce"): frozenset({"max", "mean", "min", "sum", "prod"}),
    ("type", "dtype"): frozenset(
        f"torch.{kind}Tensor" for kind in "BFloat16 Bool Byte Char Double Float Half Int Long Short".split()
    ),
    ("linalg.qr", "mode"): frozenset({"reduced", "complete", "r"}),
    ("linalg.lstsq", "driver"): frozenset({"gels", "gelsy", "gelsd", "gelss"}),
    ("linalg.svd", "driver"): frozenset({"gesvd", "gesvdj", "gesvda"}),
    ("linalg.svdvals", "driver"): frozenset({"gesvd", "gesvdj", "gesvda"}),
    ("norm", "p"): _MATRIX_NORMS,
    ("scatter", "reduce"): frozenset({"add", "multiply"}),
    ("scatter_", "reduce"): frozenset({"add", "multiply"}),
    ("scatter_reduce", "reduce"): frozenset({"sum", "prod", "mean", "amax", "amin"}),
    ("scatter_reduce_", "reduce"): frozenset({"sum", "prod", "mean", "amax", "amin"}),
    ("index_reduce", "reduce"): frozenset({"prod", "mean", "amax", "amin"}),
    ("index_reduce_", "reduce"): frozenset({"prod", "mean", "amax", "amin"}),
    ("sparse.mm", "reduce"): frozenset({"sum", "mean", "amax", "amin"}),
}


def words_of(op: str, parameter: str) -> frozenset[str] | None:
    """The words that the `str` parameter of `op` takes, or None where only PyTorch knows them."""
    return BY_OP.get((op, parameter), BY_PARAMETER.get(parameter))
