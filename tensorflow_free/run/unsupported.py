r"""Whether an error says that there is no kernel, by whose words; and the words that plugins and command lines add.

Example:
    >>> from tensorflow_free import register_unsupported
    >>> register_unsupported(r"QX-\d+: no microcode for \w+")
    >>> from tensorflow_free.run.unsupported import lack_of
    >>> lack_of(RuntimeError("QX-17: no microcode for erf"))
    Lack(whose="'QX-\\d+: no microcode for \\w+'", line='QX-17: no microcode for erf')
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from tensorflow_free.errors import text_of
from tensorflow_free.plugins import load_plugins
from tensorflow_free.run.compiler_errors import innermost, is_of_compiler, is_of_tracing, lacks_code_for, said
from tensorflow_free.run.error_patterns import checked, inherited
from tensorflow_free.run.no_kernel_words import DEVICE, OP, OTHERWISE, WORDINGS, compiled

OF_CODE: Final = (AssertionError, LookupError, ArithmeticError, AttributeError, NameError, OSError, ImportError)
"""Errors that tell of code which is wrong, whatever they say."""

LONGEST: Final = 20_000
"""Characters of an error that are looked through: of a longer one, its beginning and its end."""

_registered: Final[dict[str, re.Pattern[str]]] = {}


@dataclass(frozen=True)
class Lack:
    """That there is no kernel.

    Attributes:
        whose: whose words say so; of a pattern that was added, the pattern in quotes.
        line: the line that says it.
    """

    whose: str
    line: str


def register_unsupported(pattern: str) -> None:
    """Takes errors whose text a pattern is found in for a missing kernel, so that such a cell is *unsupported*.

    For a package of a device: call it in a function that the entry point group `tensorflow_free.plugins` names, or in
    a file that `--ops` names.

    Args:
        pattern: A regular expression, as `re.search` takes it; upper and lower case are one.

    Raises:
        ValueError: It is empty, no regular expression, or found in every text.

    Example:
        >>> from tensorflow_free import register_unsupported
        >>> register_unsupported("LOOM-4[0-9]{2}: no tile program")
    """
    found = checked(pattern)
    _registered[found] = re.compile(found, re.IGNORECASE)


def lack_of(cause: BaseException | None, devices: Iterable[str] = (), op: str = "") -> Lack | None:
    """What a step lacks that failed because there is no kernel for its dtype or on its device; None for other faults.

    Args:
        cause: the error.
        devices: those that the run uses, whose names count as `device` in plain words.
        op: the op of the step, whose name counts as that of an operator in plain words.

    Raises:
        RecipeError: a package's plugin cannot be loaded.
    """
    if not isinstance(cause, Exception) or is_of_tracing(cause):
        return None
    load_plugins()
    kinds = sorted({device.partition(":")[0] for device in devices})
    if not is_of_compiler(cause):
        return _lack(cause, text_of(cause), _Names(kinds, op.rpartition(".")[2]), OF_CODE)
    if (kind := lacks_code_for(cause, kinds)) is not None:
        return Lack("inductor", f"inductor generates no code for '{kind}' devices")
    inner = innermost(cause)
    return _lack(inner, said(inner), _Names(kinds), ())


class _Names(NamedTuple):
    """The names that an error may call a device and an op by."""

    devices: Sequence[str] = ()
    op: str = ""

    def without(self, text: str) -> str:
        """A text in which they are called as the table calls them."""
        if any(self.devices):
            text = re.sub(rf"\b(?:{'|'.join(map(re.escape, self.devices))})(?::\d+)?\b", DEVICE, text)
        if self.op.isidentifier() and self.op not in ("backward", "grad"):
            name = rf"(?<!\w)(?:aten::)?_*{self.op.strip('_')}(?:_(?:backward|forward|out))?\b"
            text = re.sub(name, OP, text)
        return text


def _lack(cause: BaseException, text: str, names: _Names, otherwise: tuple[type[Exception], ...]) -> Lack | None:
    """What an error says of a missing kernel, by the first pattern that is found in its text."""
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]}\n{text[-LONGEST // 2 :]}"
    for pattern, own in (*_registered.items(), *((one, re.compile(one, re.IGNORECASE)) for one in inherited())):
        if found := own.search(text):
            return Lack(f"'{pattern}'", _line(text, text, found))
    if isinstance(cause, otherwise) or compiled(OTHERWISE).search(text):
        return None
    named = names.without(text)
    for row in WORDINGS:
        for said_of in (text, named):
            if found := row.found_in(said_of):
                return Lack(row.whose, _line(text, said_of, found))
    if isinstance(cause, NotImplementedError):
        return Lack(NotImplementedError.__name__, next(iter(text.splitlines()), ""))
    return None


def _line(text: str, searched: str, found: re.Match[str]) -> str:
    """The lines of a text, as one, in which something was found in the same text with other names."""
    first, last = (searched.count("\n", 0, at) for at in found.span())
    return " ".join(" ".join(text.split("\n")[first : last + 1]).split())
