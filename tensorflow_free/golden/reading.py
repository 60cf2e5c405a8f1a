"""A case read back from its golden with all its numbers, each checked to be the recorded one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar

import torch

from tensorflow_free.codec.arrays import Arrays
from tensorflow_free.codec.numbers import array_of
from tensorflow_free.codec.parts import plain_form, whole_of, without_numbers
from tensorflow_free.codec.values import constant_of, value_of
from tensorflow_free.errors import StorageError
from tensorflow_free.golden.cases import UNFINISHED, StoredCase, StoredValue, arrays_of, is_as_named
from tensorflow_free.golden.leeways import StoredLeeway
from tensorflow_free.golden.levels import of_text, unpacked
from tensorflow_free.golden.model import GoldenCase, GoldenFile, GoldenValue, Numbers, Part
from tensorflow_free.golden.places import arrays_beside, read_golden_file, record_again
from tensorflow_free.tensors.dtypes import word_of
from tensorflow_free.text.phrases import some

_MOST_NAMES: Final = 3
"""Names in a message."""

Decoded = TypeVar("Decoded")


def read_case(golden: GoldenFile, name: str) -> StoredCase:
    """A case of a golden with its numbers.

    Raises:
        StorageError: an array is missing, or one too many, or not the one that was recorded.
        KeyError: the golden has no such case.
    """
    try:
        return _read(golden, name)
    except StorageError:
        # another worker may be recording it anew since its json was read; nobody does while the lock is held
        from tensorflow_free.golden.lock import locked  # noqa: PLC0415 - it takes 40 ms, and is hardly ever needed

        with locked(golden.path):
            latest = read_golden_file(golden.path, golden.recipe_path)
            return _read(latest if name in latest.cases else golden, name)


def _read(golden: GoldenFile, name: str) -> StoredCase:
    case = golden.cases[name]
    _check_values(golden, case)
    with arrays_of(arrays_beside(golden.path)) as arrays:
        _check_names(golden, arrays)
        decoding = _Decoding(golden, arrays)
        return StoredCase(
            digest=case.digest,
            made=case.made,
            starts={one.name: decoding.value(one) for one in case.starts},
            values=tuple(decoding.golden_value(one) for one in case.values),
            unsupported=case.unsupported,
            unmet=case.unmet,
            nudged_runs=case.nudged_runs,
            starts_from=case.starts_from,
        )


def _check_values(golden: GoldenFile, case: GoldenCase) -> None:
    for ones in (case.starts, case.values):
        name, count = Counter(one.name for one in ones).most_common(1)[0] if ones else ("", 1)
        if count > 1:
            raise StorageError(f"{golden.path}: '{name}' occurs twice in it; {record_again(golden.recipe_path)}")


def _check_names(golden: GoldenFile, arrays: Arrays) -> None:
    """That the safetensors file holds what the json names, and no more, but while a recording is under way."""
    wanted, again = golden.stored_names(), record_again(golden.recipe_path)
    if missing := sorted(wanted - arrays.names):
        raise StorageError(f"{arrays_beside(golden.path)}: {_some(missing)} missing; {again}")
    extra = sorted(arrays.names - wanted)
    if extra and arrays.metadata != UNFINISHED:
        raise StorageError(f"{arrays_beside(golden.path)}: {_some(extra)} not named in {golden.path.name}; {again}")


def _some(names: Sequence[str]) -> str:
    listed = some((f"'{name}'" for name in names), _MOST_NAMES)
    return f"{listed} {'is' if len(names) == 1 else 'are'}"


class _Decoding:
    """The values of one golden, made again."""

    def __init__(self, golden: GoldenFile, arrays: Arrays) -> None:
        self._path = golden.path
        self._arrays = arrays
        self._again = record_again(golden.recipe_path)

    def value(self, one: Numbers) -> Any:
        """The value of an entry."""
        return self._decoded(one, lambda: self._tensor(one) if one.type == "tensor" else value_of(one.type, one.value))

    def golden_value(self, one: GoldenValue) -> StoredValue:
        """A value with its noise and its leeways."""
        value = self.value(one)
        leeways = self._decoded(one, lambda: dict(self._leeways(one, value)))
        return StoredValue(one.name, one.kind, value, one.op, one.noise, one.mark, leeways)

    def _decoded(self, one: Numbers, decode: Callable[[], Decoded]) -> Decoded:
        """What is decoded of an entry; what is wrong with it is told with its name."""
        try:
            return decode()
        except StorageError as error:
            raise StorageError(f"{error}; {self._again}") from error
        except (RuntimeError, ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
            words = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise StorageError(f"{self._path}: '{one.name}': {words}; {self._again}") from error

    def _leeways(self, one: GoldenValue, value: Any) -> Iterator[tuple[str, StoredLeeway]]:
        """The leeways that a value has, by dtype."""
        count = value.numel() if isinstance(value, torch.Tensor) else 1
        apart = [dtype for dtype, kept in one.leeway.items() if kept.least is not None and kept.levels is None]
        levels = {dtype: of_text(kept.levels) for dtype, kept in one.leeway.items() if kept.levels is not None}
        if apart:
            form = torch.uint8, [len(apart), (count + 1) // 2]
            array = self._array(one.name, Part(dtype="uint8", shape=form[1], stored=one.levels), *form)
            levels |= zip(apart, unpacked(array, count), strict=True)
        if any(found.numel() != count for found in levels.values()):
            raise ValueError(f"it has {count:,} numbers, and not as many levels")
        for dtype, kept in one.leeway.items():
            yield dtype, StoredLeeway(kept.moved, kept.most, kept.least, levels.get(dtype), kept.over, kept.runs)

    def _tensor(self, one: Numbers) -> torch.Tensor:
        dtype: torch.dtype = constant_of(one.dtype, torch.dtype)
        if one.value is None and one.stored is None and not one.parts:
            return without_numbers(dtype, one.shape or [])
        if one.parts:
            arrays = {part: self._array(one.name, inner, *_form(inner)) for part, inner in one.parts.items()}
        else:
            arrays = {"": self._array(one.name, one, *plain_form(dtype, one.shape or []))}
        return whole_of(arrays, dtype, one.layout, one.shape)

    def _array(self, name: str, kept: Numbers | Part, dtype: torch.dtype, shape: list[int]) -> torch.Tensor:
        if kept.stored is None:
            return array_of(kept.value, dtype, shape)
        array = self._arrays.read(kept.stored)
        if (array.dtype, list(array.shape)) != (dtype, shape):
            found = f"'{name}' is {word_of(array.dtype)} {list(array.shape)}"
            raise self._fault(f"{found} here, and {word_of(dtype)} {shape} in {self._path.name}")
        if not is_as_named(kept.stored, array):
            raise self._fault(f"'{name}' does not hold the numbers that were recorded")
        return array

    def _fault(self, message: str) -> StorageError:
        return StorageError(f"{arrays_beside(self._path)}: {message}")


def _form(part: Part) -> tuple[torch.dtype, list[int]]:
    return constant_of(part.dtype, torch.dtype), part.shape
