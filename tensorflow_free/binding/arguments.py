"""What a step's args and kwargs mean: each is held against the op's signatures, and a word becomes a value, a word or an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import torch

from tensorflow_free.calls import ATTRIBUTES
from tensorflow_free.dtypes import dtype_of
from tensorflow_free.expressions import ExpressionError, Name, Slice, parse_subscript
from tensorflow_free.names import DEVICES, did_you_mean, nearest
from tensorflow_free.ops.signatures import REQUIRED, Op, Parameter, Signature
from tensorflow_free.recipe import LITERAL_KEYS, shown

Path = tuple[str | int, ...]

Words = str | Callable[[], str]
"""A message, or what makes it: finding the nearest name is slow, and most go unread, as another signature fits."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A value of the run, by name, with the fields read from it: `qr.Q` is Ref("qr", ("Q",))."""

    name: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TensorLiteral:
    """`{tensor: 1.5}`: a tensor that each run makes anew."""

    data: Any


@dataclass(frozen=True, slots=True)
class Known:
    """What binding knows while it reads an argument: the names given so far, those given later, and the recipe's own words."""

    names: Mapping[str, Any]
    later: Mapping[str, Any]
    dtype: str
    device: str
    kinds: Mapping[str, str]
    """What each name given so far is: a tensor, a step, a block, a check."""
    traces: Mapping[str, Sequence[str]]
    """What each block traces."""
    own: str = ""
    """The step whose argument it is."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Why an argument does not fit: where below the step, and in what words. The greater `weight`, the nearer it came."""

    path: Path
    words: Words
    weight: int = 0

    @property
    def message(self) -> str:
        """What is wrong."""
        return _said(self.words)


@dataclass(frozen=True, slots=True)
class Bound:
    """Arguments that fit a signature, ready for lowering: constants, `Ref`, `Slice`, `TensorLiteral`, and lists of them."""

    signature: Signature
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    by_parameter: dict[str, Any]


class Mismatch(Exception):
    """An argument that does not fit a parameter."""

    def __init__(self, words: Words, weight: int = 0) -> None:
        super().__init__(words)
        self.words = words
        self.weight = weight
        self.below: Path = ()
        """Where inside the argument it is, for an element of a list."""

    @property
    def message(self) -> str:
        """What is wrong."""
        return _said(self.words)


def _said(words: Words) -> str:
    return words if isinstance(words, str) else words()


WORDS: Final = frozenset({"str", "dtype", "device", "layout", "memory_format", "str[]", "generator", "callable"})
"""The types that only a word can be; every other type may be a value of the run."""

SUBSCRIPTED: Final = frozenset({"[]", "[]=", "__getitem__", "__setitem__"})
"""The ops whose `index` is a subscript."""

LAYOUTS: Final[dict[str, torch.layout]] = {
    word: layout
    for word in ("strided", "sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc", "jagged")
    if isinstance(layout := getattr(torch, word, None), torch.layout)
}
MEMORY_FORMATS: Final[dict[str, torch.memory_format]] = {
    word: getattr(torch, word) for word in ("contiguous_format", "channels_last", "channels_last_3d", "preserve_format")
}
_ARTICLE: Final[dict[str, str]] = {
    "Tensor": "a tensor",
    "Tensor[]": "a list of tensors",
    "number": "a number",
    "int": "an integer",
    "float": "a number",
    "complex": "a complex number",
    "bool": "true or false",
    "str": "a word",
    "str[]": "a list of words",
    "int[]": "a list of integers",
    "float[]": "a list of numbers",
    "number[]": "a list of numbers",
    "bool[]": "a list of booleans",
    "dtype": "a dtype",
    "device": "a device",
    "layout": "a layout",
    "memory_format": "a memory format",
    "generator": "a generator, which a recipe cannot give (its `seed` seeds the run)",
    "callable": "a function, which a recipe cannot give",
    "None": "null",
    "any": "anything",
}


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
    if all(WORDS.isdisjoint(parameter.types) for signature in op.signatures for parameter in signature.parameters):
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
    return _ambiguous(refs[0].name)


def _ambiguous(word: str) -> str:
    return (
        f"'{word}' is the name of a value and also a word that the op takes; write {{ref: {word}}} or {{str: {word}}}"
    )


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
            findings.append(Finding(("args", position), _too_many(op, signature, positional, args)))
            break
        parameter = positional[position]
        try:
            value = _read(written, parameter, op, known)
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
            findings.append(Finding(("kwargs", name), message))
            continue
        if parameter.name in by_parameter:
            before = "by position" if parameter.name not in keywords else f"as '{_other(name, parameter, kwargs)}'"
            message = f"'{name}' is given twice, here and {before}; keep one of the two"
            findings.append(Finding(("kwargs", name), message))
            continue
        try:
            keywords[parameter.name] = _read(written, parameter, op, known)
        except Mismatch as mismatch:
            findings.append(Finding(("kwargs", name, *mismatch.below), mismatch.words, mismatch.weight))
        by_parameter[parameter.name] = keywords.get(parameter.name)
    return keywords


