"""Reasons in words. The only place that has sentences for them; nothing parses one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, get_args

from tensorflow_free.errors import INDENT
from tensorflow_free.outcome.plain_reasons import Elements, Reason
from tensorflow_free.outcome.reasons import (
    CellMismatch,
    CompilerStage,
    ForwardOnly,
    Hidden,
    LostCode,
    Marked,
    OfGolden,
    OfNames,
    Problems,
    Related,
    RunAgain,
    RunsDiffer,
    Shortfall,
    StepFailed,
    StopCode,
    Unmet,
    WorkerLost,
)
from tensorflow_free.outcome.related_words import related_words
from tensorflow_free.text.characters import printable
from tensorflow_free.text.phrases import counted, times_told

REFERENCE: Final = "the reference"
"""What a value is compared with, where it is not something else, such as `the golden`."""

FOUND_AGAIN: Final = "found by running it again with a synchronisation after each step"

SENTENCES: Final[dict[str, str]] = {
    # a value, compared with that of another run
    "random": "it is downstream of a random step whose stream {against} does not share",
    "not recorded": "{against} does not record it",
    "reference stopped": "{against} stopped before it was done with it",
    "only in the reference": "{against} alone has it: this run stopped before it, or does not record it",
    "missing in the run": "it is missing; {against} has it",
    "missing in the reference": "{against} has no such value",
    "not stored": "its numbers are not stored: {why}",
    "not comparable": "it cannot be compared: {why}",
    "shape differs": "the shape is {found}, and {wanted} in {against}",
    "shape is of the dtype": "its shape hangs on the dtype: {found}, and {wanted} in {against}",
    "dtype differs": "the dtype is {found}, and {wanted} in {against}",
    "dtype is not eager's": "the dtype is {found}, and not {wanted}",
    "layout differs": "the layout is {found}, and {wanted} in {against}",
    "kind differs": "it is {found}, and {wanted} in {against}",
    "type differs": "it is a {found}, and a {wanted} in {against}",
    "value differs": "it is {found}, and {wanted} in {against}",
    "signed zeros": "{count} zeros have another sign: -0.0 is not 0.0",
    "dtype-dependent": "{count} of {elements} differ from {against}, where rounding makes them differ",
    "out of bounds": "{worst}",
    "overflows": "{count} of {elements} are NaN or infinite, in eager CPU of this dtype, too",
    "no nudged runs": "too few nudged runs of the reference have it to say how far rounding takes it",
    "inputs differ": "{count} of {elements} elements differ in the two runs: {worst}",
    "integers differ": "{count} of {elements} differ: {worst}",
    "integers differ from eager": "{count} of {elements} differ from eager CPU in the same dtype: {worst}",
    "all dtype-dependent": "all values are integers that differ between dtypes, or overflow in this one",
    "no common value": "nothing was compared: the run records no value that {against} has",
    # a value, compared with what is expected of it
    "shape is not expected": "the shape is {found}",
    "dtype is not expected": "the dtype is {found}",
    "dtypes differ": "the dtypes are {found} and {wanted}",
    "stride is not expected": "the stride is {found}",
    "layout has no strides": "the layout is {found}, which has no strides",
    "no elements": "it has no elements: the shape is {found}",
    "value is not expected": "it is {found}",
    "word is not expected": "it is {found}, and {wanted} is expected",
    "shape is not that expected": "the shape is {found}, and {wanted} is expected",
    "no value": "there is none, and {wanted} is expected",
    "requires no gradient": "there is none: '{name}' has no requires_grad: true",
    "a value": "there is one: {found}",
    "not a tensor": "the value is {found}, not a tensor",
    "memory of its own": "it has memory of its own",
    "meta memory": "a meta tensor has no memory",
    "meta values": "a meta tensor has no values",
    "not judged": "it cannot be judged: {why}",
    "not a literal of it": "'{written}' cannot be compared with {dtype}: {why}",
    "not an index": "'{written}' is not a value of this run: {why}",
    "no such value": "'{name}' is not a value of this run{other}",
    "nothing to hold against": "'{name}' has no value to hold it against",
    "stopped before": "the run stopped before '{name}' was there",
    "not recorded here": "'{name}' is not recorded in this cell (record: {other})",
    "not a number": "{why}",
    "stopped": "{why}",
    "no error": "the run ended without an error",
    "stopped elsewhere": "the run stopped at {name}, not at {other}: {more}",
    "another error": "the run stopped with {name}, not {other}: {more}",
    "no match": "'{name}' does not match '{other}'",
    "nothing expected of it": "nothing was compared: no expectation is for this cell, or of a value that it records",
    "nothing expected of its outputs": (
        "nothing was compared: no expectation is for this cell, or of a value that it records; a compiled cell records"
        " the outputs alone, where `record` does not name more"
    ),
    "holds now": "it holds now: remove the mark",
    "relation not judged": "it cannot be judged: {why}",
    "relation of nothing": "nothing was compared: {why}",
    # a cell
    **dict.fromkeys(("refused", "stopped apart"), "{lines}"),
    "unavailable": "{told}",
    "no reference": "its reference ({cell}) cannot be run: {lines}",
    "reference failed": (
        "its reference ({cell}) failed at '{name}': {told}; name another with `reference`, such as"
        " reference={{dtype: float32}}"
    ),
    "noise is not known": (
        "how far rounding may take a value cannot be found here, so that the tolerance of its dtype judges: {told}"
    ),
    "culprit not found": "the culprit was not found: {told}",
    "signs are free": (
        "the signs of its singular vectors or eigenvectors are free, so that it was compared with float64 made here"
    ),
    "right by float64 here": (
        "each step is right for its inputs, as float64 has it here: the golden has other numbers than that, or small"
        " errors add up"
    ),
    "memory not shared": (
        "it does not lie in the memory of '{name}', as it should, and a later step changes one of them in place"
    ),
    "memory shared": "it lies in the memory of '{name}', as it should not, and a later step changes that in place",
    "second run differs": (
        "a second run gave other numbers, first at {name}; the culprit is looked for in that run, in which each step is"
        " judged alone"
    ),
    "start failed": "its starting tensor '{name}' cannot be made: {told}",
    "shape is not the reference's": "'{name}' is {told}; set inputs: original, or keep the shapes",
    "dtype-dependent value": "{name}: {told}",
    "partly judged": "{count} of {values} values could not be judged: {listed}: {told}",
    "forward only": "{counts} left out: forward only",
    "all left out": "it is forward only, and all of it needs gradients",
    "other k": "judged with k={k:g} instead of {usual:g}",
    "vacuous": "{count} of {values} verdicts could not have failed, as more is allowed than the value itself: {listed}",
    "not comparable values": "not comparable: {name}: {told}",
    "decoded": "{name} from decoded numbers, as float64 has no kernel for '{other}'",
    "in float32": "{name} in float32, as float64 has no kernel for '{other}'",
    "must run": "'{name}' must run in every cell (must_run), and is unsupported in this one",
    "must run within": "of '{name}' each must run in every cell (must_run), and {other} is unsupported in this one",
    "ran before in": "it is {other} here, and must run, since it ran in {name}",
    "no kernel in float64": "as float64 has no kernel for '{other}'",
    "float64 stops": "as float64 stops at '{name}' ({more})",
    "same kernel": "its reference ran the same kernel, as float64 has none for '{other}'",
    "own op in the reference": (
        "'{name}' is an op of your own and runs in the reference, too, so that what is wrong with it in both does not"
        " show; hold it against another: '+reference={{{instead}}}'"
    ),
    "parts apart": ("not compared, as they are parts of lines that the two recipes write differently: {name}"),
    "not kept": "{name}",
    "judged alone in part": "only {name} of {other} calls were judged alone, as memory does not reach for more",
    "eager is wrong alike": "eager is wrong alike",
    "each step compiled alone": "found by compiling each step alone",
    "wrong with everything kept": (
        "it stays wrong where every value is kept, and no step is wrong for its own inputs there"
    ),
    "needs not kept": "it needs {name} not to be kept: compiled with it as one more output, the values are right",
    "at or before": (
        "it is at or before '{name}' ({other}): compiled, the steps up to there are wrong, and those before it right"
    ),
    "not tried": "not tried, as there was no time: {name}",
    "nothing compiled": "nothing was compiled by {name}, so that this says nothing about it: {more}",
    "fell back": "{name} did not compute all of it: {more}",
    "no such cell": "the other sweep has no such cell",
    "no such judged cell": "the judged sweep has no such cell",
    "outcome differs": "it is '{found}' here, and '{wanted}' in the other sweep",
    "same outcome": "both {name}, and no results kept",
    "not lost again": "run again in a new process, with a synchronisation after each step, it did not fail",
    "cannot be run again": "it could not be run in another process: {why}",
    # a golden
    "no golden": "the {what} has no golden; record it: {command}",
    "nothing expected": "the {what} has no golden; record it: {command}; it expects nothing either",
    "stale": (
        "the recipe has changed since {golden} was recorded; look at what that changed, and accept it or not: {command}"
    ),
    "unused": "{golden} holds {unused}, which the recipe does not have; remove it: {command}",
    "orphan": "there is no '{recipe}' beside {golden}; put the recipe back, or delete the golden",
    "ran before": "{dtype} ran when the golden was recorded, and does not now",
    "closed": "nothing is recorded where CI is set",
    "not recorded anew": "not recorded: {why}",
    # a saved run that is blamed
    "same bits again": "run again here, it gives the saved bits",
    "other bits again": (
        "run again here, it gives other bits, so that what was saved is judged from its records alone: {value}: {told}"
        "{apart_here}"
    ),
    "not here again": (
        "it cannot run here ({told}), so that what was saved is judged from its records alone; where it can, steps that"
        " share a gradient, or whose values are not recorded, are told apart"
    ),
    # what has no code
    "words": "{words}",
}
"""The sentences of reasons that need little but their fields; `{against}` is what a value is compared with."""


def words(reason: Reason, against: str = REFERENCE) -> str:
    """A reason in words, of one line or more."""
    if (make := _MADE.get(reason.code)) is not None:
        return make(reason, against)
    fields = {name: _field(getattr(reason, name)) for name in type(reason).model_fields}
    return SENTENCES[reason.code].format(against=against, **fields, **_beside(reason, against))


def _field(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _beside(reason: Reason, against: str) -> dict[str, str]:
    """What sentences say besides the fields."""
    match reason:
        case OfNames(code="own op in the reference", more=more):
            return {"instead": more or "steps.STEP.op: OP"}
        case OfGolden(case=case):
            named = f"case '{case}'" if case else ""
            unused = f"its {named}" if case else "the recipe without a case, and it has cases now"
            return {"what": named or "recipe", "unused": unused}
        case Elements():
            return {"worst": _worst(reason, against)}
        case OfNames(cause=cause):
            return {"told": "" if cause is None else words(cause, against)}
        case Shortfall(names=names, count=count, cause=cause):
            more = f" and {count - len(names):,} more" if count > len(names) else ""
            return {"listed": ", ".join(names) + more, "told": "" if cause is None else words(cause, against)}
        case ForwardOnly():
            return {"counts": _left_out(reason)}
        case RunAgain(cause=cause, apart=apart, problems=problems):
            told = "; ".join(problems) if cause is None else words(cause, "the saved run")
            return {"told": told, "apart_here": "".join(f"\n{INDENT}{one}" for one in apart)}
        case Problems(problems=problems):
            return {"told": "; ".join(problems), "lines": "\n".join(problems)}
        case _:
            return {}


def _left_out(one: ForwardOnly) -> str:
    """What runs that are forward only leave out."""
    named = f" ({', '.join(one.named)}{f' and {more} more' if (more := one.steps - len(one.named)) else ''})"
    need = f"that {'needs' if one.steps == 1 else 'need'} gradients{named if one.named else ''}"
    counts = ((one.expectations, "expectation", "of gradients"), (one.relations, "relation", "of gradients"))
    return " and ".join(f"{counted(n, noun)} {of}" for n, noun, of in (*counts, (one.steps, "step", need)) if n)


# numbers


def _worst(one: Elements, against: str) -> str:
    """The worst element."""
    here = f" at {list(one.at)}" if one.at else ""
    return f"it is {one.found}{here}, and {one.wanted} in {against}"


def _non_finite(one: Elements, against: str) -> str:
    """What is NaN or infinite, with the largest finite error beside it."""
    several = one.elements > 1
    count = f"; {one.count} of {one.elements} are NaN or infinite on one side alone" if several else ""
    finite = f", the largest finite error is {one.apart:.3g}" if one.apart else ""
    return f"{_worst(one, against)}{count}{finite}"


def _expected(one: Elements, _: str) -> str:
    """Where the worst element is, what it is and should be, and how many there are."""
    here = f" at {list(one.at)}" if one.at else ""
    unit, allowed = "", "bit for bit"
    if one.code == "not within ulp":
        unit, allowed = " ULP", f"{one.ulp:g} ULP"
    elif one.code == "not close":
        allowed = f"rtol {one.rtol:g}, atol {one.atol:g}"
    apart = f", {one.apart:.3g}{unit} apart" if one.apart and math.isfinite(one.apart) else ""
    count = f"; {one.count} of {one.elements} elements differ" if one.elements > 1 else ""
    return f"it is {one.found}{here}, and {one.wanted} is expected{apart} (allowed: {allowed}){count}"


def _bits_differ(one: Elements, against: str) -> str:
    """How many numbers have other bits, and the two that are farthest apart."""
    unit = "ULP" if one.ulp == 1 else "ULPs"
    apart = f", {one.ulp:.6g} {unit} apart" if one.ulp and math.isfinite(one.ulp) else ""
    count = f"{one.count:,} of {one.elements:,} elements differ; " if one.elements > 1 else ""
    return f"{count}{_worst(one, against)}{apart}"


# runs and cells


def _step_failed(one: StepFailed, _: str) -> str:
    """The place, torch's words, and a line for each operand."""
    return "\n".join(failure_lines(one))


