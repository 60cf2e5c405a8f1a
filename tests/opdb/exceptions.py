"""What of the database no recipe covers, and why. Each reason is exact: an entry that becomes covered comes off."""

from __future__ import annotations

from typing import Final

_COMPILES = "compiles code for a GPU that is given as text, and a recipe is data"
_OPTIONS = "its samples give an object of Python's (LinearCrossEntropyOptions), which a recipe cannot write"
_NO_KERNEL = "has no kernel on the CPU; `aten.{}.default` is an op, for recipes on `device: cuda`"

NOT_COVERED: Final[dict[str, str]] = {
    "jiterator_unary": _COMPILES,
    "jiterator_binary": _COMPILES,
    "jiterator_4inputs_with_extra_args": _COMPILES,
    "jiterator_binary_return_by_ref": _COMPILES,
    "jiterator_2inputs_2outputs": _COMPILES,
    "nn.functional.linear_cross_entropy.chunked": _OPTIONS,
    "nn.functional.linear_cross_entropy.chunked_none": _OPTIONS,
    "nn.functional.triplet_margin_with_distance_loss": "its samples give the distance as a function of Python's, which is code",
    "torch.ops.aten._efficient_attention_forward": _NO_KERNEL.format("_efficient_attention_forward"),
    "torch.ops.aten._flash_attention_forward": _NO_KERNEL.format("_flash_attention_forward"),
}
"""Entries none of whose samples runs as a recipe, with the reason. Tried with torch 2.13."""

WAVERING: Final[dict[str, str]] = {
    "linalg.lstsq": "the driver gelsy begins from pivots that nobody has written: torch's own bits change from call to call",
    "linalg.lstsq.grad_oriented": "as linalg.lstsq",
}
"""Entries some of whose samples have no one result in plain torch, with the reason."""

REFUSED: Final[dict[str, str]] = {
    "_segment_reduce.lengths": "samples with `unsafe=True` are refused: it turns PyTorch's own checks off (docs/safety.md)",
    "_segment_reduce.offsets": "as _segment_reduce.lengths",
}
"""Entries some of whose samples are refused by a check of arguments, with the reason."""

UNWRITTEN: Final = frozenset(
    {
        "empty",
        "empty_like",
        "empty_permuted",
        "empty_strided",
        "new_empty",
        "new_empty_strided",
        "resize_",
        "resize_as_",
    }
)
"""Ops that give memory which nobody has written: all but its numbers is compared."""
