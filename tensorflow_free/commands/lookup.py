"""`recipe ops`: ops looked up in the registry."""

from __future__ import annotations

from argparse import Namespace

from tensorflow_free.commands.flags import Flags, wrong
from tensorflow_free.commands.printing import complain, put, put_json
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.report.op_report import look_up, records


def look_ops_up(options: Namespace, flags: Flags) -> int:
    """The registry, the ops that fit a pattern, or one op: the exit code."""
    words = options.words
    if len(words) > 1:
        raise wrong("command line", f"'{words[1]}' is one word too many; give one op or one pattern, in quotes")
    flags.load_ops()
    pattern = words[0] if words else None
    page, found = look_up(pattern)
    if flags.json and found:
        put_json(records(pattern))
    elif found:
        put(page)
    else:
        complain(page)
    return ExitCode.OK if found else ExitCode.WRONG
