"""The registry: what can be named, what cannot, and what is known of each op."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
import torch

from tensorflow_free import load_recipe, registry, run_recipe
from tensorflow_free.errors import RecipeError
from tensorflow_free.ops import additions
from tensorflow_free.ops.signatures import REQUIRED, Op, Parameter, Signature

SMALLEST_TABLE = 1_100
SMALLEST_ATEN_TABLE = 2_500
FORMS = 1_700


def op(name: str) -> Op:
    found = registry.find(name)
    assert found is not None, name
    return found


def parameter(signature: Signature, name: str) -> Parameter:
    return next(one for one in signature.parameters if one.name == name)


def names_of(signature: Signature) -> list[str]:
    return [one.name for one in signature.parameters]


def form(name: str, wanted: str) -> list[Signature]:
    return [signature for signature in op(name).signatures if signature.form == wanted]


@pytest.fixture(autouse=True)
def _own_ops(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test adds its ops to tables of its own."""
    monkeypatch.setattr(additions, "_ops", {})
    monkeypatch.setattr(additions, "_origins", {})


def double(x: torch.Tensor, times: int = 2, *, mode: str = "up") -> torch.Tensor:
    return x * times if mode == "up" else x / times


# What can be named


def test_every_name_is_an_op_that_can_be_called() -> None:
    names = registry.names()
    assert len(names) > SMALLEST_TABLE
    assert sum(len(op(name).signatures) for name in names) > FORMS
    assert [name for name in names if not op(name).signatures or op(name).name != name] == []


def test_every_overload_of_aten_that_is_listed_is_an_op() -> None:
    names = registry.aten_names()
    assert len(names) > SMALLEST_ATEN_TABLE
    assert [name for name in names[::25] if op(name).signatures[0].form != "aten"] == []


def test_every_parameter_has_a_type() -> None:
    parameters = [one for name in registry.names() for signature in op(name).signatures for one in signature.parameters]
    assert len(parameters) > FORMS
    assert [one for one in parameters if not one.types] == []


@pytest.mark.parametrize("name", ["F.relu", "torch.nn.functional.relu"])
def test_a_function_may_be_written_as_in_a_program(name: str) -> None:
    assert registry.find(name) is registry.find("nn.functional.relu")


def test_the_namespaces_of_torch_and_of_tensor_may_be_written_out() -> None:
    assert registry.find("torch.mul") is registry.find("mul")
    assert registry.find("torch.Tensor.view") is registry.find("Tensor.view") is registry.find("view")
    assert registry.find("torch.ops.aten.add.Tensor") == registry.find("aten.add.Tensor")


@pytest.mark.parametrize(
    "name", ["mul", "nn.functional.softmax", "linalg.qr", "fft.rfft", "special.erf", "view", "add_"]
)
def test_each_namespace_is_there(name: str) -> None:
    assert op(name).name == name


@pytest.mark.parametrize("name", ["signal.windows.hann", "masked.softmax", "sparse.mm", "T", "shape", "grad_fn", "[]="])
def test_each_kind_of_op_is_there(name: str) -> None:
    assert op(name).name == name


@pytest.mark.parametrize("symbol", "+ - * / // % ** @ & | ^ ~ << >> == != < <= > >= [] []=".split())
def test_each_operator_of_the_format_is_an_op(symbol: str) -> None:
    assert {signature.form for signature in op(symbol).signatures} == {"operator"}


def test_the_runners_own_ops_are_told_as_recipes_may_call_them() -> None:
    for name, keyword in (("backward", "retain_graph"), ("grad", "is_grads_batched")):
        parameter = next(one for one in op(name).signatures[0].parameters if one.name == keyword)
        assert parameter.keyword_only
        assert name in registry.names()


# What cannot be named


@pytest.mark.parametrize(
    "name",
    ["torch.os.system", "os.system", "nn.functional.warnings.warn", "torch.+", "add.__call__", "", ".", "torch.", "F."],
)
def test_a_path_into_torch_is_not_followed(name: str) -> None:
    assert registry.find(name) is None


@pytest.mark.parametrize(
    "name",
    """
    save load from_file manual_seed seed set_default_dtype set_num_threads use_deterministic_algorithms compile vmap
    cond set_ apply_ map_ register_hook storage untyped_storage data_ptr share_memory_ record_stream __reduce_ex__
    __dlpack__ __class__ _make_subclass _values module_load Tensor.backward fbgemm_pack_quantized_matrix
    """.split(),
)
def test_what_reads_files_runs_code_or_changes_the_process_is_no_op(name: str) -> None:
    assert registry.find(name) is None
    assert name not in registry.names()


