"""Checks for recurrent networks: the shapes of their states and weights, and the sizes of packed batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from tensorflow_free.ops.guards.checks import ArgumentRule, CallArguments

Wanted = Iterator[tuple[str, torch.Tensor, list[int]]]
"""Tensors of a call: what each is called, the tensor itself, and the shape that it must have."""


def recurrent(gates: int) -> ArgumentRule:
    """States and weights of a recurrent network have the shapes that its layers and directions ask for."""

    def rule(given: CallArguments) -> str | None:
        states = list(given["hx"]) if isinstance(given["hx"], (list, tuple)) else [given["hx"]]
        if any(one.dim() != 3 for one in states) or len(states) != (2 if gates == LSTM else 1):  # noqa: PLR2004
            return "'hx' is not the states of a network, each of three dimensions"
        problem = _counted(given, states)
        for name, tensor, shape in () if problem else (*_states(given, states), *_weights(given, states, gates)):
            if list(tensor.shape) != shape:
                return f"'{name}' is of shape {list(tensor.shape)}; it can be of shape {shape}"
            if tensor.dtype != states[0].dtype:
                return f"'{name}' is of {tensor.dtype}; it can be of {states[0].dtype}, as 'hx'"
            if name.startswith("params") and not tensor.is_contiguous():
                return f"'{name}' is of strides {list(tensor.stride())}; it can be contiguous"
        return problem

    return rule


LSTM = 4
"""The gates of an LSTM, which has two states."""


def _runs(given: CallArguments) -> int:
    """How many layers and directions there are."""
    return int(given["num_layers"]) * (2 if given["bidirectional"] else 1)


def _projected(states: Sequence[torch.Tensor]) -> bool:
    return states[0].shape[-1] != states[-1].shape[-1]


def _each(given: CallArguments, states: Sequence[torch.Tensor]) -> int:
    """How many weights a layer has in one direction."""
    return (4 if given["has_biases"] else 2) + _projected(states)


def _counted(given: CallArguments, states: Sequence[torch.Tensor]) -> str | None:
    runs, count = _runs(given), len(given["params"])
    wanted = runs * _each(given, states)
    if runs < 1 or count != wanted:
        return f"'params' holds {count} tensors; {runs} layers and directions have {wanted}"
    return None


def _states(given: CallArguments, states: Sequence[torch.Tensor]) -> Wanted:
    """The input has three dimensions, and the states are as many as the layers, the directions and the batch."""
    if "data" in given:
        sizes, data = given["batch_sizes"], given["data"]
        yield "data", data, [*data.shape[:1], data.shape[-1] if data.dim() else 0]
        batch = int(sizes.reshape(-1)[0]) if sizes.numel() and not sizes.is_meta else states[0].shape[1]
    else:
        found = given["input"]
        yield "input", found, [*found.shape[:2], found.shape[-1] if found.dim() else 0]
        batch = found.shape[0 if given["batch_first"] else 1]
    for position, state in enumerate(states):
        yield f"hx[{position}]", state, [_runs(given), batch, state.shape[-1]]


def _weights(given: CallArguments, states: Sequence[torch.Tensor], gates: int) -> Wanted:
    """The weights of each layer and direction: of its input, of its state, two biases, a projection."""
    out, hidden = states[0].shape[-1], states[-1].shape[-1]
    directions, each = 2 if given["bidirectional"] else 1, _each(given, states)
    width = given["data" if "data" in given else "input"].shape[-1]
    for number, tensor in enumerate(given["params"]):
        run, place = divmod(number, each)
        inputs = width if run < directions else out * directions
        shapes: list[list[int]] = [[gates * hidden, inputs], [gates * hidden, out]]
        shapes += [[gates * hidden]] * 2 if given["has_biases"] else []
        shapes += [[out, hidden]] if _projected(states) else []
        yield f"params[{number}]", tensor, shapes[place]


def packed(given: CallArguments) -> str | None:
    """The sizes of the batches of a packed sequence: positive, never rising, together all of the data."""
    sizes = given.get("batch_sizes")
    if sizes is None or sizes.is_meta:
        return None
    numbers = sizes.reshape(-1).tolist()
    rows = given["data"].shape[0] if given["data"].dim() else 0
    if sizes.dtype != torch.int64 or not numbers or numbers[-1] < 1 or numbers != sorted(numbers, reverse=True):
        return (
            f"'batch_sizes' holds {numbers} of {sizes.dtype}; it can hold positive ones of torch.int64 that never rise"
        )
    return (
        None if sum(numbers) == rows else f"'batch_sizes' holds {numbers}; their sum can be {rows}, the rows of 'data'"
    )
