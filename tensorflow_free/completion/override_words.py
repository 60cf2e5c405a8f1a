"""Overrides for completion: `KEY=VALUE`, `~KEY`, a value behind a comma, by the format and the recipe that is named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tensorflow_free.completion.backend_names import backends
from tensorflow_free.completion.candidate import Candidate, at, beginning, behind, of_words
from tensorflow_free.completion.key_words import HYDRA, SETTINGS_KEYS, dtypes_at, keys_at, keys_of
from tensorflow_free.completion.listed_ops import ops
from tensorflow_free.completion.listed_paths import folders, runs
from tensorflow_free.recipe.device_names import KNOWN
from tensorflow_free.recipe.init_kinds import INIT_KINDS
from tensorflow_free.recipe.keys import INPUTS, STEPS
from tensorflow_free.recipe.names import AUTO, FOLLOWING

SIGNS: Final = "~+"
LAUNCHERS: Final = ("basic", "joblib", "submitit_local", "submitit_slurm", "ray")
SWITCHES: Final = ("true", "false")


def overrides(typed: str, said: Mapping[str, Any]) -> Iterator[Candidate]:
    """What may follow of an override, of a recipe that says this."""
    bare = typed.lstrip(SIGNS)
    sign = typed[: len(typed) - len(bare)]
    if "=" in bare:
        key, _, value = bare.partition("=")
        return behind(f"{sign}{key}=", _values(key, value, said))
    *path, begun = bare.split(".")
    head = f"{sign}{''.join(f'{part}.' for part in path)}"
    if sign == "~":
        return behind(head, beginning(begun, keys_of(said, path)))
    found = behind(head, beginning(begun, keys_at(said, path)))
    return _with_hydra(found, bare) if not sign else found


def _with_hydra(found: Iterator[Candidate], typed: str) -> Iterator[Candidate]:
    yield from found
    if typed[:1] == "h":
        yield from beginning(typed, (Candidate(key, says) for key, says in HYDRA.items()))


def devices() -> Iterator[Candidate]:
    """The devices that are known by name on every machine."""
    yield Candidate(AUTO, "the best one of this machine")
    yield from of_words(KNOWN)


@dataclass(frozen=True)
class _Place:
    """A key of an override, and what the recipe says."""

    path: tuple[str, ...]
    said: Mapping[str, Any]


def _values(key: str, typed: str, said: Mapping[str, Any]) -> Iterator[Candidate]:
    """The values of a key that begin as the one that is typed; behind a comma those that are not there yet."""
    place = _Place(tuple(key.split(".")), said)
    if place.path[-1] == "args" or typed.startswith("["):
        return _in_list(place, typed)
    *before, begun = typed.split(",")
    known = [one for one in _of_key(place, begun) if one.word not in before]
    return behind("".join(f"{one}," for one in before), beginning(begun, known))


def _of_key(place: _Place, typed: str) -> Iterable[Candidate]:
    path = place.path
    last = path[-1]
    if last in ("dtype", "input_precision"):
        following = FOLLOWING if path[0] == "tensors" else ()
        return of_words((*following, *dtypes_at(path)))
    if last == "init":
        return (Candidate(one.name, one.says) for one in INIT_KINDS.values())
    if last == "op" and path[0] in STEPS:
        return ops(typed)
    by_name: dict[str, Callable[[], Iterable[Candidate]]] = {
        "device": devices,
        "backend": backends,
        "case": lambda: _cases(place.said),
        "record": lambda: of_words(("all", "outputs")),
        "inputs": lambda: of_words(INPUTS),
        "backward": lambda: _names(place.said, STEPS),
        "input": lambda: _names(place.said, ("tensors",)),
        "starts": lambda: runs(typed),
        "hydra/launcher": lambda: of_words(LAUNCHERS),
    }
    if last in by_name:
        return by_name[last]()
    if path[0] == "settings":
        return of_words(SETTINGS_KEYS.get(last, ()))
    if path[:1] == ("hydra",) and last == "dir":
        return folders(typed)
    written = at(place.said, path)
    is_switch = isinstance(written, bool) or last in ("requires_grad", "forward", "isolated", "retain_grad")
    return of_words(SWITCHES) if is_switch else ()


def _cases(said: Mapping[str, Any]) -> Iterator[Candidate]:
    cases = said.get("cases")
    for name, case in cases.items() if isinstance(cases, Mapping) else ():
        yield Candidate(str(name), ", ".join(case) if isinstance(case, Mapping) else "")


def _in_list(place: _Place, typed: str) -> Iterator[Candidate]:
    """The values that an element of a list may name: those that stand before the step."""
    cut = max(typed.rfind(one) for one in "[, ") + 1
    if not cut:
        return iter([Candidate("[", "a list of values")] if not typed else [])
    return behind(typed[:cut], beginning(typed[cut:], _named_before(place)))


def _named_before(place: _Place) -> Iterator[Candidate]:
    """The tensors, and the steps that come before that of the key; all where it is no step's."""
    own = place.path[1] if place.path[0] in STEPS and len(place.path) > 1 else None
    for one in _names(place.said, ("tensors", *STEPS)):
        if one.word == own:
            return
        yield one


def _names(said: Mapping[str, Any], sections: Sequence[str]) -> Iterator[Candidate]:
    for section in sections:
        named = said.get(section)
        for name in named if isinstance(named, Mapping) else ():
            if isinstance(name, str):
                yield Candidate(name, section)
