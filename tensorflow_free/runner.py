"""The run of a plan, once or repeatedly: tensors made, steps run, gradients computed, and values recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from time import perf_counter
from typing import Any, Final

import torch

from tensorflow_free.judging.expectations import judge
from tensorflow_free.judging.repeats import Ran, Repeating
from tensorflow_free.ops.seeding import other_streams
from tensorflow_free.outcome.reasons import StepFailed
from tensorflow_free.plan.autograd import run_backward
from tensorflow_free.plan.calls import GRADIENTS, TICK, Site, Stopped, Values, never_ending, retain, run_calls
from tensorflow_free.plan.compiled_function import CompiledFunction
from tensorflow_free.plan.plan import Pass, Plan
from tensorflow_free.process.garbage import uncollected
from tensorflow_free.process.limits import TimedOut
from tensorflow_free.result.environment import environment_of
from tensorflow_free.result.model import Timings
from tensorflow_free.result.result import Result
from tensorflow_free.result.run_records import RunRecords
from tensorflow_free.result.run_value import Record, recorded
from tensorflow_free.run.compiling import Compiling
from tensorflow_free.run.failures import failure_of
from tensorflow_free.run.forward import Forward, calls_of, forward_of, input_slots
from tensorflow_free.run.late_errors import last_site, read_in_part, wait_for, without_lost
from tensorflow_free.run.lost_devices import lost_among, lost_before, will_use
from tensorflow_free.run.process_state import process_state
from tensorflow_free.run.reached import Reached
from tensorflow_free.run.records import records_of, standing_values
from tensorflow_free.run.step_warnings import StepWarnings, gathered
from tensorflow_free.run.waiting import Waiting
from tensorflow_free.run.watching import Watch
from tensorflow_free.tensors.starting_tensors import Start, made_of, make
from tensorflow_free.tensors.streams import seed_anew

Progress = Callable[[int, int], None]
"""Called with how much is done, and how much there is."""

GivenTensors = Mapping[str, torch.Tensor]
"""Numbers of starting tensors, by name."""

CHUNK: Final = 256
"""Calls between two signs of progress."""


def run(
    plan: Plan,
    *,
    progress: Progress | None = None,
    given: GivenTensors | None = None,
    stream: int | None = None,
    watch: Watch | None = None,
    forward: Forward | None = None,
) -> tuple[Result, Exception | None]:
    """Run a plan on fresh tensors.

    Args:
        plan: what to run.
        progress: told how much is done, now and then.
        given: the numbers of starting tensors, by name, that are used in place of those that the recipe draws or
            makes; rounded to the start's dtype, on its device, in the memory that the recipe asks for.
        stream: seeds the CPU's random stream anew once the starting tensors are there, for other random steps; steps
            with a seed of their own draw otherwise, too.
        watch: told at which step the run is, for a parent that may end it.
        forward: of a compiled plan, its forward steps as a function; None to compile them.

    Returns:
        The result, and the error that stopped the run or None. A step that fails is told in the result's `error`, which
        holds all values up to there; nothing is raised for it.
    """
    if forward is None:
        return _first(plan, lambda: Run(plan, progress, given, stream, watch))[1]
    one = Run(plan, progress, given, stream, watch)
    one.forward = forward
    return _whole(plan, one)


def _first(plan: Plan, begin: Callable[[], Run]) -> tuple[Run, Ran]:
    """A run that compiles its steps; or one of what an earlier run compiled, where nothing more needs to be compiled.

    What is compiled beside what was compiled before would be other code, and other numbers, than in a first run.
    """
    function = plan.kept.fitting()
    if function is not None:
        one = begin()
        one.forward, one.compiling = function, Compiling(plan, plan.kept.seen)
        one.warned.begin_with(one.compiling.seen.warned)
        found = _whole(plan, one)
        if not one.compiling.is_anew or isinstance(found[1], TimedOut):
            return one, found
        plan.kept.refuse()
        del one, found
    one = begin()
    found = _whole(plan, one)
    if isinstance(one.forward, CompiledFunction) and one.compiling is not None and one.ended:
        one.compiling.seen.warned = one.warned.of_compiling
        plan.kept.keep(one.forward, one.compiling.seen)
    return one, found


def _whole(plan: Plan, one: Run) -> Ran:
    """A run from its seeds to its warnings."""
    with gathered(one.warned):
        try:
            with process_state(plan), nullcontext() if one.stream is None else other_streams(one.stream):
                result, cause = one.result()
        except Stopped as stopped:
            # a device that does not even tell its random state
            result, cause = one.told(RunRecords(), stopped)
    result.warnings = one.warned.all()
    if one.compiling is not None:
        result.compiled = one.compiling.told(result.warnings)
    return result, cause


def run_repeatedly(
    plan: Plan,
    *,
    progress: Progress | None = None,
    given: GivenTensors | None = None,
    watch: Watch | None = None,
    is_bad: Callable[[Result], bool] = lambda result: not result.is_well,
) -> Ran:
    """Run a plan as often as its recipe says, each time on the same numbers, and compare the runs bit for bit.

    Two results are kept at a time. It ends as soon as another run could change nothing.

    Args:
        plan: what to run.
        progress: as of `run`.
        given: as of `run`.
        watch: as of `run`.
        is_bad: whether a run is wrong by itself; asked of those that differ from the first, and then of the first.

    Returns:
        The first run; or, where it is not wrong and a later one is, that one. A verdict of its tells whether the runs
        gave the same bits. Warnings and timings are those of the first run.
    """
    runs = _runs(plan, progress, given, watch)
    if plan.recipe.repeats == 1:
        return next(runs)
    return Repeating(plan.recipe.repeats, runs, is_bad).told()


def _runs(plan: Plan, progress: Progress | None, given: GivenTensors | None, watch: Watch | None) -> Iterator[Ran]:
    """A plan's runs on the same numbers; what is compiled for the first is called by all."""

    def begin() -> Run:
        return Run(plan, progress, given, None, watch)

    one, found = _first(plan, begin)
    forward, compiling = one.forward, one.compiling
    del one
    yield found
    del found
    for _ in range(1, plan.recipe.repeats):
        one = begin()
        one.forward, one.compiling = forward, compiling
        found = _whole(plan, one)
        # a run holds all its values, and a result those that are recorded
        del one
        yield found
        del found


