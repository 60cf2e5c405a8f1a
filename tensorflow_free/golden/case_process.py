"""The worker process in which cases run apart: each is verified, judged by what it expects, or recorded."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.workers.serving import Answering, Serving, serve


def main(words: list[str]) -> None:
    """Run cases until there are no more; asked are, besides, the modules and the files of ops that it loads."""
    serve(words, _answering)


def _answering(serving: Serving) -> Answering:
    """From a question to what came of a case; early is the verdict on one whose culprit is still looked for."""
    # the lifeline must hold before torch is imported
    from tensorflow_free.golden.apart import Running  # noqa: PLC0415
    from tensorflow_free.plan.settings import adopt  # noqa: PLC0415
    from tensorflow_free.registry import find  # noqa: PLC0415
    from tensorflow_free.run.lost_devices import used_devices  # noqa: PLC0415
    from tensorflow_free.run.out_of_memory import give_back_memory  # noqa: PLC0415

    _load(serving.asked)
    running = Running(
        stage=serving.stage,
        judged=lambda found: serving.early(json.dumps(found.to_plain(), allow_nan=False)),
        watch=serving.watch,
    )

    def answer(question: dict[str, Any]) -> str:
        os.chdir(question["cwd"])
        adopt(question["settings"])
        _import_all(question["modules"])
        is_known = all(find(op) is not None for op in question["ops"])
        how = replace(running, exact=question.get("exact", False))
        found = ACTS[question["act"]](question, how) if is_known else None
        give_back_memory(used_devices(), was_short=_was_short(found))
        sys.stdout.flush()
        return json.dumps(found, allow_nan=False)

    return answer


def _was_short(found: Any) -> bool:
    """Whether a verdict says that there was not enough memory."""
    return found is not None and found.get("fate", {}).get("outcome") == Outcome.OUT_OF_MEMORY


def _load(asked: dict[str, Any]) -> None:
    """Import the modules and load the files of ops.

    Raises:
        RecipeError: a file of ops cannot be loaded.
    """
    from tensorflow_free.ops.ops_files import ops_files  # noqa: PLC0415 - as above
    from tensorflow_free.registry import load_ops_file  # noqa: PLC0415

    _import_all(asked["modules"])
    for file in map(Path, asked["files"]):
        # a module may have loaded it
        if file not in ops_files():
            load_ops_file(file)


def _import_all(modules: list[tuple[str, str]]) -> None:
    """Import modules; one that cannot be imported here leaves its ops unknown."""
    for name, file in modules:
        try:
            _import(name, file)
        except BaseException:  # noqa: BLE001 - a module of tests may well skip itself
            traceback.print_exc()


def _import(name: str, file: str) -> None:
    """Import a module by its name, or from its file where that name is another's here, or nobody's."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin != file:
        spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None or getattr(sys.modules.get(name), "__file__", None) == file:
        return
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


def _verified(question: dict[str, Any], running: Any) -> Any:
    from tensorflow_free.golden.verifying import verify_case  # noqa: PLC0415 - as above

    one = question
    return _told(verify_case(one["path"], one["case"], one["overrides"], k=one["k"], running=running), running)


def _judged(question: dict[str, Any], running: Any) -> Any:
    from tensorflow_free.golden.expecting import judge_case  # noqa: PLC0415 - as above

    return _told(judge_case(question["path"], question["case"], question["overrides"], running=running), running)


def _told(found: Any, running: Any) -> Any:
    """A verdict; None where a case whose error showed late does not fail now."""
    return None if running.exact and not found.stopped else found.to_plain()


def _recorded(question: dict[str, Any], running: Any) -> Any:
    from tensorflow_free.golden.recorded_cases import plain_recorded  # noqa: PLC0415 - as above
    from tensorflow_free.golden.recording import record  # noqa: PLC0415 - as above

    running.stage("recording the case")
    one = question
    (done,) = record(one["path"], cases=[one["case"]], device=one["device"], starts=one["starts"])
    return plain_recorded(done)


def _refreshed(question: dict[str, Any], running: Any) -> Any:
    from tensorflow_free.golden.recorded_cases import plain_recorded  # noqa: PLC0415 - as above
    from tensorflow_free.golden.refreshing import refresh  # noqa: PLC0415 - as above

    running.stage("measuring its noise")
    (done,) = refresh(question["path"], cases=[question["case"]], device=question["device"])
    return plain_recorded(done)


ACTS: Final[dict[str, Callable[[dict[str, Any], Any], Any]]] = {
    "verify": _verified,
    "judge": _judged,
    "record": _recorded,
    "refresh": _refreshed,
}
"""What can be done with a case, by its word in a question."""
