"""What cannot be captured, where, and what to do instead."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from tensorflow_free.errors import Place, Problem, RecipeError

NOT_THE_MODELS: Final = (str(Path(torch.__file__).parent), str(Path(__file__).parent), "<")
"""What the names of files begin with that are torch's, ours, or none."""


@dataclass(frozen=True, slots=True)
class ModelLine:
    """A line of a model's code."""

    file: str
    number: int

    def __str__(self) -> str:
        return f"{self.file}:{self.number}" if self.file else "the model"


NOWHERE: Final = ModelLine("", 0)
"""Of a call that no line of the model's own makes: of a module of torch's, or of an op inside another."""


def line_of(error: BaseException) -> ModelLine | None:
    """The innermost line of the model's at which an error arose; None where there is none."""
    found, trace = None, error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not file.startswith(NOT_THE_MODELS):
            found = ModelLine(file, trace.tb_lineno)
        trace = trace.tb_next
    return found


def through(error: BaseException, part: str) -> bool:
    """Whether an error came through a part of torch's: a folder of its."""
    folder, trace = str(Path(torch.__file__).parent / part), error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.startswith(folder):
            return True
        trace = trace.tb_next
    return False


def compiled_by_dynamo(source: ModelLine | None) -> RecipeError:
    """The error of a model that calls a higher-order op."""
    what = "it calls what Dynamo must compile: torch.cond, scan, flex_attention or another higher-order op"
    return refusal(what, source, "write the branch, the loop or the attention in plain calls")


def refusal(what: str, source: ModelLine | None, instead: str) -> RecipeError:
    """The error of a model that no recipe can say.

    Args:
        what: what it does.
        source: the model's line; None where it is of the model as a whole.
        instead: what to do.
    """
    place = Place(file=source.file, line=source.number) if source is not None and source.file else Place()
    return RecipeError([Problem(place, f"{what}; {instead}")])
