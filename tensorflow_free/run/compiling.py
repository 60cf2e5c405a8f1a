"""What a compiler really ran in a run: graphs and their ops, where they break and why, and what else ran instead of it.

The figures are dynamo's own counters, of `torch._dynamo.utils`: private names, tried on torch 2.13.
"""

from __future__ import annotations

import logging
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

import torch

from tensorflow_free.plan.backends import Handed, loggers_of
from tensorflow_free.plan.plan import Plan
from tensorflow_free.result.model import CompilerRun, GraphBreak, Warned
from tensorflow_free.run.compiler_log import gathered_log
from tensorflow_free.run.forward import index_of_call
from tensorflow_free.run.step_warnings import WarningCounts
from tensorflow_free.text.phrases import counted, cut

Stack = tuple[tuple[str, int | None], ...]
"""Files and lines, the innermost last."""

LONGEST_REASON: Final = 300
MOST_LINES: Final = 20
"""Different lines of a log that a result keeps."""

_FALLBACK: Final = re.compile(
    r"\bf(?:a|e)ll(?:s|ing|en)?[\s-]*back|\bfallback|\bfailed\b|won't convert|(?:using|running|run in|to) eager",
    re.IGNORECASE,
)
"""How back ends say that something else computed instead of them: OpenVINO, ONNX Runtime, TensorRT, dynamo itself."""

_RAISED: Final = re.compile(r"^(?:\w+\.)*\w*(?:Error|Exception|Failed|Unsupported): .*$", re.MULTILINE)
_PLACE: Final = re.compile(r"(?<=WON'T CONVERT )(\w+) .* line \d+ ?")
_ADDRESS: Final = re.compile(r" at 0x[0-9a-f]+")
_OURS: Final = re.compile(r"\(reason: (its arguments are checked)\)")


@dataclass
class Seen:
    """What was seen of compiling; it is kept with the function that was compiled, and so knows no plan.

    Attributes:
        handed: what the back end was given.
        counts: dynamo's counters.
        inductor: inductor's counters.
        breaks: how often a graph breaks, by step and reason.
        stacks: where.
        recompiles: how often code was compiled again.
        lost: what eager PyTorch ran, in words.
        records: what was logged.
        warned: the warnings that were raised by compiling.
    """

    handed: Handed = field(default_factory=Handed)
    counts: Counter[str] = field(default_factory=Counter)
    inductor: Counter[str] = field(default_factory=Counter)
    breaks: Counter[tuple[str, str]] = field(default_factory=Counter)
    stacks: list[Stack] = field(default_factory=list)
    recompiles: int = 0
    lost: dict[str, None] = field(default_factory=dict)
    records: list[logging.LogRecord] = field(default_factory=list)
    warned: WarningCounts = field(default_factory=dict)

    def again(self) -> Seen:
        """What there is to tell of another run of what was compiled, before it runs: all that is of the compiling."""
        self.handed.aten.begin()
        of_compiling = [one for one in self.records if getattr(one, "while_compiling", False)]
        copies = {name: getattr(self, name).copy() for name in ("counts", "inductor", "breaks", "stacks", "lost")}
        return replace(self, records=of_compiling, **copies)


