"""An init as the gradient that a backward pass starts from: `{init: ones}`, made in the target's shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from tensorflow_free.binding.starts import Starts
from tensorflow_free.errors import Message
from tensorflow_free.recipe.form_words import form_problems
from tensorflow_free.recipe.init_kinds import LIKE_KINDS, LIKE_SUFFIX
from tensorflow_free.recipe.models import TensorSpec
from tensorflow_free.recipe.names import did_you_mean
from tensorflow_free.tensors.dtypes import TORCH_DTYPES
from tensorflow_free.tensors.mismatch import Mismatch
from tensorflow_free.tensors.starting_tensors import Start
from tensorflow_free.text.phrases import shown


def gradient_start(written: Mapping[str, Any], recipe_dtype: str) -> Start:
    """What is made as `INIT_like` the target is.

    Raises:
        Mismatch: it is no such init; where inside the mapping stands in `below`.
    """
    name = written.get("init")
    if f"{name}{LIKE_SUFFIX}" not in LIKE_KINDS:
        plain = [word.removesuffix(LIKE_SUFFIX) for word in LIKE_KINDS]
        near = did_you_mean(name, plain) or f"; it is one of {', '.join(plain)}"
        message = f"'{shown(name)}' is not an init of a gradient{near}"
        raise Mismatch(message if "init" in written else f"a gradient needs 'init', such as {{init: {plain[1]}}}")
    sized = {"dtype": "floating", **written, "init": f"{name}{LIKE_SUFFIX}", "input": "target"}
    try:
        spec = TensorSpec.model_validate(sized)
    except ValidationError as error:
        path, words = next(iter(form_problems(error, sized)))
        raise _below(path, words) from error
    starts = Starts(recipe_dtype, "cpu", None, None, _wrong)
    starts.made["target"] = (TORCH_DTYPES[recipe_dtype], "cpu", None)
    made = starts.bind("gradient", spec, ())
    if made is None:  # pragma: no cover - what is wrong with it is raised
        raise Mismatch(f"'{shown(dict(written))}' is not an init of a gradient")
    return made


def _wrong(path: Sequence[str | int], message: str) -> None:
    raise _below(path, message)


def _below(path: Sequence[str | int], words: Message) -> Mismatch:
    mismatch = Mismatch(words)
    mismatch.below = tuple(path)
    return mismatch
