"""The rows of the table in docs/performance.md: what is measured, against what, and how much it may be."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
import yaml

from benchmarks import (
    blaming,
    captures,
    commands,
    goldens,
    growth,
    judging,
    large,
    lookups,
    memory,
    runs,
    storing,
    sweeps,
    texts,
)
from benchmarks.figures import SIGNS, Effort, Figure

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "performance.md"

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One row: its name on the command line, its words, the most that it may be, and how it is measured."""

    name: str
    what: str
    against: str
    limit: float
    measure: Callable[[Effort], Figure]


BENCHMARKS: Final = (
    Benchmark(
        "run-all",
        "`run_recipe` of a loaded recipe, a chain of 1,000 0-d ops, all values recorded",
        "the same calls in Python, values kept",
        1.3,
        runs.all_recorded,
    ),
    Benchmark("run-short", "the same of 10 ops", "the same", 3.5, runs.short),
    Benchmark("run-outputs", "of 1,000 ops, `record: outputs`", "plain Python", 1.1, runs.outputs_recorded),
    Benchmark(
        "run-backward",
        "of 1,000 ops, with a backward pass, the gradient of every step kept",
        "the same in Python with `retain_grad`",
        1.3,
        runs.backward,
    ),
    Benchmark("run-backward-long", "the same of 10,000 ops", "the same", 1.3, runs.long_backward),
    Benchmark(
        "run-carry",
        "`run_recipe` of a `repeat` of 1,000 rounds of two 0-d ops with `carry`",
        "a loop in Python",
        1.2,
        runs.carried,
    ),
    Benchmark("run-trace", "the same with `trace`", "a loop in Python that stacks what it gathers", 1.4, runs.traced),
    Benchmark(
        "run-block",
        "`run_recipe` of a GPT-2 block, batch 8, forward and backward, all values and gradients recorded",
        "the module, its weights drawn anew",
        1.05,
        runs.block,
    ),
    Benchmark("run-block-outputs", "the same, `record: outputs`", "the module", 1.02, runs.block_outputs),
    Benchmark(
        "run-compiled",
        "`run_recipe` of the block compiled by inductor, called again and again, outputs and gradients recorded",
        "the module that `torch.compile` made, in steady state",
        1.1,
        runs.compiled,
    ),
    Benchmark(
        "run-slow",
        "`run_recipe` of a chain of 200 ops of 0.1 ms or more, `record: outputs`",
        "plain Python",
        1.02,
        runs.slow,
    ),
    Benchmark(
        "run-fx",
        "`run_recipe` of a chain of 1,000 0-d ops, all values recorded",
        "`torch.fx.Interpreter` that keeps all values",
        0.35,
        runs.against_fx,
    ),
    Benchmark(
        "run-dispatch",
        "the same",
        "a `TorchDispatchMode` that keeps what each op gives",
        0.35,
        runs.against_dispatch_mode,
    ),
    Benchmark("run-debug", "the same", "`torch.utils._debug_mode.DebugMode`", 0.1, runs.against_debug_mode),
    Benchmark(
        "memory",
        "peak memory of a chain of 200 ops on 16 MiB tensors, `record: outputs`",
        "plain Python",
        1.1,
        memory.outputs_recorded,
    ),
    Benchmark(
        "command",
        "`run-recipe recipes/linear_autograd.yaml`, whole process",
        "the bare script with the same five lines of torch",
        1.12,
        commands.run,
    ),
    Benchmark("command-overrides", "the same with three overrides", "the script", 1.15, commands.run_with_overrides),
    Benchmark("command-hydra-dir", "the same with `hydra.run.dir=…`", "the script", 1.15, commands.run_with_folder),
    Benchmark("verify-one", "`recipe verify` of this recipe and its golden", "the script", 1.2, commands.verify_one),
    Benchmark(
        "gradient",
        "`run-recipe` of this recipe with `gradient:` in its backward pass",
        "the script, which gives none",
        0.05,
        commands.run_with_gradient,
    ),
    Benchmark("help", "`run-recipe --help`", "`python -c pass`", 0.15, commands.show_help),
    Benchmark("ops-one", "`recipe ops softmax`", "`python -c pass`", 0.3, lookups.one_op),
    Benchmark("ops-all", "`recipe ops`", "`python -c pass`", 0.3, lookups.all_ops),
    Benchmark("tab-command", "completion of `recipe ver`", "`python -c pass`", 0.15, lookups.completed_command),
    Benchmark("tab-key", "of `run-recipe FILE steps.y.`", "`python -c pass`", 0.15, lookups.completed_key),
    Benchmark("tab-op", "of `run-recipe FILE steps.y.op=`", "`python -c pass`", 0.15, lookups.completed_op),
    Benchmark("show", "`recipe show` of a run of this recipe", "`python -c pass`", 0.3, lookups.shown_run),
    Benchmark("table", "`recipe table` of a sweep of 20 cells", "`python -c pass`", 0.3, lookups.table_of_few),
    Benchmark("table-more", "`recipe table` of a sweep of 10,000 cells", "of one of 20", 0.5, lookups.table_of_many),
    Benchmark(
        "resume-more",
        "`run-recipe --resume` of a sweep of 10,000 cells that have all run",
        "of one of 20",
        0.5,
        lookups.resumed_many,
    ),
    Benchmark(
        "load-small",
        "loading and binding 1,000 small recipes in one process, each",
        "reading them with libyaml alone",
        1.0,
        texts.small,
    ),
    Benchmark(
        "load-lines",
        "loading and binding a recipe of 1,000 one-line steps",
        "the same recipe written out, with `op`, `args` and `kwargs`",
        1.1,
        texts.lines,
    ),
    Benchmark("load-lines-long", "the same of 10,000", "written out", 1.1, texts.long_lines),
    Benchmark("load-linear", "the same", "loading one of 1,000 ten times", 1.2, texts.linear),
    Benchmark(
        "load-yaml",
        "the recipe of 1,000 one-line steps",
        "`yaml.load` of its text, by libyaml",
        8.0,
        texts.against_yaml,
    ),
    Benchmark(
        "capture-trace",
        "a GPT-2 of 12 layers of small widths under the tracer of `recipe capture`, forward",
        "the model itself, forward and backward",
        3.0,
        captures.traced,
    ),
    Benchmark(
        "capture-whole", "the whole `capture`, proof included", "the model, forward and backward", 25.0, captures.whole
    ),
    Benchmark(
        "capture-load",
        "loading the recipe that is captured of 24 layers",
        "loading that of 6 layers four times",
        1.2,
        captures.loaded,
    ),
    Benchmark("store", "saving and reading 1 GiB of results", "`safetensors` alone", 1.2, storing.save_and_read),
    Benchmark(
        "store-small",
        "saving 10,000 0-d values",
        "their tensors by `safetensors`, their `result.json` by `json`",
        1.2,
        storing.small_saved,
    ),
    Benchmark("read-small", "reading them", "the same", 1.5, storing.small_read),
    Benchmark("cell-files", "files of a sweep's tiny cells", "four a cell", 0.1, storing.cell_files),
    Benchmark(
        "cell-bytes",
        "what a sweep's tiny cell takes on the disk, its rows included",
        "the bytes of its values",
        5.0,
        storing.cell_bytes,
    ),
    Benchmark(
        "sweep",
        "a sweep of 1,000 cells of 10 steps, one worker, judged, results on disk, whole process",
        "the same runs, references and comparisons in one Python loop, saved",
        1.3,
        sweeps.against_loop,
    ),
    Benchmark(
        "sweep-hydra",
        "the same",
        "Hydra's basic launcher calling a function that does nothing",
        0.1,
        sweeps.against_hydra,
    ),
    Benchmark(
        "sweep-more", "one cell more of a sweep of 100,000", "one cell more of a sweep of 100", 1.1, growth.in_time
    ),
    Benchmark(
        "sweep-memory",
        "the peak memory that it adds, cells 50,000 to 100,000",
        "cells 100 to 50,000",
        1.1,
        growth.in_memory,
    ),
    Benchmark(
        "judge",
        "judging a cell of 64×64 values, all equal to the reference",  # noqa: RUF001 - it means times
        "`torch.equal` on each",
        3.0,
        sweeps.equal,
    ),
    Benchmark(
        "cell-tiny",
        "a sweep's cell of 10 steps on 16 numbers in a warm worker, run, judged and saved",
        "its own run",
        4.8,
        judging.tiny,
    ),
    Benchmark(
        "cell-block",
        "a sweep's cell of a GPT-2 block in float32, its reference shared by no other",
        "its own run",
        6.0,
        judging.block,
    ),
    Benchmark("cell-block-half", "the same in bfloat16, its norms frozen", "its own run", 6.0, judging.block_in_half),
    Benchmark(
        "judged-block",
        "a right GPT-2 block under `aot_eager`, judged",
        "the block's eager run",
        6.0,
        judging.green,
    ),
    Benchmark(
        "judged-eager", "the same, eager: its own baseline, judged by nudged runs", "its own run", 6.0, judging.eager
    ),
    Benchmark("judged-red", "the same with a GELU off by a thousandth", "its own run", 40.0, judging.red),
    Benchmark("blame-tiny", "the culprit of a red cell of 10 steps on 16 numbers", "nothing", 50.0, blaming.tiny),
    Benchmark("blame-block", "the culprit of the red block", "the block's own run", 30.0, blaming.block),
    Benchmark(
        "blame-memory",
        "the peak memory of the red block, run, judged and blamed",
        "of the same, run and judged",
        2.0,
        blaming.memory,
    ),
    Benchmark(
        "sweep-joblib",
        "10,000 cells of 10 steps by joblib's launcher, results on disk, whole process",
        "by the launcher of our own",
        1.5,
        sweeps.joblib_launcher,
    ),
    Benchmark("sweep-two", "200 cells of 50 ms by two workers", "by one", 0.6, sweeps.two_workers),
    Benchmark(
        "golden-pytest",
        "1,000 golden recipes of 6 steps with backward under pytest",
        "1,000 test functions with the same lines of torch and `assert_close` on each value and gradient",
        1.5,
        goldens.against_tests,
    ),
    Benchmark(
        "golden-named",
        "the same, each file named on the command line",
        "the same functions",
        1.5,
        goldens.named_one_by_one,
    ),
    Benchmark(
        "golden-collect",
        "collecting 1,000 recipes (`--collect-only`), each",
        "a plugin that only names the files",
        1.0,
        goldens.collecting,
    ),
    Benchmark(
        "golden-linear",
        "`recipe verify` of a folder of 10,000 fixtures",
        "of one of 1,000",
        10.5,
        goldens.linear,
    ),
    Benchmark(
        "judge-large",
        "judging a value of 10,000,000 numbers in float32 by a tolerance, its worst number measured in full",
        "`torch.allclose` in float64",
        1.5,
        large.in_time,
    ),
    Benchmark(
        "judge-large-memory",
        "what that takes at most beyond the runs' own values",
        "the judged value",
        1.0,
        large.in_memory,
    ),
    Benchmark(
        "pytest-none",
        "`pytest` in a project without recipes, the plugin installed",
        "without the plugin",
        5.0,
        goldens.without_recipes,
    ),
)
"""Every benchmark. The limits are the project's own; that of `load-linear` puts a figure on 'linear in steps'."""

