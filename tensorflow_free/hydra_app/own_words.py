"""Hydra's own settings on a command line, checked before Hydra reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tensorflow_free.composition.command_line import GROUP, CommandLine
from tensorflow_free.composition.grammar import hydra_override, is_sweep
from tensorflow_free.composition.overrides import OverrideError, override_place
from tensorflow_free.composition.scalars import ScalarError
from tensorflow_free.errors import Problem
from tensorflow_free.files.new_folders import filled


def recipe_choices(words: CommandLine) -> list[str]:
    """The overrides that choose recipes, `recipe=a,b`."""
    return [text for text in words.hydra if text.partition("=")[0] == GROUP]


def own_settings(words: CommandLine) -> list[str]:
    """The overrides of Hydra's own settings."""
    return [text for text in words.hydra if text.partition("=")[0] != GROUP]


def choice(words: CommandLine, group: str, usual: str) -> str:
    """The option of a config group of Hydra's that the command line chooses."""
    for text in words.hydra:
        try:
            override = hydra_override(text)
        except (OverrideError, ScalarError):
            continue
        if override.key_or_group == group:
            usual = str(override.value())
    return usual


def hydra_problems(texts: Sequence[str]) -> list[Problem]:
    """What is wrong with overrides of Hydra's own settings, as far as can be told without Hydra."""
    return [problem for text in texts for problem in _problems(text)]


def _problems(text: str) -> Iterator[Problem]:
    """That an override does not parse, gives several values, or names a folder in use."""
    place = override_place(text)
    try:
        override = hydra_override(text)
    except (OverrideError, ScalarError) as error:
        yield Problem(place, str(error))
        return
    if is_sweep(override):
        more = "add -m to run once with each" if override.key_or_group == GROUP else "quote a text that has commas"
        yield Problem(place, f"it gives several values, and takes one; {more}")
        return
    value = override.value()
    if override.key_or_group in ("hydra.run.dir", "hydra.sweep.dir") and isinstance(value, str) and "${" not in value:
        yield from (Problem(place, why) for why in [filled(Path(value))] if why)
