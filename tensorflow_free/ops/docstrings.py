"""The names that PyTorch's docstrings give to positional parameters, where its parser has other names.

`torch.linalg.cholesky(A)` is documented so, and only takes `input=`. A recipe may write either.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from tensorflow_free.ops.signatures import Parameter, Signature

_FIRST_LINE: Final = re.compile(r"\s*[\w.]*\((.*)\)\s*->")
_CALL: Final = re.compile(r"\s*[\w.]+\(.*(\)|,|->.*)\s*$")
"""A line that is a call's signature, or begins one."""

_ROLE: Final = re.compile(r":\w+:`~?(?:[^`<]*<([^`>]*)>`|([^`]*)`)")
"""A word with a role: `:func:` and a name, or a title with the name in angle brackets."""
_SENTENCE: Final = re.compile(r".*?(?:[.!](?=\s|$)|$)", re.DOTALL)

_BRACKETED: Final = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")


def positional_names(function: Callable[..., Any]) -> tuple[str, ...]:
    """The positional parameters in the first line of the docstring; none where that is no signature."""
    found = _FIRST_LINE.match(function.__doc__ or "")
    if found is None:
        return ()
    words = [re.split(r"[:=]", part)[0].strip() for part in _BRACKETED.sub("", found[1]).split(",")]
    positional = words[: words.index("*")] if "*" in words else words
    return tuple(positional) if all(word.isidentifier() for word in positional) else ()


def first_sentence(function: Callable[..., Any]) -> str:
    """The first sentence of a docstring behind its signatures, without marks of markup; nothing where there is none."""
    blocks = re.split(r"\n\s*\n", (function.__doc__ or "").strip())
    for block in blocks:
        lines = [line.strip() for line in block.splitlines() if not _CALL.match(line)]
        words = " ".join(line for line in lines if line and not line.startswith(".. "))
        if words:
            plain = _ROLE.sub(lambda found: found[1] or found[2], words).replace("`", "")
            return _SENTENCE.match(plain)[0].strip()  # type: ignore[index]  # it fits any text
    return ""


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
