"""What recipes and overrides say of devices, before any of them is bound. Does not import torch."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from tensorflow_free.composition.overrides import Override
from tensorflow_free.recipe.names import AUTO

NOWHERE: Final = frozenset({"when", "xfail", "description"})
"""Keys below which devices are spoken of, and none is used."""


class Said(NamedTuple):
    """A text of a recipe: the key that it stands under, and whether that is the recipe's `device`."""

    key: str
    text: str
    is_device: bool = False


def said_in(written: Any, key: str = "", *, is_whole: bool = True) -> Iterator[Said]:
    """The texts of a recipe as it is written, those of its cases too.

    Args:
        written: a recipe, or a part of one.
        key: the key that it stands under.
        is_whole: whether it is a whole recipe, or a case of one, of which `device` is the device.
    """
    if isinstance(written, str):
        yield Said(key, written)
    elif isinstance(written, list):
        for part in written:
            yield from said_in(part, key, is_whole=False)
    elif isinstance(written, Mapping):
        for name, part in written.items():
            if is_whole and name == "device":
                yield Said("device", str(part), is_device=True)
            elif is_whole and name == "cases" and isinstance(part, Mapping):
                yield from (one for case in part.values() for one in said_in(case))
            elif name not in NOWHERE:
                yield from said_in(part, str(name), is_whole=False)


def said_by(override: Override) -> Iterator[Said]:
    """The texts of an override."""
    parts = override.parts[2:] if override.parts[0] == "cases" else override.parts
    if not NOWHERE.isdisjoint(parts):
        return
    if not parts:
        yield from said_in(override.value)
    elif parts == ("device",):
        yield Said("device", str(override.value), is_device=True)
    else:
        yield from said_in(override.value, parts[-1], is_whole=False)


@dataclass(frozen=True)
class DeviceWords:
    """What some recipes and overrides say of devices.

    Attributes:
        devices: what they give for `device`.
        elsewhere: their other texts.
    """

    devices: frozenset[str]
    elsewhere: frozenset[Said]

    @classmethod
    def of(cls, said: Iterable[Said]) -> DeviceWords:
        """Those of some texts."""
        texts = frozenset(said)
        devices = frozenset(one.text for one in texts if one.is_device)
        return cls(devices, frozenset(one for one in texts if not one.is_device))

    def resolved(self, best: str) -> DeviceWords:
        """Those with `auto` as it is meant on a machine."""
        return DeviceWords(frozenset(best if word == AUTO else word for word in self.devices), self.elsewhere)

    def numbers_device(self, kind: str) -> bool:
        """Whether some `device` is one of a kind by its number, or may be."""
        return any(word.startswith(f"{kind}:") or "$" in word for word in self.devices)

    def names(self, kind: str) -> bool:
        """Whether a kind is named at all."""
        return any(word.partition(":")[0] == kind for word in self.devices) or self.names_elsewhere(kind)

    def names_elsewhere(self, kind: str) -> bool:
        """Whether a kind is named anywhere but as the recipe's device: `x.cuda()`, a tensor's `device: cuda`."""
        named = re.compile(rf"(?<![A-Za-z0-9_]){kind}(?![A-Za-z0-9_])")
        return any(named.search(one.text) for one in self.elsewhere)

    def numbers_elsewhere(self, kind: str) -> bool:
        """Whether a kind is named there with a number, or may be: `cuda:1`, `x.cuda(1)`, `op: cuda`."""
        numbered = re.compile(rf"(?<![A-Za-z0-9_]){kind}(\s*:\s*[0-9$]|\(\s*[^)\s])")
        return any(
            numbered.search(one.text) or (one.key == "op" and one.text.rpartition(".")[2] == kind)
            for one in self.elsewhere
        ) or any("$" in word for word in self.devices if not word.startswith(f"{kind}:"))
