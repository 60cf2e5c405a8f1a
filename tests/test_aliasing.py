"""What shares memory and what changes it: decided before anything runs, and held here against what torch does."""

from __future__ import annotations

import pytest
import torch

from tensorflow_free import load_recipe, register_op, run_recipe
from tensorflow_free.loading import plan_of
from tensorflow_free.runner import Run

TENSORS = {
    "x": {"init": "rand", "size": [4, 4]},
    "w": {"init": "rand", "size": [4, 4]},
    "v": {"init": "rand", "size": [1, 4, 1]},
    "z": {"init": "rand", "size": [4, 2], "dtype": "complex64"},
    "i": [0, 2],
    "s": [[0.0, 1.0], [0.0, 0.0]],
}

# ops that always give a view of what they are given
VIEWS = [
    "x.T", "x.mT", "x.t()", "x.view(16)", "x.view(2, 8)", "x.view(torch.int32)", "x.view_as(w)", "x.transpose(0, 1)",
    "x.permute(1, 0)", "x[0]", "x[1:, ::2]", "x[..., None]", "x[()]", "x.select(0, 1)", "x.narrow(0, 1, 2)", "x.unbind(0)",
    "x.split(2)", "x.chunk(2)", "x.tensor_split(2)", "x.hsplit(2)", "x.vsplit(2)", "x.diagonal()", "linalg.diagonal(x)",
    "x.unfold(0, 2, 1)", "x.unsqueeze(0)", "x.expand(2, 4, 4)", "x.expand_as(w)", "torch.broadcast_to(x, [3, 4, 4])",
    "x.flatten()", "x.ravel()", "x.reshape(2, 8)", "x.reshape_as(w)", "x.contiguous()", "x.detach()", "x.data", "x.float()",
    "x.to(torch.float32)", "x.to(w)", "x.type_as(w)", "x.movedim(0, 1)", "x.swapaxes(0, 1)", "x.swapdims(0, 1)", "x.unflatten(0, [2, 2])",
    "x.as_strided([2], [1])", "x.positive()", "x.real", "x.conj()", "x.resolve_conj()", "torch.atleast_3d(x)", "torch.broadcast_tensors(x, w)",
    "torch.meshgrid(x[0], w[0])", "torch.asarray(x)", "torch.as_tensor(x)", "x.to_dense()", "x.cpu()", "x.sum_to_size(4, 4)", "x.adjoint()",
    "torch.einsum('ij->ji', x)", "x.add_(1)", "x.zero_()", "F.relu(x, inplace=True)", "F.relu_(x)", "torch.add(x, w, out=x)", "x.squeeze()",
]  # fmt: skip
VIEWS_OF_OTHERS = {
    "v": ["v.squeeze()", "v.squeeze(0)", "v.mT"],
    "z": ["z.imag", "z.real", "torch.view_as_real(z)", "z.conj()", "z.mH"],
}

# ops that give memory of their own
FRESH = [
    "x + w", "x * 2", "-x", "x @ w", "x.relu()", "F.relu(x)", "F.gelu(x)", "F.softmax(x, dim=0)", "x.exp()", "x.abs()", "x.sum()",
    "x.mean(0)", "x.max(dim=0)", "x.sort()", "x.topk(2)", "x.clone()", "x.repeat(2, 2)", "x.tile(1)", "x.flip(0)", "x.roll(1, 0)",
    "x.rot90()", "x.tril()", "x.diag()", "torch.diag_embed(x)", "torch.cat([x])", "torch.stack([x, w])", "torch.where(x > 0, x, w)",
    "x.gather(0, i[None])", "x.index_select(0, i)", "x.masked_fill(x > 0, 1.0)", "x.clamp(0, 1)", "x.nan_to_num()", "x.round()",
    "F.pad(x, [0, 0])", "F.layer_norm(x, [4])", "F.normalize(x)", "linalg.inv(x)", "linalg.qr(x)", "linalg.svd(x)", "x.cumsum(0)", "x.double() * 1",
    "torch.zeros_like(x)", "torch.addmm(x, w, w)", "x.scatter(0, i[None], 1.0)", "x.logsumexp(0)",
    "x.float_power(1)", "F.mse_loss(x, w)", "F.one_hot(i)", "x.to_sparse()", "x.type(torch.float64) * 1", "F.avg_pool2d(x[None], 1)", "x == w", "~(x > 0)",
    "torch.lerp(x, w, 0.0)", "torch.block_diag(x)", "torch.kron(x, w)", "x.matrix_power(1)", "x.pow(1)", "x.unfold_copy(0, 2, 1)", "torch.view_copy(x, [16])",
]  # fmt: skip


def memories(value):
    """Where the storages of a value lie."""
    if isinstance(value, (tuple, list)):
        return set().union(*(memories(part) for part in value))
    return (
        {value.untyped_storage().data_ptr()}
        if isinstance(value, torch.Tensor) and value.layout == torch.strided
        else set()
    )


