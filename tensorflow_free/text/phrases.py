"""Parts of sentences: values, counted things, shortened lists; and sentences that differ only in their numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final

from tensorflow_free.text.characters import printable

MOST_NAMES: Final = 8
"""Names in a sentence."""

LONGEST_SHOWN: Final = 60
"""Characters of a text or a value in a message."""

LONGEST: Final = 2000
"""Characters of a sentence by which it is told from another."""

MANY_TIMES: Final = 1_000
"""From so many times on, it is told in full, and from so many on it is not."""

TOO_MANY_TIMES: Final = 10_000_000

_NUMBER: Final = re.compile(
    r"0x[0-9a-f]+|(?<![\w.])[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|inf|nan)(?![\w])", re.IGNORECASE
)
_NUMBERS: Final = re.compile(r"#(?:, #)+")


def counted(count: int, noun: str) -> str:
    """So many: `1 cell`, `12,000 cells`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def times_told(times: float) -> str:
    """So many times, in three digits or in full: `0.42`, `571`, `17,244`; and `2.5e+09`."""
    return f"{times:,.0f}" if MANY_TIMES <= times < TOO_MANY_TIMES else f"{times:.3g}"


def some(names: Iterable[str], most: int = MOST_NAMES) -> str:
    """The first of the names, and how many more there are."""
    listed = list(names)
    more = len(listed) - most
    return ", ".join(listed[:most]) + (f" and {more} more" if more > 0 else "")


def seen_from(folder: Path, path: Path) -> Path:
    """A path as it is written in a folder: relative where it lies below."""
    return path.relative_to(folder) if path.is_relative_to(folder) else path


def seen_from_here(path: Path) -> Path:
    """A path as it is typed in the working directory."""
    return seen_from(Path.cwd(), path)


def cut(text: str, most: int = LONGEST_SHOWN) -> str:
    """A text of so many characters at most; the end of a longer one is three dots."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def apart_from_numbers(text: str) -> str:
    """A sentence of torch's or of a user's, which has no code, without its numbers; a list of them counts as one."""
    return _NUMBERS.sub("#", _NUMBER.sub("#", text[:LONGEST]))


def shown(value: Any) -> str:
    """A value as a recipe would write it, cut to what fits in a message."""
    return printable(cut(_flow(value)))


def _flow(value: Any) -> str:
    """A value in YAML's flow style, without quotes, and no more of a long one than is shown."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else f"{'-' if value < 0 else ''}.inf"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_flow(part) for part in value[:LONGEST_SHOWN])}]"
    if isinstance(value, Mapping):
        pairs = islice(value.items(), LONGEST_SHOWN)
        return f"{{{', '.join(f'{key}: {_flow(part)}' for key, part in pairs)}}}"
    return str(value)
