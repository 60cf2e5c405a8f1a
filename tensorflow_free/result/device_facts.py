"""What the devices of a run tell of themselves: names, memory, drivers, versions of libraries, how precise float32 is.

Vendors' modules differ, and may fail in any way: what one does not tell is None, or left out, and costs the run
nothing.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import Any, Final, TypeVar

import torch

from tensorflow_free.result.model import DeviceUsed
from tensorflow_free.tensors.device_kinds import kind_of, variables_of
from tensorflow_free.tensors.devices import attribute_of, function_of, module_of, own_kind, told_count

Told = TypeVar("Told")
"""What is told, as a text or a number."""

VERSIONS: Final = {
    "cuda": {"cuda": "version.cuda", "hip": "version.hip", "cudnn": "backends.cudnn.version"},
    "xpu": {"sycl": "version.xpu"},
    "npu": {"cann": "version.cann"},
    "musa": {"musa": "version.musa", "mudnn": "backends.mudnn.version"},
}
"""What torch tells of the libraries of a kind of device: the name of each, and where torch has its version."""

PACKAGES: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "cuda": {
        "cublas": ("nvidia-cublas", "nvidia-cublas-cu13", "nvidia-cublas-cu12", "nvidia-cublas-cu11"),
        "cuda runtime": ("nvidia-cuda-runtime", "nvidia-cuda-runtime-cu12", "nvidia-cuda-runtime-cu11"),
    },
    "xpu": {"onemkl": ("onemkl-sycl-blas",)},
    "hpu": {"habana-torch-plugin": ("habana-torch-plugin",)},
    "xla": {"torch_xla": ("torch_xla",)},
}
"""The packages that have the library, of which the first that is installed is told."""

BUILT_WITH: Final = {"onednn": r"MKL-DNN v(\S+)", "mkl": r"Math Kernel Library Version ([\d.]+)"}
"""What torch was built with, as it tells in words."""

PRECISION: Final = {
    "cuda": ("backends.cudnn.allow_tf32", "backends.cudnn.conv.fp32_precision", "backends.cudnn.rnn.fp32_precision"),
    "xpu": (
        "backends.mkldnn.allow_tf32",
        "backends.mkldnn.matmul.fp32_precision",
        "backends.mkldnn.conv.fp32_precision",
    ),
    "npu": ("npu.matmul.allow_hf32", "npu.conv.allow_hf32"),
    "mlu": ("backends.cnnl.allow_tf32",),
    "musa": ("backends.mudnn.allow_tf32",),
}
"""Where torch has how precisely a kind of device computes in float32, besides `ANY_PRECISION`."""

ANY_PRECISION: Final = ("backends.{}.matmul.fp32_precision", "backends.{}.matmul.allow_tf32", "backends.{}.allow_tf32")
"""The same of whatever kind."""

DRIVERS: Final = {"cuda": "/proc/driver/nvidia/version", "hip": "/sys/module/amdgpu/version"}
"""Where Linux tells the version of a driver that torch does not tell."""

OVERRIDE: Final = "NVIDIA_TF32_OVERRIDE"
"""The variable that overrules what torch says."""


def devices_used(words: Iterable[str]) -> tuple[DeviceUsed, ...]:
    """Each device that a run used, once, with what it tells now.

    Args:
        words: the devices as the run names them; one without a number is the current one of its kind.
    """
    with warnings.catch_warnings():
        # what a vendor's module warns of when it is asked is no warning of the run's
        warnings.simplefilter("ignore")
        return tuple(_device(*key) for key in dict.fromkeys(map(_key, words)))


def names_of_kinds(words: Iterable[str]) -> list[str]:
    """The names of all devices of the kinds that a run used."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kinds = dict.fromkeys(word.partition(":")[0] for word in words)
        return [_name(kind, index) or f"{kind}:{index}" for kind in kinds for index in range(_count(kind))]


def _key(word: str) -> tuple[str, int | None]:
    kind, _, index = word.partition(":")
    return kind, int(index) if index else _told(function_of(kind, "current_device"), int)


def _count(kind: str) -> int:
    return _told(lambda: told_count(kind), int) or 0


def _device(kind: str, index: int | None) -> DeviceUsed:
    return _lasting(kind, index).model_copy(update={"precision": dict(_precision(kind))})


