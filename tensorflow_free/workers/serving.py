"""A worker from inside: a process that answers one question after another, with torch imported once.

It is asked by one pipe, and answers on another, line by line: a letter, and a text. What crosses is strict JSON.
It ends when its parent does.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from tensorflow_free.errors import RecipeError, StorageError, UnwritableError
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.plugins import load_plugins
from tensorflow_free.process.child import READY, STAGE, Parent
from tensorflow_free.process.kept_modules import modules_kept
from tensorflow_free.process.warning_filters import leave_warnings_to_results

if TYPE_CHECKING:
    from tensorflow_free.run.watching import Watch

ANSWER, EARLY, REFUSED, UNWRITABLE, FAULT, DEVICES, BROKEN = "RJPWEDB"
"""What a line says besides: an answer; what stands if there will be none; ops that cannot be loaded; what cannot be
written, or read; an error of ours; the devices that it sees, for a parent that shares them out; those of them that it
cannot use any more, told before an answer."""

Answering: TypeAlias = Callable[[dict[str, Any]], str]
"""From a question to its answer, both as strict JSON has them."""


@dataclass(frozen=True)
class Serving:
    """What answers questions with.

    Attributes:
        asked: what the worker was begun with.
        stage: tells what it is about to do, for the case that it does not come back.
        early: tells what stands in that case.
        watch: tells at which step it is; None where nobody wants to know.
    """

    asked: dict[str, Any]
    stage: Callable[[str], None]
    early: Callable[[str], None]
    watch: Watch | None


def serve(words: list[str], prepared: Callable[[Serving], Answering]) -> None:
    """Answer questions until there are no more.

    Args:
        words: as `Parent` reads them; asked are the ops files, and the limit of memory.
        prepared: makes what answers, once torch and the user's ops are loaded.
    """
    parent = Parent(words)
    leave_warnings_to_results()
    answering = _ready(parent, prepared)
    if answering is None:
        os._exit(ExitCode.WRONG)
    with os.fdopen(parent.commands, "rb") as lines:
        for line in lines:
            _answer(json.loads(line), answering, parent.say)
    # torch takes its time to end, and has nothing to save
    os._exit(ExitCode.OK)


def _ready(parent: Parent, prepared: Callable[[Serving], Answering]) -> Answering | None:
    """What answers; None where the user's ops cannot be loaded, which is told."""
    with modules_kept():
        import torch  # noqa: PLC0415 - the lifeline must hold before a second is spent on this

        from tensorflow_free.registry import load_ops_file  # noqa: PLC0415
        from tensorflow_free.result.environment import environment_of  # noqa: PLC0415
        from tensorflow_free.run.watching import Watch, limit_memory  # noqa: PLC0415

    asked = parent.asked
    serving = Serving(
        asked,
        stage=lambda stage: parent.say(STAGE, stage),
        early=lambda text: parent.say(EARLY, text),
        watch=Watch(parent.board) if asked["tells_steps"] else None,
    )
    try:
        load_plugins()
        for file in asked["ops"]:
            load_ops_file(Path(file))
        answering = prepared(serving)
    except RecipeError as error:
        parent.say(REFUSED, json.dumps(str(error)))
        return None
    limit_memory(asked["memory_gib"])
    if "kinds" in asked:
        parent.say(DEVICES, json.dumps(devices_told(asked["kinds"])))
    parent.say(READY, environment_of(torch.get_num_threads()).model_dump_json())
    return answering


def devices_told(kinds: Sequence[str]) -> dict[str, Any]:
    """The devices of this machine: what `auto` stands for, and the kinds of which there are some.

    Args:
        kinds: those that are asked for.
    """
    from tensorflow_free.tensors.device_shares import device_shares  # noqa: PLC0415 - as in `_ready`
    from tensorflow_free.tensors.devices import best_device  # noqa: PLC0415

    return {"best": best_device(), "kinds": [asdict(one) for one in device_shares(kinds)]}


def _answer(question: dict[str, Any], answering: Answering, say: Callable[[str, str], None]) -> None:
    from tensorflow_free.run.lost_devices import broken_devices  # noqa: PLC0415 - torch is loaded by now

    try:
        answer = answering(question)
        if broken := broken_devices():
            say(BROKEN, json.dumps(broken))
    except StorageError as error:
        say(UNWRITABLE, json.dumps([str(error), isinstance(error, UnwritableError)]))
    except Exception as error:  # noqa: BLE001 - an error of ours costs one answer, and not the worker
        import traceback  # noqa: PLC0415 - hardly ever

        traceback.print_exc()
        say(FAULT, json.dumps(f"{type(error).__name__}: {error}"))
    else:
        say(ANSWER, answer)
