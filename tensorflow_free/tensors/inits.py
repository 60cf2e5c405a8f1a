"""How the values of each init are made. Knows no steps and no files; `recipe/init_kinds.py` has names and parameters.

Random values are drawn on the CPU in float32 (or the pinned dtype) from torch's default generator, which the runner has
seeded; only then are they rounded, converted, moved and laid out. So every cell of a sweep starts from equal numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import torch

from tensorflow_free.recipe.init_kinds import INIT_KINDS, LIKE_KINDS, LIKE_SUFFIX
from tensorflow_free.tensors.dtypes import COMPLEX_OF, TORCH_DTYPES

DtypeSource = Literal["floating", "integer", "boolean", "data", "fill", "range"]
"""What decides the dtype where none is pinned: the recipe, the kind itself, the data, the fill value, the bounds."""

Arguments = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Init:
    """One init, as to how its values are made.

    `make` takes the arguments, the dtype to make the values in, and a generator (None: torch's default one). It gives a
    tensor on the CPU. `draws` says that the values are random, `complex` that torch draws complex ones, too.
    """

    name: str
    make: Callable[[Arguments, torch.dtype | None, torch.Generator | None], torch.Tensor]
    kind: DtypeSource = "floating"
    draws: bool = False
    complex: bool = False


def value_of(init: str, parameter: str, arguments: Arguments) -> Any:
    """The value of a parameter of an init: what is given for it, or its usual one."""
    return arguments[parameter] if parameter in arguments else INIT_KINDS[init].usual(parameter)


def size_of(size: Any) -> list[int]:
    """A size as a list: `size: 3` is `size: [3]`."""
    return [size] if isinstance(size, int) else list(size)


def _plain(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    def make(arguments: Arguments, dtype: torch.dtype | None, generator: torch.Generator | None) -> torch.Tensor:
        del generator
        return function(size_of(arguments["size"]), dtype=dtype)

    return make


def _drawn(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    def make(arguments: Arguments, dtype: torch.dtype | None, generator: torch.Generator | None) -> torch.Tensor:
        return function(size_of(arguments["size"]), dtype=dtype, generator=generator)

    return make


def _method(name: str) -> Callable[..., torch.Tensor]:
    """A Tensor method that fills in place (`uniform_`), its arguments under names of ours."""

    def make(arguments: Arguments, dtype: torch.dtype | None, generator: torch.Generator | None) -> torch.Tensor:
        renamed = {_METHOD_NAMES.get(key, key): value for key, value in arguments.items() if key != "size"}
        filled = torch.empty(size_of(arguments["size"]), dtype=dtype)
        return getattr(filled, name)(**renamed, generator=generator)  # type: ignore[no-any-return]

    return make


_METHOD_NAMES: Final = {"low": "from", "high": "to"}


def _nn_init(name: str, *, random: bool = True) -> Callable[..., torch.Tensor]:
    """A function of torch.nn.init, on an empty tensor of the size."""
    function = getattr(torch.nn.init, name)

    def make(arguments: Arguments, dtype: torch.dtype | None, generator: torch.Generator | None) -> torch.Tensor:
        rest = {key: value for key, value in arguments.items() if key != "size"}
        if random:
            rest["generator"] = generator
        return function(torch.empty(size_of(arguments["size"]), dtype=dtype), **rest)  # type: ignore[no-any-return]

    return make


def _sparse(arguments: Arguments, dtype: torch.dtype | None, generator: torch.Generator | None) -> torch.Tensor:
    # torch.nn.init.sparse_ chooses the rows that are 0 from the default generator, whatever generator it is given
    state = torch.default_generator.get_state()
    if generator is not None:
        torch.default_generator.set_state(generator.get_state())
    try:
        return _nn_init("sparse_", random=False)(arguments, dtype, None)
    finally:
        if generator is not None:
            torch.default_generator.set_state(state)


def _window(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """A window; torch takes `alpha` and `beta` only beside `periodic`."""

    def make(arguments: Arguments, dtype: torch.dtype | None, generator: torch.Generator | None) -> torch.Tensor:
        del generator
        return function(**{"periodic": True, **arguments}, dtype=dtype)

    return make


def _ranged(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    def make(arguments: Arguments, dtype: torch.dtype | None, generator: torch.Generator | None) -> torch.Tensor:
        del generator
        return function(**arguments, dtype=dtype)

    return make


def _arange(arguments: Arguments, dtype: torch.dtype | None, generator: torch.Generator | None) -> torch.Tensor:
    del generator
    start, end, step = (value_of("arange", key, arguments) for key in ("start", "end", "step"))
    return torch.arange(start, end, step, dtype=dtype)


def _full(arguments: Arguments, dtype: torch.dtype | None, generator: torch.Generator | None) -> torch.Tensor:
    del generator
    return torch.full(size_of(arguments["size"]), arguments["fill_value"], dtype=dtype)


def _randint(arguments: Arguments, dtype: torch.dtype | None, generator: torch.Generator | None) -> torch.Tensor:
    size, low = size_of(arguments["size"]), value_of("randint", "low", arguments)
    return torch.randint(low, arguments["high"], size, dtype=dtype, generator=generator)


def _randperm(arguments: Arguments, dtype: torch.dtype | None, generator: torch.Generator | None) -> torch.Tensor:
    return torch.randperm(arguments["n"], dtype=dtype, generator=generator)


def _normal(arguments: Arguments, dtype: torch.dtype | None, generator: torch.Generator | None) -> torch.Tensor:
    mean, std = (float(value_of("normal", key, arguments)) for key in ("mean", "std"))
    return torch.normal(mean, std, size_of(arguments["size"]), dtype=dtype, generator=generator)


def _bernoulli(arguments: Arguments, dtype: torch.dtype | None, generator: torch.Generator | None) -> torch.Tensor:
    p = float(value_of("bernoulli", "p", arguments))
    chance = torch.full(size_of(arguments["size"]), p, dtype=torch.float32)
    return torch.bernoulli(chance, generator=generator).to(dtype or torch.bool)


def _tensor(arguments: Arguments, dtype: torch.dtype | None, generator: torch.Generator | None) -> torch.Tensor:
    del generator
    values = arguments["data"]
    if isinstance(values, torch.Tensor):
        return values.detach() if dtype is None else values.detach().to(dtype)
    return torch.tensor(values, dtype=dtype)


WINDOWS: Final = tuple(name for name in INIT_KINDS if name.endswith("_window"))
"""Inits that are windows of signal processing."""

INITS: Final[dict[str, Init]] = {
    init.name: init
    for init in (
        Init("tensor", _tensor, kind="data"),
        Init("from_numpy", _tensor, kind="data"),
        Init("load", _tensor, kind="data"),
        Init("zeros", _plain(torch.zeros)),
        Init("ones", _plain(torch.ones)),
        Init("empty", _plain(torch.empty)),
        Init("full", _full, kind="fill"),
        Init("rand", _drawn(torch.rand), draws=True, complex=True),
        Init("randn", _drawn(torch.randn), draws=True, complex=True),
        Init("randint", _randint, kind="integer", draws=True),
        Init("randperm", _randperm, kind="integer", draws=True),
        Init("normal", _normal, draws=True, complex=True),
        Init("uniform", _method("uniform_"), draws=True, complex=True),
        Init("exponential", _method("exponential_"), draws=True),
        Init("cauchy", _method("cauchy_"), draws=True),
        Init("log_normal", _method("log_normal_"), draws=True),
        Init("geometric", _method("geometric_"), draws=True),
        Init("bernoulli", _bernoulli, kind="boolean", draws=True),
        Init("arange", _arange, kind="range"),
        Init("linspace", _ranged(torch.linspace)),
        Init("logspace", _ranged(torch.logspace)),
        Init("eye", _ranged(torch.eye)),
        Init("tril_indices", _ranged(torch.tril_indices), kind="integer"),
        Init("triu_indices", _ranged(torch.triu_indices), kind="integer"),
        *(Init(name, _window(getattr(torch, name))) for name in WINDOWS),
        Init("xavier_uniform", _nn_init("xavier_uniform_"), draws=True, complex=True),
        Init("xavier_normal", _nn_init("xavier_normal_"), draws=True, complex=True),
        Init("kaiming_uniform", _nn_init("kaiming_uniform_"), draws=True, complex=True),
        Init("kaiming_normal", _nn_init("kaiming_normal_"), draws=True, complex=True),
        Init("trunc_normal", _nn_init("trunc_normal_"), draws=True),
        Init("orthogonal", _nn_init("orthogonal_"), draws=True),
        Init("sparse", _sparse, draws=True),
        Init("dirac", _nn_init("dirac_", random=False)),
    )
}
"""Inits whose values come from their own parameters."""

LIKE: Final = {name: INITS[name.removesuffix(LIKE_SUFFIX)] for name in LIKE_KINDS}
"""Inits that take size, dtype and device from the tensor `input`, and are else like the plain one."""


def own_dtype(init: Init, arguments: Arguments, recipe_dtype: str) -> torch.dtype:
    """The dtype of the init's values where none is pinned."""
    if init.kind in ("integer", "boolean"):
        return torch.int64 if init.kind == "integer" else torch.bool
    if init.kind == "floating":
        return TORCH_DTYPES[recipe_dtype]
    if init.kind == "range":
        numbers: Any = [value_of("arange", key, arguments) for key in ("start", "end", "step")]
    else:
        numbers = arguments["fill_value" if init.kind == "fill" else "data"]
    return data_dtype(numbers, recipe_dtype)


def data_dtype(data: Any, recipe_dtype: str) -> torch.dtype:
    """The dtype that literal data take: torch's, with floating and complex data at the recipe's width."""
    if isinstance(data, torch.Tensor):
        found = data.dtype
    else:
        kinds = {type(number) for number in flat(data)}
        found = next((_OF_TYPE[kind] for kind in (complex, float, int, bool) if kind in kinds), torch.float32)
    if found.is_floating_point and found.itemsize > 1:
        return TORCH_DTYPES[recipe_dtype]
    return TORCH_DTYPES[COMPLEX_OF[recipe_dtype]] if found.is_complex else found


_OF_TYPE: Final = {complex: torch.complex64, float: torch.float32, int: torch.int64, bool: torch.bool}


def flat(data: Any) -> list[Any]:
    """The numbers of nested lists, in order."""
    if not isinstance(data, (list, tuple)):
        return [data]
    return [number for part in data for number in flat(part)]