def _other(name: str, parameter: Parameter, kwargs: Mapping[str, Any]) -> str:
    """Another of the parameter's names that is given too."""
    return next(word for word in (parameter.name, *parameter.aliases) if word in kwargs and word != name)


def _too_many(op: Op, signature: Signature, positional: Sequence[Parameter], args: Sequence[Any]) -> str:
    count = len(positional)
    plural = "" if count == 1 else "s"
    return f"{op.name} takes {count} argument{plural} by position, not {len(args)}: {described(op, signature)}"


def _read(written: Any, parameter: Parameter, op: Op, known: Known) -> Any:
    """What an argument is for this parameter.

    Raises:
        Mismatch: it cannot be what the parameter takes.
    """
    types = parameter.types
    if op.name.removeprefix("Tensor.") in SUBSCRIPTED and parameter.name == "index":
        return read_subscript(written, known)
    if written is None:
        if types & {"None", "any"}:
            return None
        raise Mismatch(_wanted("null", parameter))
    if isinstance(written, str):
        return _read_word(written, parameter, known)
    if isinstance(written, dict):
        return _read_exact(written, parameter, known)
    if isinstance(written, (list, tuple)):
        return _read_list(written, parameter, op, known)
    if isinstance(written, torch.Tensor):
        return written
    if _number_fits(written, types, numbers=op.numbers):
        return written
    raise Mismatch(_wanted(written, parameter))


def _number_fits(written: Any, types: frozenset[str], *, numbers: bool) -> bool:
    if "any" in types or (numbers and "Tensor" in types):
        return True
    if isinstance(written, bool):
        return bool(types & {"bool", "number"})
    if isinstance(written, int):
        return bool(types & {"int", "float", "number", "complex"})
    if isinstance(written, float):
        return bool(types & {"float", "number", "complex"})
    return bool(types & {"number", "complex"})


def _wanted(written: Any, parameter: Parameter) -> str:
    return f"'{shown(written)}' does not fit '{parameter.name}', which is {_kinds(parameter)}"


def _kinds(parameter: Parameter) -> str:
    return " or ".join(sorted(_ARTICLE.get(kind, kind) for kind in parameter.types - {"None"}))


def _read_word(word: str, parameter: Parameter, known: Known) -> Any:
    types = parameter.types
    meaning = _meaning(word, parameter, known)
    values_fit = bool(types - WORDS - {"None"})
    named = word.partition(".")[0] in known.names
    if not values_fit:
        if meaning is not None:
            return meaning
        if "." in word and named:
            return reference(word, known)
        raise Mismatch(partial(_wrong_word, word, parameter))
    if meaning is not None and types & WORDS:
        if named and "." not in word:
            raise Mismatch(_ambiguous(word), weight=5)
        if not named:
            return meaning
    return reference(word, known, parameter)


def _wrong_word(word: str, parameter: Parameter) -> str:
    words: list[str] = sorted(parameter.words or ())
    if not words:
        return _wanted(word, parameter) + (did_you_mean(word, dtype_words()) if "dtype" in parameter.types else "")
    near = did_you_mean(word, words)
    return f"'{word}' is not a word that '{parameter.name}' takes{near or '; it is one of ' + ', '.join(words)}"


def dtype_words() -> tuple[str, ...]:
    """Every word for a dtype that this torch has."""
    from tensorflow_free.dtypes import TORCH_DTYPES

    return tuple(TORCH_DTYPES)


def _meaning(word: str, parameter: Parameter, known: Known) -> Any:
    """What the word is where the parameter takes a word, or None."""
    types = parameter.types
    readers: dict[str, Callable[[str], Any]] = {
        "dtype": lambda text: dtype_of(text.removeprefix("torch."), known.dtype),
        "layout": lambda text: LAYOUTS.get(text.removeprefix("torch.")),
        "memory_format": lambda text: MEMORY_FORMATS.get(text.removeprefix("torch.")),
        "device": _device,
    }
    for kind, reader in readers.items():
        if kind in types and (found := reader(word)) is not None:
            return found
    if "str" in types and (parameter.words is None or word in parameter.words):
        return word
    return None