@pytest.mark.parametrize(
    "name",
    [
        "aten.from_file.default",
        "aten.set_.source_Tensor",
        "aten.set_data.default",
        "aten._reshape_alias.default",
        "aten._sparse_coo_tensor_unsafe.default",
        "aten.record_stream.default",
        "aten.manual_seed.default",
        "aten.add.t",
        "aten.add",
        "aten.__class__.mro",
        "prim.Print.default",
    ],
)
def test_what_aten_has_beyond_tensors_is_no_op(name: str) -> None:
    assert registry.find(name) is None
    assert name not in registry.aten_names()


# What is known of an op


def test_a_functions_parameters_have_their_documented_names() -> None:
    assert names_of(op("softmax").signatures[0]) == ["input", "dim", "dtype", "out"]
    assert names_of(op("polygamma").signatures[0])[:2] == ["n", "input"]
    assert names_of(op("where").signatures[1])[:3] == ["condition", "input", "other"]


def test_the_method_has_its_tensor_first() -> None:
    [method] = form("polygamma", "method")
    assert names_of(method) == ["input", "n"]


@pytest.mark.parametrize("name", ["relu", "softmax", "dropout", "cross_entropy", "pad", "layer_norm"])
def test_defaults_of_functional_are_those_that_python_tells(name: str) -> None:
    function = getattr(torch.nn.functional, name)
    known = {one.name: one.default for one in op(f"F.{name}").signatures[0].parameters if one.default is not REQUIRED}
    told = {key: one.default for key, one in inspect.signature(function).parameters.items() if key != "_stacklevel"}
    assert known == {key: value for key, value in told.items() if value is not inspect.Parameter.empty}


def test_a_parameter_without_default_is_required() -> None:
    softmax = op("softmax").signatures[0]
    assert [one.name for one in softmax.parameters if one.required] == ["input", "dim"]


def test_numpys_names_of_parameters_are_known_as_torch_knows_them() -> None:
    dim = parameter(op("softmax").signatures[0], "dim")
    assert dim.aliases == ("axis",)
    assert torch.equal(op("softmax").signatures[0].function(torch.eye(2), axis=0), torch.softmax(torch.eye(2), dim=0))


def test_a_name_that_only_the_documentation_has_stands_for_torchs_own() -> None:
    assert "cholesky(A" in (torch.linalg.cholesky.__doc__ or "")
    assert "A" in parameter(op("linalg.cholesky").signatures[0], "input").aliases


def test_a_scalar_may_be_any_number_and_a_size_one_number_or_a_list() -> None:
    assert parameter(op("add").signatures[0], "alpha").types == {"number"}
    assert parameter(op("sum").signatures[1], "dim").types == {"int", "int[]", "None"}
    assert parameter(op("index_put").signatures[0], "indices").types == {"Tensor[]", "None[]"}


def test_the_words_of_a_parameter_are_known_and_torch_takes_each() -> None:
    words = parameter(op("F.l1_loss").signatures[0], "reduction").words or frozenset()
    assert words == {"mean", "sum", "none"}
    for word in words:
        torch.nn.functional.l1_loss(torch.ones(2), torch.zeros(2), reduction=word)


@pytest.mark.parametrize("name", ["view", "permute", "expand", "reshape", "tile", "new_zeros", "flip"])
def test_the_method_takes_a_list_apart(name: str) -> None:
    assert any(signature.spread for signature in form(name, "method"))
    assert not any(signature.spread for signature in form(name, "function"))


@pytest.mark.parametrize("name", ["einsum", "meshgrid", "broadcast_tensors", "block_diag", "cartesian_prod"])
def test_a_function_of_any_number_of_tensors_is_variadic(name: str) -> None:
    assert all(signature.variadic and signature.spread for signature in op(name).signatures)


def test_a_factory_makes_a_tensor_of_no_tensor_and_takes_requires_grad() -> None:
    assert [name for name in ("zeros", "arange", "full", "tensor", "signal.windows.hann") if not op(name).factory] == []
    assert not op("zeros_like").factory
    assert not op("new_zeros").factory
    assert "requires_grad" in names_of(op("zeros").signatures[0])


