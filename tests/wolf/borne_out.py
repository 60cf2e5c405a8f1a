"""Values of right cells that are called wrong, and are: what float64 by hand says of each."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.wolf import proofs
from tests.wolf.cells import Red


@dataclass(frozen=True)
class BorneOut:
    """A loss or an overflow of PyTorch's own, or of a kernel that differs, which is true.

    Attributes:
        part: the part of the bench; parts that run the same subjects otherwise (`recipes-aot`) are meant, too.
        subjects: the names of the subjects: recipes, chains, operators with the number of the sample.
        dtypes: the dtypes in which it is so.
        why: one sentence: what the kernel does.
        proof: gives what plain torch makes of such numbers in such a dtype, and what float64 says.
        values: the names of the values; any without it.
        is_lost: whether only NaN and infinities are meant.
    """

    part: str
    subjects: tuple[str, ...]
    dtypes: tuple[str, ...]
    why: str
    proof: Callable[[], proofs.Proof]
    values: tuple[str, ...] = ()
    is_lost: bool = False


HALF: Final = ("bfloat16", "float16")

OVERFLOW: Final = "The right number is larger than the largest that the dtype holds."

BORNE_OUT: Final[tuple[BorneOut, ...]] = (
    BorneOut("recipes", ("adam",), ("bfloat16",), "0.999 rounds to 1, so 1 - 0.999**t is 0, by which is divided.", proofs.decay, is_lost=True),
    BorneOut("recipes", ("functions", "softmax_overflow"), ("float16",), OVERFLOW, proofs.exp_of_20, is_lost=True),
    BorneOut("recipes", ("variance_cancellation",), ("float16",), OVERFLOW, proofs.square_of_10_000, is_lost=True),
    BorneOut("recipes", ("not_numbers",), ("float32", *HALF), OVERFLOW, proofs.exp_of_100, ("power",), is_lost=True),
    BorneOut(
        "recipes-aot", ("logsumexp_stability",), ("float64", "float32", *HALF),
        "aot_eager sends zeros back from the output that is not differentiated, through an exponential that overflowed: 0 * inf.",
        proofs.zeros_through_infinity, ("x.grad",), is_lost=True,
    ),
    BorneOut("recipes", ("long_sum",), ("float16",), "index_add adds one number after another in half precision.", proofs.index_add, ("filled", "in_turn")),
    BorneOut(
        "chains", tuple(f"chain {number}" for number in (13, 37, 60, 116, 125, 129, 239, 243)), ("float16",),
        "cosine_similarity's eps of 1e-8 is 0 in float16, and a vector of zeros has the length 0.", proofs.cosine_of_zeros, is_lost=True,
    ),
    BorneOut("chains", ("chain 284",), ("float16",), "normalize's eps of 1e-12 is 0 in float16.", proofs.normalized_zeros, is_lost=True),
    BorneOut("large", ("sum of a million",), ("float16",), OVERFLOW, proofs.sum_of_a_million, is_lost=True),
    BorneOut("large", ("norm of a million",), ("float32",), "norm adds up the squares without the pairs that sum uses.", proofs.norm_of_a_million, ("y", "x.grad")),
    BorneOut("large", ("embedding read 20,000 times",), HALF, "Its backward adds up the 200 rows of a word in half precision.", proofs.embedding, ("w.grad",)),
    BorneOut("large", ("layer norm 4096",), HALF, "Its backward adds up the rows of the bias' gradient in half precision.", proofs.layer_norm_bias, ("b.grad", "w.grad")),
    BorneOut("large", ("layer norm 4096 off centre",), ("float32",), "Its backward computes b x + c, which cancels where x is 100 deviations off centre.", proofs.layer_norm_off_centre, ("x.grad",)),
    BorneOut(
        "kernels", ("softmax_by_hand 0",), ("float64", "float32", *HALF),
        "The gradient of amax adds the rounding errors of 200 gradients to the largest number's: 11 to 14 times PyTorch's error.",
        proofs.softmax_by_hand, ("input.grad",),
    ),
    BorneOut("operators", ("nn.functional.soft_margin_loss 1",), ("float16",), "exp(-y x) overflows before log1p makes it small again.", proofs.soft_margin_loss, is_lost=True),
    BorneOut("operators", ("matrix_exp",), HALF, "The exponential of a matrix in half precision is no number, or far from it.", proofs.matrix_exp, is_lost=True),
    BorneOut("operators", ("nn.functional.normalize 2",), ("float16",), "The backward of the norm with p = -1 overflows.", proofs.normalized_backward, ("t0.grad",), is_lost=True),
    BorneOut("operators", ("pow 1", "pow 2", "float_power 2"), ("float16",), "A power is larger than 65,504, or its product with the gradient is.", proofs.power, is_lost=True),
    BorneOut("operators", ("linalg.vector_norm 0",), ("float16",), "The backward divides by the norm to the fifth power, which is 1e-6.", proofs.vector_norm_backward, ("t0.grad",), is_lost=True),
    BorneOut("operators", (*(f"polygamma.polygamma_n_0 {n}" for n in (1, 2)), *(f"special.polygamma.special_polygamma_n_0 {n}" for n in (1, 2))), ("float16",), OVERFLOW, proofs.polygamma_overflow, is_lost=True),
    BorneOut(
        "operators",
        ("digamma 0", *(f"polygamma.polygamma_n_{n} 0" for n in range(5)), "special.polygamma.special_polygamma_n_0 0"),
        ("float32",), "The derivative of digamma below 0 is reflected by a sine of pi x, in float32: 141 ULP.", proofs.polygamma,
    ),
    BorneOut("operators", ("special.bessel_y1 0",), ("float32",), "The approximation by polynomials is 19 ULP away.", proofs.bessel_y1),
    BorneOut("operators", ("pow 1 complex64", "__rpow__ 2 complex64"), ("float32",), "A complex power is exp(y log x), which errs by y log x epsilons.", proofs.complex_power, ("y",)),
    BorneOut("operators", ("sinc 0 complex64",), ("float32",), "pi x is rounded before its sine is taken, which errs by pi x epsilons.", proofs.complex_sinc, ("y",)),
    BorneOut("operators", ("renorm 2 complex64",), ("float32",), "No element of a complex row equals its largest modulus bit for bit, so that 0 is divided by 0.", proofs.renorm, ("t0.grad",), is_lost=True),
    BorneOut("operators", ("grid_sampler_2d", "grid_sampler_3d"), HALF, "The coordinates ((x + 1) n - 1) / 2 are rounded, in bfloat16 to an eighth of a voxel near 30, and jump.", proofs.grid_sampler),
)  # fmt: skip
"""All that are known. One that is red nowhere any more comes off: the full tier sees to it."""


def borne_out(red: Red) -> BorneOut | None:
    """What bears a red value out, or None."""
    return next((one for one in BORNE_OUT if _is_of(one, red)), None)


def _is_of(one: BorneOut, red: Red) -> bool:
    if not red.part.startswith(one.part) or red.dtype not in one.dtypes or (one.is_lost and not is_lost(red)):
        return False
    return any(red.cell == name or red.cell.startswith(f"{name} ") for name in one.subjects) and (
        not one.values or red.value in one.values
    )


def is_lost(red: Red) -> bool:
    """Whether it is NaN or an infinity that is wrong."""
    return math.isinf(red.used)
