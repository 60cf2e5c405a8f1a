"""The keys that may stand at a place of a recipe, for completion: those of the format, and those that a recipe has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tensorflow_free.completion.candidate import Candidate, at
from tensorflow_free.recipe.init_kinds import INIT_KINDS
from tensorflow_free.recipe.keys import BLOCKS, EXPECTATION_KEYS, KEYS, STEP_KEYS, STEPS
from tensorflow_free.recipe.names import DTYPES, RECIPE_DTYPES
from tensorflow_free.recipe.relation_kinds import RELATION_KINDS

TENSOR_KEYS: Final = {
    "init": "how it is made",
    "dtype": "its dtype, where it is not the recipe's",
    "device": "its device, where it is not the recipe's",
    "requires_grad": "whether it has a gradient",
    "shape": "the shape that its values are given",
    "seed": "the seed of its own random numbers",
    "memory_format": "such as channels_last",
    "stride": "the stride of each dimension, in elements",
    "storage_offset": "elements before its first one in memory",
}
"""The keys that a tensor of any init may have."""

_SWITCH: Final = ("true", "false")

SETTINGS_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "deterministic": (*_SWITCH, "warn_only"),
    "float32_matmul_precision": ("highest", "high", "medium"),
    "num_threads": (),
    "flush_denormal": _SWITCH,
    "allow_tf32": _SWITCH,
    "allow_fp16_reduced_precision_reduction": _SWITCH,
    "allow_bf16_reduced_precision_reduction": _SWITCH,
    "cudnn_enabled": _SWITCH,
    "cudnn_benchmark": _SWITCH,
    "cudnn_deterministic": _SWITCH,
    "mkldnn": _SWITCH,
    "detect_anomaly": _SWITCH,
    "fill_uninitialized_memory": _SWITCH,
    "attention_fastpath": _SWITCH,
    "sdp_backend": ("math", "flash", "efficient", "cudnn"),
    "cpu_capability": ("default", "avx2", "avx512", "amx", "sve256", "zvector", "vsx"),
}
"""Settings of PyTorch, each with the words that it may be."""

REFERENCE_KEYS: Final = ("device", "dtype", "backend", "inputs")
JUDGE_KEYS: Final = ("k", "isolated")
BELOW: Final[Mapping[str, Sequence[str]]] = {
    "settings": tuple(SETTINGS_KEYS),
    "reference": REFERENCE_KEYS,
    "judge": JUDGE_KEYS,
    "relations": tuple(RELATION_KINDS),
    "tolerance": RECIPE_DTYPES,
}
"""What may stand below a key, whatever the recipe says."""

HYDRA: Final = {
    "hydra.run.dir=": "where the run is written to",
    "hydra.sweep.dir=": "where the sweep is written to",
    "hydra.launcher.n_jobs=": "worker processes of a sweep",
    "hydra/launcher=": "what begins the cells of a sweep",
}
"""Hydra's settings that are wanted most."""

_LONGEST: Final = 60
"""Characters of a value that is shown beside its key."""


def keys_at(said: Mapping[str, Any], path: Sequence[str]) -> Iterator[Candidate]:
    """The keys at a place of a recipe: `name=` for one with a value, `name.` where keys stand below it, or may."""
    if not path:
        yield from _top_keys(said)
        return
    here = at(said, path)
    written = here if isinstance(here, Mapping) else {}
    for name in written:
        if _is_name(name):
            yield _key(name, written[name], path)
    for name, says in _known_keys(said, path):
        if name not in written:
            yield Candidate(f"{name}=", says)


def keys_of(said: Mapping[str, Any], path: Sequence[str]) -> Iterator[Candidate]:
    """The keys that a recipe has at a place, to be deleted: each whole, and open where others stand below it."""
    here = at(said, path) if path else said
    for name, value in here.items() if isinstance(here, Mapping) else ():
        if _is_name(name):
            yield Candidate(name, _shown(value))
            if isinstance(value, Mapping):
                yield Candidate(f"{name}.")


def _top_keys(said: Mapping[str, Any]) -> Iterator[Candidate]:
    for key in KEYS.values():
        if key.of_files:
            continue
        has_keys = isinstance(said.get(key.name), Mapping) or key.name in BELOW
        if has_keys:
            yield Candidate(f"{key.name}.", key.says)
        elif not isinstance(key.default, Mapping):
            yield Candidate(f"{key.name}=", key.says)


def _known_keys(said: Mapping[str, Any], path: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The keys of the format at a place, each with what it says."""
    match path:
        case [key]:
            yield from ((name, "") for name in BELOW.get(key, ()))
        case ["tensors", _]:
            written = at(said, path)
            init = written.get("init", "tensor") if isinstance(written, Mapping) else "tensor"
            kind = INIT_KINDS.get(init) if isinstance(init, str) else None
            if isinstance(written, Mapping) and kind is not None:
                yield from ((one.name, one.says) for one in kind.parameters)
            yield from TENSOR_KEYS.items()
        case ["expect", _] if isinstance(at(said, path), Mapping):
            yield from ((name, "") for name in sorted(EXPECTATION_KEYS))
        case [*above, _] if above and above[-1] in STEPS:
            written = at(said, path)
            if isinstance(written, Mapping):
                kind_of_step = next((block for block in BLOCKS if block in written), "op")
                yield from ((name, "") for name, kinds in STEP_KEYS.items() if kind_of_step in kinds)


def _key(name: str, value: Any, path: Sequence[str]) -> Candidate:
    is_tensor = tuple(path) == ("tensors",)
    return Candidate(f"{name}{'.' if is_tensor or (isinstance(value, Mapping) and value) else '='}", _shown(value))


def _is_name(name: object) -> bool:
    return isinstance(name, str) and name.isprintable() and not set(name) & set(" =,'\"\\")


def _shown(value: Any) -> str:
    """A value beside its key: what the recipe says, in short."""
    if isinstance(value, Mapping):
        said = [f"{key}: {one}" for key, one in value.items()]
        text = ", ".join(said)
    else:
        text = str(value)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def dtypes_at(path: Sequence[str]) -> tuple[str, ...]:
    """The dtypes that a key at this place may name."""
    return DTYPES if len(path) > 1 and path[0] != "reference" else RECIPE_DTYPES
