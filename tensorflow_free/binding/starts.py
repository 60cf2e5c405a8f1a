"""Binds a recipe's tensors: each `TensorSpec` is checked against its init and becomes a `Start`, or problems."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from tensorflow_free.binding.given_starts import misfits_of
from tensorflow_free.binding.init_arguments import read_parameter
from tensorflow_free.binding.kinds import MEMORY_FORMATS, has_gradients, without_gradient
from tensorflow_free.binding.shapes import inferred, range_problem, shape_made, shape_problem, stride_problem
from tensorflow_free.files.opening import FileRead
from tensorflow_free.plan.calls import described
from tensorflow_free.recipe.dotted import KeyPath
from tensorflow_free.recipe.init_kinds import INIT_KINDS, VIEWS, by_name
from tensorflow_free.recipe.models import TensorSpec, written_keys
from tensorflow_free.recipe.names import FOLLOWING, did_you_mean, nearest
from tensorflow_free.tensors import devices
from tensorflow_free.tensors import tensor_files as files
from tensorflow_free.tensors.archives import FileProblem
from tensorflow_free.tensors.dtypes import TORCH_DTYPES, dtype_of, word_of
from tensorflow_free.tensors.inits import INITS, LIKE, flat, own_dtype
from tensorflow_free.tensors.literals import misfits
from tensorflow_free.tensors.memory import extent_of, gibibytes, installed, overlaps
from tensorflow_free.tensors.mismatch import Mismatch
from tensorflow_free.tensors.starting_tensors import Start, made_in
from tensorflow_free.text.phrases import shown

Report = Callable[[Sequence[str | int], str], None]


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
        self._pinned: dict[str, None] = {}
        self.files: list[FileRead] = []
        self.named_devices: Collection[str] = ()
        """The kinds of devices that the recipe itself speaks of."""

    def bind(self, name: str, spec: TensorSpec, path: KeyPath) -> Start | None:
        """The tensor, or None where a problem was reported."""
        self._faulty = 0
        try:
            start = self._bind(name, spec, path)
        except _Wrong:
            start = None
        if start is None or self._faulty:
            self.skip(name)
            return None
        return start

    def skip(self, name: str) -> None:
        """Note a tensor of which nothing is known but its name."""
        self.made.setdefault(name, (TORCH_DTYPES[self._dtype], self._device, None))

    def _wrong(self, path: Sequence[str | int], message: str) -> None:
        self._faulty += 1
        self._report(path, message)

    def _bind(self, name: str, spec: TensorSpec, path: KeyPath) -> Start | None:
        if spec.init not in INIT_KINDS:
            near = did_you_mean(spec.init, INIT_KINDS) or f"; it is one of {', '.join(INIT_KINDS)}"
            self._wrong((*path, "init"), f"'{spec.init}' is not an init{near}")
            return None
        if not self._says_what(spec, path):
            return None
        self._check_view(spec, path)
        arguments = self._arguments(spec, path)
        self._check_data(arguments, spec, path)
        if self._faulty:
            return None
        source = self.made.get(arguments.pop("input", ""), None)
        follows = self._follows(name, spec)
        dtype, made_dtype = self._dtypes(spec, arguments, source, path, follows=follows)
        device = self._place_of(spec, source, path)
        self._check_numbers(spec, arguments, made_dtype, path)
        shape = self._shape(spec, arguments, source, path)
        self._check_memory(spec, shape, dtype, device, path)
        if shape is not None and spec.stride is not None and "data" in arguments and not self._faulty:
            self._check_expansion(spec.stride, arguments["data"], shape, path)
        if spec.requires_grad and dtype is not None and not has_gradients(dtype):
            self._wrong((*path, "requires_grad"), without_gradient(name, dtype))
        if self._faulty:
            return None
        self.made[name] = (dtype, device, shape)
        rounds = follows and (dtype.is_complex or (dtype.is_floating_point and dtype.itemsize > 1))
        start = Start(
            name=name,
            init=spec.init,
            arguments=arguments,
            dtype=dtype,
            made_in=made_dtype,
            device=device,
            rounded_to=self._precision if rounds and spec.init not in VIEWS else None,
            requires_grad=spec.requires_grad,
            input=spec.model_extra.get("input") if spec.model_extra else None,
            shape=spec.shape,
            seed=spec.seed,
            memory_format=None if spec.memory_format is None else MEMORY_FORMATS.get(spec.memory_format),
            stride=None if spec.init == "as_strided" else spec.stride,
            storage_offset=0 if spec.init == "as_strided" else (spec.storage_offset or 0),
        )
        return start if spec.values is None else replace(start, given=self._values(spec, start, shape, path))

    def _says_what(self, spec: TensorSpec, path: KeyPath) -> bool:
        """Whether the tensor has an init or data; one whose `init` is misspelt says nothing else of use."""
        given = spec.model_extra or {}
        if "init" in spec.model_fields_set or "data" in given:
            return True
        keys = [*written_keys(TensorSpec), "data"]
        for key in given:
            if nearest(key, keys) in ("init", "data"):
                self._wrong((*path, key), f"'{key}' is not a key of a tensor{did_you_mean(key, keys)}")
                return False
        plain = ", such as {init: ones, size: [2, 3]} or {data: [1.0, 2.0]}"
        more = f"; one from a file is {_from_file(given['path'])}" if "path" in given else plain
        self._wrong(path, f"a tensor needs 'init' or 'data'{more}")
        return False

    def _check_view(self, spec: TensorSpec, path: KeyPath) -> None:
        """A view is of the values that lie there; what would make others is not for it to say."""
        given = spec.model_fields_set if spec.init == "as_strided" else ()
        for key in ("shape", "seed", "device", "memory_format", "values"):
            if key in given:
                self._wrong((*path, key), f"'{key}' does not apply to a view of existing memory; leave it out")

    def _check_data(self, arguments: Mapping[str, Any], spec: TensorSpec, path: KeyPath) -> None:
        """Refuse tensors that no run can start from."""
        data = arguments.get("data")
        if not isinstance(data, torch.Tensor):
            return
        key = "data" if "data" in (spec.model_extra or {}) else "path"
        if data.is_nested:
            better = "a recipe starts from tensors of one shape; give its parts, each as a tensor of its own"
            self._wrong((*path, key), f"'{described(data)}' is a nested tensor; {better}")
        elif data.is_meta and (spec.device or self._device) != "meta":
            better = "only a tensor with `device: meta` needs none"
            self._wrong((*path, key), f"'{described(data)}' has no numbers; {better}")

    def _follows(self, name: str, spec: TensorSpec) -> bool:
        """Whether the recipe decides the tensor's dtype: none is pinned, on it or on the tensor that it is like."""
        source = (spec.model_extra or {}).get("input")
        follows = spec.dtype in FOLLOWING or (spec.dtype is None and source not in self._pinned)
        if not follows:
            self._pinned[name] = None
        return follows

    def _check_numbers(self, spec: TensorSpec, arguments: Mapping[str, Any], dtype: torch.dtype, path: KeyPath) -> None:
        better = "pin another dtype" if spec.dtype else "write it with a point, or pin another dtype"
        for key in ("data", "fill_value"):
            if key in arguments and not isinstance(arguments[key], torch.Tensor):
                for number in misfits(flat(arguments[key]), dtype):
                    self._wrong((*path, key), f"'{shown(number)}' does not fit in {word_of(dtype)}; {better}")

    def _arguments(self, spec: TensorSpec, path: KeyPath) -> dict[str, Any]:
        """The init's own arguments, checked and read."""
        kind = INIT_KINDS[spec.init]
        given = dict(spec.model_extra or {})
        if spec.init == "as_strided":
            layout = {"stride": spec.stride, "storage_offset": spec.storage_offset}
            given.update({key: value for key, value in layout.items() if value is not None})
        allowed = kind.names
        arguments: dict[str, Any] = {}
        misspelt: set[str | None] = set()
        literal_dtype = self._literal_dtype(spec)
        for key, written in given.items():
            if key not in allowed:
                meant = by_name(kind, written) if key == "args" else ""
                better = f"; write {meant}" if meant else _meant(key, allowed)
                self._wrong((*path, key), f"'{key}' is not a parameter of {spec.init}{better}")
                misspelt |= {nearest(key, allowed), *(kind.names if meant else ())}
                continue
            try:
                arguments[key] = read_parameter(spec.init, key, written, literal_dtype, self.made)
            except Mismatch as mismatch:
                is_file = key == "data" and isinstance(written, str) and written.endswith(files.SUFFIXES)
                better = f"; numbers from a file are {_from_file(written)}" if is_file else ""
                self._wrong((*path, key), f"{mismatch.message}{better}")
        for key in kind.required:
            if key not in given and key not in misspelt:
                reshapes = key == "size" and spec.shape is not None
                better = f"; `shape` reshapes what is made; write size: {shown(spec.shape)}" if reshapes else ""
                self._wrong(path, f"{spec.init} needs '{key}'{better}")
        if spec.init in ("load", "from_numpy") and not self._faulty:
            arguments = {"data": self._read_file(arguments["path"], arguments.get("key"), path)}
        return arguments

    def _literal_dtype(self, spec: TensorSpec) -> str:
        """Whose finfo `{finfo: max}` asks for: the pinned floating dtype's, or the recipe's."""
        pinned = dtype_of(spec.dtype or "floating", self._dtype)
        return word_of(pinned) if pinned is not None and pinned.is_floating_point else self._dtype

    def _read_file(self, written: str, key: str | None, path: KeyPath, named_by: str = "path") -> torch.Tensor:
        try:
            where = files.inside(self._folder, written)
            tensor, state = files.read_tensor(where, key)
        except FileProblem as problem:
            self._wrong((*path, named_by if problem.key == "path" else problem.key), problem.message)
            raise _Wrong from problem
        self.files.append(FileRead(written, str(where), state))
        return tensor

    def _values(self, spec: TensorSpec, start: Start, shape: list[int] | None, path: KeyPath) -> torch.Tensor | None:
        """The numbers of a file that take the place of those that the init makes."""
        if spec.values is None or start.device == "meta":
            return None
        numbers = self._read_file(spec.values, None, path, "values")
        for problem in misfits_of(numbers, start, shape):
            self._wrong((*path, "values"), f"'{spec.values}': {problem}")
        return numbers

    def _dtypes(
        self, spec: TensorSpec, arguments: Mapping[str, Any], source: Any, path: KeyPath, *, follows: bool
    ) -> tuple[torch.dtype, torch.dtype]:
        """The tensor's dtype, and the one that its values are made in."""
        pinned = None
        if spec.dtype is not None:
            pinned = dtype_of(spec.dtype, self._dtype)
            if pinned is None:
                self._wrong((*path, "dtype"), f"'{spec.dtype}' is not a dtype{did_you_mean(spec.dtype, TORCH_DTYPES)}")
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
        rounded = self._precision if follows else None
        if isinstance(arguments.get("data"), torch.Tensor):
            return target, arguments["data"].dtype
        return target, made_in(init, None if follows else target, target, rounded)

    def _place_of(self, spec: TensorSpec, source: Any, path: KeyPath) -> str:
        if spec.device is None:
            return str(source[1]) if source is not None else self._device
        problem = devices.form_problem(spec.device, self.named_devices) or devices.absence(spec.device)
        if problem is not None:
            self._wrong((*path, "device"), problem)
            raise _Wrong
        return spec.device

    def _shape(self, spec: TensorSpec, arguments: Mapping[str, Any], source: Any, path: KeyPath) -> list[int] | None:
        if spec.shape is not None and (problem := shape_problem(spec.shape)):
            self._wrong((*path, "shape"), problem)
            raise _Wrong
        if (wrong := range_problem(spec.init, arguments)) is not None:
            self._wrong((*path, wrong[0]), wrong[1])
            raise _Wrong
        made = list(source[2]) if source is not None and source[2] is not None and "size" not in arguments else None
        if source is None or "size" in arguments:
            made = shape_made(INITS.get(spec.init), arguments)
        if spec.shape is None:
            return made
        shape = inferred(spec.shape, made)
        if made is None or math.prod(made) == math.prod(shape):
            return shape
        self._wrong((*path, "shape"), f"'{spec.shape}' does not hold {math.prod(made)} elements, which the tensor has")
        raise _Wrong

    def _check_memory(
        self, spec: TensorSpec, shape: list[int] | None, dtype: torch.dtype, device: str, path: KeyPath
    ) -> None:
        if spec.memory_format is not None:
            self._check_format(spec, shape, path)
        if shape is None:
            return
        if spec.storage_offset is not None and spec.stride is None and spec.init != "as_strided":
            self._wrong((*path, "storage_offset"), "'storage_offset' says where strides begin; give `stride` too")
        elif (spec.storage_offset or 0) < 0:
            self._wrong((*path, "storage_offset"), f"'{spec.storage_offset}' is less than 0; storage begins at 0")
            return
        strided = spec.stride is not None and spec.init != "as_strided"
        if strided and (problem := stride_problem(spec.stride or (), shape)):
            self._wrong((*path, "stride"), problem)
            return
        extent = extent_of(shape, spec.stride or (), spec.storage_offset or 0) if strided else 0
        # the values are made for the whole size first, also where a stride of 0 keeps few of them
        needed = max(extent, 0 if spec.init == "as_strided" else math.prod(shape)) * dtype.itemsize
        if device != "meta" and needed > installed():
            given = (*(spec.model_extra or {}), *(("stride",) if spec.stride else ()), "init")
            key = next(key for key in ("size", "end", "steps", "n", "window_length", "stride", "init") if key in given)
            takes = f"takes {gibibytes(needed)} in {word_of(dtype)}"
            self._wrong((*path, key), f"'{shown(shape)}' {takes}; this machine has {gibibytes(installed())}")
        elif strided:
            self._check_overlap(spec.stride or (), shape, path)

    def _check_overlap(self, stride: Sequence[int], shape: Sequence[int], path: KeyPath) -> None:
        # a stride of 0 makes an expanded view of a tensor whose size is 1 there
        kept = [1 if step == 0 else length for step, length in zip(stride, shape, strict=True)]
        if overlaps(kept, stride):
            better = "each place holds one element, but where a stride is 0"
            self._wrong((*path, "stride"), f"'{list(stride)}' lets elements of {list(shape)} overlap; {better}")

    def _check_expansion(self, stride: Sequence[int], data: Any, shape: Sequence[int], path: KeyPath) -> None:
        """Data that differ along a stride of 0 would be lost but for the first of them."""
        if 0 not in stride or 0 in shape:
            return
        values = (data if isinstance(data, torch.Tensor) else torch.tensor(data)).reshape(list(shape))
        for dimension, step in enumerate(stride):
            first = values.narrow(dimension, 0, 1).expand_as(values)
            if step == 0 and not torch.equal(values.nan_to_num(), first.nan_to_num()):
                lost = f"'0' keeps one element along dimension {dimension}, and the data differ there"
                self._wrong((*path, "stride", dimension), lost)

    def _check_format(self, spec: TensorSpec, shape: list[int] | None, path: KeyPath) -> None:
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


def _from_file(path: object) -> str:
    return f"{{init: load, path: {shown(path)}}}"


def _meant(key: str, allowed: Sequence[str]) -> str:
    """What a key that is no parameter of an init was meant to be; one of another init was meant to be itself."""
    shared = [word for word in written_keys(TensorSpec) if word != "init"]
    elsewhere = any(key in INIT_KINDS[init].names for init in INITS)
    return ("" if elsewhere else did_you_mean(key, [*allowed, *shared])) or f"; it takes {', '.join(allowed)}"