FIRST: Final = (
    *("run-all", "run-short", "run-outputs", "run-backward", "run-backward-long", "run-carry", "run-trace"),
    *("run-block", "run-block-outputs", "run-compiled"),
    *(
        "command",
        "command-overrides",
        "command-hydra-dir",
        "verify-one",
        "gradient",
        "ops-one",
        "ops-all",
        "show",
        "table",
    ),
    *("load-lines", "load-lines-long", "load-linear", "load-yaml"),
    *("capture-trace", "capture-whole", "capture-load"),
    *("cell-tiny", "cell-block", "cell-block-half", "cell-files", "cell-bytes"),
    *("resume-more", "table-more", "sweep-ray", "sweep-joblib", "store-small", "read-small"),
    *("golden-pytest", "golden-named", "judge-large", "judge-large-memory", "run-slow"),
    *("run-fx", "run-dispatch", "run-debug"),
)
"""What a user waits for, whole calls, and the peers on the same calls: told first, in this order."""


def in_order() -> list[Benchmark]:
    """Every benchmark, as the page tells them: those of `FIRST`, then the others as they stand."""
    place = {name: number for number, name in enumerate(FIRST)}
    return sorted(BENCHMARKS, key=lambda one: place.get(one.name, len(FIRST)))


def row(benchmark: Benchmark, figure: Figure) -> str:
    """One line of the table."""
    held = "yes" if figure.value <= benchmark.limit else "**no**"
    limit = number(benchmark.limit, figure)
    spread = f"{number(figure.low, figure)} … {number(figure.high, figure)}"
    words = (benchmark.what, benchmark.against, limit, number(figure.value, figure), spread, str(figure.pairs), held)
    return f"| {' | '.join(words)} |"


