"""The models of a recipe file: plain, frozen values, checked for form. Knows pydantic, and neither torch nor files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, StrictBool, ValidationError

from tensorflow_free.names import RECIPE_DTYPES, did_you_mean

Dtype = Literal["float64", "float32", "bfloat16", "float16"]

LITERAL_KEYS: Final = frozenset({"ref", "str", "dtype", "complex", "tensor", "finfo"})
"""The one-key mappings that say just what a word or number is: `{str: mean}`, `{finfo: max}`."""


class Model(BaseModel):
    """What all models here share: frozen, no unknown key, no silent conversion."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)


class TensorSpec(Model):
    """A tensor that the run starts from. Its init's own parameters are in `model_extra`; the init's table judges them."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    init: str = "tensor"
    dtype: str | None = None
    device: str | None = None
    requires_grad: StrictBool = False
    shape: list[int] | None = None
    seed: int | None = None
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

    op: str | None = None
    args: list[Any] = Field(default_factory=list)
    kwargs: dict[str, Any] = Field(default_factory=dict)
    retain_grad: StrictBool = False
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

    name: str
    mode: str | None = None
    dynamic: StrictBool | None = None
    fullgraph: StrictBool = False
    options: dict[str, Any] | None = None
    calls: int | list[str] = 1


def _backend_form(written: Any) -> Any:
    return {"name": written} if isinstance(written, str) else written


class BackwardPass(Model):
    """One call of backward."""

    target: str
    gradient: Any = None
    inputs: list[str] | None = None
    retain_graph: StrictBool | None = None
    create_graph: StrictBool = False


def _backward_form(written: Any) -> Any:
    """A name, a mapping or a list of either, as a list of mappings."""
    passes = written if isinstance(written, list) else [written]
    return [{"target": one} if isinstance(one, str) else one for one in passes]


class Pair(Model):
    """A relative and an absolute tolerance; the one not given is 0."""

    rtol: float | None = Field(default=None, ge=0)
    atol: float | None = Field(default=None, ge=0)


class ToleranceSpec(Pair):
    """One pair for all dtypes, or one a dtype."""

    float64: Pair | None = None
    float32: Pair | None = None
    bfloat16: Pair | None = None
    float16: Pair | None = None


class Expectation(Model):
    """What must hold of one value; under the key `error`, where and how the run must stop."""

    value: Any = None
    close: Any = None
    equal: Any = None
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

    when: dict[str, Any] | None = None
    keys: list[str] | None = None
    reason: str
    issue: str | int | None = None


Tensors = dict[str, Annotated[TensorSpec, BeforeValidator(_tensor_form)]]
Expectations = dict[str, Annotated[list[Expectation], BeforeValidator(_expectation_form)]]


class Recipe(Model):
    """A recipe, composed: its defaults, case, overrides, references and one-line steps are resolved."""

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
    input_precision: Literal["float64", "float32", "bfloat16", "float16", "float8_e4m3fn", "float8_e5m2"] | None = None
    reference: dict[str, Any] = Field(default_factory=dict)
    xfail: list[KnownFault] = Field(default_factory=list)
    ops: list[str] = Field(default_factory=list)

    _written: dict[str, Any] = PrivateAttr(default_factory=dict)
    _plan: Any = PrivateAttr(default=None)

    @property
    def written(self) -> dict[str, Any]:
        """The mapping that it was made from, as it stands in a run's `recipe.yaml`."""
        return self._written


_OWNERS: Final[dict[str, tuple[str, type[Model]]]] = {
    "tensors": ("a tensor", TensorSpec),
    "steps": ("a step", Step),
    "checks": ("a step", Step),
    "backend": ("`backend`", Backend),
    "backward": ("a backward pass", BackwardPass),
    "tolerance": ("`tolerance`", ToleranceSpec),
    "expect": ("an expectation", Expectation),
    "xfail": ("a known fault", KnownFault),
}
"""Whose keys stand below each key of a recipe."""

_WANTED: Final[dict[str, str]] = {
    "string_type": "a word",
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "bool_type": "`true` or `false`",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
"""What would be right, by pydantic's names of its errors."""


def form_problems(error: ValidationError) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Each of pydantic's findings as a path in the recipe and a message in our words."""
    seen: set[tuple[str | int, ...]] = set()
    for finding in error.errors(include_url=False):
        path = _written_path(finding["loc"])
        if path in seen:
            continue
        seen.add(path)
        yield path, _form_message(path, finding["type"], finding["input"], finding.get("ctx", {}))


def _written_path(loc: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """pydantic's location without the names of the alternatives that it tried."""
    tried = {"str", "int", "float", "bool"}
    return tuple(part for part in loc if not (isinstance(part, str) and (part in tried or "[" in part or "(" in part)))


def _form_message(path: tuple[str | int, ...], kind: str, value: Any, context: Mapping[str, Any]) -> str:
    if kind == "extra_forbidden":
        owner, model = _OWNERS.get(str(path[0]), ("a recipe", Recipe)) if len(path) > 1 else ("a recipe", Recipe)
        keys = list(written_keys(model))
        return f"'{path[-1]}' is not a key of {owner}{did_you_mean(path[-1], keys) or _listed(keys)}"
    if kind == "missing":
        owner = _OWNERS.get(str(path[0]), ("a recipe", Recipe))[0]
        return f"{owner} needs the key '{path[-1]}'"
    if path == ("dtype",):
        return f"'{value}' is not a dtype of a recipe; it is one of {', '.join(RECIPE_DTYPES)}{did_you_mean(value, RECIPE_DTYPES)}"
    if path[:1] == ("record",):
        return f"'{value}' is not something to record; `record` is all, outputs, or a list of names"
    if kind == "literal_error":
        return f"'{value}' is not allowed here; it is one of {context.get('expected', '')}".replace("'", "'")
    if kind in _WANTED:
        return f"'{shown(value)}' is not {_WANTED[kind]}; `{path[-1]}` is {_WANTED[kind]}"
    limits = ", ".join(f"{_LIMIT_WORDS.get(name, name)} {limit}" for name, limit in context.items())
    return f"'{shown(value)}' is out of range; `{path[-1]}` must be {limits}"


_LIMIT_WORDS: Final = {"ge": "at least", "le": "at most", "gt": "more than", "lt": "less than"}


def written_keys(model: type[Model]) -> tuple[str, ...]:
    """The keys of a model as a recipe spells them."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


def shown(value: Any) -> str:
    """A value as a recipe would write it, cut to what fits in a message."""
    if value is None or isinstance(value, bool):
        text = {None: "null", True: "true", False: "false"}[value]
    else:
        text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _listed(words: list[str]) -> str:
    return f"; it is one of {', '.join(words)}"


Normalise = Callable[[Any], Any]
