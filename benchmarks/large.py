"""Judging a value of ten million numbers, against `torch.allclose` in float64: in time, and in memory."""

from __future__ import annotations

import sys
from typing import Any, Final

from benchmarks.figures import Effort, Figure, Side, figure, ratio
from benchmarks.memory import now_and_reset, printed, status

ROWS: Final = 10
NUMBERS: Final = 1_000_000
"""Rows of the value, and numbers of each."""

PAIRS: Final = 7
MEMORY_PAIRS: Final = 3
RTOL, ATOL = 1e-5, 1e-6


def in_time(effort: Effort) -> Figure:
    """The comparison of two results with a tolerance, the worst number measured in full, against the one call."""
    import torch  # noqa: PLC0415 - whoever asks for memory needs no torch

    from benchmarks.judging import one_thread  # noqa: PLC0415

    actual, expected, judge = _results(effort.size_of(NUMBERS, 10))

    def close(_: Any) -> None:
        if not torch.allclose(actual["y"].double(), expected["y"], RTOL, ATOL):
            raise AssertionError

    with one_thread():
        return ratio(Side(lambda _: judge()), Side(close), effort.pairs_of(PAIRS), warm=effort.warm)


def in_memory(effort: Effort) -> Figure:
    """What judging takes at most beyond the runs' own values, against the judged value."""
    numbers = effort.size_of(NUMBERS, 200_000)
    taken = [int(printed("benchmarks.large", str(numbers))) for _ in range(effort.pairs_of(MEMORY_PAIRS))]
    return figure([one / (4 * ROWS * numbers) for one in taken], "ratio")


def _results(numbers: int) -> tuple[Any, Any, Any]:
    """A float32 run and its float64 reference, of which one value is large; and what judges them."""
    from tensorflow_free import Judging, compare_results, load_recipe, run_recipe  # noqa: PLC0415 - see above

    x, w = ({"init": "randn", "size": size} for size in ([ROWS, 1], [numbers]))
    source = {"tensors": {"x": x, "w": w}, "steps": {"y": "x * w"}, "record": ["y"]}
    actual, expected = (run_recipe(load_recipe(source, [f"dtype={dtype}"])) for dtype in ("float32", "float64"))

    def judge() -> None:
        found = compare_results(actual, expected, judging=Judging(rtol=RTOL, atol=ATOL))["y"]
        if found.outcome != "ok" or found.measure is None or found.measure.max_ulp is None:
            raise AssertionError

    return actual, expected, judge


def _run(numbers: int) -> int:
    """Bytes that judging takes at most, above what the process had with both results."""
    _results(1)[2]()
    judge = _results(numbers)[2]
    before = now_and_reset()
    judge()
    return status("VmHWM") - before


if __name__ == "__main__":
    print(_run(int(sys.argv[1])))
