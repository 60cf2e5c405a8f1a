"""Small values that are measured in one go are measured as each alone."""

from __future__ import annotations

import pytest
import torch

from tensorflow_free.judging.measures import Errors
from tensorflow_free.judging.movement import MOST_RUNS, Leeway
from tensorflow_free.judging.passes import FEW
from tensorflow_free.judging.rounding_rule import RoundingBound
from tensorflow_free.judging.together import measured_together, reached_together

K = 6.0


def pairs(dtype: torch.dtype) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Values of two runs, of many shapes."""
    generator = torch.Generator().manual_seed(0)
    shapes = [(), (1,), (3, 5), (7,), (2, 0), (64,)]
    exact = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    return {str(list(one.shape)): (one.to(dtype), one) for one in exact}


def test_each_is_measured_as_alone() -> None:
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        found = measured_together(pairs(dtype), lambda _: K)
        assert sorted(found) == sorted(name for name in pairs(dtype) if name != "[2, 0]")
        for name, one in found.items():
            alone = Errors(*pairs(dtype)[name])
            assert torch.equal(one.errors, alone.errors)
            assert (one.max_abs, one.peak, one.nonfinite) == (alone.max_abs, alone.peak, 0)
            torch.testing.assert_close((one.rmse, one.rms), (alone.rmse, alone.rms))
            assert RoundingBound(one, dtype, K).used == RoundingBound(alone, dtype, K).used > 0


def test_what_has_another_shape_or_holds_nan_is_measured_alone() -> None:
    good = torch.ones(4), torch.ones(4, dtype=torch.float64)
    odd = {
        "nan": (torch.full((4,), torch.nan), good[1]),
        "infinite": (good[0], torch.full((4,), torch.inf, dtype=torch.float64)),
        "huge": (good[0], torch.full((4,), 1e200, dtype=torch.float64)),
        "shape": (torch.ones(3), good[1]),
        "strided": (torch.ones(8)[::2], good[1]),
        "large": (torch.ones(FEW + 1), torch.ones(FEW + 1, dtype=torch.float64)),
        "same dtype": (good[1], good[1]),
        "number": (1.0, good[1]),
    }
    assert list(measured_together({"good": good, **odd}, lambda _: K)) == ["good"]


def test_leeways_that_were_kept_come_to_the_same_for_each_as_alone() -> None:
    for dtype, over in ((torch.float32, 0.0), (torch.bfloat16, 5.0)):
        found = measured_together(pairs(dtype), lambda _: K)
        kept = {name: Leeway(one.sizes * 1e-7, 1e-7, over) for name, one in found.items()}
        kept |= {"[7]": Leeway(torch.full((7,), 1e9, dtype=torch.float64)), "[1]": Leeway(torch.zeros(2))}
        reached = reached_together(found, kept, lambda _: K)
        assert sorted(reached) == sorted({*found} - {"[1]"})
        for name, reach in reached.items():
            bound = RoundingBound(found[name], dtype, K)
            bound.take(kept[name])
            torch.testing.assert_close(reach.allowed, bound.allowed, rtol=1e-14, atol=0)
            assert (reach.share, reach.is_vacuous) == (pytest.approx(bound.used, rel=1e-14), bound.is_vacuous)
            assert bound.is_vacuous == (name == "[7]")


def test_a_shape_beyond_its_storage_is_not_read() -> None:
    beyond = torch.ones(4)
    beyond.untyped_storage().resize_(8)
    assert not measured_together({"beyond": (beyond, torch.ones(4, dtype=torch.float64))}, lambda _: K)


def large(dtype: torch.dtype, *, transposed: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Values of two runs that are gone through piece by piece."""
    exact = torch.randn(300, 700, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    exact = exact.t() if transposed else exact
    return exact.to(dtype), exact


@pytest.mark.parametrize("transposed", [False, True])
def test_a_large_value_is_measured_as_a_whole(transposed: bool) -> None:
    mine, its = large(torch.float32, transposed=transposed)
    errors, apart = Errors(mine, its), (mine.double() - its).abs()
    assert torch.equal(errors.errors, apart.flatten())
    assert (errors.max_abs, errors.peak) == (float(apart.max()), float(its.abs().max()))
    assert errors.exceeds(1e-9, 1e-30)
    assert not errors.exceeds(1e-6, 1e-30)
    assert errors.share(1e-6, 1e-30) == float((apart / (its.abs() * 1e-6 + 1e-30)).max())
    torch.testing.assert_close(
        (errors.rmse, errors.rms), (float(apart.square().mean().sqrt()), float(its.square().mean().sqrt()))
    )


@pytest.mark.parametrize("transposed", [False, True])
def test_a_bound_of_a_large_value_is_that_of_its_rows(transposed: bool) -> None:
    mine, its = large(torch.float32, transposed=transposed)
    bound, runs = RoundingBound(Errors(mine, its), torch.float32, K), [its * (1 + 1e-7), its * (1 - 3e-7)]
    for one in runs:
        bound.see(one)
    spread = torch.stack([(one - its).abs() for one in runs]).amax(0)
    grows = MOST_RUNS / (MOST_RUNS + 1) * 3 / 2
    least = (spread.mean(-1, keepdim=True) * grows).clamp(min=float(spread.mean()) * grows)
    eps, smallest = torch.finfo(torch.float32).eps, torch.finfo(torch.float32).smallest_normal
    allowed = K * (eps * its.abs() + spread.maximum(least)) + smallest
    torch.testing.assert_close(bound.allowed, allowed.flatten(), rtol=1e-12, atol=0)
    assert bound.used == pytest.approx(float(((mine - its).abs() / allowed).max()), rel=1e-12)


def test_numbers_that_a_nudged_run_lost_tell_nothing() -> None:
    mine, its = large(torch.float32, transposed=False)
    bound, lost = RoundingBound(Errors(mine, its), torch.float32, K), its.clone()
    lost[0, 0] = torch.nan
    bound.see(lost)
    assert bound.runs == 1
    assert bool(bound.allowed.isfinite().all())
