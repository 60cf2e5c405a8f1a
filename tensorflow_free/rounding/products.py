"""In how many bits a cell's settings let a device compute products that are added up."""

from __future__ import annotations

from typing import Final

from tensorflow_free.recipe.models import Recipe

TF32: Final = 2.0**-10
"""The machine epsilon of TF32. Source: NVIDIA A100 Tensor Core GPU Architecture, 10 bits of mantissa."""

BFLOAT16: Final = 2.0**-7
"""That of bfloat16, in which `float32_matmul_precision: medium` lets products be computed."""


def epsilons_of_products(recipe: Recipe) -> tuple[float, float]:
    """The machine epsilons of float32's matrix products and of its convolutions; 0 where they are float32's own.

    Source: PyTorch's notes on CUDA semantics. Convolutions of cuDNN may use TF32 where nothing is said, matrix products
    only where it is allowed.
    """
    if recipe.dtype != "float32":
        return 0.0, 0.0
    settings, is_cuda = recipe.settings, recipe.device.partition(":")[0] == "cuda"
    products = _BY_PRECISION.get(str(settings.get("float32_matmul_precision", "highest")), 0.0)
    allowed = settings.get("allow_tf32")
    if is_cuda and allowed is True:
        products = max(products, TF32)
    convolutions = TF32 if is_cuda and allowed is not False else products
    return products, max(products, convolutions)


_BY_PRECISION: Final = {"high": TF32, "medium": BFLOAT16}
