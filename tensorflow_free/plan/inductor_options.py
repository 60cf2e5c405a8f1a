"""Inductor's options: what each may be, by inductor's own table, and which of them no recipe file may give, and why.

A recipe is data: its file may choose how inductor computes, and nothing that runs code, writes files where it likes,
starts processes, reaches a network, or takes away what keeps a kernel inside its tensors. So an option is safe where it
is yes or no, a number, or a word of a closed set, *and* no word of its name stands in `DENIED`. A text without a closed
set is refused, whatever it is called: it may be a path, a flag of a compiler or code. A later version's new texts are
so refused until they are looked at. Tried on torch 2.13, whose `torch._inductor.config` is the source of all names.
"""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, Literal, Union, get_args, get_origin

from tensorflow_free.plan.option_kinds import (
    BOOL,
    FLOAT,
    INT,
    NAMES,
    OptionKind,
    either,
    joined,
    one_of,
    or_nothing,
    several,
    within,
)

MOST_THREADS: Final = 1024
"""More would be a slip: the system may refuse them."""

DENIED: Final[Mapping[str, str]] = {
    "aot_inductor": "rules libraries that AOTInductor writes",
    "aot_inductor_mode": "rules libraries that AOTInductor writes",
    "assume_32bit_indexing": "takes away a check that keeps kernels inside their tensors",
    "assume_aligned_inputs": "takes away a check that keeps kernels inside their tensors",
    "assert_indirect_indexing": "takes away a check that keeps kernels inside their tensors",
    "async": "rules the processes that compile",
    "autoheuristic_collect": "writes files of what was measured",
    "can_inplace_pad_graph_input": "lets kernels write beside their tensors",
    "collect": "writes files of what was measured",
    "compile_threads": "starts processes",
    "debug": "writes files, or prints what is compiled",
    "do_not_emit_runtime_assertions": "takes away a check that keeps kernels inside their tensors",
    "dump": "writes files",
    "generate_test_runner": "writes programs",
    "hook": "calls a function",
    "hooks": "calls a function",
    "inject": "makes wrong kernels for PyTorch's own tests",
    "log": "writes logs",
    "objgraph": "writes files",
    "profile": "writes files of what was measured",
    "proton": "writes files of what was measured",
    "remote": "reaches a cache on another machine",
    "save": "writes files",
    "scalar_asserts": "takes away a check that keeps kernels inside their tensors",
    "store": "writes files",
    "subproc": "starts processes",
    "test_configs": "is for PyTorch's own tests",
    "testing": "is for PyTorch's own tests",
    "trace": "writes files",
    "unsafe": "takes away a check",
    "upload": "reaches another machine",
    "vec_isa_ok": "takes away the check that this processor has the instructions",
    "worker": "rules the processes that compile",
}
"""Words of an option's name, and whole names, with why no recipe file may give such an option."""

LOOKED_AT: Final = frozenset(
    {
        "cpp.enable_unsafe_math_opt_flag",
        "cuda.enable_debug_info",
        "cutlass.enable_debug_info",
        "debug_index_asserts",
        "triton.debug_sync_graph",
        "triton.debug_sync_kernel",
        "triton.enable_template_tma_store",
        "xpu.enable_debug_info",
    }
)
"""Options with such a word in their names that do nothing of the kind: looked at one by one."""

_GEMMS: Final = ("ATEN", "TRITON", "CPP", "CUTLASS", "CUTEDSL", "NVGEMM", "CK", "CKTILE")
_LEVELS: Final = ("-O0", "-O1", "-O2", "-O3")

CLOSED_TEXTS: Final[Mapping[str, OptionKind]] = {
    "cpp.enable_floating_point_contract_flag": one_of(("off", "on", "fast")),
    "cuda.compile_opt_level": one_of(_LEVELS),
    "disabled_passes": NAMES,
    "estimate_op_runtime": one_of(("default",)),
    "layout_opt_default": one_of(("0", "1")),
    "max_autotune_conv_backends": joined(("ATEN", "TRITON")),
    "max_autotune_conv_bwd_input_backends": joined(("ATEN", "TRITON")),
    "max_autotune_conv_bwd_weight_backends": joined(("ATEN", "TRITON")),
    "max_autotune_gemm_backends": joined(_GEMMS),
    "xpu.compile_opt_level": one_of(_LEVELS),
}
"""Texts of which it is known what they may be."""


@cache
def table() -> Mapping[str, Any]:
    """The declared type of each option of inductor here."""
    from torch._inductor import config, list_options  # noqa: PLC0415 - it takes a second, which only inductor needs

    return {name: config.get_type(name) for name in list_options()}  # type: ignore[attr-defined]


@cache
def modes() -> Mapping[str, Mapping[str, Any]]:
    """The modes of `torch.compile`, each with the options that it stands for."""
    from torch._inductor import list_mode_options  # noqa: PLC0415 - as above

    return {name: dict(options) for name, options in list_mode_options().items()}


def kind_in_table(name: str) -> OptionKind | None:
    """What the option may be; None where it is a text, a mapping or a function, of which no closed set is known."""
    if name in CLOSED_TEXTS:
        return CLOSED_TEXTS[name]
    declared = table()[name]
    if name.rpartition(".")[2].endswith("threads") and declared is int:
        return within(range(-1, MOST_THREADS + 1))
    return _kind(declared)


def refusal(name: str) -> str | None:
    """Why no recipe file may give this option of inductor, or None where it may."""
    if name in LOOKED_AT:
        return None
    if name == "TYPE_CHECKING" or any(part.startswith("_") for part in name.split(".")):
        return "it is inductor's own"
    leaf = name.rpartition(".")[2]
    words = [name, leaf, name.partition(".")[0], *re.split(r"[._]", name.lower())]
    why = next((DENIED[word] for word in words if word in DENIED), None)
    if why is not None:
        return f"it {why}"
    return (
        None if kind_in_table(name) is not None else "what it may be is no closed set, and it could name files or code"
    )


def _kind(declared: Any) -> OptionKind | None:
    """The kind of a declared type; None where it holds anything that is not closed."""
    plain = {bool: BOOL, int: INT, float: FLOAT}
    if declared in plain:
        return plain[declared]
    origin, inner = get_origin(declared), get_args(declared)
    if origin is Literal:
        return one_of(inner)
    if origin in (Union, types.UnionType):
        return _union(inner)
    if origin in (list, tuple) and inner:
        each = [kind for one in dict.fromkeys(inner) if one is not ... and (kind := _kind(one)) is not None]
        if len(each) == len({one for one in inner if one is not ...}):
            return several(each[0] if len(each) == 1 else either(each), origin)
    return None


def _union(inner: tuple[Any, ...]) -> OptionKind | None:
    kinds = [_kind(one) for one in inner if one is not types.NoneType]
    closed = [kind for kind in kinds if kind is not None]
    if not closed or len(closed) < len(kinds):
        return None
    found = closed[0] if len(closed) == 1 else either(closed)
    return or_nothing(found) if types.NoneType in inner else found
