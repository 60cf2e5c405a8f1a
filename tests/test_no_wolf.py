"""The goldens cry no wolf: recorded on one kind of CPU, they hold on every other, in all dtypes, on 1 and 2 threads.

All recipes in the full tier, some in the other.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest
import torch

from tensorflow_free.recipe.names import RECIPE_DTYPES
from tests.faults.cells import THREADS, sample
from tests.faults.scoring import RECIPES, Fixture, recorded_fixtures
from tests.processes import started

ROOT = RECIPES.parent

CAPABILITIES = ("default", "avx2", "avx512")
"""The kinds of kernels that ATen has for x86 CPUs, from narrow vectors to wide ones."""

NATIVE = torch.backends.cpu.get_cpu_capability().lower()

GOOD = {"ok", "partly judged", "known fault", "unsupported"}


def is_here(capability: str) -> bool:
    """Whether this CPU has the instructions: ATen takes the widest that there are."""
    return NATIVE in CAPABILITIES and CAPABILITIES.index(capability) <= CAPABILITIES.index(NATIVE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("wolf") / "recipes"


@pytest.fixture(scope="module")
def fixtures(folder: Path) -> list[Fixture]:
    return recorded_fixtures(folder)


@pytest.fixture(scope="module")
def every(full: bool) -> int:
    return 1 if full else 4


@pytest.fixture(scope="module")
def found(folder: Path, fixtures: list[Fixture], every: int) -> dict[str, dict[str, Any]]:
    """What the verification of all cells found, by CPU capability; side by side, each in a process of its own."""
    with ExitStack() as running:
        begun = {one: running.enter_context(verifying(one, folder, every)) for one in CAPABILITIES if is_here(one)}
        return {one: json.loads(process.communicate(timeout=600)[0]) for one, process in begun.items()}


def verifying(capability: str, folder: Path, every: int) -> AbstractContextManager[Any]:
    variables = {**os.environ, "ATEN_CPU_CAPABILITY": capability}
    command = (sys.executable, "-W", "ignore", "-m", "tests.faults.cells", folder, str(every))
    return started(*command, cwd=ROOT, env=variables, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_no_cell_fails(
    capability: str, found: dict[str, dict[str, Any]], fixtures: list[Fixture], folder: Path, every: int
) -> None:
    if not is_here(capability):
        pytest.skip(f"this CPU has no {capability}")
    report = found[capability]
    assert report["failures"] == []
    assert report["capability"].lower() == capability
    paths = sample(folder, every)
    cases = [one for one in fixtures if one.path in paths]
    assert len(cases) >= 20
    assert sum(report["outcomes"].values()) == len(cases) * len(RECIPE_DTYPES) * len(THREADS)
    assert set(report["outcomes"]) <= GOOD


def test_nearly_all_cells_are_compared(found: dict[str, dict[str, Any]]) -> None:
    for report in found.values():
        assert report["outcomes"]["ok"] >= 0.95 * sum(report["outcomes"].values())


def test_kernels_do_differ(found: dict[str, dict[str, Any]]) -> None:
    # else the goldens would hold as nothing is another number anywhere
    if len(found) < 2:
        pytest.skip("this CPU has only one kind of kernels")
    totals = [report["total"] for report in found.values()]
    assert totals[0] != totals[-1]
