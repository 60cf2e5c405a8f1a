"""Tables of torch's ops, kept for the torch that is installed: looking an op up need not import it. No torch here.

A table holds what is told of each op, and nothing that is run. It is read where the same torch, Python and package
wrote it, and is what it says it is; otherwise torch is asked, as it is where ops of the user's own may fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from pydantic import TypeAdapter

from tensorflow_free.files.user_cache import keep, kept
from tensorflow_free.ops.installed_torch import fingerprint
from tensorflow_free.ops.op_names import OpNames, is_of_aten
from tensorflow_free.plugins import OPS, is_loaded, offers
from tensorflow_free.report.op_entry import OpEntry, OpTable

Entries = dict[str, OpEntry]

_CONTENT: Final = TypeAdapter(Entries)


def kept_table(pattern: str | None) -> OpTable | None:
    """The table that was kept and has all that a pattern may mean; None where torch must be asked."""
    key = fingerprint()
    content = None if key is None else kept(_kind(pattern), key)
    try:
        table = None if content is None else _table(_CONTENT.validate_json(content, strict=True))
    except ValueError:
        return None
    if table is None or (pattern is not None and table.find(pattern) is not None):
        return table
    return None if offers(OPS) else table


def keep_table(
    pattern: str | None, entries_of_torch: Callable[[], Entries], entries_of_aten: Callable[[], Entries]
) -> None:
    """Keep the table that would have answered, unless packages have been loaded that may have changed torch."""
    key = fingerprint()
    if key is None or (is_loaded(OPS) and offers(OPS)):
        return
    make = entries_of_aten if _kind(pattern) == "aten" else entries_of_torch
    keep(_kind(pattern), key, lambda: _CONTENT.dump_json(make()))


def _kind(pattern: str | None) -> str:
    return "aten" if pattern is not None and is_of_aten(pattern) else "ops"


def _table(entries: Mapping[str, OpEntry]) -> OpTable:
    names = tuple(name for name in entries if not name.startswith(("aten.", "Tensor.")))
    functions = {name for name in names if entries[name].is_function}
    spelt = OpNames(frozenset(names), functions, {name for name in names if entries[name].is_member})

    def find(word: str) -> OpEntry | None:
        name = spelt.canonical(word)
        if name is None:
            return entries.get(word.removeprefix("torch.ops.")) if is_of_aten(word) else None
        alone = entries.get(f"Tensor.{name}") if name != word and word.endswith(f"Tensor.{name}") else None
        return alone or entries[name]

    return OpTable(lambda: names, lambda: tuple(name for name in entries if name.startswith("aten.")), find)
