"""Files of numbers, read to tensors: NumPy's arrays and archives, safetensors, and what `torch.save` wrote.

Nothing in them is run, and what they say about themselves is checked: sizes are compared with the file and with the
limit before memory is allocated, indices of sparse tensors with their shapes.
"""

from __future__ import annotations

import io
import math
import os
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BufferedReader
from typing import Any, Final

import numpy as np
import torch
from safetensors import SafetensorError, safe_open

from tensorflow_free.errors import words_of
from tensorflow_free.files.opening import path_of, size_problem, size_words
from tensorflow_free.recipe.names import did_you_mean
from tensorflow_free.tensors.memory import aligned
from tensorflow_free.text.phrases import some

MOST_NAMES: Final = 12
"""Names that are told of what an archive holds."""

MOST_MEMBERS: Final = 100_000
"""Members of an archive."""

_DIRECTORY: Final = 256
"""Bytes that a member may take in the list at an archive's end, on average."""

_END: Final = struct.Struct("<4s4H2LH")
"""The record at the end of a zip file. Source: PKWARE's APPNOTE, 4.3.16."""

_BEFORE_ZIP: Final = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"
"""How files of torch before 1.6 begin. Source: torch.serialization.MAGIC_NUMBER, pickled."""

PICKLED: Final = "it holds pickled Python objects, which could run code; save plain numbers instead"

_HEADERS: Final = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


class FileProblem(Exception):
    """A file that cannot be read as a recipe asks; `key` is the key of the tensor that is wrong."""

    def __init__(self, message: str, key: str = "path") -> None:
        super().__init__(message)
        self.message = message
        self.key = key


def one_of(names: Sequence[str], key: str | None, file: str) -> str:
    """The name to read: the key, or the only one there is."""
    listed = some(names, MOST_NAMES)
    if key is None and len(names) == 1:
        return names[0]
    if key is None and not names:
        raise FileProblem(f"'{file}' holds nothing")
    if key is None:
        raise FileProblem(f"'{file}' holds {listed}; name one of them as `key`")
    if key not in names:
        raise FileProblem(f"'{key}' is not in '{file}'{did_you_mean(key, names) or '; it holds ' + listed}", "key")
    return key


# NumPy's


def read_npy(file: BufferedReader, key: str | None, name: str) -> torch.Tensor:
    """The array of an .npy file."""
    if key is not None:
        raise FileProblem(f"'{key}' names an array of an .npz; '{name}' holds one array without a name", "key")
    return _array(file, os.fstat(file.fileno()).st_size, f"'{name}'")


def read_npz(file: BufferedReader, key: str | None, name: str) -> torch.Tensor:
    """An array of an .npz file; the others are not unpacked."""
    with _archive(file, f"'{name}' is not an .npz file") as archive:
        members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
        chosen = one_of(list(members), key, name)
        member = members[chosen]
        _refuse_size(member.file_size)
        with archive.open(member) as packed:
            # a member that holds more than it says is cut there, and its checksum is wrong
            unpacked = packed.read(member.file_size + 1)
    return _array(io.BytesIO(unpacked), len(unpacked), f"'{chosen}' in '{name}'")


def _array(file: Any, size: int, what: str) -> torch.Tensor:
    """An array in NumPy's format, of `size` bytes with its header."""
    if file.read(len(np.lib.format.MAGIC_PREFIX)) != np.lib.format.MAGIC_PREFIX:
        # NumPy would take it for a pickle
        raise FileProblem(f"{what} is not an .npy file")
    file.seek(0)
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise FileProblem(f"{what} is of .npy version {'.'.join(map(str, version))}, which only structured arrays need")
    try:
        shape, is_fortran, dtype = _HEADERS[version](file)
    except (ValueError, SyntaxError, TypeError, EOFError, RecursionError, MemoryError) as error:
        raise FileProblem(f"the header of {what} is broken: {words_of(error)}") from error
    _refuse_elements(dtype, what)
    if not all(isinstance(length, int) and 0 <= length < 2**63 for length in shape):
        raise FileProblem(f"the header of {what} says the shape {list(shape)}, which no array has")
    needed, there = math.prod(shape) * dtype.itemsize, size - file.tell()
    if needed > there:
        raise FileProblem(
            f"the header of {what} says {size_words(needed)} of numbers, and {size_words(there)} follow it"
        )
    _refuse_size(needed)
    # a buffer that can be written to gives a tensor that can
    values = np.frombuffer(bytearray(file.read(needed)), dtype=dtype)
    values = values.reshape(shape, order="F" if is_fortran else "C")
    return torch.from_numpy(values if dtype.isnative else values.astype(dtype.newbyteorder("=")))


def _refuse_elements(dtype: np.dtype[Any], what: str) -> None:
    """Refuse elements that are no numbers of torch's."""
    if dtype.hasobject:
        raise ValueError(PICKLED)
    if dtype.names:
        fields = ", ".join(dtype.names)
        raise FileProblem(
            f"{what} holds structured elements, with the fields {fields}; save each as an array of its own"
        )
    try:
        torch.from_numpy(np.empty(0, dtype=dtype.newbyteorder("=")))
    except TypeError as error:
        better = "; a dtype that NumPy has not is kept by .safetensors" if dtype.kind == "V" else ""
        message = f"{what} holds elements of NumPy's type {dtype}, and torch has no such dtype{better}"
        raise FileProblem(message) from error