def _device(word: str) -> str | None:
    """The device that a word names, or None; whether it is present is for the run to find."""
    kind, _, index = word.partition(":")
    known = kind in DEVICES or kind == torch._C._get_privateuse1_backend_name()
    return word if known and (not index or index.isdigit()) else None


def _read_exact(written: Mapping[str, Any], parameter: Parameter | None, known: Known) -> Any:
    """A mapping that says just what it is: `{ref: w}`, `{str: mean}`, `{finfo: max}`."""
    if len(written) != 1 or not set(written) <= LITERAL_KEYS:
        if len(written) == 1 and (near := nearest(next(iter(written)), LITERAL_KEYS)):
            raise Mismatch(f"'{shown(dict(written))}' is not a form of argument; did you mean '{near}'?")
        forms = "{ref: w}, {str: mean}, {dtype: int64}, {complex: [1, 2]}, {tensor: 1.5} or {finfo: max}"
        raise Mismatch(f"'{shown(dict(written))}' is a mapping, which no argument is; it may be {forms}")
    [(kind, value)] = written.items()
    if kind == "ref":
        return reference(str(value), known)
    if kind == "str":
        if parameter is not None and not parameter.types & {"str", "any", "dtype", "device", "layout", "memory_format"}:
            raise Mismatch(_wanted(value, parameter))
        return str(value)
    if kind == "tensor":
        return TensorLiteral(_checked_data(value))
    return literal(written, known.dtype)


def _checked_data(written: Any) -> Any:
    """Literal data, once it is seen that torch makes a tensor of them."""
    if isinstance(written, torch.Tensor):
        return written
    try:
        torch.tensor(written)
    except (ValueError, TypeError, RuntimeError, OverflowError) as error:
        raise Mismatch(f"'{shown(written)}' is not a number or a list of numbers: {error}") from error
    return written


def literal(written: Mapping[str, Any], recipe_dtype: str) -> Any:
    """The number or dtype that `{complex: [re, im]}`, `{finfo: max}` or `{dtype: int64}` stands for.

    Raises:
        Mismatch: it stands for none.
    """
    [(kind, value)] = written.items()
    if kind == "complex" and isinstance(value, list) and len(value) == 2 and all(_is_real(part) for part in value):
        return complex(*value)
    if kind == "dtype":
        found = dtype_of(str(value).removeprefix("torch."), recipe_dtype)
        if found is None:
            raise Mismatch(f"'{value}' is not a dtype{did_you_mean(value, dtype_words())}")
        return found
    if kind == "finfo":
        fields = ("max", "min", "eps", "tiny", "smallest_normal", "resolution")
        if value not in fields:
            raise Mismatch(
                f"'{value}' is not a field of finfo{did_you_mean(value, fields) or '; it is one of ' + ', '.join(fields)}"
            )
        return getattr(torch.finfo(dtype_of(recipe_dtype, recipe_dtype)), value)  # type: ignore[arg-type]
    raise Mismatch(f"'{shown(dict(written))}' is not a number; {{complex: [re, im]}} takes two numbers")


