"""Random streams: that of one device, seeded and put back; and where those of the CPU and of devices stand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import torch

from tensorflow_free.tensors.devices import absence, function_of, module_of, numbered, takes_a_device


@contextmanager
def own_stream(word: str, seed: int) -> Iterator[None]:
    """Inside it, the random stream of a device begins with a seed; afterwards it stands where it stood.

    Args:
        word: the device, such as `cuda:1`; without a number, the current one of its kind.
        seed: of the numbers that it draws. Only this device is seeded.
    """
    module = module_of(word)
    if function_of(word, "get_rng_state") is None or absence(word) is not None:
        yield
        return
    device = numbered(word)
    before = _state(module, device)
    _set_state(module, device, _seeded(module, device, seed))
    try:
        yield
    finally:
        # a device that was lost meanwhile has no stream to put back, and what becomes of the run is told by the run
        with suppress(Exception):
            _set_state(module, device, before)


def seed_anew(word: str, seed: int) -> None:
    """Have the random stream of a device begin again with another seed, inside `own_stream`."""
    if function_of(word, "get_rng_state") is not None and absence(word) is None:
        module, device = module_of(word), numbered(word)
        _set_state(module, device, _seeded(module, device, seed))


@dataclass(frozen=True, slots=True, eq=False)
class Streams:
    """Where random streams stood.

    Attributes:
        cpu: the state of the CPU's.
        devices: those of devices, by their words: `cuda:1`.
    """

    cpu: torch.Tensor
    devices: Mapping[str, torch.Tensor]

    @classmethod
    def noted(cls, devices: Iterable[str] = ()) -> Streams:
        """Where the CPU's stream and those of these devices stand now; of a device without one nothing is noted."""
        known = {word: module_of(word) for word in devices if function_of(word, "get_rng_state") is not None}
        found = {word: _state(module, numbered(word)).clone() for word, module in known.items()}
        return cls(torch.default_generator.get_state(), found)

    def put_back(self) -> None:
        """Have all of them stand where they stood."""
        torch.default_generator.set_state(self.cpu)
        for word, state in self.devices.items():
            _set_state(module_of(word), numbered(word), state)

    def have_moved(self) -> bool:
        """Whether something was drawn from one of them since."""
        now = Streams.noted(self.devices)
        moved = (not torch.equal(state, now.devices[word]) for word, state in self.devices.items())
        return not torch.equal(self.cpu, now.cpu) or any(moved)


@contextmanager
def kept_streams(devices: Iterable[str] = ()) -> Iterator[None]:
    """After it, the random streams of the CPU and of these devices stand where they stood."""
    stood = Streams.noted(devices)
    try:
        yield
    finally:
        # as above
        with suppress(RuntimeError):
            stood.put_back()


def _state(module: Any, device: torch.device) -> torch.Tensor:
    state: torch.Tensor = _of_device(module.get_rng_state, device)
    return state


def _set_state(module: Any, device: torch.device, state: torch.Tensor) -> None:
    _of_device(module.set_rng_state, device, state)


def _of_device(function: Callable[..., Any], device: torch.device, *given: Any) -> Any:
    """Call a function of a device's module for this device; that of a kind with one device alone takes none (`mps`)."""
    return function(*given, device) if takes_a_device(function, len(given)) else function(*given)


def _seeded(module: Any, device: torch.device, seed: int) -> torch.Tensor:
    """The state that the device's stream has after seeding; what is seeded for it stands in no other device's way."""
    try:
        return torch.Generator(device=device).manual_seed(seed).get_state()
    except (RuntimeError, NotImplementedError):
        return _seeded_among_all(module, device, seed)


def _seeded_among_all(module: Any, device: torch.device, seed: int) -> torch.Tensor:
    """The same where generators cannot be made: all are seeded, as every module of a device can, and put back."""
    count = module.device_count() if hasattr(module, "device_count") else 1
    all_devices = [torch.device(device.type, index) for index in range(count)]
    before = [_state(module, one) for one in all_devices]
    getattr(module, "manual_seed_all", module.manual_seed)(seed)
    seeded = _state(module, device)
    for one, state in zip(all_devices, before, strict=True):
        _set_state(module, one, state)
    return seeded
