"""Zip files of packs: written with the same bytes for the same files, and read with nothing believed. No torch.

A pack may come from anywhere. So it is unpacked into a part folder that counts only when it is whole; every name is one
that packs have, every file the one that `pack.json` tells of, and what there may be is bounded before it is read.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Final

from pydantic import ValidationError

from tensorflow_free.errors import StorageError, reason_of
from tensorflow_free.files.opening import PIECE, largest, open_file, size_problem, unchanged
from tensorflow_free.files.whole_files import filling, replacing
from tensorflow_free.packs.model import PACK, PACK_VERSION, PackedFile, PackFile, is_name
from tensorflow_free.text.characters import printable
from tensorflow_free.text.phrases import cut

WHEN: Final = (1980, 1, 1, 0, 0, 0)
"""The date of every file in a pack: a pack tells what it holds, and not when it was made."""

MOST_FILES: Final = 100_000
"""Files of a pack."""

MOST_TOLD: Final = 10
"""Problems of a pack that are told."""

LARGEST_DOCUMENT: Final = 64 * 2**20
"""Bytes of `pack.json`."""

LONGEST_NAME: Final = 80
"""Characters of a file's name in a message."""

_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED: Final = 0x1


def packed_files(folder: Path) -> dict[str, PackedFile]:
    """Every file below a folder, by its name there, sorted."""
    return {path.relative_to(folder).as_posix(): _packed(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def _packed(path: Path) -> PackedFile:
    with path.open("rb") as file:
        return PackedFile(size=path.stat().st_size, sha256=hashlib.file_digest(file, "sha256").hexdigest())


def write_pack(folder: Path, pack: PackFile, to: Path) -> None:
    """Write a pack, whole or not at all.

    Args:
        folder: holds its files.
        pack: what tells of them.
        to: the zip file.

    Raises:
        OSError: it cannot be written.
    """
    document = pack.model_dump_json(indent=1).encode()
    with replacing(to) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        archive.writestr(_entry(PACK), document)
        for name in sorted(pack.files):
            with (folder / name).open("rb") as source, archive.open(_entry(name), "w", force_zip64=True) as target:
                shutil.copyfileobj(source, target, PIECE)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, WHEN)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = 3
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    return entry


def read_pack(path: Path) -> PackFile:
    """What a pack says of itself; none of its other files is read.

    Raises:
        StorageError: it is not a pack, or a broken one.
    """
    with _opened(path) as archive:
        return _checked(path, archive)[0]


def unpack(path: Path, into: Path) -> PackFile:
    """Unpack a pack into a folder, which appears with all its files, or not at all.

    Args:
        path: the zip file.
        into: the folder; it is not there.

    Raises:
        StorageError: it is not a pack, is broken or larger than files may be, or the folder cannot be written.
    """
    with _opened(path) as archive:
        pack, entries = _checked(path, archive)
        try:
            with filling(into, PACK, tidy=False) as part:
                for name, entry in entries.items():
                    place = part / name
                    place.parent.mkdir(parents=True, exist_ok=True)
                    with archive.open(entry) as source, place.open("xb") as target:
                        _copy(path, source, target, name, pack.files.get(name))
        except OSError as error:
            raise StorageError(f"{into}: the pack cannot be written there: {reason_of(error)}") from error
    return pack


def _checked(path: Path, archive: zipfile.ZipFile) -> tuple[PackFile, dict[str, zipfile.ZipInfo]]:
    """What a pack says of itself, and its files by name, which are those that it tells of."""
    entries = _entries(path, archive.infolist())
    pack = _document(path, archive, entries)
    _refuse(path, _other_files(pack, entries))
    return pack, entries


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """A pack, open for reading; whatever a zip file can be is told.

    Raises:
        StorageError: it is not a zip file, or a broken one.
    """
    try:
        with open_file(path) as file, unchanged(file):
            size = path.stat().st_size
            if problem := size_problem(size):
                raise StorageError(f"{path}: {problem}")
            with zipfile.ZipFile(file) as archive:
                yield archive
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        LookupError,
    ) as error:
        words = str(error) or type(error).__name__
        raise StorageError(f"{path}: is not a pack, or a broken one: {printable(cut(words, LONGEST_NAME))}") from error
    except OSError as error:
        raise StorageError(f"{path}: cannot be read: {reason_of(error)}") from error