def test_what_draws_random_numbers_is_known() -> None:
    assert all(op(name).random for name in ("rand", "bernoulli", "normal_", "F.dropout", "multinomial"))
    assert not any(op(name).random for name in ("add", "F.relu", "zeros"))


def test_the_fields_of_several_results_are_those_of_torchs_own_tuple() -> None:
    found = torch.linalg.qr(torch.eye(2))
    returns = op("linalg.qr").signatures[0].returns
    assert returns == ("Q", "R")
    assert all(getattr(found, name) is found[position] for position, name in enumerate(returns))
    assert op("var_mean").signatures[0].returns == ("0", "1")
    assert op("add").signatures[0].returns == ()


def test_a_number_may_stand_for_a_tensor_where_torch_lets_it() -> None:
    assert op("mul").numbers
    assert op("+").numbers
    assert not op("matmul").numbers


def test_each_op_names_its_page() -> None:
    page = "https://docs.pytorch.org/docs/stable/generated/torch.{}.html"
    assert op("F.softmax").documentation == page.format("nn.functional.softmax")
    assert op("view").documentation == page.format("Tensor.view")


# What an op changes and shares


@pytest.mark.parametrize("name", ["add_", "zero_", "index_put_", "__iadd__", "[]=", "F.relu_"])
def test_an_op_in_place_changes_its_input(name: str) -> None:
    assert all(
        signature.changes == ("input",) and "input" in (signature.shares or ()) for signature in op(name).signatures
    )


def test_out_is_changed_and_given_back() -> None:
    add = op("add").signatures[0]
    assert add.changes == ("out",)
    assert add.shares == ("out",)
    assert parameter(add, "out").keyword_only


def test_batch_norm_changes_its_buffers_when_training() -> None:
    for name in ("F.batch_norm", "batch_norm"):
        found = op(name).signatures[0]
        assert {"running_mean", "running_var"} <= set(found.changes)
        assert dict(found.changes_when) == {"running_mean": "training", "running_var": "training"}


@pytest.mark.parametrize("name", ["view", "reshape", "T", "chunk", "contiguous", "to", "expand", "detach", "[]"])
def test_a_view_may_share_its_inputs_memory(name: str) -> None:
    assert all(signature.shares == ("input",) for signature in op(name).signatures)


def test_a_plain_op_shares_nothing() -> None:
    assert form("mul", "method")[0].shares == ()


@pytest.mark.filterwarnings("ignore:Sparse")
def test_a_sparse_tensor_with_indices_out_of_range_is_refused() -> None:
    make = op("sparse_csr_tensor").signatures[0].function
    with pytest.raises(RuntimeError, match="col_indices"):
        make(torch.tensor([0, 1]), torch.tensor([9]), torch.ones(1), (1, 2))


# Operators


@pytest.mark.parametrize(("symbol", "left", "right"), [("**", 9, 9**9), ("<<", 1, 10**9), ("*", 1 << 4000, 1 << 4000)])
def test_a_giant_integer_is_refused_before_it_is_made(symbol: str, left: int, right: int) -> None:
    with pytest.raises(OverflowError, match="more than 4096 bits"):
        op(symbol).signatures[0].function(left, right)


@pytest.mark.parametrize("symbol", ["+", "*", "%"])
def test_text_is_no_operand(symbol: str) -> None:
    with pytest.raises(TypeError, match="takes tensors and numbers, not str"):
        op(symbol).signatures[0].function("cpu", 3)


def test_operators_do_what_python_does() -> None:
    x = torch.tensor([3.0, -2.0])
    assert torch.equal(op("**").signatures[0].function(x, 2), x**2)
    assert torch.equal(op("%").signatures[0].function(7, x), 7 % x)
    assert torch.equal(op("-").signatures[1].function(x), -x)
    assert op("<<").signatures[0].function(1, 10) == 1 << 10


# Did you mean


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("matmull", "matmul"),
        ("gelu", "nn.functional.gelu"),
        ("nn.functional.sofmax", "nn.functional.softmax"),
        ("torch.linalg.qrr", "linalg.qr"),
        ("aten.add.Tensr", "aten.add.Tensor"),
        ("aten.relu", "aten.relu.default"),
    ],
)
def test_a_misspelt_op_is_answered_with_the_nearest(wrong: str, right: str) -> None:
    assert registry.find(wrong) is None
    assert registry.suggest(wrong) == f"; did you mean '{right}'?"


