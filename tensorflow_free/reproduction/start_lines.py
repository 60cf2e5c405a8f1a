"""Starting tensors as lines of plain PyTorch that make the same bits: literals, seeded draws, or a file beside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import torch

from tensorflow_free.judging.as_tensors import same_bits
from tensorflow_free.plan.plan import Plan
from tensorflow_free.reproduction.absent_devices import made_here, start_here
from tensorflow_free.reproduction.init_texts import init_text
from tensorflow_free.reproduction.python_words import python_of
from tensorflow_free.runner import starts_of
from tensorflow_free.tensors.inits import INITS, LIKE
from tensorflow_free.tensors.starting_tensors import Start

MOST_INLINE: Final = 1_000
"""Numbers of a tensor that are written into a script; more lie in a file beside it."""


class StartLines:
    """Writes the starting tensors of a plan.

    Attributes:
        values: the tensors as a run has them.
        files: those that lie in a file beside the script, by name.
    """

    def __init__(self, plan: Plan, file: str) -> None:
        self._plan = plan
        self._file = file
        self.values = starts_of(made_here(plan))
        self.files: dict[str, torch.Tensor] = {}

    def lines(self) -> list[str]:
        """The lines, which were tried: each tensor has the bits that a run has."""
        drawn = list(self._drawn())
        found = self._tried(drawn)
        if found is None:
            return [line for start in self._plan.starts for line in self._given(start)]
        return found

    def _drawn(self) -> Iterator[tuple[Start, list[str] | None]]:
        for start in self._plan.starts:
            yield start, self._made(start)

    def _tried(self, drawn: list[tuple[Start, list[str] | None]]) -> list[str] | None:
        """The lines, where those that draw leave the numbers and the stream of a run; None where they do not."""
        space: dict[str, Any] = {"torch": torch}
        lines: list[str] = [f"torch.manual_seed({self._plan.recipe.seed})"] if self._draws() else []
        default = torch.get_default_dtype()
        with torch.random.fork_rng(devices=[]):
            torch.set_default_dtype(torch.float32)
            try:
                exec("\n".join(lines), space)  # noqa: S102 - lines of ours
                for start, made in drawn:
                    own = made if made is not None and self._holds(start, space) else None
                    if own is None and _draws(start):
                        return None
                    own = own or list(self._given(start))
                    if made is None or own is not made:
                        space[start.name] = self.values[start.name]
                    lines += own
            finally:
                torch.set_default_dtype(default)
        return lines

    def _holds(self, start: Start, space: dict[str, Any]) -> bool:
        try:
            exec("\n".join(self._made(start_here(start)) or []), space)  # noqa: S102 - lines of ours
        except Exception:  # noqa: BLE001 - another way is found
            return False
        made, wanted = space[start.name], self.values[start.name]
        return (
            made.dtype == wanted.dtype
            and made.shape == wanted.shape
            and made.stride() == wanted.stride()
            and same_bits(made.detach(), wanted)
        )

    def _draws(self) -> bool:
        from tensorflow_free.replay.visits import draws, draws_gradients  # noqa: PLC0415

        recipe = self._plan.recipe
        return any(_draws(start) for start in self._plan.starts) or draws(recipe) or draws_gradients(recipe)

    # one tensor

    def _made(self, start: Start) -> list[str] | None:
        """A tensor as its init makes it; None where only its numbers can be given."""
        text = self._init(start)
        if text is None or start.rounded_to is not None or start.stride is not None or start.given is not None:
            return None
        if start.shape is not None:
            text += f".reshape({list(start.shape)})"
        if start.dtype is not None and start.made_in is not None and start.dtype != start.made_in:
            text += f".to({start.dtype})"
        if start.device != "cpu":
            text += f'.to("{start.device}")'
        if start.memory_format is not None:
            text += f".contiguous(memory_format={start.memory_format})"
        return list(self._with_gradient(start, text))

    def _with_gradient(self, start: Start, text: str) -> Iterator[str]:
        is_literal = text.startswith("torch.tensor(") and text.endswith((")", "]"))
        if start.requires_grad and is_literal and ")." not in text:
            yield f"{start.name} = {text[:-1]}, requires_grad=True)"
        else:
            yield f"{start.name} = {text}{'.requires_grad_()' if start.requires_grad else ''}"

    def _init(self, start: Start) -> str | None:
        """What makes the values, before they are reshaped and converted."""
        if start.init == "clone":
            return f"{start.input}.detach().clone()"
        like = start.init in LIKE and start.input is not None
        size = list(self.values[start.input].shape) if like and start.input is not None else None
        return init_text(start, size)

    def _given(self, start: Start) -> Iterator[str]:
        """A tensor by its numbers: written out, or from the file beside."""
        value = self.values[start.name]
        if start.stride is not None and 0 in start.stride:
            yield from self._expanded(start, value)
            return
        if value.layout != torch.strided or value.numel() > MOST_INLINE:
            self.files[start.name] = value
            text = f'tensors["{start.name}"]'
        elif not value.numel():
            text = f"torch.zeros({list(value.shape)}, dtype={value.dtype})"
        else:
            text = f"torch.tensor({python_of(value.cpu().tolist(), str)}, dtype={value.dtype})"
        if value.layout == torch.strided and not value.is_contiguous():
            made = f"torch.empty_strided({list(value.shape)}, {list(value.stride())}, dtype={value.dtype})"
            text = f"{made}.copy_({text})"
        if start.device != "cpu":
            text += f'.to("{start.device}")'
        yield f"{start.name} = {text}{'.requires_grad_()' if start.requires_grad else ''}"

    def _expanded(self, start: Start, value: torch.Tensor) -> Iterator[str]:
        """A tensor that repeats numbers along a stride of 0; the leaf has each of them once."""
        once = value[tuple(slice(0, 1) if step == 0 else slice(None) for step in start.stride or ())]
        text = f"torch.tensor({python_of(once.cpu().tolist(), str)}, dtype={value.dtype})"
        leaf = f"{start.name}_leaf"
        yield f"{leaf} = {text}{'.requires_grad_()' if start.requires_grad else ''}"
        yield f"{start.name} = {leaf}.expand({list(value.shape)})"


def _draws(start: Start) -> bool:
    init = LIKE.get(start.init) or INITS.get(start.init)
    return init is not None and init.draws and start.given is None


def loading(names: Mapping[str, torch.Tensor], file: str) -> list[str]:
    """The line that reads the file beside a script."""
    return [f'tensors = torch.load(Path(__file__).with_name("{file}"))'] if names else []
