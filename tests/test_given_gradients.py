"""A gradient that is given goes to autograd as torch's own functions hand it on: the same bits, the same errors."""

from __future__ import annotations

import pytest
import torch

from tensorflow_free import load_recipe, run_recipe
from tensorflow_free.plan.autograd import backward, grad


def leaf(dtype=torch.float32, *size):
    return torch.linspace(-1, 2, 6).reshape(size or (2, 3)).to(dtype).requires_grad_()


def nested():
    x = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], requires_grad=True)
    return x, x * 2, torch.nested.nested_tensor([torch.ones(2), torch.full((3,), 3.0)])


def sparse(x):
    return torch.tensor([[0.0, 2.0, 0.0], [3.0, 0.0, 4.0]]).to_sparse() if x is None else x.to_sparse()


def case(x, make, *gradient, **options):
    """The leaf, what is differentiated, its gradient, and the options."""
    y = make(x)
    return x, y, gradient[0] if gradient else torch.linspace(1, 3, y.numel()).reshape(y.shape).to(y.dtype), options


CASES = {
    "plain": lambda: case(leaf(), lambda x: x.exp() * x),
    "0-d": lambda: case(leaf(), lambda x: x.sum()),
    "expanded": lambda: case(leaf(), lambda x: x.sin(), torch.tensor(3.0).expand(2, 3)),
    "transposed": lambda: case(leaf(), lambda x: (x * 2).t(), torch.arange(6.0).reshape(2, 3).t()),
    "bfloat16": lambda: case(leaf(torch.bfloat16), lambda x: x.tanh()),
    "complex": lambda: case(leaf(torch.complex64), lambda x: x * (1 + 2j)),
    "of another dtype": lambda: case(leaf(), lambda x: x * x, torch.ones(2, 3, dtype=torch.float64)),
    "of integers": lambda: case(leaf(), lambda x: x * x, torch.ones(2, 3, dtype=torch.int64)),
    "on another device": lambda: case(leaf(), lambda x: x * x, torch.ones(2, 3, device="meta")),
    "of sparse": lambda: case(leaf(), lambda x: sparse(x) * 2, sparse(None)),
    "sparse": lambda: case(leaf(), lambda x: x * 2, sparse(None)),
    "nested": lambda: (*nested(), {}),
    "none": lambda: case(leaf(), lambda x: x.sum(), None),
    "a number": lambda: case(leaf(), lambda x: x.sum(), 2.0),
    "of another shape": lambda: case(leaf(), lambda x: x * 2, torch.ones(3, 2)),
    "that would broadcast": lambda: case(leaf(), lambda x: x * 2, torch.ones(1, 3)),
    "complex of a real target": lambda: case(leaf(), lambda x: x * 2, torch.ones(2, 3, dtype=torch.complex64)),
    "real of a complex target": lambda: case(leaf(torch.complex64), lambda x: x * 2, torch.ones(2, 3)),
    "of what has no history": lambda: case(leaf(), lambda x: x.detach() * 2),
    "two": lambda: (x := leaf(), [x * 2, x.sum()], [torch.full((2, 3), 2.0), torch.tensor(3.0)], {}),
    "two, of one none": lambda: (x := leaf(), [x * 2, x.sum()], [torch.full((2, 3), 2.0), None], {}),
    "fewer than targets": lambda: (x := leaf(), [x * 2, x.sum()], [torch.ones(2, 3)], {}),
    "with a graph": lambda: case(leaf(), lambda x: x**3, torch.ones(2, 3, requires_grad=True), create_graph=True),
    "kept": lambda: case(leaf(), lambda x: x.exp(), retain_graph=True),
    "a subclass": lambda: case(leaf(), lambda x: x * 2, torch.nn.Parameter(torch.ones(2, 3))),
}


def told(given):
    """What there is to tell of a tensor, bit for bit, and of each in a list; anything else is itself."""
    if isinstance(given, (list, tuple)):
        return [told(one) for one in given]
    if not isinstance(given, torch.Tensor):
        return given
    values = given.values() if given.is_nested else given.detach().to_dense()
    return given.dtype, given.layout, given.grad_fn is None, values.stride(), values.tolist()


def outcome_of(made, call):
    """What two calls gave, or their errors; the leaf's gradient; what hooks on the targets saw."""
    x, targets, gradients, options = made
    seen, given = [], []
    for one in targets if isinstance(targets, list) else [targets]:
        if one.requires_grad:
            one.register_hook(lambda came: seen.append(came.detach()))
    for _ in range(2):
        try:
            given.append(call(targets, gradients, x, options))
        except (RuntimeError, TypeError, ValueError) as error:
            given.append((type(error), str(error)))
    return told([given, x.grad, seen])


