"""Steps in one line, and subscripts: the same bits as Python's own evaluation of the same text on torch tensors."""

from __future__ import annotations

import math
import re

import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tensorflow_free import RecipeError, StepError, load_recipe, register_op, run_recipe
from tensorflow_free.ops import namespaces
from tensorflow_free.recipe.expressions import (
    ATTRIBUTES,
    IS_METHODS,
    ExpressionError,
    Name,
    Slice,
    expand_step,
    parse_subscript,
)

TENSORS = {
    "a": {"init": "randn", "size": [3, 3]},
    "b": {"init": "randn", "size": [3, 3], "seed": 1},
    "c": {"init": "rand", "size": [3, 3], "seed": 2},
    "i": [[1, 2, 0], [0, 1, 1], [2, 2, 1]],
    "m": [[True, False, True], [False, False, True], [True, True, True]],
    "n": 2,
}
FUNCTIONS = (
    "relu",
    "exp",
    "sin",
    "maximum",
    "minimum",
    "where",
    "cat",
    "stack",
    "matmul",
    "softmax",
    "clamp",
    "add",
    "logical_and",
    "linalg",
    "special",
    "fft",
)
CALM = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def values():
    """The tensors of the recipe, made by plain torch."""
    torch.manual_seed(0)
    made = {"a": torch.randn(3, 3)}
    made["b"] = torch.randn(3, 3, generator=torch.Generator().manual_seed(1))
    made["c"] = torch.rand(3, 3, generator=torch.Generator().manual_seed(2))
    made.update({name: torch.tensor(TENSORS[name]) for name in "imn"})
    return made


def of_python(text):
    """What Python makes of the text."""
    names = {name: getattr(torch, name) for name in FUNCTIONS}
    return eval(text, {"torch": torch, "F": F, **names, **values()})


def of_recipe(text, **tensors):
    return run_recipe(load_recipe({"tensors": {**TENSORS, **tensors}, "steps": {"y": text}}))["y"]


