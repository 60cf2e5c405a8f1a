"""The names that PyTorch's docstrings give to positional parameters, where its own parser has others.

`torch.linalg.cholesky(A)` is documented so, and only takes `input=`. A recipe may write either.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from tensorflow_free.ops.signatures import Parameter, Signature

_FIRST_LINE: Final = re.compile(r"\s*[\w.]*\((.*)\)\s*->")
_BRACKETED: Final = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")


def positional_names(function: Callable[..., Any]) -> tuple[str, ...]:
    """The positional parameters in the first line of the docstring; none where that is no signature."""
    found = _FIRST_LINE.match(function.__doc__ or "")
    if found is None:
        return ()
    words = [re.split(r"[:=]", part)[0].strip() for part in _BRACKETED.sub("", found[1]).split(",")]
    positional = words[: words.index("*")] if "*" in words else words
    return tuple(positional) if all(word.isidentifier() for word in positional) else ()


def _renamed(parameter: Parameter, documented: str) -> Parameter:
    return dataclasses.replace(parameter, aliases=(*parameter.aliases, documented))


def with_documented_names(signatures: Sequence[Signature], function: Callable[..., Any]) -> tuple[Signature, ...]:
    """The signatures, with the documented names as aliases; a name that some overload has for its own is left alone."""
    documented = positional_names(function)
    taken = {name for found in signatures for one in found.parameters for name in (one.name, *one.aliases)}
    named = []
    for found in signatures:
        parameters = list(found.parameters)
        for position, name in enumerate(documented[: len(parameters)]):
            if name not in taken and not parameters[position].keyword_only:
                parameters[position] = _renamed(parameters[position], name)
        named.append(dataclasses.replace(found, parameters=tuple(parameters)))
    return tuple(named)