def both(name, ours, theirs):
    return outcome_of(CASES[name](), ours), outcome_of(CASES[name](), theirs)


@pytest.mark.filterwarnings("ignore:Using backward:UserWarning")
@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors:UserWarning")
@pytest.mark.parametrize("name", CASES)
def test_backward_does_what_torch_does(name):
    ours, theirs = both(
        name,
        lambda targets, gradients, _, options: backward(targets, gradients, **options),
        lambda targets, gradients, _, options: torch.autograd.backward(targets, gradients, **options),
    )
    assert ours == theirs


@pytest.mark.filterwarnings("ignore:Using backward:UserWarning")
@pytest.mark.parametrize("name", CASES)
def test_backward_to_some_inputs_does_what_torch_does(name):
    ours, theirs = both(
        name,
        lambda targets, gradients, x, options: backward(targets, gradients, [x], **options),
        lambda targets, gradients, x, options: torch.autograd.backward(targets, gradients, inputs=[x], **options),
    )
    assert ours == theirs


@pytest.mark.parametrize("name", CASES)
def test_grad_does_what_torch_does(name):
    ours, theirs = both(
        name,
        lambda targets, gradients, x, options: grad(targets, x, gradients, **options),
        lambda targets, gradients, x, options: torch.autograd.grad(targets, x, gradients, **options),
    )
    assert ours == theirs


@pytest.mark.parametrize(
    "options", [{"is_grads_batched": True}, {"materialize_grads": True}, {"allow_unused": True}, {}]
)
def test_each_option_of_grad_does_what_it_does_in_torch(options):
    batched, other = options.get("is_grads_batched"), leaf()
    gradient = torch.eye(6).reshape(6, 2, 3) if batched else torch.ones(2, 3)

    def call(function):
        x = leaf()
        try:
            return told(function(x * x, [x, other], gradient, **({"allow_unused": True} if batched else {}), **options))
        except RuntimeError as error:
            return str(error)

    assert call(grad) == call(torch.autograd.grad)


@pytest.mark.parametrize("inputs", [[], None])
def test_inputs_that_are_none_are_refused_as_torch_does(inputs):
    x = leaf()
    with pytest.raises((RuntimeError, TypeError)) as theirs:
        torch.autograd.grad(x * x, inputs, torch.ones(2, 3))
    with pytest.raises(type(theirs.value)) as ours:
        grad(x * x, inputs, torch.ones(2, 3))
    assert str(ours.value) == str(theirs.value)
    with pytest.raises(RuntimeError, match="cannot be empty"):
        backward(x * x, torch.ones(2, 3), [])


def test_plain_gradients_go_past_the_check_that_imports_sympy_and_a_mode_sees_the_call(monkeypatch):
    x, seen = leaf(), []
    monkeypatch.setattr(torch.autograd, "backward", lambda *_, **__: seen.append("torch"))
    backward(x * 2, torch.ones(2, 3))
    assert (seen, x.grad.tolist()) == ([], [[2.0] * 3] * 2)
    with torch.device("cpu"):
        backward(x * 2, torch.ones(2, 3))
    assert seen == ["torch"]


def test_a_second_derivative_goes_through_a_gradient_that_was_given():
    steps = {
        "y": "x ** 3",
        "g": {"op": "grad", "args": ["y", "x", "v"], "kwargs": {"create_graph": True}},
        "s": "g.sum()",
    }
    v = {"data": [2.0, 3.0], "requires_grad": True}
    result = run_recipe(
        load_recipe(
            {"tensors": {"x": {"data": [1.0, 2.0], "requires_grad": True}, "v": v}, "steps": steps, "backward": "s"}
        )
    )
    assert result["x.grad"].tolist() == [6.0 * 1 * 2, 6.0 * 2 * 3]
    assert result["v.grad"].tolist() == [3.0, 12.0]


@pytest.mark.full
def test_a_compiled_run_takes_a_gradient_that_is_given():
    recipe = {
        "tensors": {"x": {"data": [1.0, 2.0], "requires_grad": True}},
        "steps": {"y": "x * x"},
        "backend": "aot_eager",
    }
    result = run_recipe(load_recipe({**recipe, "backward": {"target": "y", "gradient": [3.0, 5.0]}}))
    assert result["x.grad"].tolist() == [6.0, 20.0]