def same(actual, expected):
    if not isinstance(expected, torch.Tensor):
        return type(actual) is type(expected) and repr(actual) == repr(expected)
    form = (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
    bits = [one.contiguous().unsqueeze(-1).view(torch.uint8) for one in (actual, expected)]
    return form and bits[0].equal(bits[1])


def agree(text):
    """The recipe gives what Python gives, or stops where Python does."""
    try:
        expected = of_python(text)
    except Exception:  # noqa: BLE001 - whatever Python says of it
        with pytest.raises(StepError) as caught:
            of_recipe(text)
        return isinstance(caught.value.__cause__, Exception)
    return same(of_recipe(text), expected)


# random expressions

ARITHMETIC = ["+", "-", "*", "/", "//", "%", "@", "&", "|", "^", "<<", ">>"]
COMPARISONS = ["<", "<=", ">", ">=", "==", "!="]
leaves = st.sampled_from(["a", "b", "c", "i", "m", "n", "2", "0.5", "-3", "1e-1", "a.T", "i.mT", "a.shape[0]", "True"])


def longer(inner):
    return st.one_of(
        st.tuples(inner, st.sampled_from(ARITHMETIC), inner).map(lambda one: f"{one[0]} {one[1]} {one[2]}"),
        st.tuples(inner, st.sampled_from(ARITHMETIC), inner).map(lambda one: f"({one[0]}){one[1]}({one[2]})"),
        st.tuples(inner, st.sampled_from(COMPARISONS), inner).map(lambda one: f"(({one[0]}) {one[1]} ({one[2]}))"),
        st.tuples(st.sampled_from("abci"), st.sampled_from(["2", "c", "-1", "0.5", "b ** 2", "-c"])).map(" ** ".join),
        st.tuples(st.sampled_from("-~"), inner).map("".join),
        st.tuples(st.sampled_from(["relu", "torch.sin", "F.softplus", "special.expit", "linalg.norm"]), inner).map(
            lambda one: f"{one[0]}({one[1]})"
        ),
        st.tuples(st.sampled_from(["maximum", "add", "cat", "F.mse_loss"]), inner, inner).map(
            lambda one: f"cat([{one[1]}, {one[2]}])" if one[0] == "cat" else f"{one[0]}({one[1]}, {one[2]})"
        ),
        st.tuples(
            inner,
            st.sampled_from(
                [
                    "exp()",
                    "sum(dim=0)",
                    "sum(0, keepdim=True)",
                    "to(torch.float64)",
                    "mean()",
                    "T",
                    "abs()",
                    "max(dim=-1).values",
                    "shape[-1]",
                    "clamp(min=0.0)",
                    "reshape(-1)",
                    "double()",
                ]
            ),
        ).map(lambda one: f"({one[0]}).{one[1]}"),
        st.tuples(
            inner,
            st.sampled_from(
                [
                    "0",
                    "-1",
                    "1:",
                    "::2",
                    "None",
                    "...",
                    ":, 1",
                    "1, 2",
                    "[0, 2]",
                    "m",
                    "i",
                    "n",
                    "n - 1",
                    "a > 0",
                    "..., 0",
                    "-n:",
                ]
            ),
        ).map(lambda one: f"({one[0]})[{one[1]}]"),
    )


def usable(text):
    """A text with a step in it that names a value, and no numbers that are methods' owners (a recipe has only tensors)."""
    return any(mark in text for mark in "(+-*/%@&|^<>[~") and any(
        name in text for name in ("a", "b", "c", "i", "m", "n")
    )


@CALM
@given(st.recursive(leaves, longer, max_leaves=6).filter(usable))
@pytest.mark.filterwarnings("ignore")
def test_random_expressions_give_what_python_gives(text):
    try:
        assert agree(text)
    except RecipeError as error:
        # what binding can tell from the types of literals alone, Python tells while it runs
        with pytest.raises(Exception):  # noqa: B017, PT011 - whatever Python says of it
            of_python(text)
        assert any(word in str(error) for word in ("does not fit", "field", "not an operation"))  # noqa: PT017 - may raise


@pytest.mark.parametrize(
    "text",
    [
        "a + b * c",
        "(a + b) * c",
        "a - b - c",
        "a / b / c",
        "a ** 2 ** c",
        "-a ** 2",
        "(-a) ** 2",
        "2 ** -c",
        "-a + +2",
        "~m | m & m ^ m",
        "i << 1 + 1",
        "a @ b + c",
        "a @ (b + c).T",
        "a * b @ c",
        "a // 0.3 % c",
        "1 / a - 2",
        "(a < b) == (b > c)",
        "+a + +(b)",
        "torch.cat([*a.split(1)], 0)",
        "a.to(torch.device('cpu'))",
        "torch.zeros(2, device=torch.device('cpu', 0))",
        "~(a < b)",
        "a.T.shape[0] * a",
        "a.shape[0]",
        "a.shape",
        "a.dtype",
        "a.T",
        "a.mT.real",
        "(a + b).T",
        "(a + b).T.shape[1]",
        "a.max(dim=0).values",
        "a.max(dim=0)[1]",
        "linalg.qr(a).Q @ linalg.qr(a).R",
        "a.sort(descending=True).indices.float()",
        "linalg.norm(a)",
        "a.norm()",
        "linalg.norm(a, 'fro')",
        "linalg.norm(a, ord='nuc', dim=(0, 1))",
        "F.softmax(a, dim=-1)",
        "torch.nn.functional.softmax(a, 1, dtype=torch.float64)",
        "softmax(a, dim=0)",
        "a.softmax(0)",
        "a.to(torch.float64) @ b.double()",
        "a.to(dtype=torch.bfloat16)",
        "F.pad(a, [1, 0, 0, 1], mode='constant', value=-1.5)",
        "torch.einsum('ij,jk->ik', a, b)",
        "torch.einsum('ij,jk->ik', [a, b])",
        "cat([a, b * 2, c], dim=1)",
        "cat((a, b))",
        "where(a > 0, a, -b)",
        "where(m, a, 0.0)",
        "1j * a + 2",
        "-1j * a",
        "fft.rfft(a).abs()",
        "a.view(-1)[[0, 4, 8]].sum().item() * 2",
        "a.clone().add_(b)",
        "a.sum().item()",
        "special.erf(a)",
        "a.div(b, rounding_mode='floor')",
        "True & m",
        "a.isnan().any() | (a.abs() < 9).all()",
        "a[0] @ b[:, 0]",
        "a[i[0]]",
        "a[i]",
        "a[a > 0]",
        "a[n - 1, n]",
        "a[-n:, ::2]",
        "a[:n][0]",
        "a[(0, 1), (1, 2)]",
        "a[(0, 1), :]",
        "a[[0, 2]][:, [1]]",
        "a[None, ..., None, 0]",
        "a[()]",
        "a[+1]",
        "a[True]",
        "a[b.argmax(dim=0)]",
        "a[(i + 0).T]",
        "a[a.shape[0] - 1]",
        "a[m.nonzero().T[0]]",
        "a[-1][-1]",
    ],
)
def test_a_line_gives_what_python_gives(text):
    assert agree(text)


def test_random_steps_draw_in_the_order_of_python():
    text = "F.dropout(a, 0.5) + torch.rand_like(b) * torch.bernoulli(c)"
    found = of_recipe(text)
    made = values()
    torch.manual_seed(0)
    assert torch.randn(3, 3).equal(made["a"])
    assert found.equal(F.dropout(made["a"], 0.5) + torch.rand_like(made["b"]) * torch.bernoulli(made["c"]))


# random subscripts

numbers = st.integers(-3, 2)
slices = st.tuples(
    st.one_of(st.none(), numbers), st.one_of(st.none(), numbers), st.one_of(st.none(), st.integers(1, 3))
)
items = st.one_of(
    numbers.map(str),
    slices.map(
        lambda one: (
            f"{'' if one[0] is None else one[0]}:{'' if one[1] is None else one[1]}"
            + ("" if one[2] is None else f":{one[2]}")
        )
    ),
    st.lists(st.integers(-3, 2), min_size=1, max_size=3).map(str),
    st.sampled_from(["None", "...", "True", "i", "m", "n", "n:", ":n", "i[0]", "[True, False, True]", "()", "[]"]),
)
subscripts = st.lists(items, min_size=1, max_size=3).map(", ".join)


@CALM
@given(subscripts)
@pytest.mark.filterwarnings("ignore")
def test_random_subscripts_give_what_python_gives(text):
    assert agree(f"a[{text}]")


@CALM
@given(subscripts)
@pytest.mark.filterwarnings("ignore")
def test_a_subscript_written_as_a_step_is_the_same(text):
    recipe = {"tensors": TENSORS, "steps": {"y": {"op": "[]", "args": ["a", text]}}}
    try:
        expected = of_python(f"a[{text}]")
    except Exception:  # noqa: BLE001 - whatever Python says of it
        with pytest.raises(StepError):
            run_recipe(load_recipe(recipe))
    else:
        assert same(run_recipe(load_recipe(recipe))["y"], expected)


@CALM
@given(subscripts)
@pytest.mark.filterwarnings("ignore")
def test_random_subscripts_are_written_as_python_writes_them(text):
    recipe = {"tensors": TENSORS, "steps": {"y": {"op": "[]=", "args": ["a", text, 7.0]}}}
    made = values()
    try:
        exec(f"a[{text}] = 7.0", made)
    except Exception:  # noqa: BLE001 - whatever Python says of it
        with pytest.raises(StepError):
            run_recipe(load_recipe(recipe))
    else:
        assert run_recipe(load_recipe(recipe))["y"].equal(made["a"])


def test_a_subscript_is_read_as_python_reads_it():
    assert parse_subscript("1:3, i") == (Slice(1, 3, None), Name("i"))
    assert parse_subscript("..., None, ::2") == (Ellipsis, None, Slice(None, None, 2))
    assert parse_subscript("[0, -2], :") == ([0, -2], Slice(None, None, None))
    assert parse_subscript("x.shape[0]") == Name("x.shape.0")


# what a line becomes


def test_a_line_is_written_out_into_named_steps():
    assert expand_step("y", "F.relu(w @ x + b)", {"w", "x", "b"}) == {
        "y_1": {"op": "@", "args": ["w", "x"]},
        "y_2": {"op": "+", "args": ["y_1", "b"]},
        "y": {"op": "F.relu", "args": ["y_2"]},
    }


def test_a_line_gives_what_the_steps_written_out_give():
    steps = expand_step("y", "(a @ b).softmax(dim=0)[1:, n] * 2", set(TENSORS))
    written = run_recipe(load_recipe({"tensors": TENSORS, "steps": steps}))
    lines = run_recipe(load_recipe({"tensors": TENSORS, "steps": {"y": "(a @ b).softmax(dim=0)[1:, n] * 2"}}))
    assert list(lines) == list(written)
    assert all(lines[name].equal(written[name]) for name in written)


def test_a_value_hides_a_namespace_of_its_name():
    result = run_recipe(load_recipe({"tensors": {"linalg": [3.0, 4.0], "F": 2.0}, "steps": {"y": "linalg.norm() * F"}}))
    assert result["y"].item() == 10.0


def test_an_op_of_the_users_own_namespace_is_called_by_its_name():
    register_op("mine.twice", lambda x, times=2: x * times, replace=True)
    assert of_recipe("mine.twice(n, times=3) + 1").item() == 7


def test_a_field_that_no_op_has_is_read_as_it_is():
    recipe = {
        "tensors": {"x": {"data": [[2.0, 0.0], [0.0, 3.0]], "requires_grad": True}},
        "steps": {"f": "linalg.qr(x)", "r": "f.R", "q": "linalg.qr(x).Q", "y": "r.sum()"},
    }
    result = run_recipe(load_recipe({**recipe, "backward": "y", "expect": {"r": {"shares_memory": "f.R"}}}))
    assert result["q"].equal(torch.linalg.qr(torch.tensor([[2.0, 0.0], [0.0, 3.0]])).Q)
    assert result.is_well


def test_lines_stand_in_blocks_and_checks():
    steps = {
        "loop": {"repeat": 3, "carry": {"h": "k"}, "steps": {"k": "(h * 2 + 1) * 1.0"}},
        "block": {"with": "no_grad", "steps": {"y": "k @ k.T + 1"}},
    }
    result = run_recipe(load_recipe({"tensors": {"h": [[1.0]]}, "steps": steps, "checks": {"c": "(y - 1).sqrt()"}}))
    assert (result["k"].item(), result["y"].item(), result["c"].item()) == (15.0, 226.0, 15.0)


def test_the_attributes_that_are_ops_are_those_of_the_registry():
    assert set(namespaces.attributes()) == ATTRIBUTES


def test_what_begins_with_is_is_an_attribute_unless_torch_has_such_a_method():
    beginning = {name for name in dir(torch.Tensor) if name.startswith("is_")}
    assert {name for name in beginning if callable(getattr(torch.Tensor, name))} == IS_METHODS
    assert expand_step("y", "x.is_npu", ["x"])["y"] == {"op": "is_npu", "args": ["x"]}


def test_part_of_a_line_is_not_overridden():
    with pytest.raises(
        RecipeError, match=r"'y_1' is the name of a part of this one-line step, .* override 'steps\.y' whole"
    ):
        load_recipe({"tensors": {"x": 1.0}, "steps": {"y": "x * 2 + 1"}}, ["steps.y_1.op=sub"])


def test_a_line_is_overridden_whole():
    recipe = {"tensors": {"x": 3.0}, "steps": {"y": "x * 2 + 1"}}
    assert run_recipe(load_recipe(recipe, ["steps.y='x - 1'"]))["y"].item() == 2.0
    assert run_recipe(load_recipe(recipe, ["steps.y={op: neg, args: [x]}"]))["y"].item() == -3.0


@pytest.mark.parametrize("where", ["tensors", "steps", "checks"])
def test_a_name_that_a_line_needs_may_not_be_taken(where):
    recipe = {"tensors": {"x": 1.0}, "steps": {"y": "x * 2 + 1"}, "checks": {}}
    recipe[where] = {**recipe[where], "y_1": 2.0 if where == "tensors" else "x * 1"}
    with pytest.raises(RecipeError, match=r"'y_1' is the name of a part"):
        load_recipe(recipe)


# numbers that have a name


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("-inf", -math.inf),
        ("inf", math.inf),
        ("-math.inf", -math.inf),
        ("torch.inf", math.inf),
        ("-np.inf", -math.inf),
        ('float("-inf")', -math.inf),
        ("float('inf')", math.inf),
        ("-.inf", -math.inf),
        (".Inf", math.inf),
        ("nan", math.nan),
        ("torch.nan", math.nan),
        ("float('nan')", math.nan),
        (".nan", math.nan),
        ("pi", math.pi),
        ("math.pi", math.pi),
        ("-torch.pi", -math.pi),
        ("math.e", math.e),
        ("float('1e-3')", 1e-3),
        ("int('7')", 7),
        ("float(2)", 2.0),
        ("--2", 2),
        ("true", True),
        ("1_000", 1000),
    ],
)
def test_a_number_that_has_a_name_is_the_number(text, number):
    expected = torch.tensor([0.25, 0.75]).masked_fill(torch.tensor([True, False]), number)
    assert same(of_recipe(f"x.masked_fill(k, {text})", x=[0.25, 0.75], k=[True, False]), expected)


