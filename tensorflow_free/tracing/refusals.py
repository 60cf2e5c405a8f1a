"""What cannot be captured, where, and what to do instead."""

from __future__ import annotations

from dataclasses import dataclass

from tensorflow_free.errors import Place, Problem, RecipeError


@dataclass(frozen=True, slots=True)
class ModelLine:
    """A line of a model's code."""

    file: str
    number: int

    def __str__(self) -> str:
        return f"{self.file}:{self.number}"


def refusal(what: str, source: ModelLine | None, instead: str) -> RecipeError:
    """The error of a model that no recipe can say.

    Args:
        what: what it does.
        source: the model's line; None where it is of the model as a whole.
        instead: what to do.
    """
    place = Place() if source is None else Place(file=source.file, line=source.number)
    return RecipeError([Problem(place, f"{what}; {instead}")])
