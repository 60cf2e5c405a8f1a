"""The fixed words of the format, equal on every machine: dtypes, devices, reserved names. Does not import torch."""

from __future__ import annotations

import difflib
import keyword
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from tensorflow_free.text.characters import form_problem, is_printable, normal, printable

RECIPE_DTYPES = ("float64", "float32", "bfloat16", "float16")
"""What the key `dtype` of a recipe may say."""

FLOATING = (
    *RECIPE_DTYPES,
    "float8_e4m3fn",
    "float8_e5m2",
    "float8_e4m3fnuz",
    "float8_e5m2fnuz",
    "float8_e8m0fnu",
)
COMPLEX = ("complex32", "complex64", "complex128")
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
DTYPE_ALIASES = {
    "float": "float32",
    "double": "float64",
    "half": "float16",
    "long": "int64",
    "int": "int32",
    "short": "int16",
    "cfloat": "complex64",
    "cdouble": "complex128",
    "chalf": "complex32",
}
"""PyTorch's second names of its dtypes (torch.float is torch.float32)."""

DTYPES = (*FLOATING, *COMPLEX, *INTEGERS, "bool")
FOLLOWING: Final = ("floating", "complex")
"""Dtype words of a tensor that follow the recipe's own dtype."""

DEVICES = (
    "cpu",
    "cuda",
    "mps",
    "xpu",
    "meta",
    "hpu",
    "ipu",
    "maia",
    "mtia",
    "vulkan",
    "xla",
    "lazy",
    "privateuseone",
)
"""Device types that torch knows by name (c10/core/DeviceType.h); a custom back end adds its own."""


def cell_name(device: str, dtype: str, backend: str) -> str:
    """A cell in short: `bfloat16-cpu`, `float32-cpu-inductor`."""
    return "-".join([dtype, device.replace(":", ""), *([] if backend == "eager" else [backend])])


RECIPE_SUFFIXES: Final = (".yaml", ".yml")
"""What the name of a recipe file ends in."""

AUTO: Final = "auto"
"""The device that stands for the best one of this machine."""

UNSAFE_WORDS = ("on", "off", "yes", "no")
"""Words that YAML 1.1 reads as booleans; as names they would not survive another reader."""


_DTYPE_WORDS: Final = frozenset((*DTYPES, *DTYPE_ALIASES))
_DEVICE_WORDS: Final = frozenset(DEVICES)


def name_problem(name: object) -> str | None:
    """Why `name` cannot name a value of a recipe, or None where it can."""
    if not isinstance(name, str):
        return f"'{name}' is not a name; a name is a Python identifier, such as 'w' or 'x_1'"
    if not name.isidentifier():
        return f"'{name}' is not a name; a name is a Python identifier, such as 'w' or 'x_1'"
    if problem := form_problem(name):
        return problem
    if not is_printable(name):
        return f"'{printable(name)}' holds an invisible letter; leave it out"
    if keyword.iskeyword(name):
        return f"'{name}' is a keyword of Python and cannot be a name; '{name}_' can"
    if name in _DTYPE_WORDS:
        return f"'{name}' is a dtype and cannot be a name; '{name}_' can"
    if name in _DEVICE_WORDS:
        return f"'{name}' is a device and cannot be a name; '{name}_' can"
    if name.lower() in UNSAFE_WORDS:
        return f"'{name}' is a boolean to other YAML readers and cannot be a name; '{name}_' can"
    return None


MOST_LIKENED: Final = 500
"""Words among which the nearest is looked for one by one."""


def nearest(word: object, words: Iterable[str]) -> str | None:
    """The one of `words` that `word` was most likely meant to be, or None."""
    known, written = list(words), str(word)
    if not written.isascii() and (form := normal(written)) in known:
        return form
    if len(known) > MOST_LIKENED:
        # likening a word to each of ten thousand takes milliseconds, and a recipe may have as many that are wrong
        near = [one for one in known if one[:1] == written[:1] and abs(len(one) - len(written)) <= 1]
        known = near[:MOST_LIKENED]
    return most_alike(written, known, 0.6) or most_alike(written.lower(), known, 0.6)


def most_alike(word: str, words: Collection[str], cutoff: float) -> str | None:
    """The one of `words` that has most in common with `word`, where that is at least `cutoff`; None if there is none.

    Two neighbours that changed places count as half a letter that differs: 'tahn' is nearer to 'tanh' than to 'tan'.
    """
    found = difflib.get_close_matches(word, words, n=1, cutoff=cutoff)
    swapped = next((one for one in _with_neighbours_swapped(word) if one in words), None)
    if swapped is None:
        return found[0] if found else None
    as_near = 1 - 0.5 / len(word)
    nearer = found and difflib.SequenceMatcher(None, found[0], word).ratio() > as_near
    return found[0] if nearer else swapped


def _with_neighbours_swapped(word: str) -> Iterator[str]:
    for at in range(len(word) - 1):
        if word[at] != word[at + 1]:
            yield f"{word[:at]}{word[at + 1]}{word[at]}{word[at + 2 :]}"


def did_you_mean(word: object, words: Iterable[str]) -> str:
    """`; did you mean 'x'?` where one of `words` is near to `word`, else nothing."""
    found = nearest(word, words)
    return f"; did you mean '{found}'?" if found else ""