def shares_for_torch(text, name="x"):
    """Whether the value of the step lies in the memory of the tensor, as torch has it."""
    plan = plan_of(load_recipe({"tensors": TENSORS, "steps": {"y": text}}))
    run = Run(plan, None)
    run.result()
    slots = {start.name: slot for start, slot in zip(plan.starts, plan.start_slots, strict=True)}
    slots |= {one.name: one.slot for one in plan.recordings}
    return bool(memories(run._values[slots[name]]) & memories(run._values[slots["y"]]))


def changes(text, name="x"):
    """Whether a change of the step's value is taken for a change of the tensor."""
    steps = {"y": text, "first": {"op": "mine.changed", "args": ["y"]}}
    register_op("mine.changed", lambda value: 0, changes=("value",), shares=(), replace=True)
    plan = plan_of(load_recipe({"tensors": TENSORS, "steps": steps}))
    return next(one.after for one in plan.recordings if one.name == name)


@pytest.mark.parametrize("text", VIEWS)
@pytest.mark.filterwarnings("ignore:torch.meshgrid")
def test_a_change_of_a_view_is_a_change_of_its_tensor(text):
    assert shares_for_torch(text)
    assert changes(text)


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in VIEWS_OF_OTHERS.items() for text in texts])
def test_a_change_of_a_view_of_another_kind_is_one_too(name, text):
    assert shares_for_torch(text, name)
    assert changes(text, name)


@pytest.mark.parametrize("text", FRESH)
def test_a_change_of_fresh_memory_is_not_a_change_of_the_operand(text):
    assert not shares_for_torch(text)
    assert not changes(text)


@pytest.mark.parametrize(
    "text",
    [
        "x.to(torch.float64)",
        "x.double()",
        "x.t().reshape(16)",
        "x.t().contiguous()",
        "F.dropout(x, 0.5)",
        "x.t().flatten()",
    ],
)
def test_what_may_share_in_another_cell_is_taken_to_share_in_each(text):
    assert not shares_for_torch(text)
    assert changes(text)


# what is recorded


def run(overrides=(), **recipe):
    return run_recipe(load_recipe(recipe, list(overrides)))


def after(result):
    return [name for name in result if name.endswith(".after")]


CELLS = {
    "views": {"a": "x.reshape(16)", "b": "a[2:]", "c": {"op": "mul_", "args": ["b", 2.0]}},
    "conversion": {"a": "x.to(torch.float32)", "c": {"op": "zero_", "args": ["a"]}},
    "buffers": {"a": "F.batch_norm(x, w[0], w[1].abs(), training=True)"},
    "out": {"a": "torch.exp(x, out=w)"},
    "loop": {"t": {"repeat": 2, "carry": {"x": "n"}, "steps": {"n": "x * 2", "m": {"op": "add_", "args": ["n", 1.0]}}}},
}


@pytest.mark.parametrize("name", CELLS)
def test_what_is_recorded_is_alike_in_every_cell(name):
    recipe = {"tensors": {key: TENSORS[key] for key in "xw"}, "steps": CELLS[name]}
    lists = [list(run([f"dtype={dtype}"], **recipe)) for dtype in ("float64", "float32")]
    lists.append(list(run(["dtype=float32", "device=meta"], **recipe)))
    assert lists[0] == lists[1] == lists[2]
    assert any(one.endswith(".after") for one in lists[0])


def test_a_change_through_views_of_views_reaches_all_that_share():
    steps = {
        "a": "x.view(16)",
        "b": "a[4:]",
        "c": "b.reshape(3, 4).T",
        "d": {"op": "zero_", "args": ["c"]},
        "e": "x + 0",
    }
    result = run(tensors={"x": TENSORS["x"]}, steps=steps)
    assert after(result) == ["x.after", "a.after", "b.after", "c_1.after", "c.after"]
    assert result["e"].equal(result["x.after"])
    assert result["x.after"].view(16)[4:].sum() == 0 != result["x"].view(16)[4:].sum()


def test_a_value_made_after_the_change_is_not_changed():
    steps = {"a": "x * 2", "b": {"op": "add_", "args": ["x", 1.0]}, "c": "x.view(16)"}
    assert after(run(tensors={"x": TENSORS["x"]}, steps=steps)) == ["x.after"]


def test_what_an_in_place_step_gives_back_is_not_changed_by_itself():
    steps = {"a": {"op": "add_", "args": ["x", 1.0]}, "b": {"op": "mul_", "args": ["a", 2.0]}}
    result = run(tensors={"x": [1.0]}, steps=steps)
    assert after(result) == ["x.after", "a.after"]
    assert [result[name].item() for name in ("x", "a", "a.after", "b")] == [1.0, 2.0, 4.0, 4.0]


def test_out_changes_what_it_names_and_is_what_it_gives():
    steps = {"y": {"op": "add", "args": ["x", "x"], "kwargs": {"out": "o"}}, "z": {"op": "zero_", "args": ["y"]}}
    result = run(tensors={"x": [1.0], "o": [5.0]}, steps=steps)
    assert after(result) == ["o.after", "y.after"]
    assert [result[name].item() for name in ("o", "y", "o.after")] == [5.0, 2.0, 0.0]


