"""PyTorch's settings that a recipe may set, by name: a closed table. Each is put back when the run ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from tensorflow_free.plan.precisions import in_order
from tensorflow_free.recipe.names import did_you_mean
from tensorflow_free.text.phrases import shown

MOST_THREADS: Final = 1024
"""More would be a slip: each is made at the first step that is run in parallel, and the system may refuse them."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One switch: what it may be, how it is read and how it is set.

    Attributes:
        name: as a recipe writes it.
        sets: what it sets, by PyTorch's own name.
        read: gives what it is now.
        write: sets it.
        words: what it may be, where it is not an integer.
        kind: the type of what it may be.
    """

    name: str
    sets: str
    read: Callable[[], Any]
    write: Callable[[Any], object]
    words: tuple[Any, ...] = (True, False)
    kind: type = bool

    def problem(self, value: Any) -> str | None:
        """Why the switch cannot be set to `value`, or None."""
        if self.kind is int:
            fits = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_THREADS
            above = isinstance(value, int) and value > MOST_THREADS
            wanted = f"at most {MOST_THREADS}" if above else "at least 1"
            return None if fits else f"'{shown(value)}' is not a setting of {self.name}; it is an integer of {wanted}"
        if any(value is word or (isinstance(word, str) and value == word) for word in self.words):
            return None
        words = [shown(word) for word in self.words]
        near = did_you_mean(value, words) or f"; it is one of {', '.join(words)}"
        return f"'{shown(value)}' is not a setting of {self.name}{near}"


def _read_deterministic() -> Any:
    enabled = torch.are_deterministic_algorithms_enabled()
    return "warn_only" if enabled and torch.is_deterministic_algorithms_warn_only_enabled() else enabled


def _write_deterministic(value: Any) -> None:
    torch.use_deterministic_algorithms(bool(value), warn_only=value == "warn_only")


def _read_flush_denormal() -> bool:
    # torch has no getter: half of the smallest normal number is a subnormal, and 0 where subnormals are flushed
    smallest = torch.tensor(torch.finfo(torch.float32).tiny, dtype=torch.float32)
    return bool((smallest / 2 == 0).item())


def _attribute(owner: Any, name: str) -> tuple[Callable[[], Any], Callable[[Any], None]]:
    return (lambda: getattr(owner, name)), (lambda value: setattr(owner, name, value))


def _read_tf32() -> tuple[bool, bool]:
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


def _write_tf32(value: Any) -> None:
    both = value if isinstance(value, tuple) else (value, value)
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = both


def _read_anomaly() -> tuple[bool, bool]:
    return torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()


def _write_anomaly(value: Any) -> None:
    torch.autograd.set_detect_anomaly(*(value if isinstance(value, tuple) else (value,)))


SDP_BACKENDS: Final = {
    "math": "MATH",
    "flash": "FLASH_ATTENTION",
    "efficient": "EFFICIENT_ATTENTION",
    "cudnn": "CUDNN_ATTENTION",
}


def _capability() -> str:
    return torch.backends.cpu.get_cpu_capability().lower()


def _refuse(value: Any) -> None:
    raise AssertionError(value)


SETTINGS: Final[dict[str, Setting]] = {
    setting.name: setting
    for setting in (
        Setting(
            "deterministic",
            "torch.use_deterministic_algorithms",
            _read_deterministic,
            _write_deterministic,
            (True, False, "warn_only"),
        ),
        Setting(
            "float32_matmul_precision",
            "torch.set_float32_matmul_precision",
            torch.get_float32_matmul_precision,
            torch.set_float32_matmul_precision,
            ("highest", "high", "medium"),
        ),
        Setting("num_threads", "torch.set_num_threads", torch.get_num_threads, torch.set_num_threads, kind=int),
        Setting("flush_denormal", "torch.set_flush_denormal", _read_flush_denormal, torch.set_flush_denormal),
        Setting(
            "allow_tf32",
            "allow_tf32 of torch.backends.cuda.matmul and of torch.backends.cudnn",
            _read_tf32,
            _write_tf32,
        ),
        Setting(
            "allow_fp16_reduced_precision_reduction",
            "torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction",
            *_attribute(torch.backends.cuda.matmul, "allow_fp16_reduced_precision_reduction"),
        ),
        Setting(
            "allow_bf16_reduced_precision_reduction",
            "torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction",
            *_attribute(torch.backends.cuda.matmul, "allow_bf16_reduced_precision_reduction"),
        ),
        Setting("cudnn_enabled", "torch.backends.cudnn.enabled", *_attribute(torch.backends.cudnn, "enabled")),
        Setting("cudnn_benchmark", "torch.backends.cudnn.benchmark", *_attribute(torch.backends.cudnn, "benchmark")),
        Setting(
            "cudnn_deterministic",
            "torch.backends.cudnn.deterministic",
            *_attribute(torch.backends.cudnn, "deterministic"),
        ),
        Setting("mkldnn", "torch.backends.mkldnn.enabled", *_attribute(torch.backends.mkldnn, "enabled")),
        Setting("detect_anomaly", "torch.autograd.set_detect_anomaly", _read_anomaly, _write_anomaly),
        Setting(
            "fill_uninitialized_memory",
            "torch.utils.deterministic.fill_uninitialized_memory",
            *_attribute(torch.utils.deterministic, "fill_uninitialized_memory"),
        ),
        Setting(
            "attention_fastpath",
            "torch.backends.mha.set_fastpath_enabled",
            torch.backends.mha.get_fastpath_enabled,
            torch.backends.mha.set_fastpath_enabled,
        ),
        Setting("sdp_backend", "torch.nn.attention.sdpa_kernel", lambda: None, _refuse, tuple(SDP_BACKENDS)),
        Setting(
            "cpu_capability",
            "the environment's ATEN_CPU_CAPABILITY, which torch reads at its start",
            _capability,
            _refuse,
            ("default", "avx2", "avx512", "amx", "sve256", "zvector", "vsx"),
        ),
    )
}
"""Each switch by its name. `sdp_backend` is a context of torch's own, `cpu_capability` a condition on the process."""