def failure_lines(one: StepFailed) -> list[str]:
    """What failed, in lines: the step, torch's words, its operands."""
    position = ":".join(str(part) for part in (one.file, one.line, one.column) if part is not None)
    place = ": ".join(part for part in (position, one.path) if part)
    expected = "stopped as expected" if one.expected else "failed"
    first, *rest = one.message.split("\n")
    head = printable(f"{place}: '{one.op}' {expected}: {first}")
    known = [f"unsupported, in the words of {one.whose}"] if one.whose else []
    return [head, *(printable(f"{INDENT}{line}") for line in (*rest, *one.operands, *known))]


def late_words(one: StepFailed, said: str) -> str:
    """What is told of an error of a device: what became of the device, where, what it said, and how that was found.

    Args:
        one: the failure, without its message.
        said: the error's own words.
    """
    first, line, rest = said.partition("\n")
    if one.showed == "before":
        lost = f"the device {one.device} was lost before this run, in an earlier one of this process"
        return f"{lost}: {first}; a new process has it again{line}{rest}"
    what = "an error of a device showed" if not one.device else f"the device {one.device} was lost"
    near = "at" if one.showed == "run again" else "at or before" if one.device else "at or behind"
    step = "step " if one.path.startswith("steps.") else ""
    of = f"the backward of step '{one.backward_of}'" if one.backward_of else f"{step}'{one.step}' ({one.path})"
    again = f"; {FOUND_AGAIN}" if one.showed == "run again" else ""
    return f"{what} {near} {of}: {first}{again}{line}{rest}"


