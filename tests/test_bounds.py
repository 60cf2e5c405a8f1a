"""No op reads or writes outside its tensors: what a kernel would trust is checked before the call.

`python -m bounds` in this folder tries every op of the registry; a few are tried here.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import torch
from bounds.guard import compiler
from bounds.mutations import fresh
from processes import finished

from tensorflow_free import load_recipe, registry, run_recipe
from tensorflow_free.errors import StepError
from tensorflow_free.ops.guards.bounds import RULES, BoundsError
from tensorflow_free.ops.guards.layouts import NESTED as NESTED_RULES
from tensorflow_free.ops.unchecked import UNCHECKED

SQUARE = {"x": {"init": "ones", "size": [1, 1, 4, 4]}, "g": {"init": "ones", "size": [1, 1, 2, 2]}}
POOL = "aten.max_pool2d_with_indices_backward.default(g, x, [2, 2], [2, 2], [0, 0], [1, 1], False, i)"
NESTED = "aten._nested_tensor_from_tensor_list.default([x, o])"

REFUSED = {
    "segment_reduce(x, 'sum', lengths=i, unsafe=True)": (
        {"x": [1.0, 2.0, 3.0], "i": [3, 1, 1]},
        "'unsafe' is True; it can be False",
    ),
    "aten.segment_reduce.default(x, 'sum', offsets=i)": (
        {"x": [1.0, 2.0, 3.0], "i": [0, 9]},
        "'offsets' holds [0, 9]; it must begin with 0, never fall and end with 3",
    ),
    POOL: (
        {**SQUARE, "i": [[[[0, 2], [8, 100000]]]]},
        "'indices' holds 100000; it can hold 0 to 15, for there are 16 elements in the last 2 dimensions of 'self'",
    ),
    POOL.replace("g, x", "x, x"): ({**SQUARE, "i": [[[[0, 2], [8, 9]]]]}, "'grad_output' is of shape [1, 1, 4, 4]"),
    "grid_sampler_2d(x, p, 0, 7, False)": (
        {**SQUARE, "p": {"init": "zeros", "size": [1, 2, 2, 2]}},
        "'padding_mode' is 7; it can be 0 or 1 or 2",
    ),
    "F.embedding_bag(i, w, o)": (
        {"i": [0, 1], "w": [[1.0], [2.0]], "o": [0, 2, 0]},
        "'offsets' holds [0, 2, 0]; it must begin with 0 and never fall",
    ),
    "F.ctc_loss(x, i, [3], [2])": (
        {"x": {"init": "zeros", "size": [3, 1, 4]}, "i": [[1, 4]]},
        "'targets' holds 4; it can hold 0 to 3, for there are 4 classes",
    ),
    "sparse.spdiags(x, i, [3, 3])": (
        {"x": {"init": "ones", "size": [2, 3]}, "i": [0, 0]},
        "'offsets' holds [0, 0]; it can hold each diagonal once",
    ),
    "lstm(x, [h, h], [w, w, b, b], True, 1, 0.0, False, False, False)": (
        {
            "x": {"init": "ones", "size": [2, 5, 3]},
            "h": {"init": "ones", "size": [1, 1, 3]},
            "w": {"init": "ones", "size": [12, 3]},
            "b": {"init": "ones", "size": [12]},
        },
        "'hx[0]' is of shape [1, 1, 3]; it can be of shape [1, 5, 3]",
    ),
    "native_batch_norm(x, w, None, None, None, True, 0.1, 1e-5)": (
        {"x": [[1.0, 2.0], [3.0, 4.0]], "w": [1.0]},
        "'weight' is of shape [1]; it can be of shape [2], one number for each channel of 'input'",
    ),
    "linalg.ldl_solve(x, i, x)": (
        {"x": [[1.0, 0.0], [0.0, 1.0]], "i": {"data": [1, 9], "dtype": "int32"}},
        "'pivots' holds 9 at 1; it can hold 1 to 2, or two negative ones of a block",
    ),
    "linalg.eigvals(x)": ({"x": [[float("nan")]]}, "'input' holds NaN or infinity; its numbers must be finite"),
    "median(expand(x, [2, 3]), 1)": (
        {"x": [[1.0], [2.0]]},
        "'input' is expanded: it has the strides [1, 0]; give `contiguous` of it",
    ),
    "softmax(x, 0, out=expand(o, [3]))": (
        {"x": [1.0, 2.0, 3.0], "o": [0.0]},
        "'out' has the strides [0] for the shape [3], so that elements share memory; give `contiguous` of it",
    ),
    "mm(x, x.to('meta'))": ({"x": [[1.0]]}, "some of its operands are on meta and some are not"),
    "aten.native_layer_norm_backward.default(x, x, [2], m, m, w, w, [True, True, True])": (
        {"x": [[1.0, 2.0]], "m": [1.0], "w": [1.0, 1.0]},
        "'mean' is of shape [1]; it can be of shape [1, 1], one number for each row that is normalized",
    ),
    "aten._fft_c2r.default(c, [0], 0, 9)": (
        {"c": {"data": [1.0, 2.0, 3.0], "dtype": "complex64"}},
        "'last_dim_size' is 9; for 3 numbers in that dimension it can be 4 or 5",
    ),
    "aten._embedding_bag_forward_only.default(w, i, o)": (
        {"w": [[1.0], [2.0]], "i": [0, 2], "o": [0]},
        "'indices' holds 2; it can hold 0 to 1, for there are 2 rows of the weight",
    ),
    "aten.slow_conv3d.default(x, w, [1, 1, 2])": (
        {"x": {"init": "ones", "size": [1, 2, 4, 4, 4]}, "w": {"init": "ones", "size": [3, 1, 1, 1, 2]}},
        "'weight' is of shape [3, 1, 1, 1, 2]; it can be of shape [3, 2, 1, 1, 2]",
    ),
    "aten._fused_sgd_.default([x], [g], [x], weight_decay=0.0, momentum=0.0, lr=0.1, dampening=0.0, nesterov=False,"
    " maximize=False, is_first_step=True)": (
        {"x": [1.0, 2.0], "g": [1.0]},
        "at 0, 'grads' is of shape [1]; it can be of shape [2], that of 'self'",
    ),
    "F.pad(x, [2, -3], 'circular')": (
        {"x": {"init": "ones", "size": [1, 1, 4]}},
        "'pad' holds [2, -3] for 4 elements; it must leave one, and as many as it repeats",
    ),
    "resize_(to_sparse_csr(x), [2, 2, 2])": (
        {"x": [[1.0, 2.0]]},
        "'input' is of layout sparse_csr, whose new indices would be uninitialised; give `to_dense` of it",
    ),
    "resize_as_sparse_(to_sparse_csc(x), to_sparse_csc(o))": (
        {"x": [[1.0]], "o": [[1.0, 2.0]]},
        "'input' is of layout sparse_csc",
    ),
    f"select({NESTED}, -1, 0)": ({"x": [1.0], "o": [2.0, 3.0]}, "'dim' is -1; it can be 0 to 1 of a nested tensor"),
    f"aten.select.int({NESTED}, -1, 0)": (
        {"x": [[1.0]], "o": [[2.0]]},
        "'dim' is -1; it can be 0 to 2 of a nested tensor",
    ),
    f"chunk({NESTED}, 2)": ({"x": 1.0, "o": 2.0}, "'input' is a nested tensor of single numbers"),
    f"aten.trapz.dx({NESTED})": ({"x": [[1.0, 2.0]], "o": [[3.0, 4.0]]}, "'y' is a nested tensor"),
    f"F.embedding({NESTED}, w)": (
        {"x": [0], "o": [0, 1], "w": {"data": torch.quantize_per_tensor(torch.ones(2, 1), 0.1, 0, torch.quint8)}},
        "some of its operands are nested and some are quantised",
    ),
    "aten._pad_packed_sequence.default(x, i, True, 0.0, -1)": (
        {"x": {"init": "ones", "size": [3, 1]}, "i": [1, 2]},
        "'batch_sizes' holds [1, 2]; it must be above 0 and never rise, and its sum must be the first size of 'data'",
    ),
    "aten._pad_packed_sequence.default(x, i, False, 0.0, -1)": (
        {"x": {"init": "ones", "size": [3, 1]}, "i": [3, 2]},
        "'batch_sizes' holds [3, 2]",
    ),
    "index_add(x, 0, i, to_mkldnn(x))": ({"x": [1.0], "i": [0]}, "some of its operands are of mkldnn and some are not"),
}


@pytest.mark.parametrize("call", REFUSED)
def test_a_call_that_would_leave_its_tensors_is_refused_before_it_is_made(call: str) -> None:
    tensors, message = REFUSED[call]
    recipe = load_recipe({"tensors": tensors, "steps": {"y": call}})
    with pytest.raises(StepError) as caught:
        run_recipe(recipe)
    assert message in str(caught.value)


def test_a_compressed_tensor_is_resized_where_all_its_indices_are_written() -> None:
    steps = {"c": "to_sparse_csr(x)", "y": "resize_(c, [3, 2])", "z": "y.to_dense()"}
    found = run_recipe(load_recipe({"tensors": {"x": [[1.0, 2.0]]}, "steps": steps}))
    assert found["z"].tolist() == [[1.0, 2.0], [0.0, 0.0], [0.0, 0.0]]


def test_a_compiled_cell_checks_as_well() -> None:
    tensors, message = REFUSED["grid_sampler_2d(x, p, 0, 7, False)"]
    recipe = load_recipe(
        {"tensors": tensors, "steps": {"z": "x * 2", "y": "grid_sampler_2d(z, p, 0, 7, False)"}, "backend": "aot_eager"}
    )
    with pytest.raises(StepError, match=message.replace("'", ".")):
        run_recipe(recipe)


def test_a_compiled_cell_computes_what_is_checked_as_eager_does() -> None:
    tensors = {"x": [3.0, 1.0, 2.0, 4.0], "n": [1, 3]}
    recipe = load_recipe(
        {"tensors": tensors, "steps": {"y": "segment_reduce(x, 'sum', lengths=n)"}, "backend": "aot_eager"}
    )
    assert run_recipe(recipe)["y"].tolist() == [3.0, 7.0]


def test_what_is_right_is_computed_as_before() -> None:
    tensors = {**SQUARE, "i": [[[[0, 2], [8, 15]]]]}
    result = run_recipe(load_recipe({"tensors": tensors, "steps": {"y": POOL}}))
    expected = torch.zeros(16).index_fill(0, torch.tensor([0, 2, 8, 15]), 1).reshape(1, 1, 4, 4)
    assert torch.equal(result["y"], expected)


def test_an_inner_overload_gives_what_autograd_gets_from_it() -> None:
    x = torch.tensor([[1.0, 2.0, 4.0]], requires_grad=True)
    torch.nn.functional.layer_norm(x, [3]).sin().sum().backward()
    steps = {
        "f": "aten.native_layer_norm.default(x, [3], None, None, 1e-5)",
        "y": "aten.native_layer_norm_backward.default(cos(f[0]), x, [3], f[1], f[2], None, None, [True, False, False])",
        "g": "y[0]",
    }
    result = run_recipe(load_recipe({"tensors": {"x": x.tolist()}, "steps": steps}))
    assert torch.equal(result["g"], x.grad)


def kept_indices_changed(text: str) -> torch.Tensor:
    """The gradient of a pooling whose indices are changed, by way of `text`, before the backward pass."""
    steps = {
        "w": "x.double().dtype",
        "p": "F.max_pool2d(x, 2, return_indices=True)",
        "d": text,
        "f": "fill_(d, 100000)",
        "y": "p[0].sum()",
    }
    tensors = {"x": {"init": "ones", "size": [1, 1, 4, 4], "requires_grad": True}}
    return run_recipe(load_recipe({"tensors": tensors, "steps": steps, "backward": "y"}))["x.grad"]


def test_data_of_indices_is_not_changed_unseen_by_the_backward_pass() -> None:
    with pytest.raises(StepError, match="modified by an inplace operation"):
        kept_indices_changed("p[1].data")


def test_an_array_of_indices_is_a_copy() -> None:
    assert kept_indices_changed("asarray(numpy(p[1]))").sum() == 4


UNSEEN = [
    "aten.data.default(p[1])",
    "aten._unsafe_view.default(p[1], [4])",
    "unsafe_chunk(p[1], 2)[0]",
    "unsafe_split(p[1], 1)[0]",
    "unsafe_split_with_sizes(p[1], [1])[0]",
]


@pytest.mark.parametrize("text", UNSEEN)
def test_no_op_changes_kept_indices_unseen(text: str) -> None:
    with pytest.raises(StepError, match="modified by an inplace operation"):
        kept_indices_changed(text)


@pytest.mark.parametrize(
    "text", ["p[1].view(torch.float64).data", "unsafe_chunk(p[1].view(torch.float32), 1)[0]", "p[1].view(w).data"]
)
def test_indices_are_not_viewed_as_floating_numbers_where_autograd_would_not_see_their_changes(text: str) -> None:
    with pytest.raises(StepError, match="in a recipe that names `data`, `numpy`"):
        kept_indices_changed(text)


def test_bits_are_looked_at_whatever_a_recipe_says_of_its_data() -> None:
    mapping = {
        "description": "the bits of sparse data",
        "tensors": {"data": {"data": [1.0, -2.0], "requires_grad": True}},
        "steps": {"kept": "data * 3", "bits": "data.detach().view(torch.int32)", "y": "kept.sum()"},
        "backward": "y",
    }
    assert run_recipe(load_recipe(mapping))["bits"].equal(torch.tensor([1.0, -2.0]).view(torch.int32))


def test_indices_that_are_a_sparse_tensors_numbers_are_its_own() -> None:
    steps = {"s": "sparse_csr_tensor(c, i, n, [1, 4])", "f": "n.add_(1)", "d": "s.to_dense()"}
    tensors = {"c": [0, 4], "i": [0, 1, 2, 3], "n": [0, 2, 8, 10]}
    assert run_recipe(load_recipe({"tensors": tensors, "steps": steps}))["d"].tolist() == [[0, 2, 8, 10]]


@pytest.mark.parametrize(
    ("backend", "match"), [("eager", "modified by an inplace operation"), ("aot_eager", "compiles `inference_mode`")]
)
def test_a_view_in_inference_mode_is_counted(backend: str, match: str) -> None:
    inside = {"d": "p[1].view(torch.float64)", "f": "d.fill_(1e300)"}
    steps = {"p": "F.max_pool2d(x, 2, return_indices=True)", "b": {"with": "inference_mode", "steps": inside}}
    tensors = {"x": {"init": "ones", "size": [1, 1, 4, 4], "requires_grad": True}}
    recipe = {"tensors": tensors, "steps": {**steps, "y": "p[0].sum()"}, "backward": "y", "backend": backend}
    with pytest.raises(StepError, match=match):
        run_recipe(load_recipe(recipe))


@pytest.mark.parametrize("text", ["x.view(torch.int32).bitwise_xor(1).view(torch.float32)", "x.data.view(2, 1)"])
def test_views_in_another_dtype_alone_and_data_alone_stay(text: str) -> None:
    result = run_recipe(load_recipe({"tensors": {"x": [1.0, 2.0]}, "steps": {"y": text}}))
    assert result["y"].shape.numel() == 2


def test_an_op_without_checks_is_called_as_it_is() -> None:
    recipe = load_recipe({"tensors": {"x": [1.0]}, "steps": {"y": "exp(x)"}})
    from tensorflow_free.loading import plan_of

    [(function, *_)] = plan_of(recipe).forward
    assert function is torch.exp


@pytest.mark.skipif(compiler() is None, reason="the guard of the trial is compiled, and there is no C compiler")
@pytest.mark.parametrize(("flags", "code"), [([], 0), (["--unguarded"], 1)])
def test_the_trial_convicts_a_kernel_only_where_its_arguments_are_not_checked(flags: list[str], code: int) -> None:
    folder = Path(__file__).parent
    words = [sys.executable, "-m", "bounds", "--quick", "--calls", "1", *flags, "grid_sampler", "quantized_batch_norm"]
    done = finished(*words, env={**os.environ, "PYTHONPATH": str(folder)})
    assert done.returncode == code, done.stdout + done.stderr


@pytest.mark.full
@pytest.mark.skipif(compiler() is None, reason="the guard of the trial is compiled, and there is no C compiler")
def test_the_trial_ends_a_call_that_hangs_and_tells_it() -> None:
    words = [sys.executable, "-m", "bounds", "--calls", "1", "combinations"]
    done = finished(*words, timeout=600, env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)})
    assert done.stdout.startswith("combinations: r 2147483648: hangs <- ")
    assert "1 signatures, 0 of them without a valid call" in done.stdout


def test_overloads_that_trust_their_arguments_are_no_ops() -> None:
    assert [name for name in registry.aten_names() if name.split(".")[1] in UNCHECKED] == []
    assert registry.find("aten._sobol_engine_ff_.default") is None


def test_overloads_that_have_kernels_for_other_devices_alone_are_ops() -> None:
    for name in ("_scaled_dot_product_flash_attention", "_cudnn_rnn", "_fused_dropout", "_thnn_fused_lstm_cell"):
        assert registry.find(f"aten.{name}.default") is not None
        assert not torch._C._dispatch_has_kernel_for_dispatch_key(f"aten::{name}", "CPU")


def test_the_overloads_that_compilers_lower_to_are_ops() -> None:
    names = """native_layer_norm_backward _log_softmax _softmax _fft_c2c _embedding_bag _pdist_forward grid_sampler_2d_backward
    _native_batch_norm_legit_no_training convolution_backward _scaled_dot_product_flash_attention_for_cpu"""
    assert [name for name in names.split() if registry.find(f"aten.{name}.default") is None] == []


@pytest.mark.full
def test_no_valid_call_that_is_written_by_hand_is_refused() -> None:
    from bounds.targets import targets
    from bounds.valid import written

    pool = written()
    refused = []
    for target in targets():
        for arguments in pool.get(str(target), ()) if target.name.startswith("aten.") else ():
            try:
                target.call(fresh(arguments))
            except BoundsError as error:
                refused.append(f"{target}: {error}")
            except Exception:  # noqa: BLE001 - a call may be written for another overload of the name
                pass
    assert refused == []


def test_the_page_names_each_overload_that_is_no_op_and_each_op_that_is_checked() -> None:
    page = (Path(__file__).parent.parent / "docs" / "safety.md").read_text(encoding="utf-8")
    assert [name for name in UNCHECKED if f"`{name}`" not in page] == []
    assert [
        name
        for name in (*RULES, *NESTED_RULES)
        if f"{name.removeprefix('aten.').replace('linalg_', 'linalg.', name.startswith('aten.'))}`" not in page
    ] == []


@pytest.mark.parametrize("op", ["F.scaled_dot_product_attention", "aten.scaled_dot_product_attention.default"])
@pytest.mark.parametrize("rows", [4, 96])
def test_attention_with_fewer_values_than_keys_or_more_is_refused(op, rows):
    tensors = {
        name: {"init": "randn", "size": [1, 2, length, 16]} for name, length in (("q", 64), ("k", 64), ("v", rows))
    }
    recipe = {"tensors": tensors, "steps": {"y": {"op": op, "args": ["q", "k", "v"]}}}
    with pytest.raises(StepError, match=r"as many rows as 'key'"):
        run_recipe(load_recipe(recipe))


def test_attention_stays_in_a_compilers_graph():
    tensors = {"q": {"init": "randn", "size": [1, 2, 8, 16]}}
    backend = {"name": "aot_eager", "fullgraph": True}
    steps = {"h": "q.sin()", "y": "F.scaled_dot_product_attention(h, h, h)"}
    result = run_recipe(load_recipe({"tensors": tensors, "steps": steps, "backend": backend, "record": "all"}))
    h = result["q"].sin()
    torch.testing.assert_close(result["y"], torch.nn.functional.scaled_dot_product_attention(h, h, h))