def _is_real(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _read_list(written: Sequence[Any], parameter: Parameter, op: Op, known: Known) -> Any:
    types = parameter.types
    if "any" not in types and not any(kind.endswith("[]") for kind in types):
        raise Mismatch(_wanted(list(written), parameter))
    element = Parameter(
        parameter.name,
        frozenset(kind.removesuffix("[]") for kind in types if kind.endswith("[]")) | _deeper(types),
        words=parameter.words,
    )
    return list(_read_elements(written, element, op, known))


def _read_elements(written: Sequence[Any], element: Parameter, op: Op, known: Known) -> Iterator[Any]:
    for position, part in enumerate(written):
        try:
            yield _read_element(part, element, op, known)
        except Mismatch as mismatch:
            mismatch.below = (position, *mismatch.below)
            mismatch.words = partial(_of_an_element, mismatch.words, element.name)
            raise


def _of_an_element(words: Words, name: str) -> str:
    return _said(words).replace(f" fit '{name}'", f" fit an element of '{name}'")


def _deeper(types: frozenset[str]) -> frozenset[str]:
    """What the elements of a list may be besides: nested lists of anything where anything is taken; null among tensors."""
    if "any" in types:
        return frozenset({"any"})
    return frozenset({"None"}) if types & {"Tensor[]"} else frozenset()


def _read_element(part: Any, element: Parameter, op: Op, known: Known) -> Any:
    if isinstance(part, (list, tuple)) and "any" in element.types:
        return list(_read_elements(part, element, op, known))
    return _read(part, element, op, known)


def reference(word: str, known: Known, parameter: Parameter | None = None) -> Ref:
    """The value that a word names.

    Raises:
        Mismatch: no value of that name is given yet.
    """
    name, *fields = word.split(".")
    if name in known.names:
        _check_fields(word, known)
        return Ref(name, tuple(fields))
    if name in known.later:
        raise Mismatch(_too_early(name, known), weight=3)
    raise Mismatch(partial(_unknown, word, known, parameter))


def _unknown(word: str, known: Known, parameter: Parameter | None) -> str:
    name = word.partition(".")[0]
    near = did_you_mean(name, known.names)
    if not near and parameter is not None:
        near = _meant_otherwise(word, parameter)
    return f"'{name}' is not a value of this recipe{near or _given(known)}"


def _check_fields(word: str, known: Known) -> None:
    """Refuse a field that no value of this kind has; those of several results are for the run to find."""
    name, *fields = word.split(".")
    kind = known.kinds.get(name)
    if kind == "block":
        _check_trace(name, fields, known.traces.get(name, ()))
    for field in fields:
        if not field.isdigit() and (not field.isidentifier() or field.startswith("_")):
            raise Mismatch(f"'{field}' in '{word}' is not a field; one is read by name or position, as {name}.shape.0")
    if fields and kind == "tensor" and not fields[0].isdigit() and fields[0] not in FIELDS:
        near = did_you_mean(fields[0], FIELDS) or f"; it has {', '.join(FIELDS)}"
        raise Mismatch(f"'{fields[0]}' is not a field of the tensor '{name}'{near}")


FIELDS: Final = (*ATTRIBUTES, "after")
"""What may follow the name of a starting tensor."""


def _check_trace(name: str, fields: Sequence[str], traces: Sequence[str]) -> None:
    if not fields:
        raise Mismatch(f"'{name}' is a block and has no value of its own; name a step in it")
    if fields[0] not in traces:
        near = did_you_mean(fields[0], traces) or "; name it in `trace`"
        raise Mismatch(f"'{fields[0]}' is not traced by '{name}'{near}")


def _too_early(name: str, known: Known) -> str:
    if name == known.own:
        return f"'{name}' is used in its own step; a step reads values given before it"
    if known.later[name] == "checks" and known.later.get(known.own) != "checks":
        return f"'{name}' is one of `checks`, which run after the steps"
    return f"'{name}' is used before it is given; it stands below"


def _meant_otherwise(word: str, parameter: Parameter) -> str:
    """What else the parameter takes, where a word that names nothing may have been meant for that."""
    if parameter.types & {"any", "str"}:
        return f"; if a word is meant, write {{str: {word}}}"
    if parameter.types & {"Tensor", "Tensor[]"}:
        return ""
    return f"; '{parameter.name}' is {_kinds(parameter)}, or a value that is"


def _given(known: Known) -> str:
    names = list(known.names)
    return f"; given so far: {', '.join(names[:12])}{', …' if len(names) > 12 else ''}" if names else ""


def read_subscript(written: Any, known: Known) -> Any:
    """The subscript of `[]` and `[]=`, its words read as names of values.

    Raises:
        Mismatch: it is not a subscript.
    """
    if isinstance(written, bool) or written is None or isinstance(written, int):
        return written
    if isinstance(written, dict):
        return _read_exact(written, None, known)
    if isinstance(written, list):
        items = ", ".join(str(item) for item in written)
        raise Mismatch(
            f'\'{shown(written)}\' is a list; write "{items}" for one index a dimension, or "[{items}]" for a list of indices'
        )
    if not isinstance(written, str):
        raise Mismatch(
            f"'{shown(written)}' is not a subscript; write what stands between the brackets, such as '1:3, 0'"
        )
    if "." in written and written.split(".")[0] in known.names and not set(written) & set(" ,:["):
        return reference(written, known)
    try:
        return _named(parse_subscript(written), known)
    except ExpressionError as error:
        raise Mismatch(error.message) from error


def _named(subscript: Any, known: Known) -> Any:
    if isinstance(subscript, Name):
        return reference(subscript.dotted, known)
    if isinstance(subscript, Slice):
        return Slice(*(_named(part, known) for part in (subscript.start, subscript.stop, subscript.step)))
    if isinstance(subscript, tuple):
        return tuple(_named(part, known) for part in subscript)
    if isinstance(subscript, list):
        return [_named(part, known) for part in subscript]
    return subscript


def references(argument: Any) -> Iterator[Ref]:
    """Every reference inside an argument."""
    if isinstance(argument, Ref):
        yield argument
    elif isinstance(argument, Slice):
        yield from references((argument.start, argument.stop, argument.step))
    elif isinstance(argument, (list, tuple)):
        for part in argument:
            yield from references(part)
