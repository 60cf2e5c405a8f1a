"""The inits of tensors: the name, the parameters, and how the values are made. Knows no steps and no files.

Random values are drawn on the CPU in float32 (or the pinned dtype) from torch's default generator, which the runner has
seeded; only then are they rounded, converted, moved and laid out. So every cell of a sweep starts from equal numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import torch

from tensorflow_free.tensors.dtypes import COMPLEX_OF, TORCH_DTYPES

DtypeSource = Literal["floating", "integer", "boolean", "data", "fill", "range"]
"""What decides the dtype where none is pinned: the recipe, the kind itself, the data, the fill value, the bounds."""

Arguments = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Init:
    """One init: its parameters, and how its values are made.

    `make` takes the arguments, the dtype to make the values in, and a generator (None: torch's default one). It gives a
    tensor on the CPU. `draws` says that the values are random, `complex` that torch draws complex ones, too.
    """

    name: str
    make: Callable[[Arguments, torch.dtype | None, torch.Generator | None], torch.Tensor]
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    kind: DtypeSource = "floating"
    draws: bool = False
    complex: bool = False

    @property
    def parameters(self) -> tuple[str, ...]:
        """All the init's own parameters."""
        return self.required + self.optional


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
    start, step = arguments.get("start", 0), arguments.get("step", 1)
    return torch.arange(start, arguments["end"], step, dtype=dtype)


def _full(arguments: Arguments, dtype: torch.dtype | None, generator: torch.Generator | None) -> torch.Tensor:
    del generator
    return torch.full(size_of(arguments["size"]), arguments["fill_value"], dtype=dtype)


def _randint(arguments: Arguments, dtype: torch.dtype | None, generator: torch.Generator | None) -> torch.Tensor:
    size, low = size_of(arguments["size"]), arguments.get("low", 0)
    return torch.randint(low, arguments["high"], size, dtype=dtype, generator=generator)


def _randperm(arguments: Arguments, dtype: torch.dtype | None, generator: torch.Generator | None) -> torch.Tensor:
    return torch.randperm(arguments["n"], dtype=dtype, generator=generator)


def _normal(arguments: Arguments, dtype: torch.dtype | None, generator: torch.Generator | None) -> torch.Tensor:
    mean, std = arguments.get("mean", 0.0), arguments.get("std", 1.0)
    return torch.normal(float(mean), float(std), size_of(arguments["size"]), dtype=dtype, generator=generator)


def _bernoulli(arguments: Arguments, dtype: torch.dtype | None, generator: torch.Generator | None) -> torch.Tensor:
    chance = torch.full(size_of(arguments["size"]), float(arguments.get("p", 0.5)), dtype=torch.float32)
    return torch.bernoulli(chance, generator=generator).to(dtype or torch.bool)


def _tensor(arguments: Arguments, dtype: torch.dtype | None, generator: torch.Generator | None) -> torch.Tensor:
    del generator
    values = arguments["data"]
    if isinstance(values, torch.Tensor):
        return values.detach() if dtype is None else values.detach().to(dtype)
    return torch.tensor(values, dtype=dtype)


_WINDOWS: Final[dict[str, tuple[str, ...]]] = {
    "bartlett_window": ("periodic",),
    "blackman_window": ("periodic",),
    "hamming_window": ("periodic", "alpha", "beta"),
    "hann_window": ("periodic",),
    "kaiser_window": ("periodic", "beta"),
}
_KAIMING: Final = ("a", "mode", "nonlinearity")

INITS: Final[dict[str, Init]] = {
    init.name: init
    for init in (
        Init("tensor", _tensor, ("data",), kind="data"),
        Init("from_numpy", _tensor, ("path",), ("key",), kind="data"),
        Init("load", _tensor, ("path",), ("key",), kind="data"),
        Init("zeros", _plain(torch.zeros), ("size",)),
        Init("ones", _plain(torch.ones), ("size",)),
        Init("empty", _plain(torch.empty), ("size",)),
        Init("full", _full, ("size", "fill_value"), kind="fill"),
        Init("rand", _drawn(torch.rand), ("size",), draws=True, complex=True),
        Init("randn", _drawn(torch.randn), ("size",), draws=True, complex=True),
        Init("randint", _randint, ("high", "size"), ("low",), kind="integer", draws=True),
        Init("randperm", _randperm, ("n",), kind="integer", draws=True),
        Init("normal", _normal, ("size",), ("mean", "std"), draws=True, complex=True),
        Init("uniform", _method("uniform_"), ("size",), ("low", "high"), draws=True, complex=True),
        Init("exponential", _method("exponential_"), ("size",), ("lambd",), draws=True),
        Init("cauchy", _method("cauchy_"), ("size",), ("median", "sigma"), draws=True),
        Init("log_normal", _method("log_normal_"), ("size",), ("mean", "std"), draws=True),
        Init("geometric", _method("geometric_"), ("size", "p"), draws=True),
        Init("bernoulli", _bernoulli, ("size",), ("p",), kind="boolean", draws=True),
        Init("arange", _arange, ("end",), ("start", "step"), kind="range"),
        Init("linspace", _ranged(torch.linspace), ("start", "end", "steps")),
        Init("logspace", _ranged(torch.logspace), ("start", "end", "steps"), ("base",)),
        Init("eye", _ranged(torch.eye), ("n",), ("m",)),
        Init("tril_indices", _ranged(torch.tril_indices), ("row", "col"), ("offset",), kind="integer"),
        Init("triu_indices", _ranged(torch.triu_indices), ("row", "col"), ("offset",), kind="integer"),
        *(
            Init(name, _window(getattr(torch, name)), ("window_length",), optional)
            for name, optional in _WINDOWS.items()
        ),
        Init("xavier_uniform", _nn_init("xavier_uniform_"), ("size",), ("gain",), draws=True, complex=True),
        Init("xavier_normal", _nn_init("xavier_normal_"), ("size",), ("gain",), draws=True, complex=True),
        Init("kaiming_uniform", _nn_init("kaiming_uniform_"), ("size",), _KAIMING, draws=True, complex=True),
        Init("kaiming_normal", _nn_init("kaiming_normal_"), ("size",), _KAIMING, draws=True, complex=True),
        Init("trunc_normal", _nn_init("trunc_normal_"), ("size",), ("mean", "std", "a", "b"), draws=True),
        Init("orthogonal", _nn_init("orthogonal_"), ("size",), ("gain",), draws=True),
        Init("sparse", _sparse, ("size", "sparsity"), ("std",), draws=True),
        Init("dirac", _nn_init("dirac_", random=False), ("size",), ("groups",)),
    )
}
"""Inits whose values come from their own parameters."""

LIKE: Final = {f"{name}_like": INITS[name] for name in ("zeros", "ones", "empty", "full", "rand", "randn", "randint")}
"""Inits that take size, dtype and device from the tensor `input`, and are else like the plain one."""

VIEWS: Final = ("clone", "as_strided")
"""Inits that take their numbers from the tensor `input`."""

NAMES: Final = (*INITS, *LIKE, *VIEWS)


def parameters_of(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The required and the optional parameters of the init `name`."""
    if name in INITS:
        return INITS[name].required, INITS[name].optional
    if name in LIKE:
        plain = LIKE[name]
        return ("input", *(key for key in plain.required if key != "size")), plain.optional
    return (("input", "size", "stride"), ("storage_offset",)) if name == "as_strided" else (("input",), ())


def own_dtype(init: Init, arguments: Arguments, recipe_dtype: str) -> torch.dtype:
    """The dtype of the init's values where none is pinned."""
    if init.kind in ("integer", "boolean"):
        return torch.int64 if init.kind == "integer" else torch.bool
    if init.kind == "floating":
        return TORCH_DTYPES[recipe_dtype]
    if init.kind == "range":
        numbers: Any = [arguments.get(key, 0) for key in ("start", "end", "step")]
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
