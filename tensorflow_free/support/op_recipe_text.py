"""The recipe of an op as the text of a file, with what each parameter is beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tensorflow_free.composition.writer import flow
from tensorflow_free.ops.signatures import Parameter
from tensorflow_free.support.recipe_of_op import OpRecipe


def text_of_recipe(recipe: OpRecipe) -> str:
    """The file's text."""
    return "\n".join(_lines(recipe)) + "\n"


def about(recipe: OpRecipe) -> str:
    """What it shows, in a sentence."""
    return f"{recipe.op} on sample numbers{', forward and backward' if recipe.backward is not None else ''}."


def _lines(recipe: OpRecipe) -> Iterator[str]:
    yield f"description: {flow(about(recipe))}"
    yield ""
    yield "tensors:"
    yield from (f"  {name}: {flow(spec)}" for name, spec in recipe.tensors.items())
    if not recipe.tensors:
        yield "  {}"
    yield ""
    yield "steps:"
    yield from (f"  {name}: {flow(step)}" for name, step in recipe.before.items())
    yield "  y:"
    yield f"    op: {flow(recipe.op)}"
    yield f"    args: {flow(recipe.args)}"
    yield from _keywords(recipe)
    if recipe.backward is not None:
        yield ""
        if isinstance(recipe.backward, dict):
            yield "# The gradient of the result is a random one, so that no error of an element cancels another's."
        yield f"backward: {flow(recipe.backward)}"
    yield ""
    if recipe.checks:
        yield "# Steps that run afterwards, for `expect` alone."
        yield "checks:"
        yield from (f"  {name}: {text}" for name, text in recipe.checks.items())
        yield ""
    yield from _expectations(recipe)


def _keywords(recipe: OpRecipe) -> Iterator[str]:
    known = {one.name: one for one in recipe.call.signature.parameters}
    if recipe.kwargs:
        yield "    kwargs:"
    for name, value in recipe.kwargs.items():
        yield f"      {name}: {flow(value)}  # {_told(known[name])}"
    yield from (f"      # {one.name}: {one.default}  # {_told(one)}" for one in recipe.left)


def _told(parameter: Parameter) -> str:
    """A parameter's type and default."""
    types = " or ".join(sorted(parameter.types)) or "anything"
    words = f", one of {', '.join(sorted(parameter.words))}" if parameter.words else ""
    return f"{types}{words}{'' if parameter.required else f'; {parameter.default} by default'}"


def _expectations(recipe: OpRecipe) -> Iterator[str]:
    if recipe.expect:
        yield "expect:"
        if any(not isinstance(one, dict) for one in recipe.expect.values()):
            yield "  # What a run in float64 gave. Put in its place what you know to be right."
        yield from (f"  {name}: {flow(value)}" for name, value in recipe.expect.items())
        indent = "  "
    else:
        yield "# expect:"
        indent = "#   "
    gradients = [name for name, spec in recipe.tensors.items() if spec.get("requires_grad")]
    yield f"{indent}# To complete: values, shapes, another step's value, bounds."
    if recipe.backward is not None:
        yield from (f"{indent}# {name}.grad: {_shape_of(recipe, name)}" for name in gradients)
    yield f"{indent}# y: {{close: by_hand}}  # instead of the numbers: a step that says the same in other words"


def _shape_of(recipe: OpRecipe, name: str) -> str:
    spec: dict[str, Any] = recipe.tensors[name]
    return flow({"shape": spec["size"] if "size" in spec else _shape(spec["data"])})


def _shape(data: Any) -> list[int]:
    return [len(data), *_shape(data[0])] if isinstance(data, list) else []