@cache
def _lasting(kind: str, index: int | None) -> DeviceUsed:
    """What does not change while the process lasts."""
    about = _properties(kind, index)
    versions = dict(_versions(kind))
    driver = versions.pop("driver", None)
    return DeviceUsed(
        kind=kind,
        index=index,
        name=_name(kind, index),
        memory_bytes=_told(lambda: about["total_memory"], int) or _memory(kind, index),
        driver=driver or _told(lambda: about["driver_version"], str) or _driver(kind),
        versions=versions,
        visible={name: os.environ[name] for name in variables_of(kind) if name in os.environ},
    )


def _told(tell: Any, made: Callable[[Any], Told]) -> Told | None:
    """What something tells, made into a text or a number; None where it tells nothing, or fails."""
    try:
        told = tell() if callable(tell) else tell
        return None if told is None else made(told)
    except Exception:  # noqa: BLE001 - a vendor's module may fail in any way
        return None


class _Properties:
    """What `get_device_properties` gave, of which vendors make an object or a mapping."""

    def __init__(self, given: Any) -> None:
        self._given = given

    def __getitem__(self, name: str) -> Any:
        return self._given.get(name) if isinstance(self._given, Mapping) else getattr(self._given, name, None)


def _asked(kind: str, name: str, index: int | None) -> Any:
    """What a function of a kind's module gives for a device."""
    function = getattr(module_of(kind), name)
    return function() if index is None else function(index)


def _properties(kind: str, index: int | None) -> _Properties:
    try:
        return _Properties(_asked(kind, "get_device_properties", index))
    except Exception:  # noqa: BLE001 - as in `_told`
        return _Properties(None)


@cache
def _name(kind: str, index: int | None) -> str | None:
    return _told(lambda: _asked(kind, "get_device_name", index), str) or _told(_properties(kind, index)["name"], str)


def _memory(kind: str, index: int | None) -> int | None:
    return _told(lambda: _asked(kind, "mem_get_info", index)[1], int) or _told(
        lambda: _asked(kind, "recommended_max_memory", None), int
    )


def _driver(kind: str) -> str | None:
    for name in ("driver_version", "get_driver_version"):
        if (told := _told(attribute_of(kind, name), str)) is not None:
            return told
    file = DRIVERS["hip" if torch.version.hip else "cuda"] if kind == "cuda" else None
    text = None if file is None else _told(partial(Path(file).read_text, encoding="utf-8"), str)
    found = re.search(r"\b\d+(\.\d+)+\b", text or "")
    return found and found.group()


def _versions(kind: str) -> Iterator[tuple[str, str | None]]:
    """The versions of what a kind's numbers hang on, each with its name."""
    for name, path in VERSIONS.get(kind, {}).items():
        yield name, _told(partial(_of_torch, path), str)
    for name, packages in PACKAGES.get(kind, {}).items():
        yield name, next(filter(None, map(_installed, packages)), None)
    if (package := _package_of(kind)) is not None:
        yield package
    config = _told(torch.__config__.show, str) or ""
    for name, pattern in BUILT_WITH.items():
        found = re.search(pattern, config)
        yield name, found and found.group(1)
    for name, told in _told(kind_of(kind).versions, _pairs) or ():
        yield str(name), _told(told, str)


def _pairs(told: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return list(told.items())


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _package_of(kind: str) -> tuple[str, str] | None:
    """The installed package that gave torch the module of a kind, with its version."""
    top = str(attribute_of(kind, "__name__") or "").partition(".")[0]
    points = tuple(entry_points(group="torch.backends"))
    its = [one for one in points if one.module.partition(".")[0] == top] or (points if kind == own_kind() else ())
    packages = {(one.dist.name, one.dist.version) for one in its if one.dist is not None}
    return packages.pop() if len(packages) == 1 else None


def _of_torch(path: str) -> Any:
    """What torch has under a dotted name; called, where it is a function."""
    found: Any = torch
    for name in path.split("."):
        found = getattr(found, name)
    return found() if callable(found) else found


def _precision(kind: str) -> Iterator[tuple[str, str]]:
    """How precisely a kind of device computes in float32 now, as far as torch says."""
    paths: Sequence[str] = (*PRECISION.get(kind, ()), *(path.format(kind) for path in ANY_PRECISION))
    for path in ("get_float32_matmul_precision", *paths):
        if (told := _told(partial(_of_torch, path), str)) is not None:
            yield path.removeprefix("get_").removeprefix("backends."), told
    if kind == "cuda" and OVERRIDE in os.environ:
        yield OVERRIDE, os.environ[OVERRIDE]
