"""What `run_recipe` adds to the ops of a small recipe: drawing, recording, and putting the process back as it was."""

from __future__ import annotations

from typing import Any, Final

import torch

from benchmarks.chains import chain, compiled_source, python_source
from benchmarks.figures import Effort, Figure, Side, excess
from tensorflow_free import load_recipe, run_recipe

STEPS: Final = 10
PAIRS: Final = 500


def forward(effort: Effort) -> Figure:
    """A recipe of ten steps, all values recorded, against its ops alone."""
    return excess(_ours({}), _ops(backward=False), effort.pairs_of(PAIRS))


def backward(effort: Effort) -> Figure:
    """The same with a backward pass, every step's gradient kept, against its ops and the pass alone."""
    return excess(_ours({"backward": f"s{STEPS - 1}"}), _ops(backward=True), effort.pairs_of(PAIRS))


def _ours(more: dict[str, Any]) -> Side:
    tensors = {"x": 0.5, "w": {"data": 0.75, "requires_grad": bool(more)}}
    recipe = load_recipe({**chain(STEPS, "all", tensors), **more})
    return Side(lambda _: run_recipe(recipe))


def _ops(*, backward: bool) -> Side:
    run = compiled_source(python_source(STEPS, keep=True))
    x = torch.tensor(0.5)

    def act(w: torch.Tensor) -> list[torch.Tensor]:
        values: list[torch.Tensor] = run(x, w)
        if backward:
            values[-1].backward()  # type: ignore[no-untyped-call]
        return values

    return Side(act, lambda: torch.tensor(0.75, requires_grad=backward))
