"""The process in which cells run, one after another, with torch imported once. It ends when its parent does.

It gets a cell by one pipe, and answers on another, line by line: a letter, and a text. What ops print
goes to standard error.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from tensorflow_free.errors import RecipeError, StorageError
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.process.child import READY, STAGE, Parent
from tensorflow_free.process.warning_filters import leave_warnings_to_results
from tensorflow_free.sweep.cells import Cell
from tensorflow_free.sweep.rows import Row

ROW, JUDGED, REFUSED, UNWRITABLE, FAULT = "RJPWE"
"""What a line says besides: a row; a row whose culprit is still looked for; ops that cannot be loaded; a folder that
cannot be written; an error of ours."""


def main(words: list[str]) -> None:
    """Run cells until there are no more.

    Args:
        words: as `Parent` reads them; asked are the ops files, the folder that keeps results, and the limits.
    """
    parent = Parent(words)
    leave_warnings_to_results()
    row_of = _prepared(parent)
    if row_of is None:
        os._exit(ExitCode.WRONG)
    with os.fdopen(parent.commands, "rb") as lines:
        for line in lines:
            _answer(Cell.from_plain(json.loads(line)), row_of, parent.say)
    # torch takes its time to end, and has nothing to save
    os._exit(ExitCode.OK)


def _prepared(parent: Parent) -> Callable[[Cell], Row] | None:
    """What runs a cell, once torch and the user's ops are loaded; None where that failed, which is told."""
    import torch  # noqa: PLC0415 - the lifeline must hold before a second is spent on this

    from tensorflow_free.registry import load_ops_file  # noqa: PLC0415
    from tensorflow_free.result.environment import environment_of  # noqa: PLC0415
    from tensorflow_free.run.watching import Watch, limit_memory  # noqa: PLC0415
    from tensorflow_free.sweep.trial import Trial  # noqa: PLC0415

    asked = parent.asked
    try:
        for file in asked["ops"]:
            load_ops_file(Path(file))
    except RecipeError as error:
        parent.say(REFUSED, json.dumps(str(error)))
        return None
    folder = None if asked["folder"] is None else Path(asked["folder"])
    watch = None if parent.board is None else Watch(parent.board)
    trial = Trial(
        folder,
        lambda stage: parent.say(STAGE, stage),
        watch=watch,
        judged=lambda row: parent.say(JUDGED, row.model_dump_json()),
    )
    limit_memory(asked["memory_gib"])
    parent.say(READY, environment_of(torch.get_num_threads()).model_dump_json())
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