def starts_of(plan: Plan, given: GivenTensors | None = None) -> dict[str, torch.Tensor]:
    """The tensors that a run of the plan starts from, by name: what can be `given` to another run.

    Args:
        plan: what would run.
        given: as of `run`.

    Raises:
        Stopped: one cannot be made.
    """
    values: Values = list(plan.initial)
    with process_state(plan):
        draw(plan, plan.starts, values, given)
    return {start.name: values[slot].detach() for start, slot in zip(plan.starts, plan.start_slots, strict=True)}


def values_of_run(
    plan: Plan, given: GivenTensors | None, under: Callable[[], AbstractContextManager[Any]]
) -> Mapping[str, Record]:
    """The values and gradients of a run whose steps and backward run under a mode of torch's; nothing is judged.

    Args:
        plan: what to run; its checks do not run.
        given: as of `run`.
        under: makes the context in which each step and each pass runs.

    Returns:
        The records by name: all, or those up to a step that failed.
    """
    one = Run(plan, None, given)
    with gathered(one.warned), process_state(plan):
        return one.values_under(under)


class Run:
    """One run of a plan: its list of values, and what became of it."""

    def __init__(
        self,
        plan: Plan,
        progress: Progress | None,
        given: GivenTensors | None = None,
        stream: int | None = None,
        watch: Watch | None = None,
    ) -> None:
        self.warned = StepWarnings()
        self._waiting = Waiting(plan) if plan.exact else None
        plan = plan if watch is None else watch.marked(plan)
        self._plan = plan if self._waiting is None else self._waiting.waited(plan)
        self._progress = progress
        self._given = given
        self.stream = stream
        self.forward: Forward | None = None
        """The compiled forward steps, once they are."""
        self.compiling: Compiling | None = None
        """What became of compiling them."""
        self._watch = watch
        self._values: Values = list(plan.initial)
        self._values[GRADIENTS] = {}
        self._values[TICK] = progress
        self._nodes_before = _nodes_made()
        self._started = False
        self._finished = False
        self.ended = False
        """Whether the steps and the backward passes ran to their end."""
        self._reached: Reached | None = None
        self._lost_before = lost_before(plan.devices)
        will_use(plan.devices)
        self._seconds = {"tensors_s": 0.0, "steps_s": 0.0, "backward_s": 0.0, "checks_s": 0.0}

    def result(self) -> tuple[Result, Exception | None]:
        """Run everything, and gather what there is, also when a step fails."""
        plan = self._plan
        stopped = _stop_of(self._parts)
        if stopped is not None and not self._finished:
            self._reached = Reached(plan.recipe.steps, stopped.site.path, stopped.rounds)
        records = self._records()
        rounds = () if stopped is None else tuple(stopped.rounds)
        stopped = stopped or _stop_of(lambda: self._timed("checks_s", lambda: self._checks(records)))
        stopped = stopped or self._late(records)
        return self.told(records, stopped, rounds)

    def _late(self, records: RunRecords) -> Stopped | None:
        """What shows behind everything: where devices are waited for once more, and where values are read."""

        def look() -> None:
            wait_for(self._plan, last_site(self._plan, "checks"))
            read_in_part(self._plan, records.values())

        return _stop_of(look) if self._plan.devices else None

    def _parts(self) -> None:
        """Everything but the checks."""
        with nullcontext() if self._watch is None else self._watch.stoppable():
            self._timed("tensors_s", self._draw)
            with self._plan.around(), self._compiler_watched():
                self._timed("steps_s", self._steps)
                self._timed("backward_s", self._backward)
                self.ended = True

    def told(
        self, records: RunRecords, stopped: Stopped | None, rounds: tuple[int, ...] = ()
    ) -> tuple[Result, Exception | None]:
        """The result of what was recorded, judged by what is expected; and the error that stopped the run."""
        found = self._judged(records, stopped, rounds)
        if stopped is None and self._plan.devices:
            # judging calls ops, too
            late = self._late(records)
            return found if late is None else self._judged(records, late, rounds)
        return found

    def _judged(
        self, records: RunRecords, stopped: Stopped | None, rounds: tuple[int, ...]
    ) -> tuple[Result, Exception | None]:
        plan = self._plan
        error: StepFailed | None = None
        cause: Exception | None = None
        if stopped is not None:
            lost = lost_among(plan.devices, [*self._values, *(one.value for one in records.values())])
            cause = stopped.__cause__ if isinstance(stopped.__cause__, Exception) else stopped
            error = failure_of(plan, stopped, cause, {one: one in self._lost_before for one in lost})
            records = RunRecords(without_lost(records, lost, None if self._waiting is None else self._waiting.kept()))
        environment = environment_of(torch.get_num_threads(), plan.devices)
        result = Result(plan.recipe, records, error=error, rounds=rounds, environment=environment)
        result.timings = Timings(**self._seconds)
        result.files = plan.files
        result.ops = plan.ops
        result.starts = plan.saved
        judge(result, plan, cause)
        return result, cause

    def values_under(self, under: Callable[[], AbstractContextManager[Any]]) -> Mapping[str, Record]:
        """As of `values_of_run`."""
        try:
            self._draw()
            with under(), self._plan.around():
                self._steps()
                self._backward()
        except Stopped as stopped:
            if not self._finished:
                self._reached = Reached(self._plan.recipe.steps, stopped.site.path, stopped.rounds)
        return self._records()

    def _records(self) -> RunRecords:
        """What is recorded of what was made."""
        if not self._started:
            return RunRecords()
        # autograd counts the nodes that it makes
        has_history = _nodes_made() != self._nodes_before
        # of a value with a history, what is kept of it and of its gradient is made anew
        with uncollected() if has_history else nullcontext():
            return records_of(self._plan, self._values, self._reached, has_history=has_history)

    def _timed(self, part: str, act: Callable[[], None]) -> None:
        start = perf_counter()
        name = part.removesuffix("_s")
        self.warned.part = name
        try:
            act()
            wait_for(self._plan, last_site(self._plan, name))
        finally:
            self.warned.part = ""
            self._seconds[part] = perf_counter() - start

    def _wait(self) -> None:
        """Wait for what was called last, where each call is waited for."""
        if self._waiting is not None:
            self._waiting.wait()

    def _compiler_watched(self) -> AbstractContextManager[None]:
        """Of a compiled plan, notes what the compiler runs; what was compiled unseen is not told."""
        if self._plan.compiled and self.forward is None:
            self.compiling = Compiling(self._plan)
        return nullcontext() if self.compiling is None else self.compiling.watched()

    def _at(self, site: Site) -> None:
        """Tell where the run is, to whoever wants to know."""
        if self._watch is not None:
            self._watch.at(self._plan, site)

    # the parts of a run

    def _draw(self) -> None:
        self._at(Site("tensors", "tensors", ("tensors",)))
        draw(self._plan, self._plan.starts, self._values, self._given)
        run_calls(self._plan.prelude, self._values)
        if self._waiting is not None:
            self._waiting.keep(self._values)
        self._started = True
        if self.stream is not None:
            torch.default_generator.manual_seed(self.stream)
            for device in self._plan.devices:
                seed_anew(device, self.stream)

    def _steps(self) -> None:
        plan, values = self._plan, self._values
        if plan.compiled:
            self._compiled()
            run_calls(plan.rest, values)
        elif self._progress is None:
            run_calls(plan.forward, values)
        else:
            for begin in range(0, len(plan.forward), CHUNK):
                run_calls(plan.forward[begin : begin + CHUNK], values)
                self._progress(min(begin + CHUNK, len(plan.forward)), len(plan.forward))
        self._finished = True

    def _compiled(self) -> None:
        """Compile the forward steps as one function of the starting tensors, call it, put what it returns in place."""
        plan, values = self._plan, self._values
        rounds = plan.variants or (plan.starts,) * calls_of(plan)
        self._at(Site("steps", plan.recipe.backend.name, ("steps",)))
        try:
            if self.forward is None:
                handed = None if self.compiling is None else self.compiling.seen.handed
                self.forward = CompiledFunction(forward_of(plan), plan.recipe.backend, handed)
            for number, starts in enumerate(rounds):
                if number or plan.variants:
                    draw(plan, starts, values)
                    run_calls(plan.prelude, values)
                returned = self.forward(*(values[slot] for slot in input_slots(plan)))
                self._wait()
        except Stopped:
            raise
        except Exception as error:
            raise Stopped(Site("steps", plan.recipe.backend.name, ("steps",)), ()) from error
        for slot, value in zip(plan.returned, returned, strict=True):
            values[slot] = value

    def _backward(self) -> None:
        plan, values = self._plan, self._values
        if plan.differentiates and plan.passes:
            retain(*(values[slot] for name, slot in plan.retained if name not in plan.watched))
        for one in plan.passes:
            # a compiler makes one node of the whole forward pass, so that separate passes go through the same graph
            self._one_pass(one, keep_graph=plan.compiled and one is not plan.passes[-1])

    def _one_pass(self, one: Pass, *, keep_graph: bool) -> None:
        values = self._values
        self._at(Site("backward", "backward", one.path, (one.target,)))
        run_calls(one.reads, values)
        target = values[one.slot]
        begun: list[str] = []
        try:
            gradient = one.gradient
            if one.gradient_slot is not None:
                gradient = values[one.gradient_slot]
            elif one.gradient_start is not None:
                gradient = one.gradient_start
            inputs = None if one.inputs is None else [values[slot] for slot in one.inputs]
            retain_graph = True if one.retain_graph is None and keep_graph else one.retain_graph
            options = {"retain_graph": retain_graph, "create_graph": one.create_graph}
            waiting = nullcontext(begun) if self._waiting is None else self._waiting.in_backward(target)
            with never_ending(), waiting as begun:
                run_backward((), options, target, gradient, inputs)
        except Exception as error:
            stopped = Stopped(Site("backward", "backward", one.path, (one.target,)), (target,))
            stopped.backward_of = begun[-1] if begun else ""
            raise stopped from error

    def _checks(self, records: RunRecords) -> None:
        """Run each check on the recorded values; one whose values are not recorded does not run."""
        plan, values = self._plan, self._values
        if not plan.checks:
            return
        stood = standing_values(plan, values)
        for name in stood.keys() & {name for check in plan.checks for name in check.reads}:
            values[plan.standing[name]] = stood[name]
        with torch.no_grad(), plan.around():
            have = {start.name for start in plan.starts}
            have |= {name.partition(".")[0] for name, one in records.items() if one.kind not in ("after", "gradient")}
            for check in plan.checks:
                if have.issuperset(check.reads):
                    run_calls(check.calls, values)
                    have.add(check.name)
                    made = recorded(check.name, "check", values[check.slot], check.op)
                    records.update((record.name, record) for record in made)


def _nodes_made() -> int:
    """How many nodes autograd has made in this thread."""
    made: int = torch.autograd._get_sequence_nr()  # type: ignore[attr-defined]  # noqa: SLF001 - no public door
    return made


def _stop_of(act: Callable[[], None]) -> Stopped | None:
    """What stopped it; None where nothing did."""
    try:
        act()
    except Stopped as stopped:
        return stopped
    return None


def draw(plan: Plan, starts: Sequence[Start], values: Values, given: GivenTensors | None = None) -> None:
    """Make the starting tensors into their slots; numbers that are `given` are not drawn.

    Raises:
        Stopped: one cannot be made.
    """
    made: dict[str, torch.Tensor] = {}
    torch.default_generator.manual_seed(plan.recipe.seed)
    for start, slot, leaf_slot in zip(starts, plan.start_slots, plan.leaf_slots, strict=True):
        try:
            numbers = None if given is None else given.get(start.name)
            made[start.name], values[leaf_slot] = (
                make(start, made) if numbers is None else made_of(numbers, start, made)
            )
            if plan.exact:
                Waiting(plan).wait()
        except Exception as error:
            raise Stopped(Site(start.name, start.init, ("tensors", start.name)), ()) from error
        values[slot] = made[start.name]