def _runs_differ(one: RunsDiffer, _: str) -> str:
    """What differs first, in which run, and in how many."""
    told = "" if one.cause is None else words(one.cause, "run 1")
    lines = [f"{one.value}: run {one.run} differs from run 1 on the same numbers: {told}"]
    if one.direction == "backward":
        through = f"; it comes by the backward of {', '.join(one.through)}" if one.through else ""
        lines.append(f"{INDENT}forward, all bits are the same{through}")
    if one.ran > 2:  # noqa: PLR2004 - the first and another
        lines.append(f"{INDENT}of {one.ran} runs, {one.differ} differ{'s' if one.differ == 1 else ''} from the first")
    if one.shown > 1:
        lines.append(f"{INDENT}run 1 is not wrong; the values told are those of run {one.shown}")
    return "\n".join(lines)


def _related(one: Related, _: str) -> str:
    """How far a relation holds, and where it does so least."""
    return related_words(one, "" if one.cause is None else words(one.cause, f"the run {one.how}"))


def _lost(one: WorkerLost, _: str) -> str:
    """What became of a worker, while it did what, and what it said last."""
    said = "".join(f"\n  {line}" for line in one.said)
    if one.code == "our error":
        return f"an error in tensorflow_free, not in the recipe: {one.ended}{said}"
    if not one.stage:
        return f"{one.ended}{said}"
    step = f", at '{one.step}' ({one.op})" if one.step else ""
    return f"{one.ended} while {one.stage}{step}{said}"


