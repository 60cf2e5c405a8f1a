"""What a page says of an op: its documentation in a sentence, and its derivative by PyTorch's own table."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from importlib.resources import files
from typing import Any, Final

from tensorflow_free.report.op_entry import OpRecord
from tensorflow_free.report.op_report import entry

_SCHEMA: Final = re.compile(r"- name: (\w+)[\w.]*\((.*?)\) ->")
_PARAMETER: Final = re.compile(r"(\w+)(?:=[^,]*)?(?:,|$)")
_FORMULA: Final = re.compile(r"^ +(\w+(?:, \w+)*): +(.+)$", re.MULTILINE)
_OTHER_TENSORS: Final = "    AutogradNestedTensor:"
"""Where formulas of nested tensors begin."""


def op_words(op: str) -> dict[str, str]:
    """What is told of an op.

    Returns:
        `about`: its documentation in a sentence; `call`: its parameters; `documentation`: the address of the whole.
        What is not known is left out; an op of the user's own that is not registered here has none of them.
    """
    found = entry(op)
    if found is None:
        return {}
    told: dict[str, Any] = {
        "about": found.about,
        "call": found.brief,
        "documentation": OpRecord.model_validate_json(found.record).documentation,
    }
    return {key: value for key, value in told.items() if value}


def backward_words(grad_fn: str) -> list[str]:
    """How the node of autograd of this name makes gradients, by PyTorch's table: `self: grad * result`.

    Args:
        grad_fn: its name, `ExpBackward0`.

    Returns:
        A line for each operand; none where the table has none, as of functions that are written in Python.
    """
    return list(_formulas().get(grad_fn, ()))


@cache
def _formulas() -> dict[str, tuple[str, ...]]:
    """The formulas of PyTorch's table (`derivatives.yaml`, which torch brings along), by the name of the node.

    An op's node is called after the op, and numbered where several overloads have nodes:
    torchgen/packaged/autograd/load_derivatives.py.
    """
    try:
        text = files("torchgen").joinpath("packaged/autograd/derivatives.yaml").read_text(encoding="utf-8")
    except (OSError, ModuleNotFoundError):
        return {}
    found: dict[str, tuple[str, ...]] = {}
    numbers: Counter[str] = Counter()
    for part in re.split(r"\n(?=- name: )", text):
        if (schema := _SCHEMA.match(part)) and (lines := _lines(part, set(_PARAMETER.findall(schema[2])))):
            prefix = "".join(word.title() for word in schema[1].split("_"))
            found[f"{prefix}Backward{numbers[prefix]}"] = lines
            numbers[prefix] += 1
    return found


def _lines(part: str, parameters: set[str]) -> tuple[str, ...]:
    """The formulas of operands; what else is told of an op is how its results move."""
    told = _FORMULA.findall(part.partition(_OTHER_TENSORS)[0])
    return tuple(f"{names}: {_unquoted(formula)}" for names, formula in told if set(names.split(", ")) <= parameters)


def _unquoted(formula: str) -> str:
    return re.sub(r'^"(.*)"$', r"\1", formula.strip())
