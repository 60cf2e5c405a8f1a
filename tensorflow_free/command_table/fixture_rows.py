"""The commands for recipes as regression fixtures: record, verify, strength, review. Does not import torch."""

from __future__ import annotations

from typing import Final

from tensorflow_free.command_table.flag_values import above_0, number
from tensorflow_free.command_table.shared_flags import (
    APART,
    FORWARD,
    ISOLATED,
    JUNIT,
    MARKDOWN,
    MUST_RUN,
    PAGE,
    REPEATS,
    STARTS,
    STRICT,
)
from tensorflow_free.command_table.table_rows import Command, Flag

_PERCENT: Final = number("a number from 0 to 100, such as 95", lambda found: 0 <= found <= 100)  # noqa: PLR2004 - percent

FIXTURES: Final = {
    "record": Command(
        "PATH …",
        "write goldens beside recipes, of all cases or of case=NAME, for the CPU or for device=cuda",
        "record:record_command",
        (
            ("recipe record recipes/rms_norm.yaml", "a golden of each case, beside the recipe"),
            ("recipe record recipes --missing", "of a folder, where there is none yet"),
            ("recipe record recipes/rms_norm.yaml device=cuda", "one for a device, beside that of the CPU"),
        ),
        (
            Flag("--missing", "only cases without a golden", "recipe record recipes --missing"),
            Flag("--stale", "only cases without a golden, or with a stale one", "recipe record recipes --stale"),
            Flag(
                "--refresh-noise",
                "measure anew what rounding does in each dtype; no value of a golden changes",
                "{} --refresh-noise",
            ),
            *APART,
            STARTS,
        ),
        (("--forward", "a golden is recorded whole, with its gradients; verify it with recipe verify --forward"),),
        complete=("recipe", "override"),
    ),
    "verify": Command(
        "PATH …",
        "compare recipes with their goldens, in every cell that is asked for: dtype=float32,bfloat16 device=cuda",
        "verify:verify_command",
        (
            ("recipe verify recipes/rms_norm.yaml", "a recipe, in its own dtype and on its own device"),
            ("recipe verify recipes dtype=float32,bfloat16", "a folder, in two dtypes"),
            ("recipe verify recipes device=cuda backend=eager,inductor", "on a device, compiled and not"),
        ),
        (
            Flag(
                "-k",
                "how many times the recorded noise is allowed, instead of the number of the dtype",
                "{} -k 4",
                above_0(),
                "N",
            ),
            REPEATS,
            STARTS,
            ISOLATED,
            FORWARD,
            MUST_RUN,
            *APART,
            STRICT,
            PAGE,
            MARKDOWN,
            JUNIT,
        ),
        complete=("recipe", "override"),
    ),
    "strength": Command(
        "PATH …",
        "make each step of recipes wrong in turn, and tell which of these faults they would let through",
        "strength:strength_command",
        (
            ("recipe strength recipes/rms_norm.yaml", "which faults its expectations and its golden tell"),
            ("recipe strength recipes --at-least 95 --summary", "of a folder, for CI"),
        ),
        (
            Flag(
                "--at-least",
                "fail a recipe that tells less of its mutants: by its golden, or by what it expects",
                "{} --at-least 95",
                _PERCENT,
                "PERCENT",
            ),
            Flag("--summary", "print the table alone", "{} --summary"),
            FORWARD,
        ),
        complete=("recipe", "override"),
    ),
    "review": Command(
        "PATH …",
        "walk through what changed and accept or reject it by single keys; without a terminal, by a flag",
        "review:review_command",
        (
            ("recipe review recipes/rms_norm.yaml", "each value that changed: accept it, reject it, or look closer"),
            ("recipe review recipes --list", "what changed in a folder; nothing is decided"),
        ),
        (
            Flag("--list", "list what changed, and decide nothing", "{} --list"),
            Flag("--accept-noise", "accept what changed within the noise", "{} --accept-noise"),
            Flag("--accept-all", "accept all that can be accepted", "{} --accept-all"),
            PAGE,
            MARKDOWN,
        ),
        complete=("recipe", "override"),
    ),
}
