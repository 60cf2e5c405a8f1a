"""Matches a step's args and kwargs with the op's signatures: the first that fits, or why the nearest does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tensorflow_free.binding.operands import Known, Ref
from tensorflow_free.binding.parameters import WORD_TYPES, ambiguous, read
from tensorflow_free.errors import Message, said
from tensorflow_free.ops.signatures import REQUIRED, Op, Parameter, Signature
from tensorflow_free.recipe.dotted import KeyPath
from tensorflow_free.recipe.names import did_you_mean, nearest
from tensorflow_free.tensors.mismatch import Mismatch
from tensorflow_free.text.phrases import counted, shown


@dataclass(frozen=True, slots=True)
class Finding:
    """Why an argument does not fit: where below the step, and in what words; the greater `weight`, the nearer."""

    path: KeyPath
    words: Message
    weight: int = 0

    @property
    def message(self) -> str:
        """What is wrong."""
        return said(self.words)


@dataclass(frozen=True, slots=True)
class Bound:
    """Arguments that fit a signature, ready for lowering: constants, `Ref`, `Slice`, `TensorLiteral`, lists of them."""

    signature: Signature
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    by_parameter: dict[str, Any]


def described(op: Op, signature: Signature) -> str:
    """The call as documentation writes it: `softmax(input, dim, *, dtype)`."""
    words: list[str] = []
    star = False
    for parameter in signature.parameters:
        if parameter.keyword_only and not star:
            words.append("*")
            star = True
        words.append(parameter.name if parameter.default is REQUIRED else f"{parameter.name}={_default(parameter)}")
    return f"{op.name}({', '.join(words)})"


def _default(parameter: Parameter) -> str:
    value = parameter.default
    return shown(str(value).removeprefix("torch.")) if not isinstance(value, str) else repr(value)


def fit(op: Op, args: Sequence[Any], kwargs: Mapping[str, Any], known: Known) -> Bound | list[Finding]:
    """Hold a step's arguments against each of the op's signatures.

    Returns:
        The first signature that fits with its arguments, or what is wrong with the one that came nearest.
    """
    first: Bound | None = None
    for signature in op.signatures:
        found = _fit_one(op, signature, args, kwargs, known) if _takes(signature, args, kwargs) else None
        if not isinstance(found, Bound):
            continue
        if first is None:
            first = found
            if not _has_free_word(op, args, kwargs, known):
                return first
        elif clash := _reads_otherwise(first, found):
            return [clash]
    return first if first is not None else _misfit(op, args, kwargs, known)


def _takes(signature: Signature, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether a call may have as many arguments, and keywords of these names."""
    if not signature.spread and len(args) > sum(not parameter.keyword_only for parameter in signature.parameters):
        return False
    return not kwargs or kwargs.keys() <= _by_word(signature).keys()


def _by_word(signature: Signature) -> dict[str, Parameter]:
    """Each parameter by every name that it may be given as a keyword."""
    return {word: one for one in signature.parameters for word in (one.name, *one.aliases)}


def _misfit(op: Op, args: Sequence[Any], kwargs: Mapping[str, Any], known: Known) -> Bound | list[Finding]:
    """What is wrong with the signature that came nearest, where none fits."""
    best = [Finding(("op",), f"'{op.name}' cannot be called")] if not op.signatures else None
    for signature in op.signatures:
        found = _fit_one(op, signature, args, kwargs, known)
        if isinstance(found, Bound):
            return found
        if best is None or _distance(found) < _distance(best):
            best = found
    return best or []


def _distance(findings: list[Finding]) -> int:
    return 10 * len(findings) - sum(finding.weight for finding in findings)


def _has_free_word(op: Op, args: Sequence[Any], kwargs: Mapping[str, Any], known: Known) -> bool:
    """Whether an argument is a word that is also a value's name, so that other signatures may read it otherwise."""
    if all(WORD_TYPES.isdisjoint(parameter.types) for signature in op.signatures for parameter in signature.parameters):
        return False
    return any(isinstance(value, str) and value in known.names for value in (*args, *kwargs.values()))


def _reads_otherwise(one: Bound, other: Bound) -> Finding | None:
    for position, (mine, its) in enumerate(zip(one.args, other.args, strict=False)):
        if (clash := _clash(mine, its)) is not None:
            return Finding(("args", position), clash)
    for name in one.kwargs.keys() & other.kwargs.keys():
        if (clash := _clash(one.kwargs[name], other.kwargs[name])) is not None:
            return Finding(("kwargs", name), clash)
    return None


def _clash(one: Any, other: Any) -> str | None:
    refs = [value for value in (one, other) if isinstance(value, Ref)]
    if len(refs) != 1:
        return None
    return ambiguous(refs[0].name)


