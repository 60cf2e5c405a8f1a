"""The flags of `run-recipe`: ours, and those of Hydra that are passed on. Does not import torch."""

from __future__ import annotations

from typing import Final

from tensorflow_free.command_table.flag_values import above_0, one_of, some_text
from tensorflow_free.command_table.shared_flags import (
    AGAINST,
    FORWARD,
    ISOLATED,
    JUNIT,
    MARKDOWN,
    MUST_RUN,
    PAGE,
    REPEATS,
    STARTS,
    STRICT,
    common_flags,
)
from tensorflow_free.command_table.table_rows import Flag

RUN_EXAMPLES: Final = (
    ("run-recipe recipes/linear_autograd.yaml", "run it, and write the result to outputs/"),
    ("run-recipe recipes/linear_autograd.yaml device=cuda dtype=float64", "on a device, in a dtype"),
    ("run-recipe recipes/attention.yaml case=small backend=inductor", "one of its cases, compiled"),
    ("run-recipe recipes/linear_autograd.yaml steps.y.op=sub '~expect.y'", "with a key changed, and one deleted"),
    ("run-recipe -m recipes/attention.yaml dtype=float32,bfloat16", "a sweep: a cell for each dtype"),
    ("run-recipe -m recipes/*.yaml 'seed=range(1,9)' --fail-fast", "many recipes with eight seeds each"),
)
"""Whole command lines, each with a few words of what it does; the first is the plainest."""

OVERRIDES: Final = (
    ("device=cuda", "cpu, cuda, cuda:1, mps, xpu, meta, auto for the best present"),
    ("dtype=float64", "float64, float32, bfloat16, float16"),
    ("backend=NAME", "eager, or a backend of torch.compile, such as inductor"),
    ("case=NAME", "one of the recipe's cases"),
    ("seed=1", "seeds every random number"),
    ("record=outputs", "all, outputs, or a list of names"),
    ("KEY=VALUE", "any key of the recipe; ~KEY deletes one"),
    ("hydra.run.dir=D", "where to write; of a sweep, hydra.sweep.dir=D"),
)
"""The overrides that are wanted most, each with what it says."""

_SWEEP: Final = "run-recipe -m recipes/gru.yaml dtype=float32,bfloat16"

RUN_FLAGS: Final = (
    *common_flags("the result on standard output, as result.json has it"),
    Flag("--no-save", "write no result", "{} --no-save"),
    REPEATS,
    STARTS,
    FORWARD,
    Flag(
        "--timeout",
        "seconds that a run, or a cell of a sweep, may take",
        "{} --timeout 60",
        above_0("a number of seconds above 0, such as 600 or 0.5"),
        "S",
    ),
    Flag(
        "--max-memory",
        "memory that it may take beside PyTorch's own; at either limit it is ended, with exit code 3",
        "{} --max-memory 4",
        above_0("a number of GiB above 0, such as 4 or 0.5"),
        "GIB",
    ),
    PAGE,
    MARKDOWN,
)
"""Those that any run takes."""

SWEEP_FLAGS: Final = (
    JUNIT.shown(f"{_SWEEP} --junit junit.xml"),
    Flag("--fail-fast", "end a sweep at the first bad cell", f"{_SWEEP} --fail-fast"),
    STRICT.shown(f"{_SWEEP} --strict"),
    MUST_RUN.shown("run-recipe -m recipes/attention.yaml --must-run multirun/last_week"),
    AGAINST.shown("run-recipe -m recipes/attention.yaml --against multirun/last_week"),
    ISOLATED.shown(f"{_SWEEP} --isolated"),
    Flag(
        "--resume",
        "resume an interrupted sweep; its recipe and overrides are in the folder; name files of ops again (--ops)",
        "run-recipe --resume multirun/attention",
        some_text("the folder of a sweep"),
        "FOLDER",
        complete=("sweep",),
    ),
)
"""Those of sweeps that are ours."""

MULTIRUN: Final = Flag(
    "-m --multirun",
    "run every combination of the values given, each in a worker process, compare each with the recipe's reference, "
    "and end with a table; values are A,B or range(1,9) or choice(a,b) or glob(*)",
    "run-recipe -m recipes/attention.yaml dtype=float32,bfloat16",
)
"""The one of sweeps that is Hydra's."""

INFO: Final = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")
"""What `--info` may be about."""

HYDRA_FLAGS: Final = (
    Flag(
        "-c --cfg",
        "show the configuration of a job, of hydra, or all",
        "{} --cfg job",
        one_of("job", "hydra", "all"),
        "WHAT",
    ),
    Flag("--resolve", "with --cfg: replace each ${} by its value", "{} --cfg job --resolve"),
    Flag(
        "-p --package",
        "with --cfg: one package alone",
        "{} --cfg job --package tensors",
        some_text("the dotted name of a package"),
        "NAME",
    ),
    Flag("-i --info", f"show what Hydra knows: {', '.join(INFO)}", "{} --info plugins", one_of(*INFO), "WHAT"),
    Flag("-r --run", "run once (the default)", "{} --run"),
    Flag("--hydra-help", "show Hydra's own help", "{} --hydra-help"),
)
"""Those of Hydra that are passed on, besides `--multirun`."""