PRECISIONS: Final = frozenset({"allow_tf32", "float32_matmul_precision"})
"""Settings that torch has another way to say, too: `fp32_precision`."""


def problems(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each setting that is not one, or not one to be had in this process, with why."""
    for name, value in settings.items():
        setting = SETTINGS.get(name)
        if setting is None:
            near = did_you_mean(name, SETTINGS) or f"; it is one of {', '.join(SETTINGS)}"
            yield name, f"'{name}' is not a setting{near}"
        elif name == "sdp_backend" and isinstance(value, list):
            yield from ((name, why) for one in value if (why := setting.problem(one)))
            if not value:
                yield name, f"'[]' is not a setting of {name}; it is one or several of {', '.join(SDP_BACKENDS)}"
        elif why := setting.problem(value):
            yield name, why
        elif name == "cpu_capability" and value != _capability():
            yield (
                name,
                (
                    f"'{value}' is not this process's CPU capability, which is '{_capability()}'; "
                    f"torch reads it at its start: set ATEN_CPU_CAPABILITY={value} before Python starts"
                ),
            )


def readings() -> dict[str, Any]:
    """How the switches of this process stand, for one that is to give the same numbers."""
    with in_order():
        return {name: setting.read() for name, setting in SETTINGS.items() if setting.write is not _refuse}


def adopt(read: Mapping[str, Any]) -> None:
    """Set the switches as `readings` told them in another process; JSON makes lists of pairs."""
    for name, value in read.items():
        wanted = tuple(value) if isinstance(value, list) else value
        if wanted != SETTINGS[name].read():
            _write(SETTINGS[name], wanted)


@contextmanager
def applied(settings: Mapping[str, Any]) -> Iterator[None]:
    """Set the switches, and put each back as it was, also when the run fails."""
    with ExitStack() as stack:
        if not PRECISIONS.isdisjoint(settings):
            stack.enter_context(in_order())
        for name, value in settings.items():
            if name == "sdp_backend":
                stack.enter_context(_sdp_kernels([value] if isinstance(value, str) else value))
            elif name != "cpu_capability":
                setting = SETTINGS[name]
                stack.callback(_write, setting, setting.read())
                _write(setting, value)
        yield


def _write(setting: Setting, value: Any) -> None:
    # torch's own test suite locks these switches for its process (disable_global_flags), lest one be left changed;
    # here each is put back. The name is torch's, of versions 2.11 to 2.13.
    unlocked = getattr(torch.backends, "__allow_nonbracketed_mutation", nullcontext)
    with unlocked():
        setting.write(value)


def _sdp_kernels(words: Sequence[str]) -> Any:
    return sdpa_kernel([getattr(SDPBackend, SDP_BACKENDS[word]) for word in words])
