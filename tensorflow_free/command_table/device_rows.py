"""The commands for a device, and for another machine: matrix, pack, check-in. Does not import torch."""

from __future__ import annotations

from typing import Final

from tensorflow_free.command_table.flag_values import SECONDS, FlagValue, one_of, some_text, whole
from tensorflow_free.command_table.shared_flags import FORWARD, JUNIT, MARKDOWN, OPS_HELP, STARTS, STRICT
from tensorflow_free.command_table.table_rows import Command, Flag

_COUNT: Final = whole("an integer of at least 0", 0)
_SAMPLES: Final = FlagValue("a number of samples, or all", lambda text: None if text == "all" else _COUNT.read(text))

MATRIX: Final = {
    "matrix": Command(
        "[PATH …]",
        "judge ops of PyTorch's operator database (all, or --ops 'softmax,linalg.*') and recipes on a device",
        "support_matrix:matrix_command",
        (
            ("recipe matrix --device cuda", "every op of PyTorch's operator database, on a device"),
            ("recipe matrix --device cuda --ops 'softmax,linalg.*'", "some of them"),
            ("recipe matrix --samples 0 --recipes recipes", "recipes alone"),
        ),
        (
            Flag(
                "--device",
                "the device; this machine's accelerator by default",
                "recipe matrix --device cuda",
                some_text("a device, such as cuda"),
                "NAME",
                "auto",
                complete=("device",),
            ),
            Flag(
                "--dtype",
                "the dtypes, with commas between; float32 by default",
                "recipe matrix --dtype float32,bfloat16",
                some_text("dtypes, such as float32,bfloat16"),
                "NAMES",
                complete=("dtype",),
            ),
            Flag(
                "--samples",
                "how many samples of each entry; 1 by default, 0 for recipes alone",
                "recipe matrix --samples all",
                _SAMPLES,
                "N|all",
                1,
                complete=("words all",),
            ),
            Flag(
                "--recipes",
                "recipes, in all their cases; may be given again",
                "recipe matrix --recipes recipes/attention.yaml",
                some_text("a recipe, or a folder of them"),
                "PATH",
                many=True,
                complete=("recipe",),
            ),
            Flag(
                "--coverage",
                "run nothing on a device: tell which ops recipes exercise, of how many; may be given again",
                "recipe matrix --coverage recipes",
                some_text("a recipe, or a folder of them"),
                "PATH",
                many=True,
                complete=("recipe",),
            ),
            FORWARD,
            Flag(
                "-o --out --output",
                "where the matrix and the recipes that fail are written; outputs/matrix/… by default",
                "recipe matrix --device cuda -o outputs/matrix/cuda",
                some_text("a folder that is new or empty"),
                "FOLDER",
                complete=("folder",),
            ),
            Flag(
                "--against",
                "tell what changed since this matrix; what is worse fails, and nothing else",
                "recipe matrix --against outputs/matrix/old/matrix.json",
                some_text("a matrix.json"),
                "OLDER.json",
                complete=("file .json",),
            ),
            Flag(
                "--format",
                "table (by default), csv or markdown; --json gives what matrix.json has",
                "{} --format csv",
                one_of("table", "csv", "markdown"),
                "NAME",
            ),
            Flag("--all", "a line for each op in the table, however many there are", "{} --all"),
            Flag("-j --jobs", "worker processes", "{} --jobs 4", whole("a number of workers, such as 2"), "N"),
            Flag("--timeout", "seconds that one sample may take", "{} --timeout 60", SECONDS, "S"),
        ),
        ops=f"which entries, such as 'softmax,linalg.*'; or {OPS_HELP}",
        complete=("recipe",),
    ),
}

MACHINES: Final = {
    "pack": Command(
        "RECIPE.yaml … KEY=A,B",
        "write cells, their starting tensors and float64 values to one file, for a machine without anything else",
        "packs:pack_command",
        (
            ("recipe pack recipes/rms_norm.yaml", "one cell, as cells.zip"),
            (
                "recipe pack recipes/*.yaml dtype=float32,bfloat16 -o all.zip",
                "two of each recipe, in a file of this name",
            ),
        ),
        (
            Flag(
                "-o --output",
                "the file to write; cells.zip by default",
                "{} -o norm.zip",
                some_text("a file to write"),
                "FILE.zip",
                complete=("file .zip",),
            ),
            STARTS,
        ),
        complete=("recipe", "override"),
    ),
    "check-in": Command(
        "CELLS.zip KEY=A,B",
        "run and judge the cells of a pack here, and end with a table, as a sweep does",
        "packs:check_in_command",
        (
            ("recipe check-in cells.zip --device cuda", "the cells of a pack, on this machine's device"),
            ("recipe check-in cells.zip device=cpu,cuda backend=inductor", "on two devices, compiled"),
        ),
        (
            Flag(
                "--device",
                "the device, instead of that of the recipes; device=A,B for several",
                "recipe check-in cells.zip --device npu:1",
                some_text("a device, such as cuda or npu:1"),
                "NAME",
                complete=("device",),
            ),
            Flag(
                "-o --output",
                "the folder to write, which is new or empty; checked-in/<date>_<time>-<random> by default",
                "{} -o checked-in/cuda",
                some_text("a folder"),
                "FOLDER",
                complete=("folder",),
            ),
            FORWARD,
            STRICT,
            Flag("--fail-fast", "end at the first bad cell", "{} --fail-fast"),
            MARKDOWN,
            JUNIT,
            Flag("--timeout", "seconds that a cell may take; 600 by default", "{} --timeout 60", SECONDS, "S"),
            Flag(
                "--jobs",
                "worker processes; one a core by default",
                "{} --jobs 4",
                whole("an integer of at least 1, such as 4"),
                "N",
            ),
        ),
        complete=("file .zip", "override"),
    ),
}