def test_a_value_wins_over_a_number_of_its_name():
    named = {"inf": 1.0, "pi": 2.0, "nan": [3.0, 4.0]}
    assert of_recipe("inf + pi * nan - -.5", **named).tolist() == [7.5, 9.5]
    assert of_recipe("-.inf * pi", **named).item() == -math.inf


def test_a_quoted_text_keeps_its_points():
    assert expand_step("y", "f(x, '.inf', -.inf)", {"x"})["y"]["args"] == ["x", {"str": ".inf"}, -math.inf]


def test_complex_numbers_are_written_as_in_python():
    assert of_recipe("n * complex(0, -1) + complex('1j')").item() == -1j


def test_an_argument_that_does_not_fit_is_told_and_not_the_count_of_another_signature():
    with pytest.raises(RecipeError, match=r"steps\.y: 'z' is not a value of this recipe"):
        of_recipe("torch.where(a > 0.5, a, z)")


# references in a line


@pytest.mark.parametrize(
    ("text", "python"),
    [
        ("a / ${params.l} - b / ${params.l}", "a / 4.0 - b / 4.0"),
        ("a[..., ${params.one}:] * ${params.l}", "a[..., 1:] * 4.0"),
        ("${params.minus} ** 2 * a", "(-2) ** 2 * a"),
        ("a * ${params.turn}", "a * (1+2j)"),
        ("a - ${params.minus}", "a - -2"),
        ("a.sum(${params.one}, keepdim=${params.yes})", "a.sum(1, keepdim=True)"),
        ("a.clamp(${params.none}, ${params.one})", "a.clamp(None, 1)"),
        ("where(m, a, ${params.low})", "where(m, a, -float('inf'))"),
        ("F.mse_loss(a, b, reduction='${params.word}')", "F.mse_loss(a, b, reduction='sum')"),
        ("a[${params.rows}] * ${params.sum}", "a[0:3] * (b + c)"),
    ],
)
def test_any_number_of_references_stand_in_a_line(text, python):
    params = {"l": 4.0, "one": 1, "minus": -2, "turn": "1+2j", "yes": True, "none": None, "low": -math.inf}
    params |= {"word": "sum", "rows": "0:3", "sum": "b + c"}
    result = run_recipe(load_recipe({"params": params, "tensors": TENSORS, "steps": {"y": text}}))
    assert same(result["y"], of_python(python))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a * params.l", "${params.l}"),
        ("a[params.l:]", "${params.l}"),
        ("a * l", "${params.l}"),
        ("F.softmax(a, dim=l)", "${params.l}"),
        ("a.to(dtype)", "${dtype}"),
    ],
)
def test_a_key_of_the_recipe_is_told_to_be_written_as_a_reference(text, told):
    with pytest.raises(RecipeError, match=re.escape(f"a key of the recipe is written {told}")):
        load_recipe({"params": {"l": 1}, "tensors": TENSORS, "steps": {"y": text}})


