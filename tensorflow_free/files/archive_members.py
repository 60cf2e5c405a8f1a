"""Members of an archive of cells: what a cell's folder holds as one gzip member, packed and unpacked; no files.

The header of a member says how long it is and of which cell (an extra field, as that of BGZF); a member holds the tar
of the folder, and ends with its checksum. One that holds nothing says that its cell is gone. What is unpacked is not
trusted: a size is believed as far as bytes are there, and only so much is unpacked.
"""

from __future__ import annotations

import os
import struct
import tarfile
import time
import zlib
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

LARGEST: Final = 2**24
"""Bytes that all files of an archived cell may hold together. A larger cell has a folder of its own."""

PLAIN_FROM: Final = 2**16
"""Bytes from which on a file of numbers is stored as it is: deflating makes numbers hardly smaller, and takes long."""

HEAD_BYTES: Final = 256
"""Bytes that hold the whole header of a member, but for cells of very long names."""

_TEXTS: Final = (".json", ".yaml")

_ENCODED: Final = ("utf-8", "surrogateescape")
"""How a tar has names."""

_HEAD: Final = struct.Struct("<10sH2sHQ")
"""A member's header: gzip's own, the length of the extra field, its id, the length of that, the length of the member;
the cell's name follows. Source: RFC 1952, 2.3."""

_GZIP: Final = b"\x1f\x8b\x08\x04" + bytes(5) + b"\xff"
"""Deflated, with an extra field, of no time, from any system."""

_ID: Final = b"TF"

_TAIL: Final = struct.Struct("<II")
"""A member's end: the checksum and the length of what it holds."""

_NOTHING: Final = b"\x03\x00"
"""Nothing, deflated."""

_LONGEST_NAME: Final = 2**15
"""Bytes of a cell's name; the extra field holds at most 2**16."""

_SPARE: Final = 2**20
"""Bytes by which what tar and gzip put around a cell may make it longer."""


LARGEST_MEMBER: Final = LARGEST + _SPARE
"""Bytes that a member may have, packed or not."""


class Header(NamedTuple):
    """What the header of a member says.

    Attributes:
        cell: the cell's name: the path of its folder.
        length: bytes of the member.
        is_gone: whether the member takes the cell away, as it holds nothing.
    """

    cell: str
    length: int
    is_gone: bool


def member_of(cell: str, files: Mapping[str, bytes]) -> bytes:
    """The member of a cell.

    Args:
        cell: its name.
        files: what its files hold, by their paths in its folder; none where it is gone.

    Raises:
        OSError: its name is too long.
    """
    name = os.fsencode(cell)
    if len(name) > _LONGEST_NAME:
        raise OSError(None, f"the name of the cell is longer than {_LONGEST_NAME} bytes", cell)
    moment = int(time.time())
    texts, numbers = bytearray(), bytearray()
    for file, content in files.items():
        is_text = file.endswith(_TEXTS) or len(content) < PLAIN_FROM
        part = texts if is_text else numbers
        part += _tar_header(f"{cell}/{file}", len(content), moment)
        part += content
        part += bytes(-len(content) % tarfile.BLOCKSIZE)
    packed = _deflated(texts, numbers)
    tail = _TAIL.pack(zlib.crc32(numbers, zlib.crc32(texts)), len(texts) + len(numbers))
    extra = 4 + 8 + len(name)
    length = _HEAD.size + len(name) + len(packed) + _TAIL.size
    return b"".join((_HEAD.pack(_GZIP, extra, _ID, extra - 4, length), name, packed, tail))


def _deflated(texts: bytes | bytearray, numbers: bytes | bytearray) -> bytes:
    """One deflated stream of both; the numbers stand in it as they are."""
    small = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    begun = small.compress(texts)
    if not numbers:
        return begun + small.flush()
    plain = zlib.compressobj(0, zlib.DEFLATED, -zlib.MAX_WBITS)
    return b"".join((begun, small.flush(zlib.Z_FULL_FLUSH), plain.compress(numbers), plain.flush()))


def _tar_header(name: str, size: int, moment: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, moment, 0o644
    return info.tobuf(tarfile.GNU_FORMAT, *_ENCODED)


def header_of(head: bytes) -> Header | int:
    """What the bytes at the beginning of a member say; how many bytes are needed where these are too few.

    Raises:
        ValueError: no member begins so.
    """
    if len(head) < _HEAD.size:
        return _HEAD.size
    gzip, extra, kind, inner, length = _HEAD.unpack_from(head)
    named = int(inner) - 8
    if gzip != _GZIP or kind != _ID or extra != inner + 4 or named <= 0:
        raise ValueError("no cell begins there")
    least = _HEAD.size + named + len(_NOTHING) + _TAIL.size
    if length < least:
        raise ValueError(f"a cell begins there that says it is {length} bytes long")
    if len(head) < _HEAD.size + named:
        return _HEAD.size + named
    return Header(os.fsdecode(head[_HEAD.size : _HEAD.size + named]), length, length == least)


def files_in(member: bytes, cell: str) -> Iterator[tuple[str, bytes]]:
    """The files in a member, by their paths in the cell's folder.

    Raises:
        ValueError, TarError, zlib.error: it is not whole, holds too much, or what is no regular file of its cell.
    """
    if len(member) > LARGEST_MEMBER:
        raise ValueError(f"its cell is more than {LARGEST_MEMBER} bytes long")
    seen = set()
    for name, body in _tar_files(_inflated(member)):
        file = name.removeprefix(f"{cell}/")
        if file == name or file in seen or {"", ".", ".."} & set(file.split("/")) or "\\" in file or "\0" in file:
            raise ValueError(f"it holds '{name}', which is no file of its cell")
        seen.add(file)
        yield file, body


def _inflated(member: bytes) -> bytes:
    """The tar in a member."""
    inflating = zlib.decompressobj(16 + zlib.MAX_WBITS)
    content = inflating.decompress(member, LARGEST_MEMBER)
    if not inflating.eof and len(content) == LARGEST_MEMBER:
        raise ValueError(f"its cell holds more than {LARGEST} bytes")
    if not inflating.eof or inflating.unused_data:
        raise ValueError("its cell is not whole")
    return content


def _tar_files(content: bytes) -> Iterator[tuple[str, bytes]]:
    """The regular files of a tar, as it is written here."""
    at, long_name = 0, ""
    while at < len(content):
        info = tarfile.TarInfo.frombuf(content[at : at + tarfile.BLOCKSIZE], *_ENCODED)
        at += tarfile.BLOCKSIZE
        if not 0 <= info.size <= len(content) - at:
            raise ValueError(f"'{info.name}' says that it is {info.size} bytes long")
        body = content[at : at + info.size]
        at += info.size + -info.size % tarfile.BLOCKSIZE
        if info.type == tarfile.GNUTYPE_LONGNAME:
            long_name = body.rstrip(b"\0").decode(*_ENCODED)
            continue
        if info.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
            raise ValueError(f"'{info.name}' is no regular file")
        yield long_name or info.name, body
        long_name = ""
