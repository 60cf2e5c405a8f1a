"""Options of compilers in a sweep that is resumed: its folder is data, and only what is typed again is trusted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import chdir
from pathlib import Path

from tensorflow_free.composition.compose import compose
from tensorflow_free.composition.override_texts import parse_axis
from tensorflow_free.composition.overrides import Override, OverrideError, override_place
from tensorflow_free.composition.scalars import ScalarError
from tensorflow_free.errors import Place, Problem
from tensorflow_free.form import Form
from tensorflow_free.sweep.document import SweepDocument


def typed_again(document: SweepDocument, texts: Sequence[str]) -> Iterator[Problem]:
    """Trust the options of compilers that are typed again; a problem for what the sweep did not begin with."""
    began = {one.text for one in document.options}
    for text in texts:
        try:
            given = {one.text for one in parse_axis(text).overrides}
        except (OverrideError, ScalarError) as error:
            yield Problem(override_place(text), str(error))
            continue
        if given <= began:
            document.trust(given)
        else:
            message = "the sweep did not begin with this; a resumed sweep has its overrides in its folder; leave it out"
            yield Problem(override_place(text), message)


def untrusted_options(document: SweepDocument, folder: str | Path) -> list[Problem]:
    """That a sweep began with options of compilers that no file may give, with the command to type."""
    if all(one.trusted for one in document.options):
        return []
    with chdir(document.cwd):
        found = [why for path, overrides in document.matrix().corners() for why in _problems(path, overrides)]
    if not found:
        return []
    why = "it began with options that only the command line may give to a compiler; if you trust them, type"
    return [Problem(Place(file="flag '--resume'"), f"{why}: {document.resume_command(folder)}")]


def _problems(path: str, overrides: Sequence[Override]) -> Iterator[str]:
    """Why a cell's options cannot be had from a file."""
    # torch is loaded where a sweep has such options alone
    from tensorflow_free.plan import backend_options  # noqa: PLC0415

    recipe = Form(compose(path, overrides)).recipe()
    if recipe is not None:
        yield from (why for _, why in backend_options.problems(recipe.backend, recipe.trusted))
