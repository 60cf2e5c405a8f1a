"""What rows of the check ask of plain PyTorch, in a process of its own: `plain_torch.py QUESTION DEVICE` prints JSON."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import torch

from tensorflow_free import load_recipe, run_recipe

QUESTIONS = {}


def question(function):
    QUESTIONS[function.__name__] = function
    return function


@question
def seeds(device: str) -> Any:
    """Whether a run restores the streams of the device and of the CPU, and draws the same twice on `device:0`."""
    recipe = {"tensors": {"x": [1.0] * 64}, "steps": {"y": {"op": "F.dropout", "args": ["x"]}}, "device": f"{device}:0"}
    module = getattr(torch, device)
    module.init() if hasattr(module, "init") else None
    before = [torch.get_rng_state(), *(module.get_rng_state(index) for index in range(module.device_count()))]
    one, other = (run_recipe(load_recipe(recipe))["y"] for _ in range(2))
    after = [torch.get_rng_state(), *(module.get_rng_state(index) for index in range(module.device_count()))]
    return {
        "same": torch.equal(one, other),
        "restored": all(map(torch.equal, before, after)),
        "devices": len(after) - 1,
    }


@question
def tf32(device: str) -> Any:
    """The largest error of a product and a convolution, by the switches of TF32, in shares of float32's epsilon."""
    torch.manual_seed(0)
    a, b = torch.randn(2, 512, 512).double()
    image, kernel = torch.randn(1, 64, 32, 32).double(), torch.randn(64, 64, 3, 3).double()
    found = {"default matmul": torch.backends.cuda.matmul.allow_tf32, "default conv": torch.backends.cudnn.allow_tf32}
    for word, is_on in (("off", False), ("on", True)):
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = is_on
        for name, function, operands in (("matmul", torch.mm, (a, b)), ("conv", torch.conv2d, (image, kernel))):
            exact = function(*operands)
            there = function(*(one.float().to(device) for one in operands)).cpu().double()
            found[f"{name} {word}"] = ((there - exact).abs().max() / exact.abs().max()).item() / torch.finfo(
                torch.float32
            ).eps
    return found


@question
def timings(device: str) -> Any:
    """Seconds of a chain of 100 small ops and of a large product: run_recipe's, and the same Python's."""
    chain = {f"h{k}": f"{f'h{k - 1}' if k else 'x'} * 1.01" for k in range(100)}
    recipes = {
        "100 small ops": {"tensors": {"x": [1.0]}, "steps": chain, "device": device},
        "product of 2048": {
            "tensors": {"x": {"init": "randn", "size": [2048, 2048]}},
            "steps": {"y": {"op": "mm", "args": ["x", "x"]}},
            "device": device,
            "record": [],
        },
    }

    def small() -> None:
        h, kept = torch.ones(1, device=device), []
        kept.extend(h := h * 1.01 for _ in range(100))

    def product() -> None:
        torch.manual_seed(0)
        x = torch.randn(2048, 2048).to(device)
        torch.mm(x, x)

    found = {}
    for (name, recipe), plain in zip(recipes.items(), (small, product), strict=True):
        loaded = load_recipe(recipe)
        found[name] = {
            "run_recipe": best(lambda loaded=loaded: run_recipe(loaded), device),
            "plain": best(plain, device),
        }
    return found


def best(function, device: str) -> float:
    """The shortest of five runs in seconds, the first not counted; the device is waited for."""
    wait = getattr(getattr(torch, device.partition(":")[0], None), "synchronize", lambda: None)
    seconds = []
    for _ in range(6):
        begun = time.perf_counter()
        function()
        wait()
        seconds.append(time.perf_counter() - begun)
    return min(seconds[1:])


if __name__ == "__main__":
    print(json.dumps(QUESTIONS[sys.argv[1]](sys.argv[2])))
