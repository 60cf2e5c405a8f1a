"""Ops that the rows of the check need: an error that shows late on many a device."""

import torch

from tensorflow_free import register_op


@register_op("check.assert_async")
def assert_async(x: torch.Tensor) -> torch.Tensor:
    """An assertion that does not hold, made by the device and, on CUDA, told when it is next waited for."""
    torch._assert_async(torch.zeros(1, device=x.device))
    return x + 1
