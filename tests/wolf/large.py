"""Right cells of large sizes, of many steps and of many rounds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from tests.wolf.cells import DTYPES, Cell

Mapping = dict[str, Any]

WEIGHTED: Final = {"target": "y", "gradient": "g"}


def randn(*size: int, grad: bool = True, **more: Any) -> Mapping:
    """A start of normally distributed numbers."""
    return {"init": "randn", "size": list(size), "requires_grad": grad, **more}


def of_step(step: Any, tensors: Mapping, like: Sequence[int]) -> Mapping:
    """A recipe of one step `y`, and a backward pass from it with random gradients of this size."""
    return {"tensors": {**tensors, "g": randn(*like, grad=False)}, "steps": {"y": step}, "backward": WEIGHTED}


def deep(steps: int) -> Mapping:
    """Many steps one after another, each of which keeps the size of the numbers."""
    turns = (
        "{} @ w + b",
        "{}.tanh() * 1.5",
        "F.layer_norm({}, [32])",
        "F.gelu({}) + {} * 0.5",
        "{} - {}.mean(-1, True)",
    )
    made, last = {}, "x"
    for position in range(steps):
        made[f"s{position}"] = turns[position % len(turns)].replace("{}", last)
        last = f"s{position}"
    tensors = {"x": randn(16, 32), "w": {"init": "orthogonal", "size": [32, 32], "requires_grad": True}, "b": randn(32)}
    return {"tensors": tensors, "steps": {**made, "loss": f"({last} * {last}).mean()"}, "backward": "loss"}


def training(rounds: int) -> Mapping:
    """Gradient descent on a network with a hidden layer, with momentum, its gradients from autograd."""
    update: Mapping = {}
    for name in "abc":
        update[f"{name}_decayed"] = {"op": "mul_", "args": [f"m{name}", 0.9]}
        update[f"{name}_gathered"] = {"op": "add_", "args": [f"m{name}", f"{name}.grad"]}
        update[f"{name}_moved"] = {"op": "sub_", "args": [name, f"m{name}"], "kwargs": {"alpha": 0.05}}
        update[f"{name}_cleared"] = {"op": "zero_", "args": [f"{name}.grad"]}
    body = {
        "h": "F.gelu(x @ a + b)",
        "wrong": "h @ c - t",
        "loss": "(wrong * wrong).mean()",
        "slopes": {"op": "backward", "args": ["loss"]},
        "update": {"with": "no_grad", "steps": update},
    }
    sizes = {"a": [8, 16], "b": [16], "c": [16, 2]}
    tensors = {
        "x": randn(32, 8, grad=False),
        "t": randn(32, 2, grad=False),
        **{name: {"init": "normal", "std": 0.3, "size": size, "requires_grad": True} for name, size in sizes.items()},
        **{f"m{name}": {"init": "zeros", "size": size} for name, size in sizes.items()},
    }
    return {"tensors": tensors, "steps": {"train": {"repeat": rounds, "steps": body, "trace": ["loss"]}}}


def by_hand(rounds: int) -> Mapping:
    """Gradient descent on a linear model, the gradient worked out by hand, the weights changed in place."""
    body = {
        "wrong": "x @ w - t",
        "slope": "x.T @ wrong / 64",
        "moved": "w.sub_(slope * 0.1)",
        "loss": "(wrong * wrong).mean()",
    }
    tensors = {"x": randn(64, 16, grad=False), "t": randn(64, 4, grad=False), "w": {"init": "zeros", "size": [16, 4]}}
    return {"tensors": tensors, "steps": {"train": {"repeat": rounds, "steps": body, "trace": ["loss"]}}}


def recurrence(rounds: int) -> Mapping:
    """A recurrent layer that reads one input again and again, and the gradient back through all rounds."""
    tensors = {
        "x": randn(8, 16),
        "h": randn(8, 16),
        "b": randn(16),
        "g": randn(8, 16, grad=False),
        **{name: {"init": "xavier_normal", "size": [16, 16], "requires_grad": True} for name in "uv"},
    }
    scan = {"repeat": rounds, "steps": {"after": "(x @ u + h @ v + b).tanh()"}, "carry": {"h": "after"}}
    return {"tensors": tensors, "steps": {"scan": scan}, "backward": {"target": "after", "gradient": "g"}}


def transformer_block(length: int, width: int, heads: int) -> Mapping:
    """A block of GPT-2: norm, attention, norm, two layers with GELU, each beside a shortcut."""
    head = width // heads
    split = f".view({length}, {heads}, {head}).transpose(0, 1)"
    steps = {
        "n1": f"F.layer_norm(x, [{width}], w1, b1)",
        "qkv": "n1 @ wqkv",
        "q": f"qkv[:, :{width}]{split}",
        "k": f"qkv[:, {width}:{2 * width}]{split}",
        "v": f"qkv[:, {2 * width}:]{split}",
        "heads": "F.scaled_dot_product_attention(q, k, v, is_causal=True)",
        "merged": f"heads.transpose(0, 1).reshape({length}, {width})",
        "r1": "x + merged @ wo",
        "n2": f"F.layer_norm(r1, [{width}], w2, b2)",
        "y": "r1 + F.gelu(n2 @ wi) @ wp",
    }
    small = {"init": "normal", "std": 0.05, "requires_grad": True}
    sizes = {"wqkv": [width, 3 * width], "wo": [width, width], "wi": [width, 4 * width], "wp": [4 * width, width]}
    tensors = {
        "x": randn(length, width),
        "g": randn(length, width, grad=False),
        **{name: {**small, "size": size} for name, size in sizes.items()},
        **{name: {"init": "ones", "size": [width], "requires_grad": True} for name in ("w1", "w2")},
        **{name: {"init": "zeros", "size": [width], "requires_grad": True} for name in ("b1", "b2")},
    }
    return {"tensors": tensors, "steps": steps, "backward": WEIGHTED}


MILLION: Final = {"x": {"init": "rand", "size": [10**6], "requires_grad": True}}
SIGNED: Final = {"x": randn(10**6)}
CLASSES: Final = {"x": randn(16, 50_000), "t": {"init": "randint", "high": 50_000, "size": [16]}}

LARGE: Final[dict[str, Mapping]] = {
    "matmul 1024": of_step("a @ b", {"a": randn(1024, 1024), "b": randn(1024, 1024)}, [1024, 1024]),
    "sum of a million": {"tensors": MILLION, "steps": {"y": "x.sum()"}, "backward": "y"},
    "sum of a million that cancels": {"tensors": SIGNED, "steps": {"y": "x.sum()"}, "backward": "y"},
    "mean of a million squares": {"tensors": SIGNED, "steps": {"y": "(x * x).mean()"}, "backward": "y"},
    "deviation of a million": {"tensors": MILLION, "steps": {"y": "x.std()"}, "backward": "y"},
    "norm of a million": {"tensors": SIGNED, "steps": {"y": "x.norm()"}, "backward": "y"},
    "softmax of a million": of_step("x.softmax(0)", MILLION, [10**6]),
    "logsumexp of a million": {"tensors": SIGNED, "steps": {"y": "x.logsumexp(0)"}, "backward": "y"},
    "cumsum of a million": of_step("x.cumsum(0)", SIGNED, [10**6]),
    "mean of a million sigmoids": {"tensors": SIGNED, "steps": {"s": "x.sigmoid()", "y": "s.mean()"}, "backward": "y"},
    "attention 2048": of_step(
        "F.scaled_dot_product_attention(q, k, v)", {name: randn(1, 2, 2048, 64) for name in "qkv"}, [1, 2, 2048, 64]
    ),
    "attention 2048 by hand": {
        "tensors": {**{name: randn(2048, 64) for name in "qkv"}, "g": randn(2048, 64, grad=False)},
        "steps": {"s": "q @ k.T / 8", "p": "s.softmax(-1)", "y": "p @ v"},
        "backward": WEIGHTED,
    },
    "layer norm 4096": of_step("F.layer_norm(x, [4096], w, b)", {"x": randn(64, 4096), "w": randn(4096), "b": randn(4096)}, [64, 4096]),
    "layer norm 4096 off centre": of_step("F.layer_norm(x, [4096])", {"x": {"init": "normal", "size": [64, 4096], "mean": 100.0, "requires_grad": True}}, [64, 4096]),
    "rms norm 4096": of_step("F.rms_norm(x, [4096], w)", {"x": randn(64, 4096), "w": randn(4096)}, [64, 4096]),
    "batch norm 65536": of_step("F.batch_norm(x, null, null, w, b, true)", {"x": randn(16, 8, 64, 64), "w": randn(8), "b": randn(8)}, [16, 8, 64, 64]),
    "convolution of 64 channels": of_step("F.conv2d(x, w, b, 1, 1)", {"x": randn(2, 64, 28, 28), "w": randn(64, 64, 3, 3), "b": randn(64)}, [2, 64, 28, 28]),
    "cross entropy of 50,000 classes": {"tensors": CLASSES, "steps": {"y": "F.cross_entropy(x, t)"}, "backward": "y"},
    "embedding read 20,000 times": of_step("F.embedding(t, w)", {"t": {"init": "randint", "high": 100, "size": [20_000]}, "w": randn(100, 16)}, [20_000, 16]),
    "fft of 65,536": of_step("torch.fft.rfft(x).abs()", {"x": randn(65_536)}, [32_769]),
    "200 steps deep": deep(200),
    "50 rounds of a linear model by hand": by_hand(50),
    "50 rounds of training": training(50),
    "50 rounds of a recurrence": recurrence(50),
    "block of GPT-2": transformer_block(128, 256, 4),
    "sorted million": of_step("x.sort().values", SIGNED, [10**6]),
    "solve 200": of_step({"op": "torch.linalg.solve", "args": ["a", "b"]}, {"a": randn(200, 200), "b": randn(200, 3)}, [200, 3]),
    "matmul 4096": of_step("a @ b", {"a": randn(4096, 4096), "b": randn(4096, 4096)}, [4096, 4096]),
}  # fmt: skip


def cells(part: str, every: int, overrides: Sequence[str] = (), dtypes: Sequence[str] = DTYPES) -> Iterator[Cell]:
    """Every so many-th of them."""
    for name in list(LARGE)[::every]:
        for dtype in dtypes:
            yield Cell(part, name, dtype, LARGE[name], tuple(overrides))
