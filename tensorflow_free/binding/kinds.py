"""What kind of argument a parameter takes, in words for messages."""

from __future__ import annotations

from typing import Any, Final

import torch

from tensorflow_free.ops.signatures import Parameter
from tensorflow_free.tensors.dtypes import word_of
from tensorflow_free.text.phrases import shown

LAYOUTS: Final[dict[str, torch.layout]] = {
    word: layout
    for word in ("strided", "sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc", "jagged")
    if isinstance(layout := getattr(torch, word, None), torch.layout)
}


MEMORY_FORMATS: Final[dict[str, torch.memory_format]] = {
    word: getattr(torch, word) for word in ("contiguous_format", "channels_last", "channels_last_3d", "preserve_format")
}

_ARTICLE: Final[dict[str, str]] = {
    "Tensor": "a tensor",
    "Tensor[]": "a list of tensors",
    "number": "a number",
    "int": "an integer",
    "float": "a number",
    "complex": "a complex number",
    "bool": "true or false",
    "str": "a word",
    "str[]": "a list of words",
    "int[]": "a list of integers",
    "float[]": "a list of numbers",
    "number[]": "a list of numbers",
    "bool[]": "a list of booleans",
    "dtype": "a dtype",
    "device": "a device",
    "layout": "a layout",
    "memory_format": "a memory format",
    "generator": "a generator, which a recipe cannot give (its `seed` seeds the run)",
    "callable": "a function, which a recipe cannot give",
    "gradient": "an init such as {init: ones}",
    "gradient[]": "a list of inits",
    "None": "null",
    "any": "anything",
}


def wanted(written: Any, parameter: Parameter) -> str:
    """Why what is written does not fit the parameter."""
    is_number = isinstance(written, int | float) and "Tensor" in parameter.types
    made = f"; {{tensor: {shown(written)}}} is one, in one line torch.tensor({shown(written)})" if is_number else ""
    return f"'{shown(written)}' does not fit '{parameter.name}', which is {_kinds(parameter)}{made}"


def meant_otherwise(word: str, parameter: Parameter) -> str:
    """What else the parameter takes, where a word that names nothing may have been meant for that."""
    if parameter.types & {"any", "str"}:
        return f"; if a word is meant, write {{str: {word}}}"
    if parameter.types & {"Tensor", "Tensor[]"}:
        return ""
    return f"; '{parameter.name}' is {_kinds(parameter)}, or a value that is"


def _kinds(parameter: Parameter) -> str:
    return " or ".join(sorted(_ARTICLE.get(kind, kind) for kind in parameter.types - {"None"}))


def has_gradients(dtype: torch.dtype) -> bool:
    """Whether tensors of the dtype can have gradients: floating and complex ones."""
    return dtype.is_floating_point or dtype.is_complex


def without_gradient(name: str, dtype: torch.dtype) -> str:
    """What is said where a gradient of a tensor, or through it, is asked for, and it can have none."""
    return (
        f"'{name}' is {word_of(dtype)}, and only floating and complex tensors have gradients; "
        "write its numbers with a point, or pin `dtype: floating`"
    )
