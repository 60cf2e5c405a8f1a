"""Which ops give a view of their operand, change it in place, or end its gradient, by their names. Not torch's tables.

A graph of a recipe is drawn without torch; a test holds these names against torch's schemas.
"""

from __future__ import annotations

from typing import Any, Final

from tensorflow_free.recipe.expressions import ExpressionError, Slice, parse_subscript
from tensorflow_free.recipe.models import Step

VIEWS: Final = frozenset(
    """
    H T mH mT real imag data adjoint as_strided broadcast_to chunk detach diagonal dsplit expand expand_as hsplit
    movedim moveaxis narrow permute select slice_inverse split split_with_sizes squeeze swapaxes swapdims t tensor_split
    transpose unbind unflatten unfold unsqueeze view view_as view_as_complex view_as_real vsplit
    indices values crow_indices col_indices ccol_indices row_indices
    """.split()
)
"""Ops whose result lies in the memory of their first operand. Source: torch's schemas, and its page on tensor views for
those that it makes of others."""

ENDINGS: Final = frozenset(
    """
    detach data shape size dtype device numel dim ndim item tolist argmax argmin argsort sign floor ceil round trunc
    eq ne lt le gt ge == != < <= > >= isnan isinf isfinite isclose allclose equal any all logical_and logical_or
    logical_not logical_xor bucketize searchsorted nonzero count_nonzero bincount one_hot zeros_like ones_like
    empty_like full_like rand_like randn_like randint_like requires_grad is_leaf stride is_contiguous
    """.split()
)
"""Ops through which no gradient goes, or only zeros."""

_OVERLOADED: Final = ("torch.ops.aten.", "ops.aten.", "aten.")


def plain_name(op: str) -> str:
    """The last part of an op's name, without an overload: `view` of `torch.ops.aten.view.default`."""
    for start in _OVERLOADED:
        if op.startswith(start):
            return op.removeprefix(start).partition(".")[0]
    return op.rpartition(".")[2] if op[:1].isalpha() else op


def changes_in_place(step: Step) -> bool:
    """Whether a step changes its first operand where it lies: `add_`, `[]=`, `F.relu(x, inplace=True)`."""
    name = plain_name(step.op or "")
    is_marked = name.endswith("_") and not name.endswith("__")
    return is_marked or name == "[]=" or step.kwargs.get("inplace") is True


def is_view(step: Step) -> bool:
    """Whether a step's value surely lies in the memory of its first operand."""
    name = plain_name(step.op or "")
    return name in VIEWS or (name == "[]" and len(step.args) > 1 and _is_basic(step.args[1]))


def ends_gradient(step: Step) -> bool:
    """Whether no gradient goes through a step."""
    return plain_name(step.op or "") in ENDINGS


def _is_basic(index: Any) -> bool:
    """Whether a subscript holds numbers, slices, None and `...` alone, as of a view; lists and tensors copy."""
    try:
        parsed = parse_subscript(str(index))
    except ExpressionError:
        return False
    parts = parsed if isinstance(parsed, tuple) else (parsed,)
    return all(one is None or one is ... or isinstance(one, Slice) or type(one) is int for one in parts)
