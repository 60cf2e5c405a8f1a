"""What it costs to capture a model: its run under the tracer, the whole capture, loading what is captured."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import thread_time
from typing import Any, Final, cast

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

from benchmarks.figures import Effort, Figure, Side, ratio
from benchmarks.judging import one_thread
from tensorflow_free import Recipe, capture, load_recipe
from tensorflow_free.tracing.captured_recipe import CapturedRecipe, taken_of
from tensorflow_free.tracing.model_file import Subject
from tensorflow_free.tracing.origins import origins_of

LAYERS: Final = 12
WIDTH, HEADS, WORDS, BATCH, LENGTH = 64, 4, 100, 2, 16
"""Numbers of a token, heads of a layer, words that there are, sequences, and tokens of each."""

FEW_LAYERS, MANY_LAYERS = 6, 24

TRACE_PAIRS: Final = 100
WHOLE_PAIRS: Final = 20
LOAD_PAIRS: Final = 10


class Layer(nn.Module):
    """A layer of GPT-2."""

    def __init__(self) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attn, self.proj = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(approximate="tanh"), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The tokens behind the layer."""
        q, k, v = (
            part.view(*x.shape[:2], HEADS, -1).transpose(1, 2) for part in self.attn(self.ln_1(x)).split(WIDTH, 2)
        )
        heads = scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(heads.transpose(1, 2).contiguous().view_as(x))
        return x + cast("torch.Tensor", self.mlp(self.ln_2(x)))


class GPT2(nn.Module):
    """GPT-2 of small widths."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.wte, self.wpe = nn.Embedding(WORDS, WIDTH), nn.Embedding(LENGTH, WIDTH)
        self.h = nn.Sequential(*(Layer() for _ in range(layers)))
        self.ln_f, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, WORDS, bias=False)

    def forward(self, tokens: torch.Tensor) -> Any:
        """How likely each word is behind each token."""
        x = self.wte(tokens) + self.wpe(torch.arange(tokens.shape[1]))
        return self.head(self.ln_f(self.h(x)))


def traced(effort: Effort) -> Figure:
    """The model's forward run under the tracer, against its forward and backward run."""
    subject = _subject(effort.size_of(LAYERS))
    origins = origins_of(subject.function, subject.args, subject.kwargs)
    with one_thread():
        ours = Side(lambda _: taken_of(subject, origins, "public"), clock=thread_time)
        return ratio(ours, _own(subject), effort.pairs_of(TRACE_PAIRS), warm=effort.warm)


def whole(effort: Effort) -> Figure:
    """`capture` of the model, from the call to the proof, against its forward and backward run."""
    subject = _subject(effort.size_of(LAYERS))
    with one_thread():
        ours = Side(lambda _: _captured(subject), clock=thread_time)
        return ratio(ours, _own(subject), effort.pairs_of(WHOLE_PAIRS), warm=effort.warm)


def loaded(effort: Effort) -> Figure:
    """Loading the captured recipe of 24 layers, against loading that of 6 four times."""
    few = effort.size_of(FEW_LAYERS)
    times = MANY_LAYERS // FEW_LAYERS
    with TemporaryDirectory() as folder, one_thread():
        small, large = (_Written(layers, Path(folder, str(layers))) for layers in (few, times * few))
        ours, theirs = (
            Side(_load_all, prepare, clock=thread_time)
            for prepare in (lambda: [large.anew()], lambda: [small.anew() for _ in range(times)])
        )
        return ratio(ours, theirs, effort.pairs_of(LOAD_PAIRS), warm=effort.warm)


class _Written:
    """The recipe of a model of so many layers, written anew for each load, since the last few texts stay read."""

    def __init__(self, layers: int, folder: Path) -> None:
        folder.mkdir()
        self._path, *_ = _captured(_subject(layers)).write(folder)
        self._text = self._path.read_text(encoding="utf-8")
        self._made = 0

    def anew(self) -> Path:
        self._made += 1
        path = self._path.with_stem(f"captured_{self._made}")
        path.write_text(f"{self._text}# {self._made}\n", encoding="utf-8")
        gc.collect()
        return path


def _load_all(paths: Sequence[Path]) -> list[Recipe]:
    return [load_recipe(path) for path in paths]


def _subject(layers: int) -> Subject:
    torch.manual_seed(0)
    return Subject(GPT2(layers), (torch.randint(0, WORDS, (BATCH, LENGTH)),), {})


def _own(subject: Subject) -> Side:
    """The model's own run, forward and backward."""

    def run(_: Any) -> None:
        result = subject.call()
        result.backward(torch.ones_like(result))

    return Side(run, clock=thread_time)


def _captured(subject: Subject) -> CapturedRecipe:
    found = capture(subject.function, *subject.args)
    if not found.proof.holds:
        message = f"what is timed is not proven: {found.proof.words()}"
        raise AssertionError(message)
    return found