def _mismatch(one: CellMismatch, against: str) -> str:
    """The first value out of bounds, what it was made from, and how many there are."""
    spent = f"; {times_told(one.used)} times what is allowed ({one.allowed})" if one.allowed else ""
    told = one.message if one.cause is None else words(one.cause, against)
    known = "" if one.mark is None else f"; {above_words(one.mark)}"
    lines = [f"{one.value}: {told}{spent}{known}", *(f"{INDENT}{line}" for line in one.operands)]
    if one.bad > 1:
        more = one.bad - len(one.names)
        named = ", ".join(one.names) + (f" and {more} more" if more > 0 else "")
        lines.append(f"{INDENT}{one.bad} of {one.values} values are out of bounds: {named}")
    return "\n".join(lines)


def _compiler_stage(one: CompilerStage, _: str) -> str:
    """Under what it is right and wrong, and what torch's own bisector finds."""
    right = f"right under {', '.join(one.right)}, " if one.right else ""
    lines = [f"{right}wrong under {one.wrong}" if one.wrong else f"{right.removesuffix(', ')}"]
    if one.emulated is not None:
        lines.append(f"{'right' if one.emulated else 'wrong'} with emulate_precision_casts")
    if one.subsystem:
        number = "" if one.number is None else f", application {one.number}"
        lines.append(f"torch's CompilerBisector: {one.subsystem}{number}{one.info and f' ({one.info})'}")
    if one.left:
        lines.append(f"not tried: {', '.join(one.left)}")
    return "; ".join(filter(None, lines))


