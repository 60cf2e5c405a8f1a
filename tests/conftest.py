"""The switches of the test run."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack

import pytest

FULL_TIMEOUT = 1800
"""The seconds that a test may take of which the full tier does more, unless it is marked with a `timeout` of its own."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("tensorflow_free's own tests")
    group.addoption("--full", action="store_true", help="run what is marked `full`, too: the tests that take long")
    group.addoption(
        "--op-samples",
        choices=("some", "all"),
        default="some",
        help="which sample inputs of PyTorch's operator database are run: a few of each entry (the default), or all",
    )
    group.addoption(
        "--op-dtypes",
        default="usual",
        help="in which dtypes: usual (float32 wherever there is one; the default), all, or some, such as float64,int64",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        marked = item.get_closest_marker("full") is not None
        if not config.getoption("--full"):
            if marked:
                item.add_marker(pytest.mark.skip(reason="it is of the full tier; --full runs it"))
        elif (marked or "full" in getattr(item, "fixturenames", ())) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(FULL_TIMEOUT))


@pytest.fixture(scope="session")
def full(pytestconfig: pytest.Config) -> bool:
    """Whether the full tier runs: a test that repeats something repeats it often then, and a few times otherwise."""
    return bool(pytestconfig.getoption("--full"))


@pytest.fixture(autouse=True)
def nobody_waits_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are not forced to the disk: only a power cut would tell the difference, and thousands are written."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture(autouse=True)
def no_test_writes_the_summary_of_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the tests are a job of GitHub's, commands that they run would tell of themselves there."""
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)


@pytest.fixture(autouse=True)
def no_test_knows_the_files_of_ops_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a command tells names the files of ops that its own process was given."""
    monkeypatch.setattr("tensorflow_free.ops.ops_files._named", {})


@pytest.fixture(autouse=True)
def no_test_is_as_wide_as_the_terminal_that_runs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Help fits the terminal that the environment tells of."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(autouse=True)
def no_test_knows_the_errors_that_another_calls_unsupported(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command line that adds patterns leaves them in the environment, for the processes that it begins."""
    # set, so that what the test sets is taken back
    monkeypatch.setenv("TENSORFLOW_FREE_UNSUPPORTED", "[]")


@pytest.fixture(autouse=True)
def _default_dtype():
    """Torch's default dtype after each test: stand-ins for workers run cells in threads of this process, at once.

    Each puts back what it found, which may be what the other had set.
    """
    yield
    torch = sys.modules.get("torch")
    if torch is not None and torch.get_default_dtype() != torch.float32:
        torch.set_default_dtype(torch.float32)


@pytest.fixture(scope="session")
def loom():
    """The tests' second device, built; it is for processes of their own."""
    from tests.device.second.building import Loom, compiler, distribution

    if compiler() is None:
        pytest.skip("the second device is built by a C++ compiler, and there is no g++ here")
    return Loom(distribution())


@pytest.fixture(scope="module")
def browser():
    """Chromium, started once for the tests of a file, and ended after them."""
    from tests.browser import chromium

    with chromium() as started:
        yield started


@pytest.fixture
def opened(browser):
    """Opens a file as a page, `opened(path)`; a page that asks for anything else or complains of anything fails the test."""
    from tests.browser import Opener

    with ExitStack() as stack:
        yield Opener(browser, stack)
