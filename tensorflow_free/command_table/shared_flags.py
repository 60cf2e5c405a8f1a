"""The flags that several commands have. Does not import torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from tensorflow_free.command_table.flag_values import FlagValue, above_0, some_text, whole
from tensorflow_free.command_table.table_rows import Flag
from tensorflow_free.run.error_patterns import checked

STRICT: Final = Flag(
    "--strict", "fail where a value could not be judged, or its verdict could not have failed", "{} --strict"
)

_OPS: Final = Flag(
    "--ops",
    "a Python file that registers ops of your own (register_op); may be given again",
    "{} --ops my_ops.py",
    some_text("a Python file that registers ops"),
    "FILE.py",
    many=True,
    complete=("file .py",),
)

_COMMON: Final = (
    Flag("-q --quiet", "print only what is wrong", "{} --quiet"),
    _OPS,
    Flag(
        "--unsupported",
        "errors that this regular expression is found in are of a missing kernel; may be given again",
        "{} --unsupported 'E7[0-9]+'",
        FlagValue("a regular expression that finds some errors and not all, such as 'E7[0-9]+: no kernel'", checked),
        "PATTERN",
        many=True,
    ),
    Flag(
        "--max-file",
        "the largest size of a file that a recipe reads, unpacked; 4 by default",
        "{} --max-file 16",
        above_0("a number of gibibytes above 0, such as 8"),
        "GIB",
    ),
    Flag("--version", "print the version", "{program} --version"),
    Flag("-h --help", "print this help", "{command} --help"),
)


def common_flags(json: str, ops: str | None = None) -> Sequence[Flag]:
    """The flags of both commands; `json` says what that flag gives, and `ops` what that one takes."""
    told = _COMMON if ops is None else tuple(replace(one, help=ops) if one is _OPS else one for one in _COMMON)
    return (Flag("--json", json, "{} --json"), *told)


OPS_HELP: Final = _OPS.help
"""What `--ops` takes, in words."""

REPEATS: Final = Flag(
    "--repeats",
    "run each cell N times on the same numbers; other bits fail it (instead of the recipe's 'repeats')",
    "{} --repeats 3",
    whole("an integer of at least 1, such as 3"),
    "N",
)

STARTS: Final = Flag(
    "--starts",
    "begin from the starting tensors of a saved run, whatever machine made it (its folder, or its result.json)",
    "{} --starts outputs/other",
    some_text("the folder of a run"),
    "RUN",
    complete=("run",),
)

PAGE: Final = Flag(
    "--page",
    "write a page to look at, too: one HTML file",
    "{} --page page.html",
    some_text("a file to write, such as page.html"),
    "PAGE.html",
    complete=("file .html",),
)

MUST_RUN: Final = Flag(
    "--must-run",
    "a sweep, or what --json printed: a cell that ran there fails if it cannot run now; may be given again",
    "{} --must-run multirun/last_week",
    some_text("a sweep's folder, or a file of its rows"),
    "FILE",
    many=True,
    complete=("sweep", "file .json .jsonl"),
)

AGAINST: Final = Flag(
    "--against",
    "an earlier sweep: what ran there must run; tell what changed since, and fail where it got worse",
    "{} --against multirun/last_week",
    some_text("the folder of an earlier sweep"),
    "FOLDER",
    complete=("sweep",),
)

ISOLATED: Final = Flag(
    "--isolated",
    "judge each step alone, too, where all values are within bounds: accumulated noise can hide a fault",
    "{} --isolated",
)

FORWARD: Final = Flag(
    "--forward",
    "run forward only, as compilers for inference do: what needs gradients is left out, and told",
    "{} --forward",
)

MARKDOWN: Final = Flag(
    "--markdown",
    "write what came of it as GitHub's Markdown, too: the verdict, what failed and the commands that show it, "
    "tables folded",
    "{} --markdown summary.md",
    some_text("a file to write, such as summary.md"),
    "FILE.md",
    complete=("file .md",),
)

JUNIT: Final = Flag(
    "--junit",
    "write what was judged as JUnit's XML, too: a test case for each cell",
    "{} --junit junit.xml",
    some_text("a file to write, such as junit.xml"),
    "FILE.xml",
    complete=("file .xml",),
)

APART: Final = (
    Flag(
        "--in-workers --isolate",
        "run all cells in a worker process, as those on a device are: a crash costs one cell, and not the command "
        "(nothing to do with --isolated, which judges each step alone)",
        "{} --in-workers",
    ),
    Flag(
        "--in-process",
        "run all cells in this process, those on a device, too: for a debugger, or a device of one process",
        "{} --in-process",
    ),
    Flag(
        "--timeout",
        "seconds that a cell may take; all cells run in a worker process then, which is ended",
        "{} --timeout 600",
        above_0("a number of seconds above 0, such as 600 or 0.5"),
        "S",
    ),
)
"""The flags of commands that run cases in a worker process."""
