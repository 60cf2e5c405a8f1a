"""The ops `aten.NAME.OVERLOAD`: one exact overload each, where the public name could mean several."""

from __future__ import annotations

import functools
import re
from typing import Final

import torch

from tensorflow_free.ops import schemas
from tensorflow_free.ops.schemas import Schema
from tensorflow_free.ops.signatures import Signature
from tensorflow_free.ops.unchecked import UNCHECKED

PLAIN: Final = "default"
"""What an overload without a name is called."""

_NAME: Final = re.compile(r"aten\.(\w+)\.(\w+)")

EXCLUDED_ATEN: Final = re.compile(
    r"""
    from_file | set | set_ | set_data | _print | record_stream | is_distributed | qscheme | _?sparse_\w+_tensor
    | \w+_tensor_unsafe | _sparse_\w+_with_dims\w* | _reshape_alias\w* | _nested_view_from_\w+
    | fbgemm_\w+ | miopen_\w+ | \w*prepack\w* | quantized_(?:gru|lstm|rnn)\w* | _cufft_\w+
    | _assert_\w+ | _functional_\w+ | sym_\w+ | _test_\w+ | _foobar | _backward | _make_dep_token
    | _propagate_xla_data | _add_batch_dim | _remove_batch_dim | _make_dual\w* | _unpack_dual | _fw_primal\w*
    """,
    re.VERBOSE,
)
"""What is none of a recipe's: files, state, printing, unchecked views, raw pointers, transforms, tests."""


def _leaves(base: str) -> bool:
    """Whether what aten calls by this name is no op."""
    return base in UNCHECKED or EXCLUDED_ATEN.fullmatch(base) is not None


def schema(name: str) -> Schema | None:
    """The schema of the op `aten.NAME.OVERLOAD`, or None where no such overload is an op."""
    found = _NAME.fullmatch(name)
    if found is None or _leaves(found[1]):
        return None
    return schemas.overload(found[1], "" if found[2] == PLAIN else found[2])


def signature(name: str, described: Schema) -> Signature:
    """The signature of one overload; its parameters have the names of the schema, `self` too."""
    _, base, overload = name.split(".")
    # both are names of a schema that was found, not text of a recipe
    function = getattr(getattr(torch.ops.aten, base), overload)
    return schemas.signature(name, described, function, "aten")


@functools.cache
def aten_names() -> tuple[str, ...]:
    """The name of every such op, sorted."""
    found = {(base, overload) for base, overload in schemas.overloads() if not _leaves(base)}
    return tuple(sorted(f"aten.{base}.{overload or PLAIN}" for base, overload in found))
