"""The pytest plugin: recipe files as tests. This module is imported in every session, so it imports only pytest.

What it finds is collected by `collecting`, gathered over all workers by `session`; both load when there is a recipe.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tensorflow_free.pytest_plugin.constants import GOLDEN, RECORDING, XDIST_KEY
from tensorflow_free.recipe.names import RECIPE_SUFFIXES


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the plugin's options."""
    group = parser.getgroup("recipes", "recipes (tensorflow_free)")
    group.addoption("--recipe-device", metavar="A,B", help="run recipes on these devices, each a test of its own")
    group.addoption("--recipe-dtype", metavar="A,B", help="run recipes in these dtypes: float32,bfloat16")
    group.addoption("--recipe-backend", metavar="A,B", help="run recipes by these backends: eager,inductor")
    group.addoption("--recipe-repeats", metavar="N", help="run recipes N times on the same numbers; other bits fail")
    group.addoption(
        "--recipe-isolated", action="store_true", help="judge each step of recipes alone, too, which noise can hide"
    )
    group.addoption(
        "--recipe-in-workers",
        "--recipe-isolate",
        action="store_true",
        help="run all recipes in a worker process, as those on a device are; a crash fails one test",
    )
    group.addoption(
        "--recipe-in-process",
        action="store_true",
        help="run all recipes in this process, those on a device, too: for a debugger",
    )
    group.addoption(
        "--recipe-unsupported",
        action="append",
        metavar="PATTERN",
        help="errors that this regular expression is found in are of a missing kernel; may be given again",
    )
    group.addoption(
        "--recipe-forward", action="store_true", help="run recipes forward only: what needs gradients is left out"
    )
    group.addoption(
        "--recipe-must-run",
        action="append",
        metavar="FILE",
        help="a sweep, or what --json printed: a recipe that ran there fails if it cannot run now; may be given again",
    )
    group.addoption(
        "--record-recipes",
        choices=RECORDING,
        help="record goldens: those that are missing, those that are missing or fail, or all; never where CI is set",
    )
    group.addoption(
        "--require-goldens", action="store_true", help="fail recipes that have no golden, whatever they expect"
    )
    group.addoption(
        "--strict-recipes",
        action="store_true",
        help="fail recipes of which a value could not be judged, or a verdict could not have failed",
    )
    parser.addini(
        "recipe_files",
        "patterns of recipe files, from the rootdir or any folder below it",
        type="linelist",
        default=["recipes/**/*.yaml"],
    )
    parser.addini("require_goldens", "as --require-goldens", type="bool", default=False)
    parser.addini("strict_recipes", "as --strict-recipes", type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Refuse what no recipe can be run with, before anything is collected."""
    if any(
        config.getoption(one) not in (None, False) for one in ("recipe_dtype", "recipe_repeats", "recipe_in_process")
    ):
        from tensorflow_free.pytest_plugin import configuration  # noqa: PLC0415 - a session without recipes stays light

        configuration.swept(config, "dtype")
        configuration.repeats(config)
        configuration.apart(config)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a recipe file, and note a golden, which is no test but may have lost its recipe."""
    name = file_path.name
    if name.endswith((*RECIPE_SUFFIXES, GOLDEN)):
        from tensorflow_free.pytest_plugin import collecting  # noqa: PLC0415 - as above

        return collecting.collect(file_path, parent)
    return None


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what an xdist worker gathered."""
    gathered = (getattr(node, "workeroutput", None) or {}).get(XDIST_KEY)
    if gathered is not None:
        from tensorflow_free.pytest_plugin import session  # noqa: PLC0415 - as above

        session.gathering_of(node.config).add(gathered)
