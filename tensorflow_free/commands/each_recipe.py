"""Each recipe of a command line, run: directly, or through Hydra where the command line uses Hydra's own features.

Directly: recipe files and overrides. Through Hydra: `--cfg`, `--info`, and all that begins with `hydra`. Both end in
`compose`, so that a recipe is the same either way; the direct way saves the import of Hydra, 0.2 seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tensorflow_free.composition.command_line import CommandLine
from tensorflow_free.composition.compose import BestDevice, Composed, compose_all
from tensorflow_free.files.new_folders import output_folder
from tensorflow_free.process.kept_modules import modules_kept

Task = Callable[[Composed, Path], int]
"""Runs one recipe into a folder, which may not exist yet, and gives the exit code."""


def run_each(words: CommandLine, task: Task, best_device: BestDevice | None = None) -> int:
    """Run each recipe of a command line that asks for no sweep.

    Args:
        words: the command line.
        task: called once for each recipe. The folder is `outputs/STEM/<date>_<time>-<random>`, or what `hydra.run.dir`
            says; it does not exist, or holds nothing but Hydra's `.hydra`.
        best_device: as of `compose`; asked inside a job only.

    Returns:
        The worst exit code of all recipes; 0 where Hydra only showed something.

    Raises:
        RecipeError: a recipe, or what Hydra was told, is wrong.
    """
    if words.needs_hydra:
        # Hydra takes a tenth of a second to import, and a plain run has no use for it
        with modules_kept():
            from tensorflow_free.hydra_app.running import run_with_hydra  # noqa: PLC0415
        return run_with_hydra(words, task, best_device)
    composed = compose_all(words.files, words.overrides, best_device=best_device)
    return max(task(recipe, output_folder(recipe.stem)) for recipe in composed)
