"""What tells the torch that is installed, with all that may change its tables, from another; nothing of it is imported.

Standard library only.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

OWN: Final = Path(__file__).parent.parent
"""This package, whose every file may say something of ops."""

FILES: Final = ("__init__.py", "version.py", "overrides.py", "_torch_docs.py", "_tensor_docs.py", "lib/libtorch_cpu.so")
"""Files of torch's that are others in another build; its version and the commit that it was built from stand in one."""

EXTENSIONS: Final = "torch.backends"
"""The group of entry points that torch loads with itself."""


def fingerprint() -> str | None:
    """All that a table of torch's ops depends on, in words; None where torch is not in plain files."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    home = Path(spec.origin).parent
    try:
        version = (home / "version.py").read_text(encoding="utf-8")
        stamps = [[str(file), *_stamp(file)] for file in _files(home)]
    except (OSError, ValueError):
        return None
    python = sys.version, sys.flags.optimize
    loaded = os.environ.get("TORCH_DEVICE_BACKEND_AUTOLOAD"), *_offered(EXTENSIONS)
    return json.dumps([version, stamps, python, loaded])


def _offered(group: str) -> Iterator[tuple[str, str, str]]:
    for point in importlib.metadata.entry_points(group=group):
        yield point.name, point.value, "" if point.dist is None else point.dist.version


def _files(home: Path) -> Iterator[Path]:
    yield from (file for name in FILES if (file := home / name).exists())
    yield from sorted(home.glob("_C.*"))
    yield from sorted(OWN.rglob("*.py"))


def _stamp(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_size, found.st_mtime_ns
