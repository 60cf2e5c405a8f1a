"""The commands that read what was run: show, page, table, export, compare, blame. Does not import torch."""

from __future__ import annotations

from typing import Final

from tensorflow_free.command_table.flag_values import above_0, number, some_text
from tensorflow_free.command_table.shared_flags import AGAINST, FORWARD, JUNIT, MARKDOWN, PAGE, STRICT
from tensorflow_free.command_table.table_rows import Command, Flag

_TOLERANCE: Final = number("a number of at least 0, such as 1e-5", lambda found: found >= 0)

SAVED: Final = {
    "show": Command(
        "FOLDER …",
        "show the result in a run's folder",
        "showing:show_results",
        (
            ("recipe show outputs/attention", "the table that the run printed, from its folder"),
            ("recipe show multirun/softmax/3", "a cell of a sweep"),
            (
                "recipe show --graph recipes/attention.yaml case=small",
                "the chain of a recipe as a graph; it does not run",
            ),
        ),
        (
            Flag(
                "--graph",
                "show the chain as a graph; a recipe's, too, which does not run for it",
                "recipe show --graph recipes/attention.yaml",
            ),
        ),
        complete=("run", "recipe", "override"),
    ),
    "page": Command(
        "PATH …",
        "write a page to look at: of a run, of two, of a sweep, of one of its cells, of a golden; one HTML file",
        "write_html:page_command",
        (
            ("recipe page outputs/attention", "a run, as page.html"),
            ("recipe page outputs/eager outputs/compiled", "two runs beside each other"),
            ("recipe page multirun/softmax -o sweep.html", "a sweep, in a file of this name"),
        ),
        (
            Flag(
                "-o --output",
                "the file to write; page.html by default",
                "{} -o attention.html",
                some_text("a file to write, such as page.html"),
                "PAGE.html",
                complete=("file .html",),
            ),
            Flag(
                "--svg",
                "write the graph of a run, or of a recipe with its overrides, as a picture instead",
                "{} --svg graph.svg",
                some_text("a file to write, such as graph.svg"),
                "GRAPH.svg",
                complete=("file .svg",),
            ),
            Flag("--teach", "begin with the teaching view: each value, then each derivative", "{} --teach"),
        ),
        complete=("run", "sweep", "recipe", "file .golden.json", "override"),
    ),
    "table": Command(
        "FOLDER …",
        "show a sweep's table again",
        "sweep_table:table_command",
        (
            ("recipe table multirun/softmax", "the table that the sweep ended with"),
            ("recipe table multirun/today --against multirun/last_week", "and what changed since another"),
        ),
        (AGAINST, MARKDOWN, JUNIT),
        complete=("sweep",),
    ),
    "export": Command(
        "CELL …",
        "write the folders of a sweep's cells, which lie in archives; of a sweep, all",
        "export:export_command",
        (
            ("recipe export multirun/softmax/3", "the folder of cell 3, at its place in the sweep"),
            ("recipe export multirun/softmax -o cells", "of all cells, in a folder of this name"),
        ),
        (
            Flag(
                "-o --output",
                "where each is written by its name; its place in the sweep by default",
                "{} -o cells",
                some_text("a folder"),
                "FOLDER",
                complete=("folder",),
            ),
        ),
        complete=("run",),
    ),
    "compare": Command(
        "A B",
        "compare run A with run B, or sweep A with sweep B, by what is in their folders",
        "compare:compare_command",
        (
            (
                "recipe compare outputs/eager outputs/compiled",
                "two runs: the first value that differs, and by how much",
            ),
            ("recipe compare multirun/today multirun/last_week", "two sweeps, cell by cell"),
        ),
        (
            Flag(
                "--rtol",
                "the relative tolerance, instead of the rules of the dtype",
                "{} --rtol 1e-5",
                _TOLERANCE,
                "X",
            ),
            Flag("--atol", "the absolute tolerance", "{} --atol 1e-8", _TOLERANCE, "X"),
            Flag("--signed-zeros", "0.0 and -0.0 differ", "{} --signed-zeros"),
            Flag(
                "--baseline",
                "an eager run on the CPU in the dtype of A, whose distance to B is the noise",
                "{} --baseline outputs/noise",
                some_text("the folder of a run"),
                "RUN",
                complete=("run",),
            ),
            Flag(
                "-k --k",
                "how many times what rounding moves is allowed, or the noise of --baseline",
                "{} -k 4",
                above_0(),
                "N",
            ),
            STRICT,
            PAGE,
            MARKDOWN,
        ),
        complete=("run",),
    ),
}

BLAME: Final = {
    "blame": Command(
        "PATH KEY=VALUE …",
        "find the step that is wrong for its own inputs: of a recipe and its overrides, or of a run's folder",
        "find_culprit:blame_command",
        (
            ("recipe blame multirun/softmax/3", "of a cell of a sweep"),
            ("recipe blame recipes/attention.yaml dtype=bfloat16", "of a recipe, which runs for it"),
        ),
        (FORWARD, MARKDOWN, PAGE),
        complete=("recipe", "run", "override"),
    ),
}
