"""The models of a recipe file: plain, frozen values, checked for form. Knows pydantic, and neither torch nor files."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Annotated, Any, ClassVar, Final, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, StrictBool, ValidationError

from tensorflow_free.errors import Message
from tensorflow_free.recipe.dotted import KeyPath
from tensorflow_free.recipe.keys import KEYS, NAMED, STEPS
from tensorflow_free.recipe.names import DTYPE_ALIASES, DTYPES, RECIPE_DTYPES, did_you_mean, nearest
from tensorflow_free.text.characters import printable
from tensorflow_free.text.phrases import LONGEST_SHOWN, cut

Dtype = Literal["float64", "float32", "bfloat16", "float16"]
Precision = Literal["float64", "float32", "bfloat16", "float16", "float8_e4m3fn", "float8_e5m2"]

LITERAL_KEYS: Final = frozenset({"ref", "str", "dtype", "complex", "tensor", "finfo"})
"""The one-key mappings that say just what a word or number is: `{str: mean}`, `{finfo: max}`."""


class Model(BaseModel):
    """What all models here share: frozen, no unknown key, no silent conversion."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)

    words: ClassVar[str]
    """What messages call one."""

    @property
    def given(self) -> frozenset[str]:
        """The keys that are written, as a recipe spells them."""
        fields = type(self).model_fields
        return frozenset(fields[name].alias or name for name in self.model_fields_set if name in fields)


class TensorSpec(Model):
    """A tensor that the run starts from. Its init's own parameters are in `model_extra`; the init's table judges."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)
    words: ClassVar[str] = "a tensor"

    init: str = "tensor"
    dtype: str | None = None
    device: str | None = None
    requires_grad: StrictBool = False
    shape: list[int] | None = None
    seed: int | None = Field(default=None, ge=-(2**63), lt=2**64)
    memory_format: str | None = None
    stride: list[int] | None = None
    storage_offset: int | None = None


def _tensor_form(written: Any) -> Any:
    """A bare literal is `{init: tensor, data: LITERAL}`."""
    if isinstance(written, dict) and not (len(written) == 1 and set(written) <= {"finfo", "complex"}):
        return written
    return {"init": "tensor", "data": written}


class Step(Model):
    """One operation, or a block (`with`, `repeat`) that holds other steps."""

    words: ClassVar[str] = "a step"

    op: str | None = None
    args: list[Any] = Field(default_factory=list)
    kwargs: dict[str, Any] = Field(default_factory=dict)
    retain_grad: StrictBool = False
    seed: int | None = Field(default=None, ge=-(2**63), lt=2**64)
    context: str | dict[str, Any] | None = Field(default=None, alias="with")
    repeat: int | None = Field(default=None, ge=0)
    steps: dict[str, Step] | None = None
    carry: dict[str, str] = Field(default_factory=dict)
    trace: list[str] = Field(default_factory=list)

    @property
    def is_block(self) -> bool:
        """Whether it holds other steps."""
        return self.op is None


class Backend(Model):
    """What runs the steps: eager PyTorch, or a backend of `torch.compile` and its options."""

    words: ClassVar[str] = "`backend`"

    name: str
    mode: str | None = None
    dynamic: StrictBool | None = None
    fullgraph: StrictBool = False
    options: dict[str, Any] | None = None
    calls: Annotated[int, Field(ge=1)] | list[str] = 1


def _backend_form(written: Any) -> Any:
    return {"name": written} if isinstance(written, str) else written


class BackwardPass(Model):
    """One call of backward."""

    words: ClassVar[str] = "a backward pass"

    target: str
    gradient: Any = None
    inputs: list[str] | None = None
    retain_graph: StrictBool | None = None
    create_graph: StrictBool = False


def _backward_form(written: Any) -> Any:
    """A name, a mapping or a list of either, as a list of mappings."""
    if written is None:
        return []
    passes = written if isinstance(written, list) else [written]
    return [{"target": one} if isinstance(one, str) else one for one in passes]


class Pair(Model):
    """A relative and an absolute tolerance; the one not given is 0."""

    rtol: float | None = Field(default=None, ge=0)
    atol: float | None = Field(default=None, ge=0)


class ToleranceSpec(Pair):
    """One pair for all dtypes, or one a dtype."""

    words: ClassVar[str] = "`tolerance`"

    float64: Pair | None = None
    float32: Pair | None = None
    bfloat16: Pair | None = None
    float16: Pair | None = None


def _reference_form(written: Any) -> Any:
    """A word is a value's name, but for one that is a complex number: `1+2j` is `{complex: [1, 2]}`."""
    # Python reads `j` as a number, and it is a good name
    if not isinstance(written, str) or written.isidentifier():
        return written
    try:
        number = complex(written.replace(" ", ""))
    except ValueError:
        return written
    return {"complex": [number.real, number.imag]}


