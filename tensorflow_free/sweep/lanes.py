"""Which workers of a sweep run which cells, so that no device has more processes than it may. Does not import torch.

A lane has one worker process after another. A cell belongs to a *place*: the CPU, a kind of device (`npu`), or one
device (`cuda:1`). A worker that has used a device keeps it open until it ends: so a place has lanes of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import entry_points
from itertools import chain
from typing import Any, Final

from tensorflow_free.composition.compose import compose
from tensorflow_free.composition.reader import read_yaml
from tensorflow_free.errors import RecipeError
from tensorflow_free.recipe.device_names import KNOWN
from tensorflow_free.recipe.names import AUTO
from tensorflow_free.sweep.cells import Cell
from tensorflow_free.sweep.device_words import DeviceWords, said_by, said_in
from tensorflow_free.sweep.launch import Launch
from tensorflow_free.tensors.device_kinds import DeviceShare

CPU: Final = "cpu"
"""The place of cells that use no other device."""

UNSHARED: Final = (CPU, "meta")
"""Devices that any number of processes use."""


BACK_ENDS: Final = "torch.backends"
"""The group of entry points by which a package gives PyTorch a device when torch is imported."""


@dataclass(frozen=True)
class Lane:
    """What one worker after another runs.

    Attributes:
        places: whose cells; None for all.
        variables: what is set in the environment of its workers.
        is_first: whether a worker that sees every device can be its first one.
        has_device: whether its workers use devices, so that one must end before another begins.
    """

    places: frozenset[str] | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    is_first: bool = True
    has_device: bool = False


@dataclass(frozen=True)
class Devices:
    """The devices of this machine, as a worker tells them.

    Attributes:
        best: what `auto` stands for.
        kinds: the kinds of which there are some.
    """

    best: str = CPU
    kinds: Sequence[DeviceShare] = ()

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Devices:
        """Those that a worker has told."""
        return cls(told["best"], tuple(DeviceShare(**one) for one in told["kinds"]))


class CellPlaces:
    """Where the cells of a sweep belong, and the lanes of each place."""

    def __init__(self, launch: Launch, devices: Devices) -> None:
        self._launch = launch
        self._best = devices.best
        self.words = words_of(launch).resolved(devices.best)
        self.kinds = {one.kind: one for one in devices.kinds if launch.chosen or self.words.names(one.kind)}
        self._is_plain = not any(map(self.words.names_elsewhere, self.kinds))
        self._is_joint = len(self.kinds) > 1 and (launch.chosen or not self._is_plain)
        everywhere = {self._of_word(word) for word in launch.devices}
        self._only = everywhere.pop() if self._is_plain and len(everywhere) == 1 and not launch.chosen else None

    def _is_whole(self, kind: DeviceShare) -> bool:
        """Whether a cell may use any of a kind's devices, so that only one worker at a time can be let."""
        words, name = self.words, kind.kind
        one_by_one = words.numbers_device(name) and words.names_elsewhere(name)
        return kind.variable is None or self._launch.chosen or words.numbers_elsewhere(name) or one_by_one

    def _is_numbered(self, kind: DeviceShare) -> bool:
        """Whether cells choose a device by its number: all are visible then, so that the numbers are what they say."""
        return not self._is_whole(kind) and self.words.numbers_device(kind.kind)

    # of a cell

    def of(self, cell: Cell) -> str:
        """The place of a cell."""
        if not self.kinds:
            return CPU
        if self._only is not None:
            return self._only
        chosen = [one for one in cell.overrides if one.parts == ("device",) and one.kind == "set"]
        if self._is_plain and chosen:
            return self._of_word(str(chosen[-1].value))
        try:
            mapping = compose(cell.recipe, cell.overrides).mapping
        except RecipeError:
            # whoever runs it tells why
            return CPU
        said = DeviceWords.of(said_in({key: part for key, part in mapping.items() if key != "cases"}))
        named = [kind for kind in self.kinds if said.names_elsewhere(kind)]
        return self._place(named[0]) if named else self._of_word(str(mapping.get("device", CPU)))

    def _of_word(self, word: str) -> str:
        kind, _, number = (self._best if word == AUTO else word).partition(":")
        here = self.kinds.get(kind)
        if here is None or (number and not number.isdecimal()) or int(number or 0) >= here.count:
            return CPU
        return f"{kind}:{int(number or 0)}" if self._is_numbered(here) else self._place(kind)

    def _place(self, kind: str) -> str:
        return " and ".join(sorted(self.kinds)) if self._is_joint else kind

    # lanes

    def lanes(self, cores: int, count: int) -> list[Lane]:
        """The lanes of a sweep of `count` cells, each of which has a lane that takes it."""
        wanted = self._launch.n_jobs
        own = self._device_lanes()
        if not own:
            return [Lane()] * max(1, min(wanted or cores, count))
        has_others = self._launch.chosen or any(self._of_word(word) == CPU for word in self._launch.devices)
        if wanted is not None:
            own = fewer(own, max(1, wanted - has_others))
            cores = max(1, wanted - len(own)) if has_others else 0
        elif not has_others:
            cores = 0
        if not cores:
            # one that turns out to use no device has its place, too
            own[0] = replace(own[0], places=(own[0].places or frozenset()) | {CPU})
        return [*own, *[Lane(frozenset({CPU}))] * min(cores, count)]

    def _device_lanes(self) -> list[Lane]:
        if self._is_joint:
            processes = min(kind.processes for kind in self.kinds.values())
            return [Lane(frozenset({self._place("")}), has_device=True)] * processes
        return list(chain.from_iterable(map(self._lanes_of, self.kinds.values())))

    def _lanes_of(self, kind: DeviceShare) -> list[Lane]:
        if self._is_numbered(kind):
            numbered = [f"{kind.kind}:{number}" for number in range(kind.count)]
            return [Lane(frozenset({place}), has_device=True) for place in numbered] * kind.processes
        place = frozenset({kind.kind})
        if self._is_whole(kind) or kind.variable is None or kind.count == 1:
            return [Lane(place, has_device=True)] * kind.processes
        alone = [
            Lane(place, {kind.variable: value}, is_first=number == 0, has_device=True)
            for number, value in enumerate(kind.values)
        ]
        return alone * kind.processes


