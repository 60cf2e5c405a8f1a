"""The options that a back end takes from a recipe: inductor's by its own table, another's as its plugin registers them.

A recipe file gives what is known to be safe. Who types a command line, or calls `load_recipe` from Python, is trusted:
an override gives whatever the back end takes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from tensorflow_free.plan import inductor_options
from tensorflow_free.plan.option_kinds import OptionKind, kind_of
from tensorflow_free.plugins import load_plugins
from tensorflow_free.recipe.dotted import KeyPath
from tensorflow_free.recipe.models import Backend
from tensorflow_free.recipe.names import did_you_mean
from tensorflow_free.text.phrases import shown

INDUCTOR: Final = "inductor"

_registered: Final[dict[str, dict[str, OptionKind]]] = {}


def register_backend_options(backend: str, options: Mapping[str, Any]) -> None:
    """Say which options of a back end of `torch.compile` a recipe file may give, and what each may be.

    Register what only chooses how numbers are computed. What names files, folders, code, commands or hosts is left out:
    it can be given on the command line.

    Args:
        backend: the back end's name: `openvino`.
        options: by name, what each may be: `bool`, `int`, `float`, a `range` of integers, a tuple of the words and
            numbers that are allowed, a mapping of options below it, or `str` where any text is harmless.

    Raises:
        TypeError: a kind is none of these.

    Example:
        >>> from tensorflow_free import register_backend_options
        >>> register_backend_options("openvino", {"device": ("CPU", "GPU"), "aot_autograd": bool})
    """
    kinds = {name: kind_of(given) for name, given in options.items()}
    _registered.setdefault(backend, {}).update(kinds)


def problems(backend: Backend, trusted: Collection[KeyPath] = ()) -> Iterator[tuple[KeyPath, str]]:
    """What is wrong with a compiler's mode and options, each below `backend`, with why.

    Args:
        backend: the back end with its options.
        trusted: the keys below `backend` that the command line gave.
    """
    load_plugins()
    options = backend.options or {}
    of_modes = backend.name == INDUCTOR or ("mode",) not in trusted
    if backend.mode is not None and of_modes and backend.mode not in inductor_options.modes():
        modes = inductor_options.modes()
        near = did_you_mean(backend.mode, modes) or f"; it is one of {', '.join(modes)}"
        yield ("mode",), f"'{backend.mode}' is not a mode of a compiler{near}"
    if backend.mode is not None and backend.options is not None:
        yield ("options",), "'options' and 'mode' both choose a compiler's options; give one"
    for name, value in options.items():
        is_trusted = ("options", name) in trusted
        why = (
            _of_inductor(name, value, is_trusted=is_trusted)
            if backend.name == INDUCTOR
            else None
            if is_trusted
            else _of_another(backend.name, name, value)
        )
        if why is not None:
            yield ("options", name), why


def as_taken(backend: Backend) -> dict[str, Any] | None:
    """The options as the compiler takes them: numbers that may be whole as floats, lists as tuples."""
    if backend.options is None:
        return None
    return {name: _taken(_kind(backend.name, name), value) for name, value in backend.options.items()}


def _taken(kind: OptionKind | None, value: Any) -> Any:
    return kind.take(value) if kind is not None and kind.fits(value) else value


def _kind(backend: str, name: str) -> OptionKind | None:
    if backend == INDUCTOR:
        return inductor_options.kind_in_table(name) if name in inductor_options.table() else None
    return _registered.get(backend, {}).get(name)


def _of_inductor(name: str, value: Any, *, is_trusted: bool) -> str | None:
    table = inductor_options.table()
    if name not in table:
        safe = [one for one in table if is_trusted or inductor_options.refusal(one) is None]
        near = did_you_mean(name, safe) or "; docs/safety.md says which of them a recipe file may give"
        return f"'{name}' is not an option of inductor{near}"
    if not is_trusted and (why := inductor_options.refusal(name)):
        return f"'{name}' is not an option that a recipe file may give: {why}; {_way_out(name, value)}"
    kind = inductor_options.kind_in_table(name)
    return None if kind is None else kind.problem(name, value)


def _of_another(backend: str, name: str, value: Any) -> str | None:
    known = _registered.get(backend, {})
    if name in known:
        return known[name].problem(name, value)
    near = did_you_mean(name, known) or (f"; those are {', '.join(known)}" if known else "")
    what = f"'{name}' is not an option of {backend} that its package registers as safe for a recipe file"
    return f"{what}; {_way_out(name, value)}{near}"


def _way_out(name: str, value: Any) -> str:
    typed = f"backend.options.{name}={shown(value)}" if not isinstance(value, (dict, list)) else "'backend.options={…}'"
    return f"the command line may give it, as {typed}"