def test_a_name_like_no_other_is_answered_with_nothing() -> None:
    assert registry.suggest("qzxwv") == ""


# The user's own


def test_a_registered_function_is_an_op_with_its_annotations() -> None:
    registry.register_op("my.double", double)
    [signature] = op("my.double").signatures
    assert signature.function is double
    assert [one.types for one in signature.parameters] == [{"Tensor"}, {"int"}, {"str"}]
    assert parameter(signature, "mode").keyword_only
    assert "my.double" in registry.names()
    assert registry.registered() == {"my.double": __name__}


def test_register_op_decorates() -> None:
    @registry.register_op("my.half", changes=("x",), shares=())
    def half(x: torch.Tensor) -> torch.Tensor:
        return x.div_(2)

    assert half(torch.tensor(2.0)) == 1
    assert op("my.half").signatures[0].changes == ("x",)
    assert op("my.half").signatures[0].shares == ()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("my op", "cannot name an op"),
        ("", "cannot name an op"),
        ("__import__('os')", "cannot name an op"),
        ("mul", "is an op already"),
        ("grad", "is an op already"),
        ("aten.mine.default", "which is PyTorch's"),
        ("F.mine", "which is PyTorch's"),
    ],
)
def test_a_bad_name_is_refused(name: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        registry.register_op(name, double)


def test_an_op_is_only_replaced_on_purpose() -> None:
    registry.register_op("my.double", double)
    with pytest.raises(ValueError, match="pass replace=True"):
        registry.register_op("my.double", double)
    registry.register_op("my.double", torch.nn.functional.relu, replace=True)
    assert op("my.double").signatures[0].function is torch.nn.functional.relu


def test_a_function_of_any_keywords_is_refused() -> None:
    with pytest.raises(ValueError, match=r"takes '\*\*options'"):
        registry.register_op("my.open", lambda **options: options)


def test_changes_must_name_a_parameter() -> None:
    with pytest.raises(ValueError, match="'y' is not a parameter of it; it has x, times, mode"):
        registry.register_op("my.double", double, changes=("y",))


def test_a_file_of_ops_is_run(tmp_path: Path) -> None:
    file = tmp_path / "my_ops.py"
    file.write_text("from tensorflow_free.registry import register_op\nregister_op('my.same', lambda x: x)\n")
    registry.load_ops_file(file)
    assert registry.registered() == {"my.same": str(file)}


@pytest.mark.parametrize(
    ("text", "place"),
    [("x = 1\n1 / 0\n", ":2: ZeroDivisionError"), ("def f(:\n", ":1:7: SyntaxError"), (None, "is not there")],
)
def test_a_file_of_ops_that_fails_is_a_problem_with_its_line(tmp_path: Path, text: str | None, place: str) -> None:
    file = tmp_path / "bad_ops.py"
    if text is not None:
        file.write_text(text)
    with pytest.raises(RecipeError, match=place):
        registry.load_ops_file(file)


def test_a_file_of_ops_that_is_named_from_its_folder_fails_with_its_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("my_ops.py").write_text("x = 1\nimport no_such_module\n")
    with pytest.raises(RecipeError, match=r"^my_ops\.py:2: ModuleNotFoundError"):
        registry.load_ops_file("my_ops.py")
    with pytest.raises(RecipeError, match=r"'my_op\.py' is not there; did you mean 'my_ops\.py'\?"):
        registry.load_ops_file("my_op.py")


def test_an_op_of_torch_ops_is_registered_by_its_schemas():
    library = torch.library.Library("tensorflow_free_test", "DEF")
    library.define("scaled(Tensor x, float by=1.0) -> Tensor")
    library.impl("scaled", lambda x, by=1.0: x * by, "CompositeImplicitAutograd")
    registry.register_op("mine.scaled", torch.ops.tensorflow_free_test.scaled)
    registry.register_op("mine.scaled_default", torch.ops.tensorflow_free_test.scaled.default)
    tensors = {"x": {"data": [1.0, 2.0], "requires_grad": True}}
    steps = {"y": "mine.scaled(x, by=3.0)", "z": "mine.scaled_default(y).sum()"}
    recipe = load_recipe({"tensors": tensors, "steps": steps, "backward": "z"})
    result = run_recipe(recipe)
    assert result["y"].tolist() == [3.0, 6.0]
    assert result["x.grad"].tolist() == [3.0, 3.0]
