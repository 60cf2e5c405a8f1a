"""What a word, a number or a list in `args` and `kwargs` is: by the op's parameter, then by what is given before."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from tensorflow_free import RecipeError, load_recipe, register_op, run_recipe

X = {"init": "randn", "size": [3, 3]}


def result(step, overrides=(), **tensors):
    return run_recipe(load_recipe({"tensors": {"x": X, **tensors}, "steps": {"y": step}}, list(overrides)))


def value(op, *args, overrides=(), tensors=None, **kwargs):
    return result({"op": op, "args": list(args), "kwargs": kwargs}, overrides, **(tensors or {}))["y"]


def x():
    torch.manual_seed(0)
    return torch.randn(3, 3)


def refused(message, op, *args, tensors=None, **kwargs):
    with pytest.raises(RecipeError, match=message):
        value(op, *args, tensors=tensors, **kwargs)


# words


@pytest.mark.parametrize(
    ("op", "args", "kwargs", "expected"),
    [
        ("linalg.norm", ["x", "fro"], {}, lambda x: torch.linalg.norm(x, "fro")),
        ("linalg.norm", ["x"], {"ord": "nuc"}, lambda x: torch.linalg.norm(x, ord="nuc")),
        ("linalg.norm", ["x", 2], {}, lambda x: torch.linalg.norm(x, 2)),
        ("norm", ["x", "fro"], {}, lambda x: torch.norm(x, "fro")),
        ("to", ["x", "float64"], {}, lambda x: x.to(torch.float64)),
        ("to", ["x", "cpu"], {}, lambda x: x.to("cpu")),
        ("to", ["x", "cpu", "float64"], {}, lambda x: x.to("cpu", torch.float64)),
        ("to", ["x", "x"], {}, lambda x: x.to(x)),
        ("to", ["x"], {"dtype": "double"}, lambda x: x.double()),
        ("to", ["x"], {"dtype": "torch.float16"}, lambda x: x.half()),
        ("sum", ["x"], {"dtype": "float64"}, lambda x: x.sum(dtype=torch.float64)),
        ("F.mse_loss", ["x", "x"], {"reduction": "sum"}, lambda x: F.mse_loss(x, x, reduction="sum")),
        ("div", ["x", "x"], {"rounding_mode": "floor"}, lambda x: torch.div(x, x, rounding_mode="floor")),
        ("div", ["x", "x"], {"rounding_mode": None}, lambda x: torch.div(x, x, rounding_mode=None)),
        ("einsum", ["ij,jk->ik", "x", "x"], {}, lambda x: torch.einsum("ij,jk->ik", x, x)),
        ("einsum", ["ij,jk->ik", ["x", "x"]], {}, lambda x: torch.einsum("ij,jk->ik", x, x)),
        (
            "F.pad",
            ["x", [1, 1]],
            {"mode": "constant", "value": 2.0},
            lambda x: F.pad(x, [1, 1], mode="constant", value=2.0),
        ),
        (
            "ones_like",
            ["x"],
            {"memory_format": "preserve_format", "layout": "strided", "device": "cpu"},
            torch.ones_like,
        ),
        ("clone", ["x"], {"memory_format": "torch.contiguous_format"}, torch.clone),
        ("ones_like", ["x"], {"layout": "torch.strided"}, torch.ones_like),
        ("view", ["x", "int32"], {}, lambda x: x.view(torch.int32)),
        ("view", ["x", 9], {}, lambda x: x.view(9)),
        ("view", ["x", 3, 3, 1], {}, lambda x: x.view(3, 3, 1)),
        ("view", ["x", [3, 3, 1]], {}, lambda x: x.view([3, 3, 1])),
        ("zeros", [2, 3], {"dtype": "complex64"}, lambda _: torch.zeros(2, 3, dtype=torch.complex64)),
    ],
)
def test_a_word_is_what_the_parameter_takes(op, args, kwargs, expected):
    wanted, found = expected(x()), value(op, *args, **kwargs)
    assert found.dtype == wanted.dtype
    assert found.equal(wanted)


def test_a_word_beside_tensors_that_python_spreads():
    found = result({"op": "meshgrid", "args": ["x.0", "x.1"], "kwargs": {"indexing": "xy"}})
    wanted = torch.meshgrid(x()[0], x()[1], indexing="xy")
    assert all(found[f"y.{position}"].equal(one) for position, one in enumerate(wanted))


def test_padding_is_a_word_or_numbers():
    tensors = {"x": {"init": "randn", "size": [1, 1, 4, 4]}, "w": {"init": "randn", "size": [1, 1, 3, 3]}, "p": 1}
    torch.manual_seed(0)
    image, kernel = torch.randn(1, 1, 4, 4), torch.randn(1, 1, 3, 3)
    for padding in ("same", "valid", 1, [1, 0]):
        assert value("conv2d", "x", "w", tensors=tensors, padding=padding).equal(
            torch.conv2d(image, kernel, padding=padding)
        )


# a word that is also a name


def test_where_only_words_fit_a_name_does_not_matter():
    assert value("F.mse_loss", "x", "sum", tensors={"sum": X, "mean": 2.0}, reduction="sum").dim() == 0
    assert value("div", "x", 2.0, tensors={"floor": 1.0}, rounding_mode="floor").equal(
        torch.div(x(), 2.0, rounding_mode="floor")
    )


def test_where_only_values_fit_a_word_is_a_name():
    assert value("add", "x", "sum", tensors={"sum": 2.0}).equal(x() + 2.0)
    assert value("mul", "same", "fro", tensors={"same": 2.0, "fro": 3.0}).item() == 6.0


def test_a_word_that_could_be_both_asks_which():
    refused(
        r"args\.1: 'fro' is the name of a value and also a word that the op takes; write \{ref: fro\} or \{str: fro\}",
        "linalg.norm",
        "x",
        "fro",
        tensors={"fro": 2},
    )
    tensors = {"x": {"init": "ones", "size": [1, 1, 3]}, "same": 1}
    refused(
        r"kwargs\.padding: 'same' is the name of a value and also a word",
        "conv1d",
        "x",
        "x",
        tensors=tensors,
        padding="same",
    )


def test_ref_and_str_say_which():
    steps = {
        "two": "n.item()",
        "y": {"op": "linalg.norm", "args": ["x", {"str": "fro"}]},
        "fro": "two * 1",
        "z": {"op": "linalg.norm", "args": ["x", {"ref": "fro"}]},
    }
    found = run_recipe(load_recipe({"tensors": {"x": X, "n": 2}, "steps": steps}))
    assert found["y"].equal(torch.linalg.norm(x(), "fro"))
    assert found["z"].equal(torch.linalg.norm(x(), 2))


def test_a_name_given_later_does_not_make_a_word_ambiguous():
    steps = {"y": {"op": "linalg.norm", "args": ["x", "fro"]}, "fro": "x * 1"}
    assert run_recipe(load_recipe({"tensors": {"x": X}, "steps": steps}))["y"].equal(torch.linalg.norm(x(), "fro"))


def test_a_name_that_is_no_word_of_the_op_is_a_value():
    steps = {
        "order": "n.item()",
        "y": {"op": "linalg.norm", "args": ["x", "order"]},
        "t": "w.to(x)",
        "u": {"op": "to", "args": ["w", "x"]},
    }
    found = run_recipe(load_recipe({"tensors": {"x": {**X, "dtype": "float64"}, "w": 1.0, "n": 1}, "steps": steps}))
    assert found["y"].equal(torch.linalg.norm(found["x"], 1))
    assert found["t"].dtype == found["u"].dtype == torch.float64


def test_a_dotted_word_is_a_value():
    steps = {
        "y": {"op": "to", "args": ["w", "x.dtype"]},
        "z": {"op": "zeros", "args": ["x.shape"], "kwargs": {"dtype": "x.dtype", "device": "x.device"}},
    }
    found = run_recipe(load_recipe({"tensors": {"x": {**X, "dtype": "float64"}, "w": 1.0}, "steps": steps}))
    assert (found["y"].dtype, found["z"].dtype, list(found["z"].shape)) == (torch.float64, torch.float64, [3, 3])


def test_an_op_of_the_users_takes_words_where_it_says_so():
    def scaled(x: torch.Tensor, how: str = "double") -> torch.Tensor:
        return x * {"double": 2, "half": 0.5}[how]

    register_op("scaled", scaled, replace=True)
    assert value("scaled", "x", how="half").equal(x() * 0.5)
    assert value("scaled", "x", "half", tensors={"half_": 2.0}).equal(x() * 0.5)


# forms that say just what they are


@pytest.mark.parametrize(
    ("op", "args", "expected"),
    [
        ("add", ["x", {"tensor": 1.5}], lambda x: x + torch.tensor(1.5)),
        ("add", ["x", {"tensor": [1, 2, 3]}], lambda x: x + torch.tensor([1, 2, 3])),
        ("mul", ["x", {"complex": [1, 2]}], lambda x: x * (1 + 2j)),
        ("mul", ["x", {"finfo": "eps"}], lambda x: x * torch.finfo(torch.float32).eps),
        ("to", ["x", {"dtype": "float64"}], lambda x: x.double()),
        ("to", ["x", {"dtype": "floating"}], lambda x: x),
        ("linalg.norm", ["x", {"str": "fro"}], lambda x: torch.linalg.norm(x, "fro")),
        ("add", [{"ref": "x"}, {"ref": "x.T"}], lambda x: x + x.T),
        ("cat", [["x", {"ref": "x"}]], lambda x: torch.cat([x, x])),
        ("clamp", ["x", None, 0.5], lambda x: x.clamp(None, 0.5)),
        ("sum", ["x", [0, 1]], lambda x: x.sum([0, 1])),
        (
            "index_put",
            ["x", [{"tensor": [0]}, {"tensor": [1]}], {"tensor": 5.0}],
            lambda x: x.index_put([torch.tensor([0]), torch.tensor([1])], torch.tensor(5.0)),
        ),
        ("add", ["x", 1], lambda x: x + 1),
    ],
)
def test_a_form_gives_what_the_same_call_gives(op, args, expected):
    assert value(op, *args).equal(expected(x()))


def test_finfo_is_of_the_recipes_dtype():
    assert value("full", [1], {"finfo": "max"}, overrides=["dtype=float16"]).item() == torch.finfo(torch.float16).max


@pytest.mark.parametrize(
    ("op", "args", "kwargs"),
    [
        ("add", [], {"input": "x", "other": 1}),
        ("softmax", ["x"], {"axis": 0}),
        ("sum", ["x"], {"axis": 1, "keepdims": True}),
        ("mul", [], {"self": "x", "other": "x"}),
    ],
)
def test_the_names_that_python_takes_are_taken(op, args, kwargs):
    values = {key: (x() if one == "x" else one) for key, one in kwargs.items() if key != "self"}
    first = [x()] * (bool(args) or "self" in kwargs)
    assert value(op, *args, **kwargs).equal(getattr(torch, op)(*first, **values))


def test_a_method_is_called_on_a_keyword_too():
    assert value("view", input="x", size=[9]).equal(x().view(9))


def test_a_boolean_is_no_integer():
    refused(r"args\.1: 'true' does not fit 'dim'", "softmax", "x", True)
    assert value("sum", "x", 0, True).equal(x().sum(0, True))


# what is refused


@pytest.mark.parametrize(
    ("op", "args", "kwargs", "message"),
    [
        ("add", ["x", "z"], {}, r"args\.1: 'z' is not a value of this recipe; given so far: x"),
        ("add", ["x", "xx"], {}, r"args\.1: 'xx' is not a value of this recipe; did you mean 'x'\?"),
        ("add", ["x"], {}, r"add needs 'other'"),
        ("add", ["x", "x"], {"alpa": 2}, r"kwargs\.alpa: 'alpa' is not a parameter of add; did you mean 'alpha'\?"),
        ("add", ["x", "x"], {"other": 2}, r"'other' is given twice"),
        (
            "F.mse_loss",
            ["x", "x"],
            {"reduction": "men"},
            r"kwargs\.reduction: 'men' is not a word that 'reduction' takes; did you mean 'mean'\?",
        ),
        ("sum", ["x"], {"dtype": "flot64"}, r"kwargs\.dtype: 'flot64' .*did you mean 'float64'\?"),
        ("softmax", ["x", 0.5], {}, r"args\.1: '0\.5' does not fit 'dim'"),
        ("softmax", ["x", [0]], {}, r"args\.1: '\[0\]' does not fit 'dim'"),
        ("relu", [1.0], {}, r"args\.0: '1\.0' does not fit 'input', which is a tensor"),
        ("relu", ["x", "x"], {}, r"relu takes 1 argument by position, not 2"),
        ("add", ["x", {"rf": "x"}], {}, r"'\{rf: x\}' is not a form of argument; did you mean 'ref'\?"),
        ("add", ["x", {"complex": [1]}], {}, r"\{complex: \[re, im\]\} takes two numbers"),
        ("add", ["x", {"finfo": "maximum"}], {}, r"'maximum' is not a field of finfo"),
        ("to", ["x", {"dtype": "flot"}], {}, r"'flot' is not a dtype; did you mean 'float'\?"),
        ("cat", [["x", "y"]], {}, r"args\.0\.1: 'y' is used in its own step"),
        ("[]", ["x", [0, 1]], {}, r'write "0, 1" for one index a dimension, or "\[0, 1\]" for a list of indices'),
        ("bernoulli", ["x"], {"generator": "g"}, r"a generator, which a recipe cannot give"),
    ],
)
def test_an_argument_that_does_not_fit_is_refused(op, args, kwargs, message):
    refused(message, op, *args, **kwargs)