def fewer(lanes: Sequence[Lane], most: int) -> list[Lane]:
    """At most so many lanes for the places of some; of a place that shares a lane with another, it has no more."""
    places = list(dict.fromkeys(lane.places for lane in lanes))
    if len(lanes) <= most:
        return list(lanes)
    if len(places) <= most:
        first = [lanes.index(next(lane for lane in lanes if lane.places == place)) for place in places]
        order = [*first, *(number for number in range(len(lanes)) if number not in first)]
        return [lanes[number] for number in sorted(order[:most])]
    groups = [places[number::most] for number in range(most)]
    return [Lane(frozenset(chain.from_iterable(one or () for one in group)), has_device=True) for group in groups]


def words_of(launch: Launch) -> DeviceWords:
    """What a sweep's recipes and overrides say of devices."""
    recipes = (said_in(read_yaml(text, "a recipe of the sweep")) for text in launch.recipes)
    words = DeviceWords.of(chain(*recipes, *map(said_by, launch.overrides)))
    return DeviceWords(words.devices | launch.devices, words.elsewhere)


def may_use_devices(launch: Launch) -> bool:
    """Whether cells may use a device that is worth asking a worker for."""
    words = words_of(launch)
    if launch.chosen or any(word.partition(":")[0] not in UNSHARED for word in words.devices):
        return True
    # torch may know more kinds where a package brings a back end
    return any(map(words.names_elsewhere, set(KNOWN) - set(UNSHARED))) or bool(entry_points(group=BACK_ENDS))