def number(value: float, figure: Figure) -> str:
    """A number with the sign of the figure's kind, such as `+0.15 s`."""
    sign = "" if figure.kind == "ratio" else "+" if value >= 0 else "-"
    return f"{sign}{abs(value):.2f}{SIGNS[figure.kind]}"


def table(figures: Mapping[Benchmark, Figure], page: str = "") -> str:
    """The table, and below it what it was measured with.

    Args:
        figures: what was measured.
        page: where the rows stand that were not measured now; those of no benchmark are left out.
    """
    head = ("what", "against", "no more than", "measured", "half of the pairs", "pairs", "held")
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for benchmark in in_order():
        begins = f"| {benchmark.what} | {benchmark.against} |"
        kept = [line for line in page.splitlines() if line.startswith(begins)][:1]
        lines += [row(benchmark, figures[benchmark])] if benchmark in figures else kept
    return "\n".join([*lines, "", peers()])


PACKAGES: Final = (
    "torch",
    "PyYAML",
    "safetensors",
    "tensorflow_free",
    "hydra-core",
    "joblib",
    "numpy",
    "pydantic",
    "pytest",
)
"""What is measured, what it is measured against, and what takes a part; `torch.fx` and modes are torch's."""


def peers() -> str:
    """The versions of everything that was measured or measured against."""
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    versions["Python"] = platform.python_version()
    versions["libyaml"] = ".".join(str(part) for part in yaml._yaml.get_version())
    named = ", ".join(f"{name} {versions[name]}" for name in sorted(versions, key=str.lower))
    threads = f"{os.cpu_count()} processors, {torch.get_num_threads()} threads of torch"
    return f"Measured with {named}, on {platform.system()} {platform.machine()}, {threads}."


def write(text: str) -> None:
    """Put the table in its place on the page."""
    page = PAGE.read_text(encoding="utf-8")
    begun, ended = re.escape(BEGIN), re.escape(END)
    PAGE.write_text(re.sub(f"(?s){begun}.*{ended}", lambda _: f"{BEGIN}\n{text}\n{END}", page), encoding="utf-8")