class Expectation(Model):
    """What must hold of one value; under the key `error`, where and how the run must stop."""

    words: ClassVar[str] = "an expectation"

    value: Any = None
    close: Annotated[Any, BeforeValidator(_reference_form)] = None
    equal: Annotated[Any, BeforeValidator(_reference_form)] = None
    rtol: float | None = Field(default=None, ge=0)
    atol: float | None = Field(default=None, ge=0)
    ulp: float | None = Field(default=None, ge=0)
    shape: list[int] | None = None
    dtype: str | None = None
    stride: list[int] | None = None
    contiguous: StrictBool | None = None
    shares_memory: str | None = None
    step: str | None = None
    type: str | None = None
    match: str | None = None
    when: dict[str, Any] | None = None


def _expectation_form(written: Any) -> Any:
    """A literal, a mapping of what must hold, or a list of such mappings, as a list of mappings."""
    if isinstance(written, list) and written and all(_is_expectation(one) for one in written):
        return written
    return [written if _is_expectation(written) else {"value": written}]


def _is_expectation(written: Any) -> bool:
    if not isinstance(written, dict):
        return False
    return not (len(written) == 1 and set(written) <= {"finfo", "complex", "tensor"})


class KnownFault(Model):
    """A mark on cells, or on some of their values, that are known to fail."""

    words: ClassVar[str] = "a known fault"

    when: dict[str, Any] | None = None
    keys: list[str] | None = None
    reason: str
    issue: str | int | None = None


Tensors = dict[str, Annotated[TensorSpec, BeforeValidator(_tensor_form)]]
Expectations = dict[str, Annotated[list[Expectation], BeforeValidator(_expectation_form)]]


class Recipe(Model):
    """A recipe, composed: its defaults, case, overrides, references and one-line steps are resolved."""

    words: ClassVar[str] = "a recipe"

    description: str | None = None
    tags: list[str] = Field(default_factory=list)
    source: str | None = None
    device: str = "cpu"
    dtype: Dtype = "float32"
    seed: int = Field(default=0, ge=-(2**63), lt=2**64)
    backend: Annotated[Backend, BeforeValidator(_backend_form)] = Backend(name="eager")
    settings: dict[str, Any] = Field(default_factory=dict)
    params: dict[str, Any] = Field(default_factory=dict)
    cases: dict[str, dict[str, Any]] = Field(default_factory=dict)
    case: str | None = None
    tensors: Tensors = Field(default_factory=dict)
    steps: dict[str, Step] = Field(default_factory=dict)
    backward: Annotated[list[BackwardPass], BeforeValidator(_backward_form)] = Field(default_factory=list)
    checks: dict[str, Step] = Field(default_factory=dict)
    expect: Expectations = Field(default_factory=dict)
    tolerance: ToleranceSpec | None = None
    record: Literal["all", "outputs"] | list[str] | None = None
    input_precision: Precision | None = None
    reference: dict[str, Any] = Field(default_factory=dict)
    xfail: list[KnownFault] = Field(default_factory=list)
    ops: list[str] = Field(default_factory=list)

    _written: dict[str, Any] = PrivateAttr(default_factory=dict)
    _parts: dict[str, str] = PrivateAttr(default_factory=dict)
    _plan: Any = PrivateAttr(default=None)

    @property
    def written(self) -> dict[str, Any]:
        """The mapping that it was made from, as it stands in a run's `recipe.yaml`."""
        return self._written

    def write(self, mapping: dict[str, Any], parts: Mapping[str, str] | None = None) -> None:
        """Keep the mapping that it was made from, and its `parts`."""
        self._written = mapping
        self._parts = dict(self._parts if parts is None else parts)

    @property
    def parts(self) -> dict[str, str]:
        """The steps that were written in one line with others: the name of each part, and of the whole step."""
        return self._parts

    @property
    def plan(self) -> Any:
        """The plan that it was bound to, or None; kept here so that binding is done once."""
        return self._plan

    def keep(self, plan: Any) -> None:
        """Keep the plan that it was bound to."""
        self._plan = plan