def _hidden(one: Hidden, _: str) -> str:
    """A step that is wrong alone, by how much, and that the whole chain does not show it."""
    told = "" if one.cause is None else f": {words(one.cause, 'float64 of what it read')}"
    if not math.isfinite(one.noise):
        return f"hidden: {one.place} is wrong alone{told}"
    far = f"{times_told(one.noise)} times its noise alone"
    return f"hidden: {one.place} is {far}, and the whole chain does not show it{told}"


def _unmet(one: Unmet, against: str) -> str:
    told = one.message if one.cause is None else words(one.cause, against)
    return f"{one.path}: {one.asks}{told and ': '}{told}"


def above_words(one: Marked) -> str:
    """That an error is more than is known."""
    times = "" if one.used is None else f"it is {one.used:.3g} times what is allowed, and "
    return f"{times}at most {one.at_most:g} times is known: {one.reason}"


def _marked(one: Marked, _: str) -> str:
    if one.code == "above the mark":
        return above_words(one) if one.cause is None else f"{words(one.cause)}; {above_words(one)}"
    if one.cause is not None:
        bound = "" if one.at_most is None else f", at most {one.at_most:g} times what is allowed"
        return f"{words(one.cause)} (known: {one.reason}{bound})"
    if one.code == "known fault":
        return f"known: {mark_words(one)}"
    keys = f" of {', '.join(one.keys)}" if one.keys else ""
    return f"the known fault{keys} is gone, remove its mark: {one.reason}"


def mark_words(one: Marked) -> str:
    """What a mark says, where it is known, and how far away it bears."""
    issue = "" if one.issue is None else f" ({one.issue})"
    if one.at_most is None:
        return f"{one.reason}{issue}"
    used = "" if one.used is None else f"{one.used:.3g} times what is allowed, of "
    return f"{one.reason}{issue}; {used}at most {one.at_most:g} times"


_MADE: Final[dict[str, Callable[[Any, str], str]]] = {
    "non-finite": _non_finite,
    **dict.fromkeys(("not close", "not within ulp", "not equal"), _expected),
    "bits differ": _bits_differ,
    "runs differ": _runs_differ,
    **dict.fromkeys(("relation holds", "relation broken", "relation broken in eager"), _related),
    **dict.fromkeys(get_args(StopCode), _step_failed),
    **dict.fromkeys(get_args(LostCode), _lost),
    "mismatch": _mismatch,
    "unmet": _unmet,
    "compiler stage": _compiler_stage,
    "hidden": _hidden,
    **dict.fromkeys(("known fault", "fixed", "above the mark"), _marked),
}
"""What makes the words of reasons whose sentence hangs on their numbers."""
