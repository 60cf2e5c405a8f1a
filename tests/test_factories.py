"""Every init beside the same call of plain torch: values, dtypes, and the order in which they are drawn."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import init as nn_init

from tensorflow_free import RecipeError, load_recipe, run_recipe
from tensorflow_free.recipe.init_kinds import INIT_KINDS

INTEGERS = ["uint8", "int8", "int16", "int32", "int64"]


def starts(overrides=(), **tensors):
    """The starting tensors as the steps get them."""
    names = list(tensors)
    steps = {f"{name}_is": {"op": "view_as", "args": [name, name]} for name in names}
    result = run_recipe(load_recipe({"tensors": tensors, "steps": steps}, list(overrides)))
    return [result[name] for name in names]


def same(actual, expected):
    """Equal in dtype, shape and bits."""
    assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
    actual, expected = (one.contiguous().unsqueeze(-1).view(torch.uint8) for one in (actual, expected))
    return actual.equal(expected)


def filled(name, *arguments, size=(3, 4), **kwargs):
    return getattr(torch.empty(size), name)(*arguments, **kwargs)


# each row: the tensor as a recipe writes it, and the same in torch

PLAIN = [
    ({"init": "tensor", "data": 2.5}, lambda: torch.tensor(2.5)),
    ({"init": "tensor", "data": [[1.0, 2], [3, 4]]}, lambda: torch.tensor([[1.0, 2], [3, 4]])),
    ({"init": "tensor", "data": [[[1], [2]]]}, lambda: torch.tensor([[[1], [2]]])),
    ({"init": "tensor", "data": []}, lambda: torch.tensor([])),
    ({"init": "tensor", "data": [[], []]}, lambda: torch.empty(2, 0)),
    ({"init": "tensor", "data": [True, False]}, lambda: torch.tensor([True, False])),
    ({"init": "tensor", "data": [True, 2]}, lambda: torch.tensor([True, 2])),
    (
        {"init": "tensor", "data": [math.nan, math.inf, -math.inf, -0.0]},
        lambda: torch.tensor([math.nan, math.inf, -math.inf, -0.0]),
    ),
    ({"init": "tensor", "data": ["1+2j", "-3j", 4]}, lambda: torch.tensor([1 + 2j, complex("-3j"), 4])),
    ({"init": "tensor", "data": {"complex": [1, -2.5]}}, lambda: torch.tensor(1 - 2.5j)),
    (
        {"init": "tensor", "data": [{"finfo": "max"}, {"finfo": "tiny"}]},
        lambda: torch.tensor([torch.finfo(torch.float32).max, torch.finfo(torch.float32).tiny]),
    ),
    ({"data": [1.5]}, lambda: torch.tensor([1.5])),
    ([1.5, 2.5], lambda: torch.tensor([1.5, 2.5])),
    (7, lambda: torch.tensor(7)),
    ("1+2j", lambda: torch.tensor(1 + 2j)),
    ({"finfo": "eps"}, lambda: torch.tensor(torch.finfo(torch.float32).eps)),
    ({"init": "zeros", "size": [2, 3]}, lambda: torch.zeros(2, 3)),
    ({"init": "zeros", "size": []}, lambda: torch.zeros(())),
    ({"init": "zeros", "size": 3}, lambda: torch.zeros(3)),
    ({"init": "ones", "size": [2, 0]}, lambda: torch.ones(2, 0)),
    ({"init": "empty", "size": [3]}, lambda: torch.full((3,), math.nan)),
    ({"init": "full", "size": [2], "fill_value": 0.1}, lambda: torch.full((2,), 0.1)),
    ({"init": "full", "size": [2], "fill_value": 3}, lambda: torch.full((2,), 3)),
    ({"init": "full", "size": [2], "fill_value": True}, lambda: torch.full((2,), True)),
    ({"init": "full", "size": [2], "fill_value": "1-1j"}, lambda: torch.full((2,), 1 - 1j)),
    (
        {"init": "full", "size": [2], "fill_value": {"finfo": "min"}},
        lambda: torch.full((2,), torch.finfo(torch.float32).min),
    ),
    ({"init": "arange", "end": 5}, lambda: torch.arange(5)),
    ({"init": "arange", "start": 1, "end": 9, "step": 3}, lambda: torch.arange(1, 9, 3)),
    ({"init": "arange", "start": 5, "end": 1, "step": -2}, lambda: torch.arange(5, 1, -2)),
    ({"init": "arange", "end": 1.0, "step": 0.3}, lambda: torch.arange(0, 1.0, 0.3)),
    ({"init": "linspace", "start": -1, "end": 2, "steps": 7}, lambda: torch.linspace(-1, 2, 7)),
    ({"init": "logspace", "start": 0, "end": 2, "steps": 5}, lambda: torch.logspace(0, 2, 5)),
    ({"init": "logspace", "start": 0, "end": 2, "steps": 5, "base": 2}, lambda: torch.logspace(0, 2, 5, base=2)),
    ({"init": "eye", "n": 3}, lambda: torch.eye(3)),
    ({"init": "eye", "n": 2, "m": 4}, lambda: torch.eye(2, 4)),
    ({"init": "tril_indices", "row": 3, "col": 4}, lambda: torch.tril_indices(3, 4)),
    ({"init": "tril_indices", "row": 3, "col": 4, "offset": -1}, lambda: torch.tril_indices(3, 4, -1)),
    ({"init": "triu_indices", "row": 4, "col": 3, "offset": 1}, lambda: torch.triu_indices(4, 3, 1)),
    ({"init": "bartlett_window", "window_length": 6}, lambda: torch.bartlett_window(6)),
    (
        {"init": "blackman_window", "window_length": 6, "periodic": False},
        lambda: torch.blackman_window(6, periodic=False),
    ),
    ({"init": "hann_window", "window_length": 6}, lambda: torch.hann_window(6)),
    ({"init": "hamming_window", "window_length": 6, "alpha": 0.6}, lambda: torch.hamming_window(6, True, 0.6)),
    (
        {"init": "hamming_window", "window_length": 6, "alpha": 0.6, "beta": 0.4},
        lambda: torch.hamming_window(6, True, 0.6, 0.4),
    ),
    ({"init": "kaiser_window", "window_length": 6, "beta": 8.0}, lambda: torch.kaiser_window(6, True, 8.0)),
    ({"init": "dirac", "size": [4, 2, 3]}, lambda: nn_init.dirac_(torch.empty(4, 2, 3))),
    ({"init": "dirac", "size": [4, 2, 3], "groups": 2}, lambda: nn_init.dirac_(torch.empty(4, 2, 3), 2)),
]
DRAWN = [
    ({"init": "rand", "size": [3, 4]}, lambda: torch.rand(3, 4)),
    ({"init": "randn", "size": [3, 4]}, lambda: torch.randn(3, 4)),
    ({"init": "randint", "high": 9, "size": [12]}, lambda: torch.randint(9, (12,))),
    ({"init": "randint", "low": -3, "high": 9, "size": [12]}, lambda: torch.randint(-3, 9, (12,))),
    ({"init": "randperm", "n": 12}, lambda: torch.randperm(12)),
    ({"init": "normal", "size": [3, 4]}, lambda: torch.normal(0.0, 1.0, (3, 4))),
    ({"init": "normal", "size": [3, 4], "mean": 2, "std": 0.5}, lambda: torch.normal(2.0, 0.5, (3, 4))),
    ({"init": "uniform", "size": [3, 4]}, lambda: filled("uniform_")),
    ({"init": "uniform", "size": [3, 4], "low": -2, "high": 3}, lambda: filled("uniform_", -2, 3)),
    ({"init": "exponential", "size": [3, 4], "lambd": 2.0}, lambda: filled("exponential_", 2.0)),
    ({"init": "cauchy", "size": [3, 4], "median": 1.0, "sigma": 2.0}, lambda: filled("cauchy_", 1.0, 2.0)),
    ({"init": "log_normal", "size": [3, 4], "mean": 0.5, "std": 2.0}, lambda: filled("log_normal_", 0.5, 2.0)),
    ({"init": "geometric", "size": [3, 4], "p": 0.25}, lambda: filled("geometric_", 0.25)),
    ({"init": "bernoulli", "size": [3, 4]}, lambda: torch.bernoulli(torch.full((3, 4), 0.5)).bool()),
    ({"init": "bernoulli", "size": [3, 4], "p": 0.2}, lambda: torch.bernoulli(torch.full((3, 4), 0.2)).bool()),
    ({"init": "xavier_uniform", "size": [3, 4]}, lambda: nn_init.xavier_uniform_(torch.empty(3, 4))),
    ({"init": "xavier_normal", "size": [3, 4], "gain": 2.0}, lambda: nn_init.xavier_normal_(torch.empty(3, 4), 2.0)),
    ({"init": "kaiming_uniform", "size": [3, 4], "a": 0.1}, lambda: nn_init.kaiming_uniform_(torch.empty(3, 4), 0.1)),
    (
        {"init": "kaiming_uniform", "size": [3, 4], "mode": "fan_out"},
        lambda: nn_init.kaiming_uniform_(torch.empty(3, 4), mode="fan_out"),
    ),
    (
        {"init": "kaiming_normal", "size": [3, 4], "nonlinearity": "relu"},
        lambda: nn_init.kaiming_normal_(torch.empty(3, 4), nonlinearity="relu"),
    ),
    (
        {"init": "trunc_normal", "size": [3, 4], "mean": 1, "std": 2, "a": -1, "b": 2},
        lambda: nn_init.trunc_normal_(torch.empty(3, 4), 1, 2, -1, 2),
    ),
    ({"init": "orthogonal", "size": [3, 4], "gain": 2.0}, lambda: nn_init.orthogonal_(torch.empty(3, 4), 2.0)),
    (
        {"init": "sparse", "size": [8, 4], "sparsity": 0.5, "std": 0.1},
        lambda: nn_init.sparse_(torch.empty(8, 4), 0.5, 0.1),
    ),
]
LIKE = [
    ({"init": "zeros_like", "input": "x"}, torch.zeros_like),
    ({"init": "ones_like", "input": "x"}, torch.ones_like),
    ({"init": "empty_like", "input": "x"}, lambda x: torch.full_like(x, math.nan)),
    ({"init": "full_like", "input": "x", "fill_value": 3}, lambda x: torch.full_like(x, 3)),
    ({"init": "rand_like", "input": "x"}, torch.rand_like),
    ({"init": "randn_like", "input": "x"}, torch.randn_like),
    ({"init": "randint_like", "input": "x", "high": 9}, lambda x: torch.randint_like(x, 9)),
    ({"init": "randint_like", "input": "x", "low": 3, "high": 9}, lambda x: torch.randint_like(x, 3, 9)),
    ({"init": "clone", "input": "x"}, torch.clone),
]


def named(rows):
    return [pytest.param(*row, id=str(row[0])) for row in rows]


@pytest.mark.parametrize(("written", "made"), named(PLAIN))
def test_an_init_without_chance_gives_what_torch_gives(written, made):
    [x] = starts(x=written)
    assert same(x, made())


@pytest.mark.parametrize(("written", "made"), named(DRAWN))
def test_a_random_init_draws_what_torch_draws_after_manual_seed(written, made):
    first, x, last = starts(["seed=5"], a={"init": "rand", "size": [3]}, x=written, b={"init": "rand", "size": [3]})
    torch.manual_seed(5)
    assert first.equal(torch.rand(3))
    assert same(x, made())
    assert last.equal(torch.rand(3))


@pytest.mark.parametrize(("written", "made"), named(LIKE))
@pytest.mark.parametrize("dtype", ["floating", "float64", "bfloat16"])
def test_an_init_like_another_takes_its_size_and_dtype(written, made, dtype):
    x, y = starts(x={"init": "rand", "size": [3, 4], "dtype": dtype}, y=written)
    torch.manual_seed(0)
    assert same(y, made(torch.rand(3, 4, dtype=torch.float32 if dtype == "floating" else getattr(torch, dtype))))
    assert x.dtype == y.dtype


def test_every_init_is_tried():
    tried = {row[0].get("init", "tensor") for row in (*PLAIN, *DRAWN, *LIKE) if isinstance(row[0], dict)}
    assert set(INIT_KINDS) - tried == {"from_numpy", "load", "as_strided"}  # the first two: test_starts.py


PLACES = {"size": [3, 4], "input": "w", "data": [1.0], "stride": [1, 3], "p": 0.5, "sparsity": 0.5, "high": 9}
"""What the parameters are given that have no usual value; any other gets 5."""


@pytest.mark.parametrize("init", sorted(set(INIT_KINDS) - {"from_numpy", "load"}))
def test_what_the_table_says_is_usual_is_what_an_init_does_without_it(init):
    kind = INIT_KINDS[init]
    given = {"init": init} | {name: PLACES.get(name, 5) for name in kind.required}
    if init == "dirac":
        given["size"] = [3, 4, 3]
    if init != "as_strided":
        given["seed"] = 3
    usual = {one.name: one.usual for one in kind.parameters if one.usual is not None}
    _, without, written = starts(w={"init": "rand", "size": [3, 4]}, x=given, y={**given, **usual})
    assert same(without, written)
    assert set(kind.optional) - set(usual) <= {"m"}


def test_each_init_and_each_parameter_has_words():
    for kind in INIT_KINDS.values():
        for says in (kind.says, *(one.says for one in kind.parameters)):
            assert says[0].islower() or says[0].isdigit()
            assert not says.endswith(".") or says.endswith(".pt")


# dtypes


@pytest.mark.parametrize("dtype", ["float64", "bfloat16", "float16"])
@pytest.mark.parametrize(
    ("written", "made"), named([row for row in DRAWN if row[0]["init"] not in ("randint", "randperm", "bernoulli")])
)
def test_a_random_init_is_drawn_in_float32_and_then_converted(written, made, dtype):
    [x] = starts([f"dtype={dtype}"], x=written)
    torch.manual_seed(0)
    assert same(x, made().to(getattr(torch, dtype)))


@pytest.mark.parametrize("dtype", [*INTEGERS, "bool", "float8_e4m3fn", "float8_e5m2"])
@pytest.mark.parametrize("init", ["rand", "randn", "uniform", "xavier_normal"])
def test_a_dtype_that_no_generator_draws_is_drawn_in_float32(init, dtype):
    wide, narrow = ({"init": init, "size": [3, 4], "seed": 3, "dtype": word} for word in ("float32", dtype))
    wide, narrow = starts(wide=wide, narrow=narrow)
    assert same(narrow, wide.to(getattr(torch, dtype)))


@pytest.mark.parametrize("dtype", ["float64", "bfloat16", "float16"])
@pytest.mark.parametrize(
    ("init", "made"),
    [
        ("rand", lambda dtype: torch.rand(5, 5, dtype=dtype)),
        ("randn", lambda dtype: torch.randn(5, 5, dtype=dtype)),
        ("normal", lambda dtype: torch.normal(0.0, 1.0, (5, 5), dtype=dtype)),
        ("xavier_uniform", lambda dtype: nn_init.xavier_uniform_(torch.empty(5, 5, dtype=dtype))),
        ("trunc_normal", lambda dtype: nn_init.trunc_normal_(torch.empty(5, 5, dtype=dtype))),
    ],
)
def test_a_pinned_dtype_is_drawn_in(init, made, dtype):
    [x] = starts(["dtype=float32"], x={"init": init, "size": [5, 5], "dtype": dtype})
    torch.manual_seed(0)
    assert same(x, made(getattr(torch, dtype)))


@pytest.mark.parametrize("init", ["rand", "randn", "normal", "xavier_normal"])
@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_a_pinned_complex_dtype_is_drawn_in(init, dtype):
    [x] = starts(x={"init": init, "size": [5, 5], "dtype": dtype})
    torch.manual_seed(0)
    numbers = torch.empty(5, 5, dtype=getattr(torch, dtype))
    calls = {
        "rand": torch.rand_like,
        "randn": torch.randn_like,
        "normal": torch.Tensor.normal_,
        "xavier_normal": nn_init.xavier_normal_,
    }
    assert same(x, calls[init](numbers))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_an_orthogonal_matrix_of_half_precision_is_made_in_float32(dtype):
    [x] = starts(x={"init": "orthogonal", "size": [4, 4], "dtype": dtype})
    torch.manual_seed(0)
    assert same(x, nn_init.orthogonal_(torch.empty(4, 4)).to(getattr(torch, dtype)))


@pytest.mark.parametrize(
    ("dtype", "word"), [("float64", "complex128"), ("float32", "complex64"), ("bfloat16", "complex64")]
)
def test_complex_follows_the_recipe_from_the_same_numbers(dtype, word):
    [x] = starts([f"dtype={dtype}"], x={"init": "randn", "size": [4], "dtype": "complex"})
    torch.manual_seed(0)
    assert same(x, torch.randn(4, dtype=torch.complex64).to(getattr(torch, word)))


@pytest.mark.filterwarnings("ignore:ComplexHalf support")
def test_literals_take_the_recipes_dtype_and_integers_keep_theirs():
    found = starts(["dtype=float16"], a=1.5, b=[1, 2], c=[True], d="1+1j", e={"data": [1, 2], "dtype": "floating"})
    assert [one.dtype for one in found] == [torch.float16, torch.int64, torch.bool, torch.complex32, torch.float16]


def test_literals_and_ranges_are_made_straight_in_their_dtype():
    x, y = starts(["dtype=float64"], x=0.1, y={"init": "linspace", "start": 0, "end": 1, "steps": 7})
    assert x.item() == 0.1
    assert y.equal(torch.linspace(0, 1, 7, dtype=torch.float64))


@pytest.mark.parametrize("dtype", ["float8_e4m3fn", "float8_e5m2", "uint16", "uint64", "bool", "complex32", "int8"])
@pytest.mark.parametrize(
    "written",
    [
        {"init": "eye", "n": 2},
        {"init": "arange", "end": 2},
        {"init": "linspace", "start": 0, "end": 1, "steps": 2},
        {"init": "ones", "size": [2]},
    ],
)
@pytest.mark.filterwarnings("ignore:ComplexHalf support")
def test_a_dtype_without_a_kernel_of_torchs_is_converted_to(written, dtype):
    wide, x = starts(wide={**written, "dtype": "float64"}, x={**written, "dtype": dtype})
    assert x.dtype == getattr(torch, dtype)
    assert x.to(torch.complex128).equal(wide.to(torch.complex128))


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_are_drawn_in_their_pinned_dtype(dtype):
    x, p = starts(
        x={"init": "randint", "high": 100, "size": [9], "dtype": dtype}, p={"init": "randperm", "n": 9, "dtype": dtype}
    )
    torch.manual_seed(0)
    assert same(x, torch.randint(100, (9,), dtype=getattr(torch, dtype)))
    assert same(p, torch.randperm(9, dtype=getattr(torch, dtype)))


def test_bernoulli_takes_a_floating_dtype_too():
    [x] = starts(x={"init": "bernoulli", "size": [9], "dtype": "floating"})
    torch.manual_seed(0)
    assert same(x, torch.bernoulli(torch.full((9,), 0.5)))


@pytest.mark.parametrize("data", [[1.0, math.nan], [[0.1], [-3.0]]])
@pytest.mark.parametrize("dtype", ["float8_e4m3fn", "float8_e5m2", "float16"])
def test_a_pinned_dtype_of_data_is_kept_in_every_cell(data, dtype):
    for recipe_dtype in ("float64", "bfloat16"):
        [x] = starts([f"dtype={recipe_dtype}"], x={"data": data, "dtype": dtype})
        assert same(x, torch.tensor(data, dtype=getattr(torch, dtype)))


def test_finfo_is_of_the_dtype_that_the_tensor_has():
    x, y = starts(["dtype=float16"], x={"finfo": "max"}, y={"data": {"finfo": "max"}, "dtype": "float64"})
    assert (x.item(), y.item()) == (torch.finfo(torch.float16).max, torch.finfo(torch.float64).max)


def test_empty_holds_what_shows_that_it_was_read():
    found = starts(
        i={"init": "empty", "size": 2, "dtype": "int16"},
        b={"init": "empty", "size": 2, "dtype": "bool"},
        c={"init": "empty", "size": 1, "dtype": "complex"},
    )
    assert [one.tolist() for one in found[:2]] == [[32767, 32767], [True, True]]
    assert found[2].isnan().all()


# seeds


@pytest.mark.parametrize(("written", "made"), named(DRAWN))
def test_a_tensors_own_seed_makes_it_independent_of_those_before(written, made):
    alone, rest = starts(x={**written, "seed": 11}, y={"init": "rand", "size": [2]})
    assert same(alone, starts(w={"init": "randn", "size": [5]}, x={**written, "seed": 11})[1])
    torch.manual_seed(11)
    assert same(alone, made())
    torch.manual_seed(0)
    assert rest.equal(torch.rand(2))


def test_the_largest_seeds_are_taken():
    for seed in (2**64 - 1, -(2**63)):
        [x] = starts([f"seed={seed}"], x={"init": "rand", "size": [2], "seed": seed})
        assert x.equal(torch.rand(2, generator=torch.Generator().manual_seed(seed)))


# rounding to an input precision


@pytest.mark.parametrize(
    "written",
    [
        {"init": "randn", "size": [6]},
        [0.1, 0.7],
        ["0.1+0.7j"],
        {"init": "linspace", "start": 0, "end": 1, "steps": 7},
        {"init": "randn", "size": [6], "dtype": "complex"},
    ],
)
def test_input_precision_makes_cells_of_every_dtype_start_alike(written):
    wide, narrow = (
        starts([f"dtype={one}", "input_precision=float8_e5m2"], x=written)[0] for one in ("float64", "float32")
    )
    parts = [torch.view_as_real(one) if one.is_complex() else one for one in (wide, narrow)]
    assert parts[0].equal(parts[1].double())
    assert parts[0].to(torch.float8_e5m2).double().equal(parts[0])


def test_input_precision_leaves_pinned_tensors_alone():
    x, y = starts(
        ["input_precision=bfloat16"],
        x={"data": 0.1, "dtype": "float64"},
        y={"init": "full_like", "input": "x", "fill_value": 0.3},
    )
    assert (x.item(), y.item()) == (0.1, 0.3)


# what is refused


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"init": "rnd", "size": 3}, r"tensors\.x\.init: 'rnd' is not an init; did you mean 'rand'\?"),
        ({"init": "rand"}, r"rand needs 'size'"),
        ({"init": "rand", "size": 3, "low": 0}, r"tensors\.x\.low: 'low' is not a parameter of rand"),
        ({"init": "kaiser_window", "window_length": 3, "alpha": 1.0}, r"'alpha' is not a parameter of kaiser_window"),
        ({"init": "rand", "size": [2, -1]}, r"negative length"),
        ({"init": "rand", "size": [2, 1.5]}, r"it is a list of integers"),
        ({"init": "rand", "size": [10**7, 10**7]}, r"takes [\d,.]+ GiB in float32; this machine has"),
        ({"init": "tril_indices", "row": 10**7, "col": 10**7}, r"takes [\d,.]+ GiB in int64"),
        ({"init": "arange", "end": 10**14}, r"takes [\d,.]+ GiB in int64"),
        ({"init": "normal", "size": 3, "mean": "1j"}, r"'1j' is not a real number; `mean` is"),
        ({"init": "normal", "size": 3, "std": True}, r"'true' is not a real number; `std` is"),
        ({"init": "kaiming_normal", "size": [3, 3], "mode": "fanin"}, r"did you mean 'fan_in'\?"),
        ({"init": "hann_window", "window_length": 3, "periodic": 1}, r"`periodic` is"),
        ({"data": [[1], [2, 3]]}, r"'\[\[1\], \[2, 3\]\]' is ragged"),
        ({"data": "nan"}, r"the number is written \.nan"),
        (
            {"data": [1, 2], "requires_grad": True},
            r"'x' is int64, and only floating and complex tensors have gradients",
        ),
        ({"init": "rand_like", "input": "y"}, r"'y' is not a tensor given before"),
        ({"init": "rand", "size": 3, "dtype": "flaot64"}, r"'flaot64' is not a dtype; did you mean 'float64'\?"),
    ],
)
def test_what_an_init_cannot_mean_is_refused(written, message):
    with pytest.raises(RecipeError, match=message):
        starts(x=written)


def test_a_meta_tensor_may_be_larger_than_memory():
    recipe = {"device": "meta", "tensors": {"x": {"init": "randn", "size": [10**7, 10**7]}}, "steps": {"y": "x.sum(0)"}}
    assert list(run_recipe(load_recipe(recipe)).records["y"].value.shape) == [10**7]
