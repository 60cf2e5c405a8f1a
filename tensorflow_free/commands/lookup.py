"""`recipe ops`: ops looked up in a table that was kept of torch's, or else in the registry, which imports torch."""

from __future__ import annotations

import sys
from argparse import Namespace
from contextlib import suppress

from pydantic import ValidationError

from tensorflow_free.commands.flags import Flags, wrong
from tensorflow_free.commands.printing import complain, put, put_json
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.report.kept_ops import keep_table, kept_table
from tensorflow_free.report.op_entry import OpTable
from tensorflow_free.report.op_pages import page_of, records_of


def look_ops_up(options: Namespace, flags: Flags) -> int:
    """The registry, the ops that fit a pattern, or one op: the exit code."""
    words = options.words
    if len(words) > 1:
        raise wrong("command line", f"'{words[1]}' is one word too many; give one op or one pattern, in quotes")
    pattern = words[0] if words else None
    is_untouched = _is_untouched(flags)
    if is_untouched and (table := kept_table(pattern)) is not None:
        # that a record is none shows when it is asked for, before anything is printed
        with suppress(ValidationError):
            return _told(pattern, table, flags)
    from tensorflow_free.registry import load_entry_points
    from tensorflow_free.report.op_report import REGISTRY, entries_of_aten, entries_of_torch

    flags.load_ops()
    if pattern is None:
        load_entry_points()
    code = _told(pattern, REGISTRY, flags)
    if is_untouched:
        keep_table(pattern, entries_of_torch, entries_of_aten)
    return code


def _is_untouched(flags: Flags) -> bool:
    """Whether torch is as it is installed: a file of ops may change it, and so may whoever has imported it."""
    return not flags.ops and "torch" not in sys.modules


def _told(pattern: str | None, table: OpTable, flags: Flags) -> ExitCode:
    """Print what a table tells of a pattern: the exit code."""
    page, found = page_of(pattern, table)
    if flags.json and found:
        put_json(records_of(pattern, table))
    elif found:
        put(page)
    else:
        complain(page)
    return ExitCode.OK if found else ExitCode.WRONG
