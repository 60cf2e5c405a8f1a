"""The names that a device may have: PyTorch's, those of others' back ends, those that a recipe itself speaks of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from tensorflow_free.recipe.names import DEVICES

OUT_OF_TREE: Final = (
    "gcu",  # Enflame
    "mlu",  # Cambricon
    "musa",  # Moore Threads
    "neuron",  # AWS Trainium
    "npu",  # Ascend
    "ocl",  # OpenCL
    "openreg",  # PyTorch's own example
    "rbln",  # Rebellions
    "sdaa",  # Tecorigin
    "spyre",  # IBM
    "supa",  # Biren
    "tpu",  # Google's TorchTPU
    "tt",  # Tenstorrent
)
"""Names that back ends outside of PyTorch give themselves (`rename_privateuse1_backend`), known on every machine."""

KNOWN: Final = (*DEVICES, *OUT_OF_TREE)
"""The device types that are known on every machine."""

MEANT: Final = {"gpu": "; did you mean 'cuda'?"}
"""What is said of a word that looks like a device's name and is none."""


def named_by(written: Any) -> Iterator[str]:
    """The kinds of devices that `when` names anywhere in a recipe as it is written, its known faults among them."""
    waiting = [written]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            when = part.get("when")
            if isinstance(when, dict):
                yield from _words(when.get("device"))
                part = {key: one for key, one in part.items() if key != "when"}
            waiting.extend(one for one in part.values() if isinstance(one, (dict, list)))
        elif isinstance(part, list):
            waiting.extend(one for one in part if isinstance(one, (dict, list)))


def _words(named: Any) -> Iterator[str]:
    for word in named if isinstance(named, list) else [named]:
        if isinstance(word, str) and kind_problem(word) is None:
            yield word


def kind_problem(word: Any) -> str | None:
    """Why no device can be of the kind `word`, present or not; `; …` with what was meant, or None.

    Any identifier may be the name of a back end. What is surely a slip is none: two letters of a device's name swapped,
    one typed twice, other capitals.
    """
    if not (isinstance(word, str) and word.isidentifier() and word.isascii()):
        return f"; it is a word, such as {', '.join(DEVICES[:4])}, npu"
    if word in KNOWN:
        return None
    slip = next((one for one in DEVICES if word.lower() == one or word in _slips(one)), None)
    return MEANT.get(word) or (slip and f"; did you mean '{slip}'?")


def slips_of_devices() -> list[str]:
    """Words that are surely meant to be a device, and are none: two letters swapped, one twice, other capitals."""
    words = {slip for name in DEVICES for slip in (*_slips(name), name.upper(), name.capitalize())}
    return sorted(word for word in words if kind_problem(word))


def _slips(name: str) -> Iterable[str]:
    for at in range(len(name)):
        yield name[:at] + name[at] + name[at:]
        yield name[:at] + name[at + 1 : at + 2] + name[at] + name[at + 2 :]
