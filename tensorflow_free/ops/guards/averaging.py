"""Checks for the kernels of normalisations and losses, and of their backward passes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch

from tensorflow_free.ops.guards import single_kernels
from tensorflow_free.ops.guards.checks import (
    ArgumentRule,
    CallArguments,
    Shape,
    alike,
    among,
    dense,
    filled,
    same,
    shaped,
    within,
)
from tensorflow_free.ops.guards.dimensions import needed, ranks

# norms

_CHANNEL: Final = "one number for each channel of 'input'"
_ROWS: Final = "one number for each row that is normalized"


def statistics(training: str = "training", *, trains: bool = True) -> ArgumentRule:
    """Outside of training, for which the argument `training` stands, the running mean and variance are given."""
    return needed(
        "running_mean running_var", lambda given: not given.get(training, trains), f"where '{training}' is not True"
    )


def batch_norm(running: str = "running_mean running_var") -> tuple[ArgumentRule, ...]:
    """A norm of each channel."""
    words = f"weight bias {running}"
    return (
        shaped(words, single_kernels.channels, of=_CHANNEL),
        dense(words),
        alike("weight bias"),
        alike(running),
    )


def batch_norm_backward(deviation: str, training: str, gradient: str = "grad_out") -> tuple[ArgumentRule, ...]:
    """The backward pass of a norm of each channel, with the mean and the `deviation` that were saved."""
    saved = f"save_mean {deviation}"
    return (
        *same(gradient, "input"),
        *batch_norm(),
        lambda given: _saved(saved, given, needed=given[training]),
        statistics(training),
    )


def _saved(names: str, given: CallArguments, *, needed: bool) -> str | None:
    """What the forward pass of training has saved; else it is not read, and may be empty."""
    for name in names.split() if needed else ():
        if given.get(name) is None:
            return f"'{name}' is missing; it is needed in training"
        for rule in (shaped(name, single_kernels.channels, of=_CHANNEL), dense(name)):
            problem = rule(given)
            if problem is not None:
                return problem
    return alike(names)(given) if needed else None


def _kept(given: CallArguments) -> Sequence[int]:
    shape, count = given["input"].shape, len(given["normalized_shape"])
    return (*shape[: len(shape) - count], *[1] * count)


def _volume(given: CallArguments) -> str | None:
    rows, channels, places, group = (given[name] for name in ("N", "C", "HxW", "group"))
    shape = list(given["input"].shape)
    right = group > 0 and min(rows, channels, places) >= 0 and not channels % group
    if right and given["input"].numel() == rows * channels * places:
        return None
    return (
        f"'N', 'C', 'HxW' and 'group' are {rows}, {channels}, {places} and {group}; they do not fit the shape {shape}"
    )


NORMS: Final[dict[str, tuple[ArgumentRule, ...]]] = {
    **dict.fromkeys(
        (
            "_native_batch_norm_legit_no_training",
            "_native_batch_norm_legit_functional",
            "_batch_norm_with_update_functional",
            "_batch_norm_impl_index",
        ),
        (*batch_norm(), filled("input"), statistics()),
    ),
    "_batch_norm_no_update": (*batch_norm(), filled("input"), statistics(trains=False)),
    "native_batch_norm_backward": batch_norm_backward("save_invstd", "train"),
    "_batch_norm_impl_index_backward": batch_norm_backward("save_var_transform", "train", "grad_output"),
    "batch_norm_backward": batch_norm_backward("save_var", "update"),
    "native_layer_norm_backward": (
        *same("grad_out", "input"),
        shaped("weight bias", lambda given: given["normalized_shape"], of="'normalized_shape'"),
        shaped("mean rstd", _kept, of=_ROWS),
        dense("grad_out input mean rstd weight bias"),
        alike("weight bias"),
        alike("mean rstd"),
    ),
    "native_group_norm_backward": (
        _volume,
        *same("grad_out", "input"),
        shaped("weight", lambda given: (given["C"],), of="one number for each channel"),
        shaped("mean rstd", lambda given: (given["N"], given["group"]), of="one number for each group of each sample"),
        dense("grad_out input mean rstd weight"),
        alike("mean rstd"),
    ),
}

# losses


def _reduced(dims: int) -> Shape:
    """The shape of a loss of which each has so many dimensions less than `self`."""

    def shape(given: CallArguments) -> Sequence[int]:
        whole: Sequence[int] = given["self"].shape
        return whole[: len(whole) - dims] if given["reduction"] == 0 else ()

    return shape


def _of_classes(least: int = 0) -> ArgumentRule:
    return within(
        "target", lambda given: int(given["self"].shape[-1]) if given["self"].dim() else 1, of="classes", least=least
    )


_LOSS: Final = "the shape of the loss"
_SMALLER: Final = (among("reduction", 0, 1, 2), shaped("grad_output", _reduced(1), of=_LOSS), alike("self grad_output"))


def _labels(given: CallArguments) -> str | None:
    """The labels of `nll_loss` are classes, or the one that is ignored."""
    target, classes, ignored = given["target"], given["self"].shape[_dim_of_classes(given)], given["ignore_index"]
    wrong = target[(target != ignored) & ((target < 0) | (target >= classes))] if not target.is_meta else target[:0]
    if not wrong.numel():
        return None
    return f"'target' holds {wrong[0].item()}; it can hold the classes 0 to {classes - 1}, or {ignored}"


def _dim_of_classes(given: CallArguments) -> int:
    return 1 if given["self"].dim() > 1 else 0


def _each(given: CallArguments) -> Sequence[int]:
    """One number for each place that has a class."""
    shape: Sequence[int] = given["self"].shape
    return (*shape[:1], *shape[2:]) if len(shape) > 1 else ()


def _single(given: CallArguments) -> Sequence[int]:
    return _each(given) if given["reduction"] == 0 else ()


def negative_log_likelihood(*dims: int) -> tuple[ArgumentRule, ...]:
    """The backward pass of a loss that takes the number of its class, of tensors with so many dimensions."""
    return (
        ranks("self", *dims),
        among("reduction", 0, 1, 2),
        shaped("target", _each, of="one class for each row or place of 'self'"),
        shaped("weight", lambda given: (given["self"].shape[_dim_of_classes(given)],), of="one number for each class"),
        shaped("total_weight", lambda _: (), of="one number"),
        shaped("grad_output", _single, of=_LOSS),
        alike("self weight grad_output total_weight"),
        dense("self weight target grad_output"),
        _labels,
    )


LOSSES: Final[dict[str, tuple[ArgumentRule, ...]]] = {
    "binary_cross_entropy": (among("reduction", 0, 1, 2), *same("target", "self")),
    "binary_cross_entropy_backward": (
        among("reduction", 0, 1, 2),
        *same("target", "self"),
        shaped("grad_output", _reduced(0), of=_LOSS),
        alike("self grad_output"),
    ),
    "nll_loss_backward": negative_log_likelihood(1, 2),
    "nll_loss2d_backward": negative_log_likelihood(4),
    "multi_margin_loss_backward": (*_SMALLER, _of_classes()),
    "multilabel_margin_loss_backward": (*_SMALLER, *same("is_target", "self"), _of_classes(-1)),
}


# the backward pass of `ctc_loss`


def _batch(given: CallArguments) -> Sequence[int]:
    return (given["log_probs"].shape[1],)


def _most(given: CallArguments) -> int:
    return max([0, *(int(one) for one in torch.as_tensor(given["target_lengths"]).reshape(-1))])


def _alpha(given: CallArguments) -> Sequence[int]:
    steps, batch, _ = given["log_probs"].shape
    return (batch, steps, 2 * _most(given) + 1)


def _targets(given: CallArguments) -> Sequence[int]:
    """A row of labels for each sequence, or all that are counted, one after another."""
    lengths, width = torch.as_tensor(given["target_lengths"]), given["targets"].shape[-1]
    if given["targets"].dim() > 1:
        return (*_batch(given), max(width, _most(given)))
    return (int(lengths.sum()),)


def _counted(given: CallArguments) -> str | None:
    for name in ("input_lengths", "target_lengths"):
        found = list(torch.as_tensor(given[name]).shape)
        if found != list(_batch(given)):
            return f"'{name}' is of shape {found}; it can be of shape {list(_batch(given))}, one for each sequence"
    return None


CTC: Final[dict[str, tuple[ArgumentRule, ...]]] = {
    "_ctc_loss_backward": (
        ranks("log_probs", 3),
        _counted,
        within("input_lengths", lambda given: int(given["log_probs"].shape[0]) + 1, of="lengths, with 0"),
        within("target_lengths", lambda _: 2**31, of="lengths"),
        within("blank", lambda given: int(given["log_probs"].shape[-1]), of="classes"),
        ranks("targets", 1, 2),
        shaped("targets", _targets, of="for the lengths"),
        single_kernels.labels,
        shaped("grad neg_log_likelihood", _batch, of="one number for each sequence"),
        shaped("log_alpha", _alpha, of="for the steps and the longest target"),
        alike("log_probs grad neg_log_likelihood log_alpha"),
        dense("log_probs grad targets neg_log_likelihood log_alpha input_lengths target_lengths"),
    )
}