# zip


@contextmanager
def _archive(file: BufferedReader, refusal: str) -> Iterator[zipfile.ZipFile]:
    """A zip file, its list of members held to a limit before it is read."""
    _refuse_directory(file)
    if not zipfile.is_zipfile(file):
        raise FileProblem(refusal)
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise FileProblem(f"'{os.path.basename(file.name)}' cannot be read: {words_of(error)}") from error  # noqa: PTH119 - a word


def _refuse_directory(file: BufferedReader) -> None:
    """Refuse an archive whose list of members alone would take the memory."""
    size = os.fstat(file.fileno()).st_size
    file.seek(max(0, size - _END.size - 2**16))
    tail = file.read()
    at = tail.rfind(b"PK\5\6")
    file.seek(0)
    if at < 0 or len(tail) - at < _END.size:
        return
    *_, members, directory, _, _ = _END.unpack_from(tail, at)
    # the list stands before its end; a size of all ones is told elsewhere, and is at most the whole file
    taken = min(directory, size)
    if members > MOST_MEMBERS or taken > MOST_MEMBERS * _DIRECTORY:
        raise ValueError(f"it lists its members in {size_words(taken)}; at most {MOST_MEMBERS:,} members are read")


def _refuse_size(size: int) -> None:
    if problem := size_problem(size):
        raise ValueError(problem)


# safetensors


def read_safetensors(file: BufferedReader, key: str | None, name: str) -> torch.Tensor:
    """A tensor of a .safetensors file; the others are not read."""
    _refuse_size(os.fstat(file.fileno()).st_size)
    try:
        with path_of(file) as path, safe_open(path, framework="pt") as stored:
            tensor: torch.Tensor = stored.get_tensor(one_of(list(stored.keys()), key, name))
            # the file's own memory would change with it
            return aligned(tensor, tensor.dtype.itemsize).clone()
    except SafetensorError as error:
        raise FileProblem(f"'{name}' cannot be read: {words_of(error)}") from error


# torch's


def read_pt(file: BufferedReader, key: str | None, name: str) -> torch.Tensor:
    """A tensor that torch.save wrote, alone or in a mapping."""
    kind = "not a file that torch.save wrote"
    if file.read(len(_BEFORE_ZIP)) == _BEFORE_ZIP:
        # such a file can name memory that it does not fill
        kind = "of the kind that torch before 1.6 wrote; save it again, with torch.save"
    refusal = f"'{name}' cannot be read: it is {kind}"
    with _archive(file, refusal) as archive:
        members = archive.infolist()
        _refuse_size(sum(member.file_size for member in members))
    file.seek(0)
    with warnings.catch_warnings(), torch.sparse.check_sparse_tensor_invariants():  # type: ignore[no-untyped-call]
        # torch warns of what it then refuses
        warnings.simplefilter("ignore")
        stored = torch.load(file, map_location="cpu", weights_only=True)
        tensor = _chosen(stored, key, name).detach()
        _refuse_memory(tensor, max((member.file_size for member in members), default=0), name)
        return tensor


def refusal_of(error: Exception) -> str:
    """Why a file cannot be read, from what a reader raised: in our words where it is more than numbers."""
    text = str(error)
    if "TorchScript" in text or (
        "Weights only" in text and re.search(r"Unsupported|Trying to|Can only|not allowed", text)
    ):
        return PICKLED
    if "Weights only" in text:
        return f"its data.pkl is broken{': ' + words_of(error.__context__) if error.__context__ else ''}"
    return words_of(error)


def _chosen(stored: Any, key: str | None, name: str) -> torch.Tensor:
    if isinstance(stored, Mapping):
        stored, key = _entry(stored, key, name), None
    if key is not None:
        raise FileProblem(f"'{key}' names a tensor of several; '{name}' holds one without a name", "key")
    if isinstance(stored, Mapping):
        raise FileProblem(f"'{name}' holds mappings in a mapping; save the one that is meant, as a file of its own")
    if not isinstance(stored, torch.Tensor):
        raise FileProblem(f"'{name}' holds an object of type '{type(stored).__name__}', not a tensor")
    return stored


def _entry(stored: Mapping[Any, Any], key: str | None, name: str) -> Any:
    """What a mapping holds under a key, or the only thing that it holds."""
    if key is None and len(stored) == 1:
        return next(iter(stored.values()))
    words = [one for one in stored if isinstance(one, str)]
    others = [one for one in stored if not isinstance(one, str)]
    if others and (key is None or key not in words):
        listed = ", ".join([*(repr(one) for one in others), *words][:MOST_NAMES])
        kinds = " and ".join(sorted({f"'{type(one).__name__}'" for one in others}))
        what = f"of type {kinds}, which `key` cannot name; save the tensors under words"
        raise FileProblem(f"'{name}' holds {listed}: keys {what}", "path" if key is None else "key")
    return stored[one_of(words, key, name)]


def _refuse_memory(tensor: torch.Tensor, most: int, name: str) -> None:
    """Refuse a tensor without numbers, and one whose memory is more than any part of the file."""
    if tensor.is_meta:
        raise FileProblem(f"'{name}' holds a tensor of the device 'meta', which has a shape and no numbers")
    if tensor.layout == torch.strided and not tensor.is_nested and tensor.untyped_storage().nbytes() > most:
        raise FileProblem(f"'{name}' is broken: its tensor takes more than the file holds")
