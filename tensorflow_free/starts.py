"""Binds a recipe's tensors: each `TensorSpec` is held against its init and becomes a `Start`, or problems."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch

from tensorflow_free import devices, files
from tensorflow_free.arguments import MEMORY_FORMATS, Mismatch, dtype_words, literal
from tensorflow_free.dtypes import TORCH_DTYPES, dtype_of, word_of
from tensorflow_free.factories import INITS, LIKE, NAMES, VIEWS, Init, Start, flat, made_in, own_dtype, parameters_of
from tensorflow_free.names import did_you_mean
from tensorflow_free.recipe import TensorSpec, shown, written_keys

Report = Callable[[Sequence[str | int], str], None]

WORDS: Final = {
    "mode": ("fan_in", "fan_out"),
    "nonlinearity": (
        "linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
        "sigmoid", "tanh", "relu", "leaky_relu", "selu",
    ),
}  # fmt: skip
"""Parameters of inits that are words. Source: torch.nn.init.calculate_gain."""

INTEGERS: Final = frozenset({"n", "m", "steps", "row", "col", "window_length", "groups", "offset", "low", "high"})
_LEAST: Final = {"n": 0, "m": 0, "steps": 0, "row": 0, "col": 0, "window_length": 0, "groups": 1}
NUMBER_WORDS: Final = {"nan", "inf", "-inf", "+inf", "infinity"}


class _Wrong(Exception):
    """A tensor that cannot be bound; its problem is reported."""


class Starts:
    """Binds tensors in listing order, knowing those before; reports each problem with its path below the recipe."""

    def __init__(
        self, recipe_dtype: str, device: str, input_precision: str | None, folder: Path | None, report: Report
    ) -> None:
        self._dtype = recipe_dtype
        self._device = device
        self._precision = None if input_precision is None else TORCH_DTYPES[input_precision]
        self._folder = folder
        self._report = report
        self._faulty = 0
        self.made: dict[str, tuple[torch.dtype, str, list[int] | None]] = {}
        self.files: list[tuple[str, str]] = []

    def bind(self, name: str, spec: TensorSpec, path: tuple[str | int, ...]) -> Start | None:
        """The tensor, or None where a problem was reported."""
        self._faulty = 0
        try:
            start = self._bind(name, spec, path)
        except _Wrong:
            start = None
        if start is None or self._faulty:
            return self.skip(name)
        return start

    def skip(self, name: str) -> None:
        """Note a tensor of which nothing is known but its name."""
        self.made.setdefault(name, (TORCH_DTYPES[self._dtype], self._device, None))

    def _wrong(self, path: Sequence[str | int], message: str) -> None:
        self._faulty += 1
        self._report(path, message)

    def _bind(self, name: str, spec: TensorSpec, path: tuple[str | int, ...]) -> Start | None:
        if spec.init not in NAMES:
            near = did_you_mean(spec.init, NAMES) or f"; it is one of {', '.join(NAMES)}"
            self._wrong((*path, "init"), f"'{spec.init}' is not an init{near}")
            return None
        arguments = self._arguments(spec, path)
        if self._faulty:
            return None
        source = self.made.get(arguments.pop("input", ""), None)
        dtype, made_dtype = self._dtypes(spec, arguments, source, path)
        device = self._place_of(spec, source, path)
        shape = self._shape(spec, arguments, source, path)
        self._check_memory(spec, shape, dtype, device, path)
        if spec.requires_grad and dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            self._wrong(
                (*path, "requires_grad"),
                f"'{name}' is {word_of(dtype)}, and only floating and complex tensors have gradients; "
                "write its numbers with a point, or pin `dtype: floating`",
            )
        if self._faulty:
            return None
        self.made[name] = (dtype, device, shape)
        follows = spec.dtype in (None, "floating") and dtype.is_floating_point and dtype.itemsize > 1
        return Start(
            name=name,
            init=spec.init,
            arguments=arguments,
            dtype=dtype,
            made_in=made_dtype,
            device=device,
            rounded_to=self._precision if follows and spec.init not in VIEWS else None,
            requires_grad=spec.requires_grad,
            input=spec.model_extra.get("input") if spec.model_extra else None,
            shape=spec.shape,
            seed=spec.seed,
            memory_format=None if spec.memory_format is None else MEMORY_FORMATS.get(spec.memory_format),
            stride=None if spec.init == "as_strided" else spec.stride,
            storage_offset=0 if spec.init == "as_strided" else (spec.storage_offset or 0),
        )

    def _arguments(self, spec: TensorSpec, path: tuple[str | int, ...]) -> dict[str, Any]:
        """The init's own arguments, checked and read."""
        required, optional = parameters_of(spec.init)
        given = dict(spec.model_extra or {})
        if spec.init == "as_strided":
            layout = {"stride": spec.stride, "storage_offset": spec.storage_offset}
            given.update({key: value for key, value in layout.items() if value is not None})
        allowed = (*required, *optional)
        arguments: dict[str, Any] = {}
        for key, written in given.items():
            if key not in allowed:
                shared = [word for word in written_keys(TensorSpec) if word != "init"]
                near = did_you_mean(key, [*allowed, *shared]) or f"; it takes {', '.join(allowed)}"
                self._wrong((*path, key), f"'{key}' is not a parameter of {spec.init}{near}")
                continue
            try:
                arguments[key] = self._read(spec, key, written, path)
            except Mismatch as mismatch:
                self._wrong((*path, key), mismatch.message)
        for key in required:
            if key not in given:
                self._wrong(path, f"{spec.init} needs '{key}'")
        if spec.init in ("load", "from_numpy") and not self._faulty:
            arguments = {"data": self._read_file(spec, arguments, path)}
        return arguments

    def _read(self, spec: TensorSpec, key: str, written: Any, path: tuple[str | int, ...]) -> Any:
        if key == "input":
            if written not in self.made:
                near = did_you_mean(written, self.made) or "; `input` is a tensor given before"
                raise Mismatch(f"'{shown(written)}' is not a tensor given before{near}")
            return written
        if key in ("path", "key"):
            if not isinstance(written, str):
                raise Mismatch(f"'{shown(written)}' is not a word; `{key}` is")
            return written
        if key in ("size", "stride"):
            return _size(key, written)
        if key == "storage_offset":
            return written
        if key in WORDS:
            if written not in WORDS[key]:
                near = did_you_mean(written, WORDS[key]) or f"; it is one of {', '.join(WORDS[key])}"
                raise Mismatch(f"'{shown(written)}' is not a {key}{near}")
            return written
        if key == "periodic":
            if not isinstance(written, bool):
                raise Mismatch(f"'{shown(written)}' is not true or false; `periodic` is")
            return written
        if key == "data":
            return self._literal(spec, written, path)
        return self._number(spec, key, written)

    def _number(self, spec: TensorSpec, key: str, written: Any) -> Any:
        number = literal_number(written, self._literal_dtype(spec))
        if key in INTEGERS and not (spec.init == "uniform" and key in ("low", "high")):
            if not isinstance(number, int) or isinstance(number, bool):
                raise Mismatch(f"'{shown(written)}' is not an integer; `{key}` is")
            if number < _LEAST.get(key, number):
                raise Mismatch(f"'{number}' is less than {_LEAST[key]}; `{key}` is a size")
        return number

    def _literal(self, spec: TensorSpec, written: Any, path: tuple[str | int, ...]) -> Any:
        if isinstance(written, torch.Tensor):
            return written
        _shape_of_literal(written)
        return _map_numbers(written, lambda number: literal_number(number, self._literal_dtype(spec)))

    def _literal_dtype(self, spec: TensorSpec) -> str:
        """Whose finfo `{finfo: max}` asks for: the pinned floating dtype's, or the recipe's."""
        pinned = dtype_of(spec.dtype or "floating", self._dtype)
        return word_of(pinned) if pinned is not None and pinned.is_floating_point else self._dtype

    def _read_file(self, spec: TensorSpec, arguments: Mapping[str, Any], path: tuple[str | int, ...]) -> torch.Tensor:
        suffixes = files.NUMPY_SUFFIXES if spec.init == "from_numpy" else files.SUFFIXES
        try:
            where = files.inside(self._folder, arguments["path"])
            tensor = files.read_tensor(where, arguments.get("key"), suffixes)
        except files.FileProblem as problem:
            self._wrong((*path, problem.key), problem.message)
            raise _Wrong from problem
        self.files.append((spec.model_extra["path"] if spec.model_extra else "", str(where)))
        return tensor

    def _dtypes(
        self, spec: TensorSpec, arguments: Mapping[str, Any], source: Any, path: tuple[str | int, ...]
    ) -> tuple[torch.dtype, torch.dtype]:
        """The tensor's dtype, and the one that its values are made in."""
        pinned = None
        if spec.dtype is not None:
            pinned = dtype_of(spec.dtype, self._dtype)
            if pinned is None:
                self._wrong((*path, "dtype"), f"'{spec.dtype}' is not a dtype{did_you_mean(spec.dtype, dtype_words())}")
                raise _Wrong
        if spec.init in VIEWS:
            dtype = pinned or source[0]
            if spec.init == "as_strided" and pinned is not None and pinned != source[0]:
                self._wrong(
                    (*path, "dtype"),
                    f"'{spec.dtype}' is not the dtype of the memory that as_strided views, {word_of(source[0])}",
                )
            return dtype, dtype
        init = LIKE.get(spec.init) or INITS[spec.init]
        own = source[0] if spec.init in LIKE else own_dtype(init, arguments, self._dtype)
        target = pinned or own
        follows = spec.dtype in (None, "floating", "complex")
        rounded = self._precision if follows else None
        if isinstance(arguments.get("data"), torch.Tensor):
            return target, arguments["data"].dtype
        return target, made_in(init, None if follows else pinned, target, rounded)

    def _place_of(self, spec: TensorSpec, source: Any, path: tuple[str | int, ...]) -> str:
        if spec.device is None:
            return str(source[1]) if source is not None else self._device
        problem = devices.form_problem(spec.device) or devices.absence(spec.device)
        if problem is not None:
            self._wrong((*path, "device"), problem)
            raise _Wrong
        return spec.device

    def _shape(
        self, spec: TensorSpec, arguments: Mapping[str, Any], source: Any, path: tuple[str | int, ...]
    ) -> list[int] | None:
        made = list(source[2]) if source is not None and source[2] is not None and "size" not in arguments else None
        if source is None or "size" in arguments:
            made = _shape_made(INITS.get(spec.init), arguments)
        if spec.shape is None:
            return made
        if made is None or math.prod(made) == math.prod(spec.shape) or spec.shape.count(-1) == 1:
            return _inferred(spec.shape, made)
        self._wrong(
            (*path, "shape"), f"'{spec.shape}' has {math.prod(spec.shape)} elements; the tensor has {math.prod(made)}"
        )
        raise _Wrong

    def _check_memory(
        self, spec: TensorSpec, shape: list[int] | None, dtype: torch.dtype, device: str, path: tuple[str | int, ...]
    ) -> None:
        if spec.memory_format is not None:
            self._check_format(spec, shape, path)
        if shape is None:
            return
        if spec.storage_offset is not None and spec.stride is None and spec.init != "as_strided":
            self._wrong((*path, "storage_offset"), "'storage_offset' says where strides begin; give `stride` too")
        if spec.stride is not None and spec.init != "as_strided":
            problem = _stride_problem(spec.stride, shape, spec.storage_offset or 0)
            if problem is not None:
                self._wrong((*path, "stride"), problem)
                return
        count = math.prod(shape)
        if spec.stride is not None and count:
            count = (spec.storage_offset or 0) + 1 + sum((n - 1) * s for n, s in zip(shape, spec.stride, strict=False))
        needed = count * dtype.itemsize
        if device.startswith("cpu") and needed > _memory():
            key = "size" if "size" in (spec.model_extra or {}) else "stride" if spec.stride else "init"
            self._wrong(
                (*path, key),
                f"'{shape}' takes {needed / 2**30:,.1f} GiB in {word_of(dtype)}; this machine has {_memory() / 2**30:,.1f} GiB",
            )

    def _check_format(self, spec: TensorSpec, shape: list[int] | None, path: tuple[str | int, ...]) -> None:
        wanted = {"channels_last": 4, "channels_last_3d": 5}.get(spec.memory_format or "")
        if spec.memory_format not in MEMORY_FORMATS:
            near = did_you_mean(spec.memory_format, MEMORY_FORMATS) or f"; it is one of {', '.join(MEMORY_FORMATS)}"
            self._wrong((*path, "memory_format"), f"'{spec.memory_format}' is not a memory format{near}")
        elif spec.stride is not None:
            self._wrong((*path, "memory_format"), "'memory_format' and 'stride' both say how the values lie; give one")
        elif wanted is not None and shape is not None and len(shape) != wanted:
            self._wrong(
                (*path, "memory_format"),
                f"'{spec.memory_format}' is for tensors of {wanted} dimensions; this one has {len(shape)}",
            )


