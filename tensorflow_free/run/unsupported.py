"""What a torch error means, by its text: no kernel for a dtype or a device."""

from __future__ import annotations

import re
from typing import Final

_KINDS: Final = "dtype|type|half|bfloat16|float|double|complex|int|long|bool|byte|device|cpu|cuda|mps|xpu|meta"

_RARE: Final = r"(?:b?float16|bfloat16|half|complexhalf|float8\w*)"
"""Dtypes that ops lack a kernel for most often; of others, a step may well have been given the wrong one."""

_NO_KERNEL: Final = re.compile(
    r"not implemented for|"
    rf"not (?:yet |currently )?(?:supported|implemented) (?:yet )?(?:for|on|with)\b.{{0,40}}\b(?:{_KINDS})|"
    r"unsupported (?:dtype|scalar ?type|data ?type|tensor dtype|type)|"
    rf"(?:does not|doesn't|do not|don't) support .{{0,40}}\b(?:{_KINDS})|"
    rf"only supports? .{{0,40}}\b(?:{_KINDS})|"
    r"low precision dtypes? not supported|"
    rf"(?:expected|supports?|supported for) .{{0,120}}\bbut got (?:an? tensor of scalar type:? )?{_RARE}|"
    r"must be (?:either )?(?:float or double|floating point) dtype|"
    r"(?:does not|doesn't) handle types other than|"
    r"expected a tensor .{0,40} of float, double, cfloat or cdouble types|"
    r"could not run '[^']+' with arguments from the '[^']+' backend",
    re.IGNORECASE,
)
"""How torch 2.11 to 2.13 say it: macros of ATen's dispatch, checks of single ops, the dispatcher itself."""

_OF_A_COMPILER: Final = ("InductorError", "BackendCompilerFailed")
"""Errors of a compiler: what it cannot do is its failure, whatever it says of dtypes."""


def is_unsupported(cause: BaseException | None) -> bool:
    """Whether a step failed because torch has no kernel for its dtype or on its device, and for no fault of its own."""
    if cause is None or type(cause).__name__ in _OF_A_COMPILER:
        return False
    if not isinstance(cause, (RuntimeError, TypeError, ValueError)):
        return False
    return isinstance(cause, NotImplementedError) or _NO_KERNEL.search(str(cause)) is not None
