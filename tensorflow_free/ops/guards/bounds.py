"""Which ops have their arguments checked before a call, and how: a table. Found by trial: see docs/safety.md."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tensorflow_free.ops.guards import attending, averaging, inner, layouts, recurrent, single_kernels, sliding
from tensorflow_free.ops.guards.checks import (
    ArgumentRule,
    CallArguments,
    alike,
    among,
    contiguous,
    distinct,
    finite,
    has_rows,
    shaped,
    small,
    unexpanded,
    within,
    without_meta,
    without_mkldnn,
)
from tensorflow_free.ops.guards.filling import filled
from tensorflow_free.ops.guards.handouts import base_of, with_copies
from tensorflow_free.ops.guards.hidden_sharing import one_kind
from tensorflow_free.ops.signatures import REQUIRED, Signature


class BoundsError(ValueError):
    """An argument with which a kernel would read or write memory that is not its tensors'."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """A function of torch's behind the checks of its arguments."""

    function: Callable[..., Any]
    signature: Signature
    rules: tuple[ArgumentRule, ...]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Check the arguments, and call the function.

        Raises:
            BoundsError: One of them is out of bounds.
        """
        problem = self.problem(args, kwargs)
        if problem is not None:
            raise BoundsError(problem)
        return self.function(*args, **kwargs)

    def problem(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
        """Which argument is out of bounds, and what it can be; None where all are right."""
        given = self._given(args, kwargs)
        return next((found for rule in self.rules if (found := rule(given)) is not None), None)

    def _given(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        parameters = self.signature.parameters
        given = {one.name: one.default for one in parameters if one.default is not REQUIRED}
        given.update(zip((one.name for one in parameters if not one.keyword_only), args, strict=False))
        words = {word: one.name for one in parameters for word in (one.name, *one.aliases)}
        given.update((words.get(word, word), value) for word, value in kwargs.items())
        return given


def guarded(
    name: str, signature: Signature, written: CallArguments, *, odd: bool, unseen: bool, nested: bool
) -> Callable[..., Any]:
    """The function of an op's signature, behind checks where a call with the `written` arguments needs any.

    Args:
        name: The op's name in the registry.
        signature: How it is called.
        written: What the call gives, by the names of the parameters.
        odd: Whether there may be tensors of the device `meta` or of oneDNN's layout, which kernels may take for plain.
        unseen: Whether there may be ops that autograd does not see to share memory.
        nested: Whether there may be nested tensors.

    Returns:
        The signature's own function where nothing is to be checked, and no memory to be cared for.
    """
    function = with_copies(name, filled(name, signature.function))
    if base_of(name) == "scaled_dot_product_attention":
        function = attending.checked(function)
    rules = rules_of(name)
    outputs = [one for one in signature.parameters if one.keyword_only and one.name in signature.changes]
    given = " ".join(one.name for one in outputs if written.get(one.name) is not None)
    if given:
        rules = (*rules, distinct(given))
    if odd:
        rules = (without_meta, *(() if KNOWS_MKLDNN.search(name) else (without_mkldnn,)), *rules)
    if nested:
        rules = (layouts.unquantised, *rules_of(name, layouts.NESTED), *rules)
    if unseen and base_of(name) == "view":
        rules = (one_kind, *rules)
    return Guarded(function, signature, rules) if rules else function


KNOWS_MKLDNN: Final = re.compile("conv|linear|batch_norm|mkldnn|prelu|to_dense")
"""The ops that take tensors of oneDNN's layout beside plain ones."""


def rules_of(name: str, table: Mapping[str, tuple[ArgumentRule, ...]] | None = None) -> tuple[ArgumentRule, ...]:
    """The checks of an op in a table, which is `RULES`; all overloads of one name in aten have the same."""
    rules = RULES if table is None else table
    if not name.startswith("aten."):
        return rules.get(name.removeprefix("Tensor."), ())
    base = name.split(".")[1]
    return rules.get(f"aten.{base}", rules.get(base, ()))


_SIZES: Final = "output_size kernel_size dilation padding stride"
_RUNNING: Final = "running_mean running_var"
_NORM: Final = (
    shaped(f"weight bias {_RUNNING}", single_kernels.channels, of="one number for each channel of 'input'"),
    contiguous(f"weight bias {_RUNNING}"),
    alike("weight bias"),
    alike(_RUNNING),
    single_kernels.dense_for_out,
    averaging.statistics(),
)
_MEDIANS: Final = {
    **dict.fromkeys(("median", "nanmedian", "masked.median"), "input"),
    **dict.fromkeys(("aten.median", "aten.nanmedian"), "self"),
}

RULES: Final[dict[str, tuple[ArgumentRule, ...]]] = {
    **inner.RULES,
    **layouts.RULES,
    "segment_reduce": (among("unsafe", False), single_kernels.segments),
    **dict.fromkeys(
        ("grid_sampler", "grid_sampler_2d"), (among("interpolation_mode", 0, 1, 2), among("padding_mode", 0, 1, 2))
    ),
    "grid_sampler_3d": (among("interpolation_mode", 0, 1), among("padding_mode", 0, 1, 2)),
    "nn.functional.embedding_bag": (single_kernels.bags("input", "include_last_offset"),),
    "embedding_bag": (single_kernels.bags("indices", "include_last_offset"),),
    **dict.fromkeys(("native_batch_norm", "batch_norm_update_stats", "_native_batch_norm_legit"), _NORM),
    "_batch_norm_with_update": _NORM,
    **dict.fromkeys(
        ("ctc_loss", "nn.functional.ctc_loss", "_ctc_loss"), (single_kernels.labels, contiguous("targets"))
    ),
    "sparse.spdiags": (single_kernels.diagonals,),
    **dict.fromkeys(("sparse_bsr_tensor", "sparse_bsc_tensor", "sparse_compressed_tensor"), (single_kernels.blocks,)),
    "native_group_norm": (contiguous("weight bias"),),
    **{name: (unexpanded(tensor, "dim"),) for name, tensor in _MEDIANS.items()},
    "linalg.eigvals": (finite("input"),),
    "aten.linalg_eigvals": (finite("self"),),
    **dict.fromkeys(
        ("linalg.ldl_solve", "aten.linalg_ldl_solve"),
        (shaped("pivots", single_kernels.rows, of="one for each row of 'LD'"), single_kernels.pivots),
    ),
    "lu_unpack": (shaped("LU_pivots", single_kernels.exchanges, of="one for each row or column of 'LU_data'"),),
    "lstm": (recurrent.packed, recurrent.recurrent(recurrent.LSTM)),
    "gru": (recurrent.packed, recurrent.recurrent(3)),
    **dict.fromkeys(("rnn_tanh", "rnn_relu"), (recurrent.packed, recurrent.recurrent(1))),
    **dict.fromkeys(
        ("embedding_backward", "embedding_dense_backward", "embedding_sparse_backward"),
        (within("indices", lambda given: int(given["num_weights"]), of="rows of the weight"),),
    ),
    "quantized_batch_norm": (contiguous("weight bias mean var"), alike("weight bias mean var")),
    **dict.fromkeys(("nn.functional.fold", "nn.functional.unfold", "im2col", "col2im"), (small(_SIZES),)),
    "nn.functional.pad": (sliding.around("input"),),
    **dict.fromkeys(("aten.pad", "_pad_enum"), (sliding.around("self"),)),
    "nn.functional.grouped_mm": (inner.grouped("mat_a"),),
    "choose_qparams_optimized": (contiguous("input"),),
    **dict.fromkeys(("pdist", "nn.functional.pdist"), (has_rows("input"),)),
    "aten.pdist": (has_rows("self"),),
    **single_kernels.poolings(2),
    **single_kernels.poolings(3),
}
"""The checks of an op, by its name in the registry, for `aten` by the name without the overload."""