def _memory() -> int:
    """Bytes of memory of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 2**63


def _inferred(shape: list[int], made: list[int] | None) -> list[int]:
    """A shape with its -1 filled in."""
    if made is None or -1 not in shape:
        return shape
    rest = math.prod(length for length in shape if length != -1)
    return [math.prod(made) // max(rest, 1) if length == -1 else length for length in shape]


def _size(key: str, written: Any) -> list[int]:
    sizes = written if isinstance(written, list) else [written]
    for length in sizes:
        if not isinstance(length, int) or isinstance(length, bool):
            raise Mismatch(f"'{shown(written)}' is not a {key}; it is a list of integers, such as [2, 3]")
        if length < 0:
            raise Mismatch(f"'{shown(written)}' has a negative length; a {key} is a list of integers of at least 0")
        if length >= 2**63:
            raise Mismatch(f"'{shown(written)}' is past what 64 bits hold; no tensor is that large")
    return sizes


def literal_number(written: Any, dtype: str) -> Any:
    """A number of literal data: itself, a complex number in words, or `{finfo: max}` of `dtype`.

    Raises:
        Mismatch: it is no number.
    """
    if isinstance(written, (bool, int, float, complex)):
        return written
    if isinstance(written, dict) and len(written) == 1 and set(written) <= {"finfo", "complex"}:
        return literal(written, dtype)
    if isinstance(written, str):
        if written.lower() in NUMBER_WORDS:
            sign = "-" if written.startswith("-") else ""
            raise Mismatch(f"'{written}' is a word; the number is written {sign}.{written.lower().lstrip('+-')[:3]}")
        try:
            return complex(
                written.replace(" ", "").replace("i", "j") if written.endswith("i") else written.replace(" ", "")
            )
        except ValueError:
            raise Mismatch(
                f"'{shown(written)}' is not a number; data are numbers, booleans and lists of them"
            ) from None
    raise Mismatch(f"'{shown(written)}' is not a number; data are numbers, booleans and lists of them")


def _map_numbers(data: Any, read: Callable[[Any], Any]) -> Any:
    if isinstance(data, (list, tuple)):
        return [_map_numbers(part, read) for part in data]
    return read(data)


def _shape_of_literal(data: Any) -> list[int]:
    """The shape of nested lists.

    Raises:
        Mismatch: they are ragged.
    """
    if not isinstance(data, (list, tuple)):
        return []
    shapes = [_shape_of_literal(part) for part in data]
    for position, shape in enumerate(shapes):
        if shape != shapes[0]:
            raise Mismatch(
                f"'{shown(list(data))}' is ragged: its part {position} has the shape {shape}, its part 0 {shapes[0]}"
            )
    return [len(data), *(shapes[0] if shapes else [])]


def _shape_made(init: Init | None, arguments: Mapping[str, Any]) -> list[int] | None:
    """The shape that an init gives, or None where only making it tells."""
    if "data" in arguments:
        found = arguments["data"]
        return list(found.shape) if isinstance(found, torch.Tensor) else _shape_of_literal(found)
    if "size" in arguments:
        return list(arguments["size"])
    for key in ("steps", "window_length"):
        if key in arguments:
            return [arguments[key]]
    if init is not None and init.name == "eye":
        return [arguments["n"], arguments.get("m", arguments["n"])]
    if init is not None and init.name == "randperm":
        return [arguments["n"]]
    if init is not None and init.name == "arange":
        return _shape_of_range(arguments)
    return None


def _shape_of_range(arguments: Mapping[str, Any]) -> list[int]:
    start, end, step = arguments.get("start", 0), arguments["end"], arguments.get("step", 1)
    if step == 0:
        raise_message = "'0' steps nowhere; `step` is not 0"
        raise Mismatch(raise_message)
    return [max(math.ceil((end - start) / step), 0)]


def _stride_problem(stride: Sequence[int], shape: Sequence[int], offset: int) -> str | None:
    if len(stride) != len(shape):
        return f"'{list(stride)}' has {len(stride)} strides; the tensor has {len(shape)} dimensions"
    if any(step < 0 for step in stride) or offset < 0:
        return f"'{list(stride)}' has a negative stride; torch has none"
    # dimensions in order of stride: each must step over all that the smaller ones reach
    reach = 1
    for step, length in sorted(zip(stride, shape, strict=True)):
        if length > 1 and step != 0:
            if step < reach:
                return f"'{list(stride)}' lets elements of {list(shape)} overlap; a stride steps over the smaller dimensions, or is 0"
            reach += step * (length - 1)
    return None


__all__ = ["Start", "Starts", "flat", "literal_number"]
