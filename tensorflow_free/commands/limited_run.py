"""A run with limits: in a process of its own, which is ended at a limit; the outcome is a result in any case."""

from __future__ import annotations

import json
import math
import os
import signal
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from time import monotonic
from typing import Any, Final

from tensorflow_free.commands.ci_report import CiReport
from tensorflow_free.commands.flags import Flags, wrong
from tensorflow_free.commands.printing import complain
from tensorflow_free.commands.run_screen import show, tell_run
from tensorflow_free.composition.command_line import CommandLine
from tensorflow_free.composition.compose import compose_all
from tensorflow_free.composition.writer import dump_yaml
from tensorflow_free.errors import StorageError
from tensorflow_free.files.opening import FileRead
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.outcome.reasons import StepFailed
from tensorflow_free.process.child import READY, START_LIMIT_S, Child, Exceeded, Parent
from tensorflow_free.process.limits import Limits, TimedOut, memory_problem
from tensorflow_free.process.warning_filters import leave_warnings_to_results
from tensorflow_free.run.out_of_memory import is_out_of_memory

ENDED, GAVE_UP = "DG"
"""What a child says besides: that the run has ended and its result is written; that it met a limit outside of steps."""

GRACE_S: Final = 5.0
"""Seconds that a run has to end of its own between two steps, with the values so far, before it is killed."""

MAIN: Final = "tensorflow_free.cli:run_watched"

TYPES: Final[dict[str, str]] = {
    Outcome.TIMED_OUT: "TimedOut",
    Outcome.OUT_OF_MEMORY: "OutOfMemory",
    Outcome.CRASHED: "Crashed",
}
"""What stands as the type of the error in `result.json`."""


def run_limited(flags: Flags, words: CommandLine, report: CiReport) -> int:
    """Run each recipe of a command line in a process of its own, and tell it in `report`: the worst exit code.

    Raises:
        RecipeError: memory cannot be limited here; or a recipe does not compose.
    """
    if flags.limits.memory_gib is not None and (why := memory_problem(flags.limits.memory_gib)):
        raise wrong("flag '--max-memory'", why)
    # what is wrong with any of them is reported before the first runs
    compose_all(words.files, words.overrides)
    return max(_run(file, flags, words, report) for file in words.files)


def _run(file: str, flags: Flags, words: CommandLine, report: CiReport) -> int:
    others = [word for word in words.typed if word not in words.files]
    with report.drawn_elsewhere() as (drawing, environment):
        asked = {
            "words": [file, *others, *flags.words(), *drawing],
            "timeout_s": flags.limits.timeout_s,
            "memory_gib": flags.limits.memory_gib,
        }
        child = Child(MAIN, asked, cwd=str(Path.cwd()), environment=environment, prints="here", limits=flags.limits)
        try:
            found = _outcome(child, flags.limits)
            return found if isinstance(found, int) else _told(child, file, flags, report, *found)
        finally:
            # ^C and the like end this process, and with it the run
            child.end()


def _outcome(child: Child, limits: Limits) -> int | tuple[str, str]:
    """The exit code of a run that ended of its own; of another what became of it, and why."""
    until, asked, has_ended = monotonic() + START_LIMIT_S, False, False
    while True:
        try:
            line = child.line(until)
        except Exceeded as error:
            return Outcome.OUT_OF_MEMORY, str(error)
        if line is None and (asked or until == math.inf):
            return Outcome.TIMED_OUT, limits.time_message
        if line is None:
            asked, until = True, monotonic() + GRACE_S
            with suppress(ProcessLookupError):
                os.kill(child.process.pid, signal.SIGXCPU)
            continue
        if not line:
            code = child.process.wait()
            # an op may end the process, with an exit code that would be a verdict, and there is none
            is_verdict = code in (ExitCode.OK, ExitCode.UNMET) and child.board.posted() is not None
            return child.ending() if code < 0 or (is_verdict and not has_ended) else code
        letter, text = chr(line[0]), line[1:-1].decode()
        if letter == READY:
            child.watch_memory()
            until = math.inf if limits.timeout_s is None else monotonic() + limits.timeout_s
        elif letter == ENDED:
            until, has_ended = math.inf, True
        elif letter == GAVE_UP:
            outcome, why = json.loads(text)
            return outcome, why


