"""Hydra used as a library: its global state set and put back, its errors in our messages."""

from __future__ import annotations

import errno
import io
import logging
import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.version import VersionBase

from hydra_plugins.tensorflow_free_sweeps import CellsSweeper, WorkersLauncher
from tensorflow_free.composition.overrides import Override
from tensorflow_free.errors import Place, Problem, RecipeError, TensorflowFreeError, UnwritableError
from tensorflow_free.hydra_app.primary import PRIMARY, config_stored
from tensorflow_free.text.characters import printable_lines

if TYPE_CHECKING:
    from hydra._internal.hydra import Hydra

_DISK: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EFBIG)
"""What a disk says that takes nothing; all else is a word of the command line's that names no folder."""

_ONE_AT_A_TIME: Final = threading.RLock()
"""Hydra's state and `sys.argv` are the process's."""

_BASE: Final = "1.3" if hydra.__version__.startswith("1.3") else None
"""The version whose defaults Hydra is asked for; a later one warns of any."""


@contextmanager
def hydra_configured(recipes: Mapping[str, Path], beside: Sequence[Override] = ()) -> Iterator[None]:
    """Hydra knows these recipes; whatever it changes of the process is put back.

    Args:
        recipes: the file of each recipe, by the name of its option. Unless an override says otherwise, a run of the
            first goes to `outputs/STEM/<date>_<time>-<random>`, and a sweep to `multirun/<date>_<time>-<random>`.
        beside: overrides that Hydra does not get, and that are applied to the recipes already.

    Raises:
        RecipeError: Hydra refuses something.
        UnwritableError: a disk takes nothing.
    """
    with _ONE_AT_A_TIME, _state_kept(), _refusals():
        # an editable install hides plugins from Hydra's search
        for plugin in (CellsSweeper, WorkersLauncher):
            Plugins.instance().register(plugin)
        with config_stored(recipes, beside):
            yield


def started() -> Hydra:
    """Hydra itself, within `hydra_configured`."""
    hydra.initialize(config_path=None, job_name="run-recipe", version_base=_BASE)
    found = GlobalHydra.instance().hydra
    assert found is not None  # noqa: S101 - it has just been made
    return found


def show(words: Sequence[str]) -> None:
    """Have Hydra's own command line show something, within `hydra_configured`, without what a terminal would act on.

    Args:
        words: overrides, and one of `--cfg`, `--info` and `--hydra-help` with what belongs to it.
    """
    told, stdout = io.StringIO(), sys.stdout
    with _command_line(words), redirect_stdout(told):
        try:
            hydra.main(config_path=None, config_name=PRIMARY, version_base=_BASE)(_no_job)()
        finally:
            stdout.write(printable_lines(told.getvalue()))


def _no_job(config: Any) -> Any:
    raise AssertionError(config)  # pragma: no cover - it only shows


@contextmanager
def _command_line(words: Sequence[str]) -> Iterator[None]:
    """`sys.argv` as Hydra reads it, and its exceptions raised instead of printed."""
    before, full_error = sys.argv, os.environ.get("HYDRA_FULL_ERROR")
    sys.argv = ["run-recipe", *words]
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        yield
    finally:
        sys.argv = before
        if full_error is None:
            del os.environ["HYDRA_FULL_ERROR"]
        else:
            os.environ["HYDRA_FULL_ERROR"] = full_error


@contextmanager
def _state_kept() -> Iterator[None]:
    """Hydra's state of the process, which another Hydra app may be using, and the root logger, as they were."""
    app, config, version = GlobalHydra.instance(), HydraConfig.instance(), VersionBase.instance()
    root = logging.getLogger()
    before = app.hydra, config.cfg, version.version_base, root.level, list(root.handlers)
    app.clear()
    try:
        yield
    finally:
        app.hydra, config.cfg, version.version_base, level, root.handlers[:] = before
        root.setLevel(level)


@contextmanager
def _refusals() -> Iterator[None]:
    """What Hydra refuses becomes a RecipeError; exceptions of jobs never come this way."""
    try:
        yield
    except TensorflowFreeError:
        raise
    except OSError as error:
        if error.errno in _DISK:
            raise UnwritableError(f"{error.filename}: Hydra cannot write here: {error.strerror}") from error
        raise RecipeError([_hydra_problem(error)]) from error
    except SystemExit as stop:
        if stop.code:
            raise RecipeError([Problem(Place(file="command line"), "Hydra refuses it; see above")]) from stop
    except Exception as error:
        raise RecipeError([_hydra_problem(error)]) from error


def _hydra_problem(error: Exception) -> Problem:
    """Hydra's message in one line, without its links."""
    if isinstance(error, OSError) and error.strerror:
        return Problem(Place(file=error.filename), f"Hydra cannot write here: {error.strerror}")
    text = str(error) or str(error.__cause__ or type(error).__name__)
    lines = [line.strip() for line in text.splitlines() if line.strip() and "https://" not in line]
    message = f"Hydra refuses it: {'; '.join(lines) or type(error).__name__}"
    return Problem(Place(file="command line"), message)
