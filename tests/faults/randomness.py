"""Faults of ops that draw random numbers: from another source than the seed, with another chance, with another mask."""

from __future__ import annotations

import itertools

import torch

from tests.faults.fault import fault, numbers, randn, with_gradient_of

SEED = "ignores the seed"

_counted = itertools.count(1)


def elsewhere(true, *arguments, **keywords):
    """The op with random numbers that no seed of the caller's decides."""
    state = torch.get_rng_state()
    torch.manual_seed(next(_counted) * 7919)
    try:
        return true(*arguments, **keywords)
    finally:
        torch.set_rng_state(state)


@fault(SEED, "nn.functional.dropout", shows=lambda: (randn(64), 0.5), fine=lambda: (randn(64), 0.5, False))
def dropout_that_ignores_its_seed(true, *arguments, **keywords):
    return elsewhere(true, *arguments, **keywords)


@fault(SEED, "bernoulli", shows=lambda: (randn(64).sigmoid(),))
def coins_that_ignore_their_seed(true, *arguments, **keywords):
    return elsewhere(true, *arguments, **keywords)


@fault(SEED, "rand_like", shows=lambda: (randn(4),))
def rand_like_that_ignores_its_seed(true, *arguments, **keywords):
    return elsewhere(true, *arguments, **keywords)


@fault(SEED, "randn_like", shows=lambda: (randn(4),))
def randn_like_that_ignores_its_seed(true, *arguments, **keywords):
    return elsewhere(true, *arguments, **keywords)


@fault(SEED, "randint_like", shows=lambda: (randn(64), 1, 7))
def dice_that_ignore_their_seed(true, *arguments, **keywords):
    return elsewhere(true, *arguments, **keywords)


@fault(SEED, "randperm", shows=lambda: (16,))
def order_that_ignores_its_seed(true, *arguments, **keywords):
    return elsewhere(true, *arguments, **keywords)


CHANCE = "wrong chance"


@fault(CHANCE, "nn.functional.dropout", shows=lambda: (randn(64), 0.5), fine=lambda: (randn(64), 0.5, False))
def dropout_that_does_not_scale(true, x, p=0.5, training=True):
    return true(x, p, training) * ((1 - p) if training else 1)


@fault(CHANCE, "nn.functional.dropout", shows=lambda: (randn(64), 0.5, False), fine=lambda: (randn(64), 0.0))
def dropout_that_drops_outside_training(true, x, p=0.5, training=True):
    return true(x, p, True)


@fault(CHANCE, "bernoulli", shows=lambda: (numbers(*[0.1] * 64),))
def coins_turned_round(true, chances, *arguments, **keywords):
    return true(1 - chances, *arguments, **keywords)


@fault(CHANCE, "normal", shows=lambda: (randn(64), 0.5))
def normal_numbers_that_ignore_their_deviation(true, mean, std=1.0, *arguments):
    return true(mean, 1.0, *arguments)


@fault(CHANCE, "rand_like", shows=lambda: (randn(64),))
def even_numbers_up_to_two(true, x, **keywords):
    return true(x, **keywords) * 2


@fault(CHANCE, "nn.functional.dropout", shows=lambda: (numbers(*[1.0] * 64, grad=True), 0.5), back=True)
def dropout_backward_with_another_mask(true, x, p=0.5, training=True):
    y = true(x, p, training)
    return with_gradient_of(y, elsewhere(true, x, p, training))