def _models_in(annotation: Any) -> Iterator[type[Model]]:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


_OWNERS: Final = {key: model for key, field in Recipe.model_fields.items() for model in _models_in(field.annotation)}
"""Whose keys stand below each key of a recipe."""

_STEP_FORM: Final = "a step is a mapping such as {op: neg, args: [x]}, or one line such as x * 2"

_FORMS: Final[dict[str, str]] = {
    **{key.name: key.form for key in KEYS.values() if key.form},
    "args": "a list of arguments, such as [x, 2]",
    "calls": "a number of calls of at least 1, or a list of cases",
    "carry": "a mapping from a value to the step that gives the next one",
    "inputs": "a list of names",
    "issue": "a word or an integer",
    "keys": "a list of names",
    "kwargs": "a mapping from parameters to arguments",
    "repeat": "a number of rounds of at least 0",
    "trace": "a list of names",
    "with": "a context such as no_grad, or {autocast: {dtype: bfloat16}}",
    **dict.fromkeys(RECIPE_DTYPES, "a mapping such as {rtol: 1e-5, atol: 0}"),
}
"""What would be right for a key, where more is to be said than pydantic knows."""

_WANTED: Final[dict[str, str]] = {
    "string_type": "a word",
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
"""What would be right, by pydantic's names of its errors."""

_LIMIT_WORDS: Final = {"ge": "at least", "le": "at most", "gt": "more than", "lt": "less than"}

_Finding = tuple[KeyPath, str, Message]
"""A path as written, pydantic's name of the error, and the message."""


def form_problems(error: ValidationError, mapping: Mapping[str, Any]) -> Iterator[tuple[KeyPath, Message]]:
    """Each of pydantic's findings as a path in the recipe's `mapping` and a message in our words."""
    found = list(_findings(error, mapping))
    lacking = {path[:-1] for path, kind, _ in found if kind == "missing"}
    meant = {
        (path[:-1], nearest(path[-1], _keys_at(path)))
        for path, kind, _ in found
        if kind == "extra_forbidden" and path[:-1] in lacking
    }
    # where pydantic tries several alternatives, what lies deeper is a closer look at what is wrong
    above = {path[:length] for path, *_ in found for length in range(len(path))}
    seen: set[KeyPath] = set()
    for path, kind, message in found:
        owner = path[:-1]
        if kind == "missing":
            # the key that stands in its place, misspelt, is told of already
            if (owner, path[-1]) not in meant:
                yield owner, message
        elif path not in seen and path not in above:
            seen.add(path)
            yield path, message


def _findings(error: ValidationError, mapping: Mapping[str, Any]) -> Iterator[_Finding]:
    for finding in error.errors(include_url=False):
        path, kind = _written_path(finding["loc"], mapping), finding["type"]
        yield path, kind, partial(_form_message, path, kind, finding["input"], finding.get("ctx", {}))


def _written_path(loc: KeyPath, mapping: Any) -> KeyPath:
    """A location of pydantic's as the recipe has it: without alternatives that it tried, and lists of one thing."""
    path: list[str | int] = []
    node = mapping
    for position, part in enumerate(loc):
        is_there = isinstance(node, dict) and part in node
        if is_there or (isinstance(node, list) and isinstance(part, int)):
            node = node[part]
        elif not isinstance(node, dict) or position < len(loc) - 1 or part in _ALTERNATIVES or "[" in str(part):
            continue
        path.append(part)
    return tuple(path)


_ALTERNATIVES: Final = frozenset({"str", "int", "float", "bool"})


def _keys_at(path: KeyPath) -> tuple[str, ...]:
    """The keys that may stand beside the last of `path`."""
    if len(path) == 1:
        return tuple(KEYS)
    return written_keys(_OWNERS[str(path[0])])


def _form_message(path: KeyPath, kind: str, value: Any, context: Mapping[str, Any]) -> str:
    owner = _OWNERS[str(path[0])].words if len(path) > 1 and path[0] in _OWNERS else Recipe.words
    if kind == "extra_forbidden":
        keys = _keys_at(path)
        in_kwargs = "; a parameter of the op stands in `kwargs`" if owner == "a step" else ""
        return f"'{path[-1]}' is not a key of {owner}{did_you_mean(path[-1], keys) or _listed(keys) + in_kwargs}"
    if kind == "missing":
        return f"{owner} needs the key '{path[-1]}'"
    if path == ("dtype",):
        return _dtype_message(value)
    if path[-1] == "op" and value == []:
        return "'[]' is an empty list to YAML; put the operator in quotes: '[]'"
    if kind == "literal_error" and path == ("input_precision",):
        return f"'{shown(value)}' is not a dtype to round starting values to{_listed(get_args(Precision))}"
    if len(path) > 1 and path[-2] in STEPS:
        return f"'{shown(value)}' is not a step; {_STEP_FORM}"
    key = next(part for part in reversed(path) if isinstance(part, str))
    if kind in _WANTED or key in _FORMS:
        return f"'{shown(value)}' does not fit `{key}`, which is {_FORMS.get(key) or _WANTED[kind]}{_named(key, value)}"
    limits = ", ".join(f"{_LIMIT_WORDS.get(name, name)} {limit:.20g}" for name, limit in context.items())
    return f"'{shown(value)}' is out of range; `{key}` is {limits}"


def _named(key: str, value: Any) -> str:
    """How each step or tensor gets its name, where they stand in a list or as lines of Python."""
    if key not in NAMED:
        return ""
    if isinstance(value, list):
        return "; each stands behind its name and a colon, without a dash"
    found = re.match(r"\s*([^\W\d]\w*)\s*=[^=]", value) if isinstance(value, str) else None
    return f"; write '{found[1]}: …' for '{found[1]} = …'" if found else ""


def _dtype_message(value: Any) -> str:
    words = f"'{shown(value)}' is not a dtype of a recipe{_listed(RECIPE_DTYPES)}"
    if not isinstance(value, str):
        return words
    if DTYPE_ALIASES.get(value) in RECIPE_DTYPES:
        return f"{words}; '{value}' is '{DTYPE_ALIASES[value]}' here"
    if value in DTYPES or value in DTYPE_ALIASES:
        return f"{words}; '{value}' can be pinned on a tensor"
    return words + did_you_mean(value, RECIPE_DTYPES)


def written_keys(model: type[Model]) -> tuple[str, ...]:
    """The keys of a model as a recipe spells them."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


def shown(value: Any) -> str:
    """A value as a recipe would write it, cut to what fits in a message."""
    return printable(cut(_flow(value)))


def _flow(value: Any) -> str:
    """A value in YAML's flow style, without quotes, and no more of a long one than is shown."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else f"{'-' if value < 0 else ''}.inf"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_flow(part) for part in value[:LONGEST_SHOWN])}]"
    if isinstance(value, Mapping):
        pairs = islice(value.items(), LONGEST_SHOWN)
        return f"{{{', '.join(f'{key}: {_flow(part)}' for key, part in pairs)}}}"
    return str(value)


def _listed(words: Iterable[str]) -> str:
    return f"; it is one of {', '.join(words)}"