def test_several_outs_are_all_changed():
    tensors = {"x": [[3.0, 1.0]], "v": [0.0], "k": [0]}
    step = {"op": "max", "args": ["x", 1], "kwargs": {"out": ["v", "k"]}}
    result = run(tensors=tensors, steps={"y": step})
    assert after(result) == ["v.after", "k.after"]
    assert (result["v.after"].tolist(), result["k.after"].tolist()) == ([3.0], [0])


@pytest.mark.parametrize("op", ["F.relu", "F.elu", "F.leaky_relu", "F.hardtanh", "F.silu", "F.dropout", "F.threshold"])
def test_inplace_changes_the_input(op):
    args = ["x", 0.5, 0.0] if op == "F.threshold" else ["x"]
    for inplace in (True, False):
        result = run(tensors={"x": [-1.0, 1.0]}, steps={"y": {"op": op, "args": args, "kwargs": {"inplace": inplace}}})
        assert after(result) == (["x.after"] if inplace else [])


def test_a_field_of_several_values_is_followed():
    steps = {"parts": "x.split(2)", "z": {"op": "zero_", "args": ["parts.1"]}}
    result = run(tensors={"x": [1.0, 2.0, 3.0]}, steps=steps)
    assert result["x.after"].tolist() == [1.0, 2.0, 0.0]
    assert (result["parts.1"].tolist(), result["parts.1.after"].tolist()) == ([3.0], [0.0])


def test_a_gradient_that_a_step_changes_is_not_the_tensor():
    steps = {"y": "(x * x).sum()", "bw": {"op": "backward", "args": ["y"]}, "c": {"op": "zero_", "args": ["x.grad"]}}
    result = run(tensors={"x": {"data": [1.0, 2.0], "requires_grad": True}}, steps=steps)
    assert after(result) == []
    assert (result["bw.x"].tolist(), result["x.grad"].tolist()) == ([2.0, 4.0], [0.0, 0.0])


def test_a_value_carried_round_a_loop_and_changed_there_is_followed():
    loop = {"repeat": 3, "carry": {"h": "n"}, "steps": {"n": "h.view(2)", "c": {"op": "add_", "args": ["n", 1.0]}}}
    result = run(tensors={"h": [0.0, 0.0]}, steps={"loop": loop})
    assert (result["h"].tolist(), result["h.after"].tolist()) == ([0.0, 0.0], [3.0, 3.0])


def test_a_value_that_a_later_round_changes_is_followed():
    loop = {
        "repeat": 3,
        "carry": {"h": "n"},
        "trace": ["n"],
        "steps": {"c": {"op": "mul_", "args": ["h", 2.0]}, "n": "c + 1"},
    }
    result = run(tensors={"h": [1.0]}, steps={"loop": loop})
    assert (result["h"].item(), result["h.after"].item()) == (1.0, 2.0)
    assert result["loop.n"].flatten().tolist() == [3.0, 7.0, 15.0]


def test_a_users_op_is_taken_to_share_unless_it_says_otherwise():
    register_op("mine.first", lambda a, b: a, replace=True)
    register_op("mine.sum", lambda a, b: a + b, shares=(), replace=True)
    steps = {"y": {"op": "mine.first", "args": ["x", "w"]}, "c": {"op": "zero_", "args": ["y"]}}
    assert after(run(tensors={"x": [1.0], "w": [1.0]}, steps=steps)) == ["x.after", "w.after", "y.after"]
    steps["y"]["op"] = "mine.sum"
    assert after(run(tensors={"x": [1.0], "w": [1.0]}, steps=steps)) == ["y.after"]


def test_a_users_op_says_what_it_changes():
    def bump(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return b.add_(1)

    register_op("mine.bump", bump, changes=("b",), shares=("b",), replace=True)
    result = run(tensors={"x": [1.0], "w": [1.0]}, steps={"y": {"op": "mine.bump", "args": ["x", "w"]}})
    assert after(result) == ["w.after"]


def test_as_strided_starts_share_and_clones_do_not():
    tensors = {
        "x": [1.0, 2.0],
        "v": {"init": "as_strided", "input": "x", "size": [1], "stride": [1]},
        "c": {"init": "clone", "input": "x"},
    }
    assert after(run(tensors=tensors, steps={"z": {"op": "zero_", "args": ["x"]}})) == ["x.after", "v.after"]


def test_the_leaf_of_an_expanded_tensor_changes_with_it():
    x = {"data": [[1.0, 1.0]], "stride": [2, 0], "requires_grad": True}
    inner = {"d": "x.detach()[:, :1]", "c": {"op": "mul_", "args": ["d", 5.0]}}
    result = run(tensors={"x": x}, steps={"b": {"with": "no_grad", "steps": inner}})
    assert (result["x"].tolist(), result["x.after"].tolist()) == ([[1.0, 1.0]], [[5.0, 5.0]])