# what is refused


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a < b < c", "compares more than two values"),
        ("a and b", "`&` and `|`"),
        ("not a", "`not` asks for one truth value"),
        ("a if b else c", "`where"),
        ("lambda: a", "a function cannot be written"),
        ("[a for a in b]", "cannot stand in a step"),
        ("f'{a}'", "formatted string"),
        ("cat(*[a, b])", "`\\*` cannot spread"),
        ("add(a, **b)", "`\\*\\*` cannot spread"),
        ("(z := a) + 1", "`:=`"),
        ("a is None", "`is` asks .* `expect: {w.grad: null}`"),
        ("a is not b", "`is` asks whether two names are one object"),
        ("a in b", r"`isin\(a, b\)` works by element"),
        ("a not in b", r"`~isin\(a, b\)`"),
        ("a == b == c", r"\(a == b\) & \(b == c\)"),
        ("relu(b for b in a)", "a comprehension is a loop"),
        ("{'a': a}", "braces"),
        ("a && b", "`&` works by element"),
        ("!m", "`~` works by element"),
        ("math.sqrt(2)", r"n \*\* 0\.5"),
        ("torch.finfo(a.dtype).min * a", "{finfo: min}"),
        ("np.exp(a)", r"exp\(x\) works by element"),
        ("nn.ReLU()(a)", r"as F.relu\(x\)"),
        ("nn.Linear(3, 3)", "modules of torch.nn are not made"),
        ("torch.no_grad()", "{with: no_grad, steps: {…}}"),
        ("torch.compile(a)", "backend: inductor"),
        ("torch.manual_seed(0)", "the key `seed`"),
        ("a.register_hook(b)", "it takes a function"),
        ("torch.autograd.grad(a.sum(), a)", r"`grad\(y, w\)` gives w's gradient itself"),
        ("a[slice(0, 1)]", r"x\[1:3\]"),
        ("torch.minimum(a, 0.5)", r"torch\.tensor\(0\.5\)"),
        ("[a, b] ", "torch.stack"),
        ("float('one') * a", "is not a number"),
        ("torch.float32", "is a dtype and not an operation"),
        ("-math.inf", "is not an operation"),
        ("a.__class__", "__class__"),
        ("a +", "cannot be read"),
        ("a", "is not an operation"),
        ("3", "is not an operation"),
        ("'a'", "is not an operation"),
        ("[a, b]", "is not an operation"),
        ("a(b)(c)", "cannot be called"),
        ("a['x']", "cannot stand in a subscript"),
        ("a[1.5]", "cannot stand in a subscript"),
        ("a.frobnicate()", "'frobnicate' is not an op"),
        ("frobnicate(a)", "'frobnicate' is not an op"),
        ("z + a", "'z' is not a value"),
        ("relu(a, b=1)", "'b' is not a parameter of relu"),
        ("relu(input=a, input=b)", "'input' is given twice|repeated"),
        ("b'x' + a", "cannot stand in a step"),
        ("import os", "cannot be read"),
        ("__import__('os').system('true')", "is not an op"),
        ("open('x')", "'open' is not an op"),
        ("eval('1')", "'eval' is not an op"),
        ("torch.load('x')", "'torch.load' is not an op"),
        ("torch.os.system('true')", "'torch.os.system' is not an op"),
        ("a" + " + a" * 5000, "characters are too many"),
        ("(" * 400 + "a" + ")" * 400 + " + 1", "cannot be read|nested too deeply"),
        ("-" * 3000 + "a", "nested too deeply|cannot be read"),
    ],
)
def test_what_a_line_cannot_say_is_refused(text, message):
    with pytest.raises(RecipeError, match=message):
        load_recipe({"tensors": TENSORS, "steps": {"y": text}})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1:2:3:4", "cannot be read"),
        ("1.5", "cannot stand"),
        ("a + 1", "cannot stand"),
        ("0] + [1", "is not a subscript"),
        ("f(x)", "cannot stand"),
        ("", "cannot be read"),
    ],
)
def test_what_a_subscript_cannot_say_is_refused(text, message):
    with pytest.raises(ExpressionError, match=message):
        parse_subscript(text)


