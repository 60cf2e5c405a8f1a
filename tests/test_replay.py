"""Random steps are drawn again: what lies behind them is judged, in every dtype."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from tensorflow_free import load_recipe, register_op, run_recipe
from tensorflow_free.cell import reference
from tensorflow_free.cell.reference import yardstick_of
from tensorflow_free.cell.yardstick import KeptRuns
from tensorflow_free.loading import plan_of
from tensorflow_free.ops.schemas import overloads
from tensorflow_free.registry import find, names
from tensorflow_free.replay.draws import full_name, redraw_of
from tensorflow_free.replay.noting import noting_draws
from tensorflow_free.runner import run

LOW = ("float32", "bfloat16", "float16")
X = {"init": "randn", "size": [8, 8], "requires_grad": True}
DROPOUT = {
    "tensors": {"x": X},
    "steps": {
        "d": {"op": "F.dropout", "args": ["x", 0.3, True]},
        "s": {"op": "sigmoid", "args": ["d"]},
        "loss": {"op": "sum", "args": ["s"]},
    },
    "backward": "loss",
}


def judged(recipe, *overrides):
    """The comparison of a cell."""
    loaded = load_recipe(recipe, overrides)
    return yardstick_of(recipe, overrides, loaded, KeptRuns()).compare(run_recipe(loaded))


def outcomes(recipe, *overrides):
    return {one.name: one.outcome for one in judged(recipe, *overrides).values}


def well(recipe, *overrides):
    """Whether every value of a cell is compared, and none is bad."""
    comparison = judged(recipe, *overrides)
    assert comparison.not_comparable == 0, [one.name for one in comparison.values if one.outcome == "not comparable"]
    assert not comparison.bad, [one.name for one in comparison.bad]
    return True


class Dropping(torch.autograd.Function):
    """A dropout whose two directions are scaled apart, or do nothing."""

    @staticmethod
    def forward(ctx, input, p, forth, back):
        mask = torch.empty_like(input).bernoulli_(1 - p)
        ctx.scale = mask if back is None else mask * back
        return input.clone() if forth is None else input * mask * forth

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.scale, None, None, None


def backward_only(input: torch.Tensor, p: float, training: bool) -> torch.Tensor:
    class Only(torch.autograd.Function):
        @staticmethod
        def forward(ctx, one):
            return one.clone()

        @staticmethod
        def backward(ctx, gradient):
            return F.dropout(gradient, p, training)

    return Only.apply(input)


OWN = {
    "right": lambda x, p, training: Dropping.apply(x, p, 1 / (1 - p), 1 / (1 - p)),
    "of_ones": lambda x, p, training: x * F.dropout(torch.ones_like(x), p, training),
    "unscaled": lambda x, p, training: Dropping.apply(x, p, 1.0, 1.0),
    "twice": lambda x, p, training: Dropping.apply(x, p, (1 - p) ** -2, (1 - p) ** -2),
    "forgets_p": lambda x, p, training: F.dropout(x, 0.5, training),
    "drops_none": lambda x, p, training: x.clone(),
    "unscaled_backward": lambda x, p, training: Dropping.apply(x, p, 1 / (1 - p), 1.0),
    "other_stream": lambda x, p, training: x * (torch.rand_like(x) >= p) / (1 - p),
    "of_numpy": lambda x, p, training: x * torch.from_numpy(np.random.rand(*x.shape) >= p) / (1 - p),  # noqa: NPY002
    "by_rows": lambda x, p, training: x * torch.empty_like(x[:, :1]).bernoulli_(1 - p) / (1 - p),
    "seeds_anew": lambda x, p, training: F.dropout(x, p, bool(training and torch.manual_seed(5))),
    "own_generator": lambda x, p, training: (
        x * torch.empty_like(x).bernoulli_(1 - p, generator=torch.Generator().manual_seed(3)) / (1 - p)
    ),
}


@pytest.fixture(autouse=True, scope="module")
def _own_ops():
    def typed(made):
        def dropout(input: torch.Tensor, p: float, training: bool) -> torch.Tensor:
            return made(input, p, training)

        return dropout

    for name, made in {**OWN, "backward_only": backward_only}.items():
        register_op(f"replayed.{name}", typed(made), replace=True)
    register_op("replayed.five", five, replace=True)
    register_op("replayed.turned", turned, replace=True)
    register_op("replayed.checkpointed", checkpointed, replace=True)


def five(input: torch.Tensor) -> torch.Tensor:
    """A sigmoid that is wrong."""
    return input * 0 + 5


def turned(input: torch.Tensor) -> torch.Tensor:
    """Coins of the other chance."""
    return torch.bernoulli(1 - input)


def with_own(name):
    return {**DROPOUT, "reference": {"steps.d.op": "F.dropout"}}, f"steps.d.op=replayed.{name}"


@pytest.mark.parametrize("dtype", LOW)
def test_a_wrong_step_behind_a_dropout_is_a_mismatch(dtype):
    recipe = {**DROPOUT, "reference": {"steps.s.op": "sigmoid"}}
    comparison = judged(recipe, "steps.s.op=replayed.five", f"dtype={dtype}")
    assert comparison.where.value == "s"
    assert comparison.not_comparable == 0


@pytest.mark.parametrize("dtype", LOW)
@pytest.mark.parametrize("name", ["unscaled", "twice", "forgets_p", "drops_none", "unscaled_backward", "backward_only"])
def test_a_wrong_dropout_of_ones_own_is_a_mismatch(name, dtype):
    recipe, override = with_own(name)
    found = outcomes(recipe, override, f"dtype={dtype}")
    assert found["x.grad" if name == "unscaled_backward" else "d"] == "mismatch"
    assert "not comparable" not in found.values()


@pytest.mark.parametrize("dtype", LOW)
def test_coins_of_a_wrong_chance_are_a_mismatch(dtype):
    recipe = {"tensors": {"x": {"init": "rand", "size": [50]}}, "steps": {"b": "torch.bernoulli(x)"}}
    other = {"reference": {"steps.b.op": "bernoulli"}}
    assert (
        outcomes({**recipe, **other}, "steps.b={op: replayed.turned, args: [x]}", f"dtype={dtype}")["b"] == "mismatch"
    )


@pytest.mark.parametrize("dtype", [*LOW, "float64"])
@pytest.mark.parametrize("name", ["right", "of_ones"])
def test_a_right_dropout_of_ones_own_is_no_alarm(name, dtype):
    recipe, override = with_own(name)
    assert well(recipe, override, f"dtype={dtype}")


@pytest.mark.parametrize("name", ["right", "own_generator", "seeds_anew", "other_stream"])
def test_an_op_of_ones_own_that_is_its_own_reference_is_drawn_again(name):
    assert well(DROPOUT, f"steps.d.op=replayed.{name}", "dtype=bfloat16")


def test_a_dropout_with_a_seed_is_held_against_one_with_that_seed():
    recipe = {**with_own("right")[0], "steps": {**DROPOUT["steps"], "d": {**DROPOUT["steps"]["d"], "seed": 7}}}
    assert well(recipe, "steps.d.op=replayed.right", "dtype=bfloat16")
    found = [outcomes(recipe, f"steps.d.op=replayed.{name}") for name in ("seeds_anew", "unscaled", "drops_none")]
    assert [one["d"] for one in found] == ["not comparable", "mismatch", "mismatch"]


@pytest.mark.parametrize("name", ["other_stream", "of_numpy", "own_generator", "seeds_anew", "by_rows"])
def test_a_dropout_that_draws_otherwise_is_not_comparable(name):
    recipe, override = with_own(name)
    found = outcomes(recipe, override)
    assert found == {**dict.fromkeys(found, "not comparable"), "loss.grad": "ok", "s.grad": "ok"}
    told = "it cannot be compared: it is downstream of d, whose random numbers its reference cannot draw again"
    assert judged(recipe, override)["s"].reason == told


# forms

W = {"init": "randn", "size": [8, 8], "requires_grad": True}
BIG = {"init": "randn", "size": [40, 64], "requires_grad": True}
ROUNDS = {"repeat": 4, "carry": {"h": "h_next"}, "steps": {"d": "F.dropout(h, 0.3)", "h_next": "torch.tanh(d @ w)"}}
TRAINED = {
    "d": "F.dropout(x, 0.3)",
    "l": "((d @ w) ** 2).mean()",
    "b": {"op": "backward", "args": ["l"]},
    "u": {
        "with": "no_grad",
        "steps": {
            "moved": {"op": "sub_", "args": ["w", "w.grad"], "kwargs": {"alpha": 0.01}},
            "none": {"op": "zero_", "args": ["w.grad"]},
        },
    },
}
AUTOCAST = {
    "with": {"autocast": {"dtype": "bfloat16"}},
    "steps": {"h": "x @ w", "d": "F.dropout(h, 0.3)", "e": "d @ w"},
}
FORMS = {
    "blocks": {"b": {"with": "no_grad", "steps": {"d": "F.dropout(x, 0.3)", "e": "d.exp()"}}, "y": "e * x"},
    "rounds": {"h": "x * 1", "r": {**ROUNDS, "trace": ["d", "h_next"]}, "y": "h_next * 1"},
    "training": {"t": {"repeat": 4, "steps": TRAINED}, "y": "x @ w"},
    "in place": {
        "c": "x * 2",
        "d": {"op": "F.dropout", "args": ["c", 0.3, True, True]},
        "e": "d.cos()",
        "f": {"op": "F.alpha_dropout", "args": ["e", 0.2, True, True]},
        "y": "e * 1",
    },
    "views": {"d": "F.dropout(x.t(), 0.3)", "e": "F.dropout(x[:, ::2], 0.4)", "y": "F.dropout(x.expand(3, 8, 8), 0.4)"},
    "filled views": {
        "z": "x.detach() * 0",
        "a": "z.t().normal_()",
        "v": "z[:, ::2]",
        "b": {"op": "uniform_", "args": ["v"]},
        "y": "z * x",
    },
    "seeds": {"d": {"op": "F.dropout", "args": ["x", 0.3], "seed": 3}, "e": "F.dropout(x)", "y": "d * e"},
    "second derivative": {
        "d": "F.dropout(x, 0.3)",
        "s": "(d ** 3).sum()",
        "g": {"op": "grad", "args": ["s", "x"], "kwargs": {"create_graph": True}},
        "y": "g ** 2",
    },
    "masks of zeros": {"r": "F.relu(big)", "d": "F.dropout(r, 0.1)", "y": "F.layer_norm(d, [64])"},
    "draws by operands": {
        "p": "torch.sigmoid(big * 3)",
        "b": "torch.bernoulli(p)",
        "q": "torch.poisson(p * 5)",
        "y": "b * p + q",
    },
    "regions": {"i": "big.view(1, 4, 10, 64)", "y": "F.fractional_max_pool2d(i, 2, output_ratio=(0.6, 0.7))"},
    "attention": {"q": "big.view(1, 2, 20, 64)", "y": "F.scaled_dot_product_attention(q, q, q, dropout_p=0.2)"},
    "autocast": {"b": AUTOCAST, "y": "e * 1"},
    "checkpoints": {"y": {"op": "replayed.checkpointed", "args": ["x", 0.3]}},
}


def checkpointed(input: torch.Tensor, p: float) -> torch.Tensor:
    """A dropout that is drawn again in the backward pass."""
    return checkpoint(lambda one: F.dropout(one.sin(), p).exp(), input, use_reentrant=False)


@pytest.mark.parametrize("dtype", [*LOW, "float64"])
@pytest.mark.parametrize("form", FORMS)
def test_no_form_of_a_random_step_is_an_alarm(form, dtype):
    recipe = {"tensors": {"x": X, "w": W, "big": BIG}, "steps": {**FORMS[form], "loss": "y.sum()"}, "backward": "loss"}
    assert well(recipe, f"dtype={dtype}")


@pytest.mark.parametrize("other", [{"inputs": "original"}, {"dtype": "float32"}, {"seed": 5}])
def test_every_reference_draws_what_the_cell_drew(other):
    assert well({**DROPOUT, "reference": other}, "dtype=bfloat16")


def test_checks_draw_again():
    checks = {"r": {"op": "rand", "args": [[5]]}, "e": {"op": "F.dropout", "args": ["s", 0.5]}}
    assert well({**DROPOUT, "checks": checks}, "dtype=float32")


@pytest.mark.parametrize("op", ["sin", "replayed.five"])
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_a_gradient_that_is_drawn_is_the_cells_also_behind_an_op_of_ones_own_that_draws_nothing(backend, op):
    recipe = {
        "tensors": {"x": X},
        "steps": {"h": {"op": op, "args": ["x"]}, "y": "h + x.sin()"},
        "backward": {"target": "y", "gradient": {"init": "randn"}},
    }
    assert well(recipe, "dtype=float32", f"backend={backend}")


# costs


def runs_of(monkeypatch, recipe, *overrides):
    """How often a recipe runs for the reference of a cell, nudged runs aside."""
    counted = []
    monkeypatch.setattr(reference, "run", lambda plan, **given: counted.append(plan) or run(plan, **given))
    judged(recipe, *overrides)
    return len(counted)


def test_what_is_replayed_costs_one_run_and_what_draws_nothing_none(monkeypatch):
    off = {**DROPOUT, "steps": {**DROPOUT["steps"], "d": "F.scaled_dot_product_attention(x, x, x)"}}
    still = {**DROPOUT, "steps": {**DROPOUT["steps"], "d": "F.dropout(x, 0.3, False)"}}
    assert runs_of(monkeypatch, DROPOUT) == 2
    assert [runs_of(monkeypatch, one) for one in (off, still)] == [1, 1]


def test_noting_changes_no_number():
    plan = plan_of(load_recipe(DROPOUT, ["dtype=bfloat16"]))
    noted, plain = run(noting_draws(plan)[0])[0], run(plan)[0]
    assert all(torch.equal(noted[name], plain[name]) for name in plain.records)


# every random op

T = {"init": "rand", "size": [4, 6, 8], "requires_grad": True}
IMAGES = {"init": "randn", "size": [2, 3, 6, 6], "requires_grad": True}
LSTM = {
    "tensors": {
        "x": {"init": "randn", "size": [5, 2, 3], "requires_grad": True},
        "h": {"init": "zeros", "size": [2, 2, 4]},
        "c": {"init": "zeros", "size": [2, 2, 4]},
    }
}


def weights(gates):
    sizes = [
        [4 * gates, 3],
        [4 * gates, 4],
        [4 * gates],
        [4 * gates],
        [4 * gates, 4],
        [4 * gates, 4],
        [4 * gates],
        [4 * gates],
    ]
    return {f"w{number}": {"init": "randn", "size": size, "requires_grad": True} for number, size in enumerate(sizes)}


def recurrent(op, gates):
    tensors = {
        "x": {"init": "randn", "size": [5, 2, 3], "requires_grad": True},
        "h": {"init": "zeros", "size": [2, 2, 4]},
    }
    if op == "lstm":
        tensors["c"] = tensors["h"]
    state = ["h", "c"] if op == "lstm" else "h"
    y = {"op": op, "args": ["x", state, list(weights(gates)), True, 2, 0.5, True, False, False]}
    return {"tensors": {**tensors, **weights(gates)}, "steps": {"r": y, "y": "r[0] * 1"}}


def one(op, *args, x=T, changed=False, more=None, **kwargs):
    """A recipe of one random step; of a copy where the step changes its operand."""
    first = {"c": "x * 1"} if changed else {}
    args = ["c" if changed and one == "x" else one for one in args]
    return {"tensors": {"x": x, **(more or {})}, "steps": {**first, "y": {"op": op, "args": args, "kwargs": kwargs}}}


SAMPLES = {
    "alpha_dropout": one("alpha_dropout", "x", 0.3, True),
    "bernoulli": one("bernoulli", "x"),
    "bernoulli_": one("bernoulli_", "x", 0.3, changed=True),
    "binomial": one("binomial", "n", "x", more={"n": {"init": "full", "size": [4, 6, 8], "fill_value": 9.0}}),
    "cauchy_": one("cauchy_", "x", changed=True),
    "dropout": one("dropout", "x", 0.3, True),
    "exponential_": one("exponential_", "x", changed=True),
    "feature_alpha_dropout": one("feature_alpha_dropout", "x", 0.3, True),
    "feature_dropout": one("feature_dropout", "x", 0.3, True),
    "geometric_": one("geometric_", "x", 0.3, changed=True),
    "gru": recurrent("gru", 3),
    "lobpcg": one("lobpcg", "m", 2, niter=3, more={"m": np.diag(np.arange(1.0, 10.0)).tolist()}),
    "log_normal_": one("log_normal_", "x", changed=True),
    "lstm": recurrent("lstm", 4),
    "multinomial": one("multinomial", "m", 3, more={"m": {"init": "rand", "size": [4, 5]}}),
    "native_dropout": one("native_dropout", "x", 0.3, True),
    "nn.functional.alpha_dropout": one("F.alpha_dropout", "x", 0.3, True),
    "nn.functional.dropout": one("F.dropout", "x", 0.3, True),
    "nn.functional.dropout1d": one("F.dropout1d", "x", 0.3, True),
    "nn.functional.dropout2d": one("F.dropout2d", "x", 0.3, True, x=IMAGES),
    "nn.functional.dropout3d": one("F.dropout3d", "x", 0.3, True, x={**IMAGES, "size": [2, 3, 2, 2, 2]}),
    "nn.functional.feature_alpha_dropout": one("F.feature_alpha_dropout", "x", 0.3, True),
    "nn.functional.fractional_max_pool2d": one("F.fractional_max_pool2d", "x", 2, output_size=3, x=IMAGES),
    "nn.functional.fractional_max_pool2d_with_indices": one(
        "F.fractional_max_pool2d_with_indices", "x", 2, output_size=3, x=IMAGES
    ),
    "nn.functional.fractional_max_pool3d": one(
        "F.fractional_max_pool3d", "x", 2, output_size=2, x={**IMAGES, "size": [2, 3, 4, 4, 4]}
    ),
    "nn.functional.fractional_max_pool3d_with_indices": one(
        "F.fractional_max_pool3d_with_indices", "x", 2, output_size=2, x={**IMAGES, "size": [2, 3, 4, 4, 4]}
    ),
    "nn.functional.gumbel_softmax": one("F.gumbel_softmax", "x", 0.7),
    "nn.functional.multi_head_attention_forward": one(
        "F.multi_head_attention_forward",
        "x",
        "x",
        "x",
        8,
        2,
        "w",
        None,
        None,
        None,
        False,
        0.4,
        "o",
        None,
        True,
        more={"w": {"init": "randn", "size": [24, 8]}, "o": {"init": "randn", "size": [8, 8]}},
    ),
    "nn.functional.rrelu": one("F.rrelu", "x", training=True, x=IMAGES),
    "nn.functional.rrelu_": one("F.rrelu_", "x", 0.1, 0.3, True, x=IMAGES, changed=True),
    "nn.functional.scaled_dot_product_attention": one("F.scaled_dot_product_attention", "x", "x", "x", dropout_p=0.3),
    "normal": one("normal", "x", "x"),
    "normal_": one("normal_", "x", changed=True),
    "pca_lowrank": one("pca_lowrank", "x", 2),
    "poisson": one("poisson", "x"),
    "rand": one("rand", [3, 4]),
    "rand_like": one("rand_like", "x"),
    "randint": one("randint", 3, 9, [7]),
    "randint_like": one("randint_like", "x", 3, 9),
    "randn": one("randn", [3, 4]),
    "randn_like": one("randn_like", "x"),
    "random_": one("random_", "x", changed=True),
    "randperm": one("randperm", 9),
    "rnn_relu": recurrent("rnn_relu", 1),
    "rnn_tanh": recurrent("rnn_tanh", 1),
    "rrelu": one("rrelu", "x", 0.1, 0.3, True, x=IMAGES),
    "svd_lowrank": one("svd_lowrank", "x", 2),
    "uniform_": one("uniform_", "x", changed=True),
}
"""A recipe for each random op of the registry, in which it draws."""

NO_KERNEL = {
    "lobpcg": {"bfloat16", "float16"},
    "binomial": {"bfloat16", "float16"},
    "nn.functional.rrelu": {"float16"},
    "nn.functional.rrelu_": {"float16"},
    "pca_lowrank": {"bfloat16", "float16"},
    "rrelu": {"float16"},
    "svd_lowrank": {"bfloat16", "float16"},
}


def test_every_random_op_has_a_sample():
    assert {name for name in names() if find(name).random} == set(SAMPLES)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_random_op_is_drawn_again(name):
    for dtype in LOW:
        if dtype not in NO_KERNEL.get(name, ()):
            plan, drawn = noting_draws(plan_of(load_recipe(SAMPLES[name], [f"dtype={dtype}"])))
            run(plan)
            assert [draw for visits in drawn.visits.values() for one in visits for draw in one.draws]
            assert well(SAMPLES[name], f"dtype={dtype}")


def test_every_op_of_aten_that_draws_can_draw_again():
    seen = {"redrawn": set(), "composed": set(), "elsewhere": set(), "left": set()}
    for name, overload in overloads():
        op = getattr(getattr(torch.ops.aten, name), overload or "default")
        if torch.Tag.nondeterministic_seeded in op.tags:
            seen[kind_of(op)].add(full_name(op))
    assert seen["left"] == CPU_LEFT | OTHER_DEVICES
    assert len(seen["redrawn"]) >= 98


def kind_of(op):
    """Whether an overload draws again, is made of others that do, has no kernel on a CPU, or none of it."""
    if redraw_of(op) is not None:
        return "redrawn"
    kernels = ("CompositeImplicitAutograd", "CompositeExplicitAutograd", "CPU")
    composed, explicit, own = (torch._C._dispatch_has_kernel_for_dispatch_key(op.name(), one) for one in kernels)
    return "composed" if composed else "left" if explicit or own else "elsewhere"


CPU_LEFT = {
    # the choice of a kernel, and attention that is given no dropout: they draw nothing
    "_fused_sdp_choice.default",
    "_scaled_dot_product_flash_attention_for_cpu.default",
    # what it drew is told as not comparable
    "native_dropout.out",
}
OTHER_DEVICES = {
    "_cudnn_init_dropout_state.out",
    "_cudnn_rnn.out",
    "_fused_dropout.out",
    "_lstm_mps.out",
    "_scaled_dot_product_fused_attention_overrideable.default",
    "_triton_scaled_dot_attention.out",
    "miopen_rnn.out",
}