def _fit_one(
    op: Op, signature: Signature, args: Sequence[Any], kwargs: Mapping[str, Any], known: Known
) -> Bound | list[Finding]:
    findings: list[Finding] = []
    by_parameter: dict[str, Any] = {}
    passed: list[Any] = []
    positional = [parameter for parameter in signature.parameters if not parameter.keyword_only]
    args = _gathered(signature, positional, args)
    for position, written in enumerate(args):
        if position >= len(positional):
            # a signature that takes as many, and not just these, is nearer to what was meant
            findings.append(Finding(("args", position), _too_many(op, signature, positional, args), -5))
            break
        parameter = positional[position]
        try:
            value = read(written, parameter, op, known)
        except Mismatch as mismatch:
            findings.append(Finding(("args", position, *mismatch.below), mismatch.words, mismatch.weight))
            value = None
        by_parameter[parameter.name] = value
        passed.append(value)
    keywords = _fit_keywords(op, signature, kwargs, known, by_parameter, findings)
    missing = [
        parameter.name
        for parameter in signature.parameters
        if parameter.default is REQUIRED and parameter.name not in by_parameter
    ]
    if missing:
        names = " and ".join(f"'{name}'" for name in missing)
        findings.append(Finding(("op",), f"{op.name} needs {names}: {described(op, signature)}"))
    if findings:
        return findings
    return Bound(signature, *_as_called(signature, positional, passed, keywords), by_parameter)


def _gathered(signature: Signature, positional: Sequence[Parameter], args: Sequence[Any]) -> Sequence[Any]:
    """Arguments written apart for a last list parameter (`view(x, 4, 3)`), as that list."""
    if not signature.spread or not positional or len(args) < len(positional):
        return args
    head, rest = args[: len(positional) - 1], args[len(positional) - 1 :]
    if len(rest) == 1 and _is_whole(rest[0], positional[-1], variadic=signature.variadic):
        return args
    return [*head, list(rest)]


def _is_whole(written: Any, parameter: Parameter, *, variadic: bool) -> bool:
    """Whether what is written is the list parameter itself, and not its only element."""
    if not variadic:
        return isinstance(written, (list, dict, str))
    # where anything is an element, as in broadcast_shapes, a list is one too
    return isinstance(written, (list, dict)) and "any" not in parameter.types


def _as_called(
    signature: Signature, positional: Sequence[Parameter], passed: list[Any], keywords: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments as Python is called with them.

    A method's own tensor comes first, and operators take no keywords; what Python takes as `*tensors` is spread.
    """
    keywords = dict(keywords)
    by_position = signature.variadic or signature.form != "function"
    for parameter in positional[len(passed) :] if by_position else ():
        if parameter.name not in keywords:
            break
        passed = [*passed, keywords.pop(parameter.name)]
    if signature.variadic and len(passed) == len(positional) and isinstance(passed[-1], list):
        passed = [*passed[:-1], *passed[-1]]
    return tuple(passed), keywords


def _fit_keywords(
    op: Op,
    signature: Signature,
    kwargs: Mapping[str, Any],
    known: Known,
    by_parameter: dict[str, Any],
    findings: list[Finding],
) -> dict[str, Any]:
    keywords: dict[str, Any] = {}
    if not kwargs:
        return keywords
    by_word = _by_word(signature)
    for name, written in kwargs.items():
        parameter = by_word.get(name)
        if parameter is None:
            near = did_you_mean(name, by_word)
            if meant := nearest(name, set(by_word) - kwargs.keys()):
                # so that it is not told as missing too
                by_parameter.setdefault(by_word[meant].name, None)
            message = f"'{name}' is not a parameter of {op.name}{near or ': ' + described(op, signature)}"
            # a signature that knows the word, or one like it, is nearer to what was meant
            findings.append(Finding(("kwargs", name), message, -1 if meant else -2))
            continue
        if parameter.name in by_parameter:
            before = "by position" if parameter.name not in keywords else f"as '{_other(name, parameter, kwargs)}'"
            message = f"'{name}' is given twice, here and {before}; keep one of the two"
            findings.append(Finding(("kwargs", name), message))
            continue
        try:
            keywords[parameter.name] = read(written, parameter, op, known)
        except Mismatch as mismatch:
            findings.append(Finding(("kwargs", name, *mismatch.below), mismatch.words, mismatch.weight))
        by_parameter[parameter.name] = keywords.get(parameter.name)
    return keywords


def _other(name: str, parameter: Parameter, kwargs: Mapping[str, Any]) -> str:
    """Another of the parameter's names that is given too."""
    return next(word for word in (parameter.name, *parameter.aliases) if word in kwargs and word != name)


def _too_many(op: Op, signature: Signature, positional: Sequence[Parameter], args: Sequence[Any]) -> str:
    taken = counted(len(positional), "argument")
    return f"{op.name} takes {taken} by position, not {len(args)}: {described(op, signature)}"