class Compiling:
    """The compiling of one plan's forward steps, watched: what came of it is in `told`.

    Attributes:
        seen: what was seen up to now; at first that of an earlier run, whose compiled function runs again.
        is_anew: whether anything was compiled while it was watched.
    """

    def __init__(self, plan: Plan, seen: Seen | None = None) -> None:
        self._plan = plan
        self.seen = Seen() if seen is None else seen.again()
        self.is_anew = False

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Inside it, compilers are watched: while the steps are called, and while gradients are computed."""
        utils: Any = torch._dynamo.utils  # noqa: SLF001 - see above
        metrics = utils.get_compilation_metrics
        # kept, so that none of them passes for a new one; compiling begins with an empty list
        inductor = _of_inductor(utils)
        before, known = _counts(utils), [*utils.graph_break_reasons, *metrics()]
        unfollowed = Counter(utils.counters["unimplemented"])
        failed, records = True, list[logging.LogRecord]()
        try:
            with gathered_log(loggers_of(self._plan.recipe.backend.name)) as records:
                yield
            failed = False
        finally:
            seen = self.seen
            seen.records += records
            counts = Counter({key: count - before[key] for key, count in _counts(utils).items()})
            seen.counts.update(counts)
            if not failed:
                self._lose(Counter(utils.counters["unimplemented"]) - unfollowed, counts)
            seen.inductor.update({key: count - inductor[key] for key, count in _of_inductor(utils).items()})
            self._break(_taken(utils.graph_break_reasons, known))
            compiled = _new(metrics(), known)
            seen.recompiles += sum(map(_is_recompiled, compiled))
            self.is_anew |= bool(compiled) or counts["total"] > 0

    def _lose(self, unfollowed: Counter[str], counts: Counter[str]) -> None:
        """What dynamo gave up on: those parts eager PyTorch ran."""
        for text in unfollowed:
            self.seen.lost[f"eager PyTorch ran what dynamo could not compile: {reason_in(text)}"] = None
        lost = counts["total"] - counts["ok"] - sum(unfollowed.values())
        if lost > 0:
            self.seen.lost[f"eager PyTorch ran what failed to compile ({lost} of {counts['total']} frames)"] = None

    def _break(self, reasons: Iterable[Any]) -> None:
        """Take in graph breaks; one inside of functions is told for the outermost first, then for each on its own."""
        for one in reasons:
            stack = tuple((frame.filename, frame.lineno) for frame in one.user_stack)
            if not any(len(known) > len(stack) and known[-len(stack) :] == stack for known in self.seen.stacks):
                self.seen.stacks.append(stack)
                self.seen.breaks[step_at(self._plan, stack), reason_in(one.reason)] += 1

    def told(self, warnings: Sequence[Warned]) -> CompilerRun:
        """What the compiler ran, and what it did not.

        Args:
            warnings: those of the run, in which a back end may say that it did not compute something itself.
        """
        seen, backend = self.seen, self._plan.recipe.backend.name
        lines = list(dict.fromkeys(map(_line, seen.records)))
        graphs, given_back = seen.counts["unique_graphs"], sum(seen.handed.given_back)
        fell_back = list(seen.lost)
        if not self._plan.forward:
            fell_back.append("no step stands before the first `backward` or `grad`, and those alone are compiled")
        if given_back:
            fell_back.append(f"it gave {given_back} of {graphs} graphs back as they are, and eager PyTorch ran them")
        by_inductor = seen.inductor["graphs"]
        if by_inductor and backend != "inductor":
            fell_back.append(f"inductor compiled in its place, {counted(by_inductor, 'graph')} forward and backward")
        said = [*lines, *(one.message for one in warnings if one.step in ("", "steps", "backward"))]
        fell_back += [text for text in dict.fromkeys(map(_cut, said)) if _FALLBACK.search(text)]
        return CompilerRun(
            graphs=graphs,
            ops=seen.counts["calls_captured"] if graphs else 0,
            given_back=given_back,
            breaks=[GraphBreak(step=step, reason=why, count=count) for (step, why), count in seen.breaks.items()],
            recompiles=seen.recompiles,
            fell_back=fell_back[:MOST_LINES],
            kernels=seen.inductor["kernels"] if by_inductor else None,
            extern_calls=seen.inductor["extern_calls"] if by_inductor else None,
            aten_calls=seen.handed.aten.count or None if not by_inductor else None,
            aten_only=seen.handed.aten.alone and not by_inductor,
            log=[_cut(text) for text in lines if not text.startswith("Graph break")][:MOST_LINES],
        )


def _counts(utils: Any) -> Counter[str]:
    """Dynamo's counters, as far as they tell what was compiled."""
    return Counter({**utils.counters["stats"], **utils.counters["frames"]})


def _of_inductor(utils: Any) -> Counter[str]:
    """Inductor's counters; what it finds in its cache counts as what it compiled before."""
    counters, metrics = utils.counters["inductor"], sys.modules.get("torch._inductor.metrics")
    made = sum(count for key, count in counters.items() if key.startswith("fxgraph_cache_"))
    kernels = 0 if metrics is None else metrics.generated_kernel_count
    return Counter({"graphs": made, "kernels": kernels, "extern_calls": counters["extern_calls"]})


def _is_recompiled(metrics: Any) -> bool:
    return metrics.recompile_reason is not None and metrics.fail_type is None


def _new(found: Iterable[Any], known: Sequence[Any]) -> list[Any]:
    """Those that were not there before."""
    before = set(map(id, known))
    return [one for one in found if id(one) not in before]


def _taken(reasons: list[Any], known: Sequence[Any]) -> list[Any]:
    """Those that were not there before, taken out of dynamo's list, which grows for ever."""
    found = _new(reasons, known)
    ours = set(map(id, found))
    reasons[:] = [one for one in reasons if id(one) not in ours]
    return found


def step_at(plan: Plan, stack: Stack) -> str:
    """The step at which code stands, by the files and lines of its stack, the innermost last; empty where none is."""
    for file, line in reversed(stack):
        at = index_of_call(file, line)
        if at is not None and at < len(plan.forward):
            return plan.forward[at][3].name
    return ""


def reason_in(text: str) -> str:
    """Why dynamo could not go on, in a line: its first, with what it explains."""
    ours = _OURS.search(text)
    if ours is not None:
        return f"{ours.group(1)} before the call, and a compiler does not look into that"
    first, _, rest = text.strip().partition("\n")
    explained = re.search(r"Explanation: (.*)", rest)
    words = first if explained is None else f"{first.rstrip('.')}: {explained.group(1)}"
    return _cut(_ADDRESS.sub("", words))


def break_in(plan: Plan, error: BaseException) -> str | None:
    """Where and why the graph breaks that had to be one, in a line; None of another error."""
    if not any(one.__name__ == "Unsupported" and one.__module__ == "torch._dynamo.exc" for one in type(error).__mro__):
        return None
    frames = getattr(error, "real_stack", None) or ()
    step = step_at(plan, tuple((frame.filename, frame.lineno) for frame in frames))
    where = f" at '{step}'" if step else ""
    return f"the graph breaks{where}: {reason_in(str(getattr(error, 'msg', error)))}"


def _line(record: logging.LogRecord) -> str:
    """A record in a line: its first; of one with a traceback, what was raised."""
    try:
        text = record.getMessage().strip()
    except (TypeError, ValueError):
        text = str(record.msg)
    first, raised = _PLACE.sub(r"\1", text.partition("\n")[0]).strip(), _RAISED.findall(text)
    return f"{first}: {raised[-1]}" if raised and raised[-1] != first else first


def _cut(text: str) -> str:
    return cut(" ".join(text.split()), LONGEST_REASON)
