"""The process in which cells run, one after another, with torch imported once. It ends when its parent does.

It is told by one pipe which cell to run, and answers on another, line by line: a letter, and a text. What ops print
goes elsewhere. A third pipe carries nothing: its end is the parent's.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from tensorflow_free.errors import RecipeError, StorageError
from tensorflow_free.sweep.cells import Cell
from tensorflow_free.sweep.rows import Row

READY, STAGE, ROW, REFUSED, UNWRITABLE, FAULT = "HSRPWE"
"""What a line says: ready, with the environment; what is being done; a row; ops that cannot be loaded; a folder that
cannot be written; an error of ours."""

BOOT: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from tensorflow_free.sweep.worker import main; main(sys.argv[2:])"
)
"""What Python runs: the package is found where the parent found it."""


def import_path() -> str:
    """Where this process finds modules, as JSON for another: `''` is this process's folder, and never the other's."""
    return json.dumps([str(Path(entry).absolute()) for entry in sys.path])


def main(arguments: Sequence[str]) -> None:
    """Run cells until there are no more.

    Args:
        arguments: the descriptors of the pipe of cells, of the one for answers and of the lifeline; then the ops files
            and the folder that keeps results, as JSON.
    """
    commands, answers, lifeline = map(int, arguments[:3])
    _end_with(lifeline)
    asked = json.loads(arguments[3])

    def say(letter: str, text: str) -> None:
        _write(answers, f"{letter}{text}\n".encode())

    row_of = _prepared(asked, say)
    if row_of is None:
        os._exit(1)
    with os.fdopen(commands, "rb") as lines:
        for line in lines:
            _answer(_cell(json.loads(line)), row_of, say)
    # torch takes its time to end, and has nothing to save
    os._exit(0)


def _prepared(asked: dict[str, Any], say: Callable[[str, str], None]) -> Callable[[Cell], Row] | None:
    """What runs a cell, once torch and the user's ops are loaded; None where that failed, which is told."""
    import torch  # noqa: PLC0415 - the lifeline must hold before a second is spent on this

    from tensorflow_free.registry import load_ops_file  # noqa: PLC0415
    from tensorflow_free.result import environment_of  # noqa: PLC0415
    from tensorflow_free.sweep.trial import Trial  # noqa: PLC0415

    try:
        for file in asked["ops"]:
            load_ops_file(Path(file))
    except RecipeError as error:
        say(REFUSED, json.dumps(str(error)))
        return None
    folder = None if asked["folder"] is None else Path(asked["folder"])
    trial = Trial(folder, lambda stage: say(STAGE, stage))
    say(READY, environment_of(torch.get_num_threads()).model_dump_json())
    return trial.row


def _answer(cell: Cell, row_of: Callable[[Cell], Row], say: Callable[[str, str], None]) -> None:
    try:
        row = row_of(cell)
    except StorageError as error:
        say(UNWRITABLE, json.dumps(str(error)))
    except Exception as error:  # noqa: BLE001 - an error of ours costs one cell, and not the sweep
        import traceback  # noqa: PLC0415 - hardly ever

        traceback.print_exc()
        say(FAULT, json.dumps(f"{type(error).__name__}: {error}"))
    else:
        say(ROW, row.model_dump_json())


def _cell(plain: dict[str, Any]) -> Cell:
    return Cell(
        number=plain["number"],
        recipe=plain["recipe"],
        overrides=tuple(plain["overrides"]),
        axes=tuple((key, value) for key, value in plain["axes"]),
        folder=plain["folder"],
        capability=plain["capability"],
    )


def _write(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def _end_with(lifeline: int) -> None:
    """End this process, and all that it started, when the other end of the pipe closes."""

    def watch() -> None:
        os.read(lifeline, 1)
        os.killpg(os.getpgid(0), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
    if sys.platform != "win32":
        # an op that never lets go of Python's lock would keep that thread from running; the system's signal, which
        # nobody handles, ends the process all the same
        import fcntl  # noqa: PLC0415 - not everywhere

        fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
