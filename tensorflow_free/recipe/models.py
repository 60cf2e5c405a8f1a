"""The models of a recipe file: frozen values, checked for their form. Does not import torch or touch files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, StrictBool

from tensorflow_free.recipe.dotted import KeyPath
from tensorflow_free.text.characters import printable
from tensorflow_free.text.faces import Shown
from tensorflow_free.text.phrases import counted

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


PATHS: Final = ("path", "values")
"""Keys of a tensor that name a file which a recipe reads."""


class TensorSpec(Model):
    """A tensor that the run starts from. The parameters of its init are in `model_extra`; binding checks them.

    Attributes:
        init: how it is made: `randn`, `arange`, `tensor` for a literal, `load` for a file.
        dtype: its dtype, where it is not the recipe's.
        device: its device, where it is not the recipe's.
        requires_grad: whether it has a gradient.
        shape: the shape that its values are given, in their order.
        seed: the seed of its own random numbers.
        memory_format: `channels_last`, ….
        stride: the stride of each dimension, in elements.
        storage_offset: elements before its first one in memory.
        values: the file whose tensor takes the place of the values that its init makes; a stored recipe has some.
    """

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
    values: str | None = None


def _tensor_form(written: Any) -> Any:
    """A bare literal is `{init: tensor, data: LITERAL}`."""
    if isinstance(written, dict) and not (len(written) == 1 and set(written) <= {"finfo", "complex"}):
        return written
    return {"init": "tensor", "data": written}


class Step(Model):
    """One operation, or a block (`with`, `repeat`) that holds other steps.

    Attributes:
        op: the op, by its name in torch: `softmax`, `F.relu`, `view`; a block has none.
        args: the op's positional arguments: names of values, literals.
        kwargs: the op's arguments by name.
        retain_grad: whether the gradient of its value is recorded.
        seed: the seed of a random op.
        context: the key `with`: what is set around the steps of a block, such as `no_grad`.
        repeat: how many times the steps of a block run.
        steps: the steps of a block, by name.
        carry: of a repeated block, which step gives a value of the next round.
        trace: of a repeated block, the values that are recorded in each round.
    """

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
    """What runs the steps: eager PyTorch, or a backend of `torch.compile`.

    Attributes:
        name: `eager`, which is plain PyTorch, or a backend of `torch.compile` such as `inductor`.
        mode: the mode of `torch.compile`, such as `max-autotune`; not beside `options`.
        dynamic: whether sizes are compiled as variables; the compiler decides where it is left out.
        fullgraph: whether a graph break is a failure.
        options: options of the backend by name, such as `{epilogue_fusion: false}`; not beside `mode`.
        calls: how many times the compiled function is called, or the cases that it is called for.
    """

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
    """One backward pass.

    Attributes:
        target: the value that is differentiated.
        gradient: the gradient of the target, of its shape; 1 where it is left out.
        inputs: the tensors whose gradients are computed; all leaves where it is left out.
        retain_graph: whether the graph is kept for another pass.
        create_graph: whether the gradients can themselves be differentiated.
    """

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
    """A relative and an absolute tolerance; the one not given is 0.

    Attributes:
        rtol: the share of the expected number, without a unit.
        atol: the error in the unit of the value.
    """

    rtol: float | None = Field(default=None, ge=0)
    atol: float | None = Field(default=None, ge=0)


class ToleranceSpec(Pair):
    """One pair for all dtypes, or one a dtype.

    Attributes:
        float64: the tolerance of values in float64.
        float32: the tolerance of values in float32.
        bfloat16: the tolerance of values in bfloat16.
        float16: the tolerance of values in float16.
    """

    words: ClassVar[str] = "`tolerance`"

    float64: Pair | None = None
    float32: Pair | None = None
    bfloat16: Pair | None = None
    float16: Pair | None = None


class JudgeSpec(Model):
    """How a run is held against its reference.

    Attributes:
        k: how many times what rounding moves a value is allowed, instead of the number of its dtype.
        isolated: whether each step is judged alone, too, where all values are within bounds.
    """

    words: ClassVar[str] = "`judge`"

    k: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    isolated: StrictBool = False


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
    """What must hold of one value; under the key `error`, where and how the run must stop.

    Attributes:
        value: a literal that the value must be close to.
        close: another value that it must be close to.
        equal: another value that it must be equal to, bit for bit.
        rtol: the relative tolerance of `value` and `close`: a share of the expected number.
        atol: the absolute tolerance of `value` and `close`, in the unit of the value.
        ulp: the distance that is allowed, in units in the last place.
        shape: the shape that it must have.
        dtype: the dtype that it must have; `floating` and `complex` are those of the recipe.
        stride: the strides that it must have.
        contiguous: whether it must be contiguous in memory.
        shares_memory: the value with which it must share memory.
        step: of an error, the step that must fail.
        type: of an error, the name of its type.
        match: of an error, a regular expression that must be found in its text.
        when: the cells in which it must hold.
    """

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
    """A mark on cells, or on some of their values, that are known to fail.

    Attributes:
        when: the cells that it marks; all where it is left out.
        keys: the values that it marks; all where it is left out.
        reason: why they fail.
        issue: the number or address of the report.
        at_most: how many times what is allowed they may be away; without it any error and failure is borne.
    """

    words: ClassVar[str] = "a known fault"

    when: dict[str, Any] | None = None
    keys: list[str] | None = None
    reason: str
    issue: str | int | None = None
    at_most: float | None = Field(default=None, gt=1, allow_inf_nan=False)


class RelationSpec(Model):
    """How a run must relate to another run of the recipe, on other tensors that are made of its own.

    Attributes:
        of: what is changed: tensors, each with its dimension or parameters; or what a kind without tensors takes.
        values: the values and gradients of which it must hold, of `scaling` with factors; all where it is left out.
        bits: whether it must hold bit for bit; its kind decides where it is left out.
        strict: whether it fails, too, where plain eager PyTorch on the CPU does not hold it either.
        when: the cells in which it must hold.
    """

    words: ClassVar[str] = "a relation"

    of: Any = None
    values: list[str] | dict[str, Any] | None = None
    bits: StrictBool | None = None
    strict: StrictBool = False
    when: dict[str, Any] | None = None


def _relation_form(written: Any) -> Any:
    """What a relation is of, a mapping with the key `of`, or a list of either, as a list of mappings."""
    if isinstance(written, list) and written and all(isinstance(one, dict) for one in written):
        return [_one_relation(one) for one in written]
    return [_one_relation(written)]


def _one_relation(written: Any) -> Any:
    return written if isinstance(written, dict) and "of" in written else {"of": written}


Tensors = dict[str, Annotated[TensorSpec, BeforeValidator(_tensor_form)]]
Expectations = dict[str, Annotated[list[Expectation], BeforeValidator(_expectation_form)]]


Relations = dict[str, Annotated[list[RelationSpec], BeforeValidator(_relation_form)]]


class Recipe(Model, Shown):
    """A recipe, composed: its defaults, case, overrides, references and one-line steps are resolved.

    Its fields are the top-level keys of a recipe file, as docs/recipe-format.md describes them; short forms are written
    out: `dtype` is a word, `backend` and each backward pass and expectation are models.

    Example:
        >>> from tensorflow_free import load_recipe
        >>> recipe = load_recipe("recipes/linear_autograd.yaml", ["backend=inductor"])
        >>> recipe.backend.name, recipe.steps["y"].op, recipe.backward[0].target
        ('inductor', 'add', 'y')
    """

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
    forward: StrictBool = False
    checks: dict[str, Step] = Field(default_factory=dict)
    expect: Expectations = Field(default_factory=dict)
    relations: Relations = Field(default_factory=dict)
    starts: Annotated[str, Field(min_length=1)] | None = None
    tolerance: ToleranceSpec | None = None
    judge: JudgeSpec = JudgeSpec()
    record: Literal["all", "outputs"] | list[str] | None = None
    repeats: int = Field(default=1, ge=1)
    must_run: Literal["all"] | list[str] = Field(default_factory=list)
    input_precision: Precision | None = None
    reference: dict[str, Any] = Field(default_factory=dict)
    xfail: list[KnownFault] = Field(default_factory=list)
    ops: list[str] = Field(default_factory=list)

    _written: dict[str, Any] = PrivateAttr(default_factory=dict)
    _parts: dict[str, str] = PrivateAttr(default_factory=dict)
    _plan: Any = PrivateAttr(default=None)
    _trusted: frozenset[KeyPath] = PrivateAttr(default=frozenset())
    _refers: frozenset[str] | None = PrivateAttr(default=None)
    _stem: str = PrivateAttr(default="recipe")

    def __repr__(self) -> str:
        parts = f"{counted(len(self.tensors), 'tensor')}, {counted(len(self.steps), 'step')}"
        return f"<Recipe {self.cell_of(self.stem)}: {parts}>"

    __str__ = __repr__

    def cell_of(self, name: str) -> str:
        """A name and the cell in which the recipe runs, in words: `attention case=small cpu float32 eager`."""
        case = [f"case={self.case}"] if self.case else []
        return printable(" ".join([name, *case, self.device, self.dtype, self.backend.name]))

    @property
    def stem(self) -> str:
        """The name of its file without the suffix; `recipe` where it came from a mapping."""
        return self._stem

    def call(self, stem: str) -> None:
        """Say the name of its file without the suffix."""
        self._stem = stem

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
    def trusted(self) -> frozenset[KeyPath]:
        """The keys below `backend` that a person gave, on the command line or in Python; what a file gives is data."""
        return self._trusted

    def trust(self, paths: Iterable[KeyPath]) -> None:
        """Say which keys below `backend` a person gave."""
        self._trusted = frozenset(paths)

    @property
    def refers(self) -> frozenset[str] | None:
        """The top-level keys that references in it name, such as `${params.n}`; None where that is not known."""
        return self._refers

    def refer(self, keys: frozenset[str]) -> None:
        """Say which keys references in it name."""
        self._refers = keys

    @property
    def plan(self) -> Any:
        """The plan that it was bound to, or None; kept here so that binding is done once."""
        # as `self._plan`, which pydantic looks for in six places
        private: Any = self.__pydantic_private__
        return private["_plan"]

    def keep(self, plan: Any) -> None:
        """Keep the plan that it was bound to."""
        self._plan = plan


def written_keys(model: type[Model]) -> tuple[str, ...]:
    """The keys of a model as a recipe spells them."""
    return tuple(field.alias or name for name, field in model.model_fields.items())
