"""Checks for kernels that get nested or compressed sparse tensors, and would read memory that is not theirs."""

from __future__ import annotations

from typing import Any, Final

import torch

from tensorflow_free.ops.guards.checks import ArgumentRule, CallArguments, each, tensors_in
from tensorflow_free.ops.guards.handouts import COMPRESSED


def resizable(given: CallArguments) -> str | None:
    """A compressed sparse tensor is resized only to where its indices and numbers are as many as before.

    Of others PyTorch leaves the new indices unwritten; of CSR it writes those of new rows.
    """
    name = "input" if "input" in given else "self"
    tensor = given[name]
    if tensor.layout not in COMPRESSED:
        return None
    template = given.get("the_template")
    if template is not None and template.layout in COMPRESSED:
        fits = _shapes(template) == _shapes(tensor)
    else:
        size = given.get("size", given.get("sizes")) if template is None else template.shape
        fits = tensor.layout == torch.sparse_csr and list(size)[:-2] == list(tensor.shape[:-2])
    layout = str(tensor.layout).removeprefix("torch.")
    if fits:
        return None
    return f"'{name}' is of layout {layout}, whose new indices would be uninitialised; give `to_dense` of it"


def _shapes(tensor: torch.Tensor) -> list[torch.Size]:
    return [getattr(tensor, part)().shape for part in (*COMPRESSED[tensor.layout], "values")]


def from_the_front(dim: str) -> ArgumentRule:
    """The dimension of a nested tensor is not counted from its end."""

    def rule(given: CallArguments) -> str | None:
        nested = [one for one in tensors_in(list(given.values())) if one.is_nested]
        if not nested or not isinstance(given[dim], int) or given[dim] >= 0:
            return None
        return f"'{dim}' is {given[dim]}; it can be 0 to {nested[0].dim() - 1} of a nested tensor"

    return rule


def of_arrays(given: CallArguments) -> str | None:
    """No tensor is a nested one of single numbers."""
    for name, value in given.items():
        if any(one.is_nested and one.dim() < 2 for one in tensors_in(value)):  # noqa: PLR2004 - one is the nesting itself
            return f"'{name}' is a nested tensor of single numbers; it can be one of tensors with a dimension"
    return None


def unquantised(given: CallArguments) -> str | None:
    """Nested tensors do not meet quantised ones: `embedding` makes nested ones of these, which nothing can read."""
    tensors = list(tensors_in(list(given.values())))
    if any(one.is_nested for one in tensors) and any(one.is_quantized for one in tensors):
        return "some of its operands are nested and some are quantised; give `dequantize` of these"
    return None


def unnested(names: str) -> ArgumentRule:
    """No tensor of these names is nested."""

    def problem(name: str, value: Any) -> str | None:
        if any(one.is_nested for one in tensors_in(value)):
            return f"'{name}' is a nested tensor; give each of its parts, of `unbind`, or `to_padded_tensor` of it"
        return None

    return each(names, problem)


def out_of_rows(given: CallArguments) -> str | None:
    """The product of a compressed sparse matrix and a vector is written to an `out` with one number for each row."""
    matrix, out = given["input" if "input" in given else "self"], given.get("out")
    if out is None or matrix.layout not in COMPRESSED or list(out.shape) == list(matrix.shape[:-1]):
        return None
    return f"'out' is of shape {list(out.shape)}; it must be {list(matrix.shape[:-1])}, one number for each row"


_RESIZING: Final = (
    "resize resize_ resize_as resize_as_ resize_as_sparse resize_as_sparse_ _resize_output _resize_output_"
)

RULES: Final[dict[str, tuple[ArgumentRule, ...]]] = {
    **dict.fromkeys(_RESIZING.split(), (resizable,)),
    "mv": (out_of_rows,),
}
"""The checks of an op, as in `bounds`."""

NESTED: Final[dict[str, tuple[ArgumentRule, ...]]] = {
    "select": (from_the_front("dim"),),
    "chunk": (of_arrays,),
    **dict.fromkeys(("trapz", "trapezoid"), (unnested("y x"),)),
    "nn.functional.multi_head_attention_forward": (unnested("in_proj_bias"),),
}
"""The checks of an op where there may be nested tensors; without these a compiler need not know of them."""
