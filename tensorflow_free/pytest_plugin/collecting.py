"""Recipe files and the tests in them: one for each case and swept cell. Collecting does not import torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from tensorflow_free.composition.compose import case_names, cases_in, compose
from tensorflow_free.composition.merging import merged
from tensorflow_free.composition.override_texts import case_override
from tensorflow_free.errors import RecipeError
from tensorflow_free.files.opening import is_of_runs
from tensorflow_free.pytest_plugin import discovery
from tensorflow_free.pytest_plugin.configuration import options_of
from tensorflow_free.pytest_plugin.constants import GOLDEN
from tensorflow_free.pytest_plugin.items import RecipeItem
from tensorflow_free.pytest_plugin.session import gathering_of
from tensorflow_free.recipe.keys import CELL, DEFAULTS
from tensorflow_free.recipe.names import cell_name
from tensorflow_free.sweep.matrix import Combinations
from tensorflow_free.text.characters import is_printable, printable
from tensorflow_free.text.phrases import seen_from

BROKEN: Final = "broken"
"""The name of the one test of a file that cannot be read."""


def collect(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """The collector of a recipe file, or None; a golden is noted."""
    config = parent.config
    named = parent.session.isinitpath(file_path)
    if file_path.name.endswith(GOLDEN):
        stem = file_path.with_name(file_path.name.removesuffix(GOLDEN) + ".yaml")
        # of a folder in which one file is asked for, pytest shows all
        asked = named or any(parent.session.isinitpath(folder) for folder in file_path.parents)
        if asked and (named or discovery.fits(stem, config, options_of(config).files)):
            gathering_of(config).goldens.add(str(file_path))
        return None
    fits = named or discovery.fits(file_path, config, options_of(config).files)
    if not fits or not (named or (discovery.is_recipe(file_path) and not is_of_runs(file_path.parent))):
        return None
    if named and (golden := file_path.with_name(file_path.stem + GOLDEN)).exists():
        gathering_of(config).goldens.add(str(golden))
    gathering_of(config)
    return RecipeFile.from_parent(parent, path=file_path, nodeid=_nodeid(file_path, config))


def _nodeid(path: Path, config: pytest.Config) -> str | None:
    """The id of a file whose name cannot be shown as it stands; None for pytest's own."""
    shown = seen_from(config.rootpath, path)
    return None if is_printable(str(shown)) else printable(shown.as_posix())


class RecipeFile(pytest.File):
    """A recipe file."""

    def collect(self) -> Iterator[RecipeItem]:
        """A test for each case, or for the bare file, in each swept cell; one for a file that cannot be read."""
        try:
            owns = self._owns()
        except RecipeError:
            # running the test tells what is wrong
            yield self._test(BROKEN)
            return
        gathering_of(self.config).cases[str(self.path)] = list(owns)
        for case, own in owns.items():
            yield from self._cells(case, own)

    def _owns(self) -> dict[str, Mapping[str, Any]]:
        """What the recipe says of its cell in each case; '' is the bare file.

        Raises:
            RecipeError: it cannot be read, or does not compose.
        """
        try:
            mapping = compose(self.path).mapping
        except RecipeError:
            # what its references name may stand in its cases alone
            cases = cases_in(self.path)
            if not cases:
                raise
            return {case: compose(self.path, [case_override(case)]).mapping for case in cases}
        return {case: self._own(mapping, case) for case in case_names(mapping) or ("",)}

    def _own(self, mapping: Mapping[str, Any], case: str) -> Mapping[str, Any]:
        """What the recipe says of its cell in a case, and its tags."""
        if not case:
            return mapping
        content = mapping["cases"][case]
        content = content if isinstance(content, Mapping) else {}
        said = {key: content[key] for key in (*CELL, "tags") if key in content}
        if "${" in str(said):
            return compose(self.path, [case_override(case)]).mapping
        return merged(mapping, said)

    def _cells(self, case: str, own: Mapping[str, Any]) -> Iterator[RecipeItem]:
        tags = own.get("tags")
        words = [str(tag) for tag in tags] if isinstance(tags, list) else []
        for overrides in Combinations(options_of(self.config).swept):
            item = self._test(_name(case, {**own, **{one.key: one.value_text for one in overrides}}))
            item.case, item.overrides = case, (*overrides, *options_of(self.config).overrides)
            item.tag(words)
            yield item

    def _test(self, name: str) -> RecipeItem:
        item: RecipeItem = RecipeItem.from_parent(self, name=name)
        item.asked, item.gathering = options_of(self.config), gathering_of(self.config)
        return item


def _name(case: str, cell: Mapping[str, Any]) -> str:
    """The name of a test: `small-bfloat16-cpu`, `float32-cpu-inductor`."""
    device, dtype, backend = (cell.get(key, DEFAULTS[key]) for key in CELL)
    if isinstance(backend, Mapping):
        backend = backend.get("name", DEFAULTS["backend"])
    name = cell_name(str(device), str(dtype), str(backend))
    return printable(f"{case}-{name}" if case else name)