def _told(child: Child, file: str, flags: Flags, report: CiReport, outcome: str, why: str) -> int:
    """Write and show what became of a run that was ended: the exit code."""
    child.kill()
    child.process.wait()
    if sys.stderr.isatty():
        # a bar that was drawn hides the cursor
        sys.stderr.write("\x1b[?25h")
    posted, said = child.board.posted(), child.board.said()
    if posted is None:
        early = f"{outcome}: {why}, before the first step"
        complain(f"{file}: {early}")
        report.tell(file, [], early, is_bad=True)
        return ExitCode.STEP_FAILED
    from tensorflow_free.result.environment import environment_of  # noqa: PLC0415 - torch takes its time
    from tensorflow_free.result.result import Result  # noqa: PLC0415
    from tensorflow_free.result.saved_runs import saved_starts  # noqa: PLC0415
    from tensorflow_free.result.stored_recipe import recipe_of_text  # noqa: PLC0415

    folder = Path(posted["folder"])
    place = said or {"step": "", "op": "run", "path": "", "operands": []}
    error = StepFailed(**{"operands": [], **place}, type=TYPES[outcome], message=f"{outcome}: {why}")
    recipe = recipe_of_text(posted["recipe"], file)
    result = Result(
        recipe,
        {},
        error=error,
        environment=environment_of(posted["num_threads"]),
        name=posted["name"],
        files=tuple(FileRead(path, source, state and tuple(state)) for path, source, state in posted["files"]),
        ops=tuple(posted["ops"]),
    )
    saved = not flags.no_save
    if saved:
        try:
            result.starts = None if recipe.starts is None else saved_starts(recipe.starts)
            result.save(folder)
        except StorageError as failure:
            complain(str(failure))
            saved = False
    where = f"{folder}/result.json" if saved else None
    show(result, where, flags)
    tell_run(result, where, report)
    return ExitCode.STEP_FAILED if saved or flags.no_save else ExitCode.INTERNAL


class Watched:
    """The run, in its own process: it tells the parent what it is, and at which step."""

    def __init__(self, words: list[str]) -> None:
        self._parent = Parent(words)
        leave_warnings_to_results()
        # the lifeline must hold before a second is spent on these, of which no run is to bear the time and the memory
        for module in ("binding.recipes", "runner", "result.reading", "report.result_report"):
            import_module(f"tensorflow_free.{module}")
        from tensorflow_free.run.watching import Watch, limit_memory  # noqa: PLC0415

        asked, board = self._parent.asked, self._parent.board
        self._board = board
        self.words: list[str] = asked["words"]
        self.watch = Watch(board)
        self.watch.listen(Limits(asked["timeout_s"]))
        limit_memory(asked["memory_gib"])
        self._parent.say(READY)

    def begins(self, plan: Any, name: str, folder: Path) -> None:
        """Tell what a result needs, should there be none."""
        import torch  # noqa: PLC0415 - it is loaded by now

        self._board.post(
            {
                "name": name,
                "folder": str(folder),
                "recipe": dump_yaml(plan.recipe.written),
                "files": list(plan.files),
                "ops": list(plan.ops),
                "num_threads": torch.get_num_threads(),
            }
        )

    def ended(self) -> None:
        """Tell that the run has ended and its result is written: there is no more limit."""
        self._parent.say(ENDED)

    def gave_up(self, error: Exception) -> bool:
        """Whether an error outside of steps is a limit that was met, which is reported."""
        if isinstance(error, TimedOut):
            self._parent.say(GAVE_UP, json.dumps([Outcome.TIMED_OUT, str(error)]))
        elif is_out_of_memory(error):
            self._parent.say(GAVE_UP, json.dumps([Outcome.OUT_OF_MEMORY, str(error) or type(error).__name__]))
        else:
            return False
        return True