@given(st.text(max_size=40))
def test_no_text_gives_anything_but_steps_or_an_error_in_words(text):
    try:
        assert expand_step("y", text, {"a"})["y"]
    except ExpressionError as error:
        assert str(error)  # noqa: PT017 - most texts raise, some do not
    try:
        parse_subscript(text)
    except ExpressionError as error:
        assert str(error)  # noqa: PT017 - most texts raise, some do not


def test_numbers_are_pythons():
    assert of_recipe("2 ** 10 + 7 // 2 - 7 % 4 * n").item() == 2**10 + 7 // 2 - 7 % 4 * 2
    assert of_recipe("n * 0x10").item() == 32
    assert math.isinf(of_recipe("n * 1e999").item())


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("(n.0 * n.1).sum()", "n[0]"),
        ("x[0] = 3", '"[]="'),
        ("x[:, 1] = n + 1", '{op: "[]=", args: [x, ":, 1", n + 1]}'),
        ("x += 1", "nothing is assigned in a step; x.add_(1) changes x in place, and x + 1 gives a new value"),
        ("x -= n", "x.sub_(n)"),
        ("x *= 2", "x.mul_(2)"),
        ("x /= 2", "x.div_(2)"),
        ("x //= 2", "x.floor_divide_(2)"),
        ("x %= 2", "x.remainder_(2)"),
        ("x **= 2", "x.pow_(2)"),
        ("x &= 2", "x.bitwise_and_(2)"),
        ("x |= 2", "x.bitwise_or_(2)"),
        ("x ^= 2", "x.bitwise_xor_(2)"),
        ("x <<= 2", "x.bitwise_left_shift_(2)"),
        ("x >>= 2", "x.bitwise_right_shift_(2)"),
        ("x @= n", "x @ n"),
        ("x.data = n", "x.data.copy_(n)"),
        ("import math", "nothing is imported"),
        ("x = x + 1", "nothing is assigned in a step"),
    ],
)
def test_what_python_only_calls_invalid_gets_a_hint(text, hint):
    with pytest.raises(ExpressionError, match=re.escape(hint)):
        expand_step("y", text, {"x", "n"})