def _entries(path: Path, infos: Sequence[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """The files of a zip file by name, every one of which a pack may have.

    Raises:
        StorageError: there are others, twice the same, too many, or too much in them.
    """
    if len(infos) > MOST_FILES:
        raise StorageError(f"{path}: it holds {len(infos):,} files; a pack has at most {MOST_FILES:,}")
    _refuse(path, (f"{_told(one.filename)} {why}" for one in infos if (why := _unfit(one))))
    times = Counter(one.filename for one in infos)
    _refuse(path, (f"{_told(name)} is in it {count} times" for name, count in times.items() if count > 1))
    entries = {one.filename: one for one in infos}
    if problem := size_problem(sum(one.file_size for one in infos)):
        raise StorageError(f"{path}: {problem}")
    return entries


def _unfit(entry: zipfile.ZipInfo) -> str:
    """Why an entry of a zip file is no file of a pack; empty where it is one."""
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        return "is no regular file; a pack holds neither links nor folders"
    if not is_name(entry.filename) or entry.filename != entry.orig_filename:
        return "is not the name of a file that packs have"
    if entry.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if entry.compress_type not in _METHODS:
        return "is compressed by a method that packs do not use"
    return ""


def _document(path: Path, archive: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo]) -> PackFile:
    """What `pack.json` says.

    Raises:
        StorageError: there is none, or it is of a newer version, or broken.
    """
    if PACK not in entries:
        raise StorageError(f"{path}: is not a pack; there is no {PACK} in it")
    if entries[PACK].file_size > LARGEST_DOCUMENT:
        raise StorageError(f"{path}: its {PACK} is larger than that of any pack")
    with archive.open(entries[PACK]) as file:
        text = file.read(LARGEST_DOCUMENT + 1)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StorageError(f"{path}: its {PACK} is no JSON: {reason_of(error)}") from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if isinstance(version, int) and version > PACK_VERSION:
        raise StorageError(f"{path}: is a pack of version {version}; this tensorflow_free reads up to {PACK_VERSION}")
    try:
        return PackFile.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        words = f"{where}: {first['msg']}" if where else first["msg"]
        raise StorageError(f"{path}: its {PACK} is broken: {printable(cut(words, 10 * LONGEST_NAME))}") from error


def _other_files(pack: PackFile, entries: Mapping[str, zipfile.ZipInfo]) -> Iterator[str]:
    """What of a zip file is not as its `pack.json` says."""
    there = entries.keys() - {PACK}
    yield from (f"{_told(name)} is not named in {PACK}" for name in sorted(there - pack.files.keys()))
    yield from (f"{_told(name)} is missing" for name in sorted(pack.files.keys() - there))
    for name in sorted(there & pack.files.keys()):
        if entries[name].file_size != pack.files[name].size:
            yield f"{_told(name)} holds {entries[name].file_size:,} bytes, and {pack.files[name].size:,} in {PACK}"
    recipes = [cell.recipe for cell in pack.cells]
    yield from (f"{_told(name)}, a cell's recipe, is missing" for name in recipes if name not in pack.files)
    if len(set(recipes)) != len(recipes):
        yield "two of its cells have the same recipe's file"


def _copy(path: Path, source: IO[bytes], target: IO[bytes], name: str, known: PackedFile | None) -> None:
    """Copy what a file of a pack holds, and see that it is what the pack says.

    Raises:
        StorageError: it is not.
    """
    digest, size, limit = hashlib.sha256(), 0, largest() if known is None else known.size
    for piece in iter(lambda: source.read(PIECE), b""):
        size += len(piece)
        if size > limit:
            raise StorageError(f"{path}: {_told(name)} holds more than it says")
        digest.update(piece)
        target.write(piece)
    if known is not None and (size, digest.hexdigest()) != (known.size, known.sha256):
        raise StorageError(f"{path}: {_told(name)} does not hold what was packed")


def _refuse(path: Path, problems: Iterator[str]) -> None:
    """Raise what is wrong with a pack, if anything is; the first of many."""
    found = list(islice(problems, MOST_TOLD + 1))
    if found:
        more = ["and more"] if len(found) > MOST_TOLD else []
        raise StorageError("\n".join(f"{path}: {one}" for one in [*found[:MOST_TOLD], *more]))


def _told(name: str) -> str:
    return f"'{printable(cut(name, LONGEST_NAME))}'"
