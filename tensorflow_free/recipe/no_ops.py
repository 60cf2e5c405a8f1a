"""Functions of PyTorch and Python that look like ops and are not, and what a recipe has instead."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from tensorflow_free.recipe.device_names import KNOWN

_NO_FUNCTIONS: Final = "it takes a function, and a recipe has none; `grad` as a step differentiates"
_BLOCK: Final = "it is a block of steps here: {{with: {name}, steps: {{…}}}}"

_MEANT: Final[tuple[tuple[Sequence[str], str], ...]] = (
    (
        ("manual_seed", "manual_seed_all", "seed", "seed_all", "initial_seed", "Generator"),
        "the key `seed` seeds a recipe, and `seed: 0` beside the `op` of a random step that step alone",
    ),
    (("set_default_dtype", "set_default_device"), "the keys `dtype` and `device` say it for the run"),
    (("set_num_threads", "use_deterministic_algorithms", "set_float32_matmul_precision"), "`settings` has it"),
    (("no_grad", "enable_grad", "inference_mode", "autocast"), _BLOCK),
    (("compile", "script", "trace"), "the key `backend` compiles the steps: `backend: inductor`"),
    (("vmap", "jvp", "vjp", "jacobian", "hessian", "checkpoint", "register_hook", "apply_"), _NO_FUNCTIONS),
    (("load", "save", "from_numpy"), "a starting tensor reads a file: {{init: load, path: weights.pt}}"),
    (
        ("finfo", "iinfo"),
        (
            "a step that is written out takes {{finfo: max}}, of the recipe's dtype: "
            "{{op: masked_fill, args: [x, mask, {{finfo: min}}]}}"
        ),
    ),
    (("slice",), "a slice is written x[1:3]"),
    (("print",), "each step's value is shown and kept"),
    (
        ("list", "tuple", "dict", "zip", "map", "enumerate", "sorted", "isinstance", "type_", "iter", "next"),
        "a step works on tensors and numbers; a list is written as [a, b]",
    ),
)
"""What a recipe has instead, by the last part of a function's name."""

_INSTEAD: Final = {name: words for names, words in _MEANT for name in names}

_SYMBOLS: Final = {
    "+=": "`add_` works in place",
    "-=": "`sub_` works in place",
    "*=": "`mul_` works in place",
    "/=": "`div_` works in place",
    "//=": "`floor_divide_` works in place",
    "%=": "`remainder_` works in place",
    "**=": "`pow_` works in place",
    "&=": "`bitwise_and_` works in place",
    "|=": "`bitwise_or_` works in place",
    "^=": "`bitwise_xor_` works in place",
    "not": '"~" (or logical_not) works by element',
    "!": '"~" (or logical_not) works by element',
    "and": '"&" (or logical_and) works by element',
    "&&": '"&" (or logical_and) works by element',
    "or": '"|" (or logical_or) works by element',
    "||": '"|" (or logical_or) works by element',
    "in": "`isin` works by element",
    "is": '"==" compares by element',
    "len": "`__len__` gives the first length, and `shape` all",
    "getitem": '"[]" reads a part: {op: "[]", args: [x, "0"]}',
    "setitem": '"[]=" writes a part: {op: "[]=", args: [x, "0", 1.0]}',
}
"""Words and symbols of Python's, and the ops that do what is meant."""

_OF_NUMBERS: Final = ("math", "np", "numpy")

_MODULE: Final = re.compile(r"(?:torch\.)?nn\.[A-Z]\w*")


def instead_of(dotted: str) -> str:
    """`; …`: what a recipe has instead of this function, or where it is; nothing where that is not known."""
    if dotted in _SYMBOLS:
        return f"; {_SYMBOLS[dotted]}"
    module, _, name = dotted.rpartition(".")
    kind = name.removeprefix("is_")
    if kind in KNOWN and module in ("", "Tensor", "torch.Tensor"):
        anywhere = f"`x.to('{kind}')` and `device: {kind}` stand anywhere"
        return f" here: tensors have it where a package brings {kind} devices; {anywhere}"
    if module in _OF_NUMBERS:
        root = "; the root of a plain number n is n ** 0.5" if name == "sqrt" else ""
        return f"; {name}(x) works by element of a tensor{root}"
    if dotted == "torch.autograd.grad":
        return "; `grad(y, w)` gives w's gradient itself, and no tuple of one"
    if _MODULE.fullmatch(dotted):
        return f"; {NO_MODULES}"
    if module in ("", "torch") or module.startswith("torch.") or name == "register_hook":
        return f"; {_INSTEAD[name].format(name=name)}" if name in _INSTEAD else ""
    return ""


NO_MODULES: Final = "modules of torch.nn are not made in a recipe; nn.functional has what they do, as F.relu(x)"
"""What is said of `nn.ReLU()`."""
