"""What a session gathers besides its tests: goldens seen, cases that exist, cases recorded.

Under xdist each worker sends its part when it ends, and the controller judges all of it: goldens that no recipe uses
fail a session that ran everything.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import pytest

from tensorflow_free.errors import TensorflowFreeError
from tensorflow_free.files.opening import read_file
from tensorflow_free.pytest_plugin.configuration import options_of
from tensorflow_free.pytest_plugin.constants import GOLDEN, XDIST_KEY
from tensorflow_free.pytest_plugin.items import RecipeItem
from tensorflow_free.pytest_plugin.scans import look_through_once
from tensorflow_free.recipe.names import RECIPE_SUFFIXES
from tensorflow_free.text.characters import in_a_line, printable
from tensorflow_free.text.phrases import counted, seen_from_here

if TYPE_CHECKING:
    from tensorflow_free.golden.apart import CaseWorker
    from tensorflow_free.golden.verification import Verification
    from tensorflow_free.outcome.plain_reasons import Because

JUDGED: Final = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
"""Exit codes of sessions that came to their end."""


class Gathering:
    """What one session gathered; a plugin, registered when the first recipe or golden is seen."""

    CLOSED: Final = "nothing is recorded where CI is set"

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.goldens: set[str] = set()
        self.cases: dict[str, list[str]] = {}
        """The cases of each recipe that was collected; that of the bare file is ''."""
        self.partly_judged: dict[str, str] = {}
        """The tests that passed although not everything in them was judged, or compiled, and why."""
        self.by_noise: set[str] = set()
        """Goldens of an older format, in which there is only noise to judge by."""
        self.is_closed = os.environ.get("CI", "").lower() not in ("", "false", "0")
        """Whether nothing may be recorded here."""
        self._is_partial = _is_partial(config)
        self._recorded: dict[str, str] = {}
        self._refused: dict[str, str] = {}
        self._unused: list[str] = []
        self._marks: set[str] = set()

    @functools.cached_property
    def apart(self) -> CaseWorker:
        """Where cases run that this process is not to bear; its worker ends with the session."""
        from tensorflow_free.golden.apart import CaseWorker  # noqa: PLC0415 - collecting loads no torch

        def modules() -> list[ModuleType]:
            plugins = [one for one in self._config.pluginmanager.get_plugins() if isinstance(one, ModuleType)]
            return [one for one in plugins if Path(one.__file__ or "").name == "conftest.py"]

        apart = CaseWorker(options_of(self._config).apart, modules=modules)
        self._config.add_cleanup(apart.end)
        return apart

    def register_mark(self, word: str) -> None:
        """Make a tag known as a mark."""
        if word not in self._marks:
            self._marks.add(word)
            self._config.addinivalue_line("markers", f"{word}: a tag of recipes")

    def record(self, path: Path, case: str, found: Verification) -> Because | None:
        """Record a case's golden, once in a session; why that cannot be."""
        from tensorflow_free.golden.apart import Running  # noqa: PLC0415 - as below
        from tensorflow_free.golden.orphans import device_of  # noqa: PLC0415 - collecting loads no pydantic,
        from tensorflow_free.golden.recording import record  # noqa: PLC0415 - and no torch
        from tensorflow_free.outcome.plain_reasons import Because  # noqa: PLC0415 - as above

        device = None if found.golden is None else device_of(found.golden, path)
        key = f"{path}{f', case {case}' if case else ''}{f', for {device}' if device else ''}"
        if key not in self._recorded and key not in self._refused:
            try:
                (done,) = record(path, cases=[case], device=device, running=Running(self.apart))
            except TensorflowFreeError as error:
                self._refused[key] = str(error)
            else:
                if done.did == "refused":
                    self._refused[key] = in_a_line(done.reason)
                else:
                    self._recorded[key] = done.did
        return Because(code="not recorded anew", why=self._refused[key]) if key in self._refused else None

    # over all workers

    def add(self, other: Mapping[str, Any]) -> None:
        """Take over what a worker gathered."""
        self.goldens.update(other["goldens"])
        self.cases.update(other["cases"])
        self.partly_judged.update(other["partly_judged"])
        self.by_noise.update(other["by_noise"])
        # of two workers that recorded the same golden, the second found it unchanged
        self._recorded.update(
            (key, did) for key, did in other["recorded"].items() if self._recorded.get(key) != "written"
        )
        self._refused.update(other["refused"])
        self._is_partial = self._is_partial or other["is_partial"]

    def _plain(self) -> dict[str, Any]:
        return {
            "goldens": sorted(self.goldens),
            "cases": self.cases,
            "partly_judged": self.partly_judged,
            "by_noise": sorted(self.by_noise),
            "recorded": self._recorded,
            "refused": self._refused,
            "is_partial": self._is_partial,
        }

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Note that not every test of a recipe runs."""
        if any(isinstance(item, RecipeItem) for item in items):
            self._is_partial = True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Say of a skip that it is the recipe's, not that of the line which found out."""
        report = yield
        if isinstance(item, RecipeItem) and isinstance(report.longrepr, tuple):
            report.longrepr = (printable(str(item.path)), 1, report.longrepr[2])
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int | pytest.ExitCode) -> None:
        """Hand over to the controller, or fail the session for goldens that have no use."""
        output = getattr(self._config, "workeroutput", None)
        if output is not None:
            output[XDIST_KEY] = self._plain()
            return
        stopped = session.shouldstop or session.shouldfail or self._config.getoption("collectonly")
        if self._is_partial or stopped or exitstatus not in JUDGED:
            return
        self._unused = list(unused(sorted(self.goldens), self.cases))
        if self._unused:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what was recorded, and which goldens have no use."""
        asked = self._config.getoption("record_recipes")
        if asked is not None:
            terminalreporter.section("goldens recorded", sep="-")
            refused = {key: f"not recorded: {why}" for key, why in self._refused.items()}
            lines = [printable(f"{key}: {did}") for key, did in sorted({**self._recorded, **refused}.items())]
            for line in [self.CLOSED] if self.is_closed else lines or ["none"]:
                terminalreporter.write_line(line)
        if self.partly_judged:
            terminalreporter.section("recipes partly judged", sep="-")
            for test, why in sorted(self.partly_judged.items()):
                terminalreporter.write_line(printable(f"{test}: {why}"))
        if self.by_noise:
            terminalreporter.section("older goldens", sep="-")
            older = counted(len(self.by_noise), "golden")
            terminalreporter.write_line(f"{older} judged by one run's noise; mend: recipe record --refresh-noise")
        if self._unused:
            terminalreporter.section("unused goldens", red=True, bold=True)
            for line in self._unused:
                terminalreporter.write_line(printable(line))
            count = len(self._unused)
            words = f"{counted(count, 'golden')} {'is' if count == 1 else 'are'} unused, which fails this run"
            terminalreporter.write_line(words, red=True)


_GATHERING: Final = pytest.StashKey[Gathering]()


def gathering_of(config: pytest.Config) -> Gathering:
    """What the session of this configuration gathers."""
    found = config.stash.get(_GATHERING, None)
    if found is None:
        found = config.stash[_GATHERING] = Gathering(config)
        config.pluginmanager.register(found, "tensorflow_free_gathering")
        look_through_once(config)
    return found


def _is_partial(config: pytest.Config) -> bool:
    """Whether a person chose some tests: by their ids, or those that failed last."""
    chosen = any("::" in argument for argument in config.invocation_params.args)
    return chosen or bool(config.getoption("lf", default=False))


# goldens of no use


def unused(goldens: Sequence[str], cases: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """A line for each golden whose recipe is gone, and for each case of one that its recipe has not.

    Args:
        goldens: the goldens' json files.
        cases: the cases of each recipe that was read; another one's goldens are not looked into.
    """
    for golden in map(Path, goldens):
        written = _written(golden)
        recipe = _recipe_of(golden, written)
        if recipe is None:
            yield f"{seen_from_here(golden)}: its recipe no longer exists; delete it"
            continue
        known = cases.get(str(recipe), ())
        for case in written.get("cases", ()):
            if known and case not in known:
                what = f"the case '{case}'" if case else "the recipe without a case, and it has cases now"
                again = f"record it again: recipe record {seen_from_here(recipe)}"
                yield f"{seen_from_here(golden)}: it holds {what}, which {recipe.name} has not; {again}"


def _written(golden: Path) -> Mapping[str, Any]:
    """What stands in a golden; nothing where it is broken, which its own test reports."""
    try:
        written = json.loads(read_file(golden, within=golden.parent))
    except (OSError, ValueError, RecursionError):
        return {}
    return written if isinstance(written, dict) else {}


def _recipe_of(golden: Path, written: Mapping[str, Any]) -> Path | None:
    """The recipe file beside a golden that it is for, or None."""
    stem = golden.name.removesuffix(GOLDEN)
    stems = [stem, stem.removesuffix(f".{written['device']}")] if written.get("device") else [stem]
    beside = (golden.with_name(one + suffix) for one in stems for suffix in RECIPE_SUFFIXES)
    return next((path for path in beside if path.is_file()), None)
