"""Plots of matplotlib: the numbers of a value, and the used errors of a sweep's cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from tensorflow_free.notebook.wanted import wanted
from tensorflow_free.pages.pictured_values import numbers_of_value
from tensorflow_free.picturing.value_pictures import AnyNumbers
from tensorflow_free.recipe.names import did_you_mean
from tensorflow_free.report.value_summary import summary
from tensorflow_free.result.result import Result
from tensorflow_free.sweep.rows import Row

LONGEST_LINE: Final = 10_000
"""Numbers up to which a line is drawn; of more, a histogram."""

WIDEST_MAP: Final = 1024
"""Rows and columns up to which a heat map is drawn; of more, a histogram."""

MOST_DOTS: Final = 64
"""Numbers of a line that have a dot each."""

MOST_MARKED: Final = 2_000
"""Places of a heat map that are marked as not finite; the legend counts all."""

BARS: Final = 64
"""Bars of a histogram."""

LENGTHY: Final = 4
"""How many times as long as wide a heat map may be before its cells are no squares."""

CELL: Final = "cell"
"""What stands for the numbers of the cells where a sweep is drawn over an axis."""

MOST_NAMED: Final = 12
"""Groups that the legend names."""

MAP: Final = "viridis"
"""A colour map that is read without telling red from green, and in grey."""

MARKERS: Final = "osDPX*<>ph"
"""Each group has a marker, too."""

_ALARMING: Final = {"NaN": "x", "inf": "^", "-inf": "v"}
"""What is not finite, and its marker."""


def _axes(ax: Any) -> Any:
    return wanted("matplotlib.pyplot", "a plot").subplots(layout="constrained")[1] if ax is None else ax


# a value


def plot_of_value(result: Result, name: str, ax: Any = None) -> Any:
    """Draw a value: two dimensions as a heat map, one as a line, what is larger or has more as a histogram.

    Raises:
        ImportError: matplotlib is not installed.
        KeyError: the run has no value of this name.
        ValueError: the value has no numbers.
    """
    numbers = _numbers(result, name)
    axes = _axes(ax)
    shape = list(numbers.shape)
    drawn = np.abs(numbers) if np.iscomplexobj(numbers) else numbers
    drawn = np.atleast_1d(drawn.astype(np.float64).squeeze())
    label = "|z|" if np.iscomplexobj(numbers) else "value"
    if drawn.ndim == 1 and drawn.size <= LONGEST_LINE:
        _line(axes, drawn, label)
    elif drawn.ndim == 2 and max(drawn.shape) <= WIDEST_MAP:  # noqa: PLR2004 - rows and columns
        _heat_map(axes, drawn, label)
    else:
        _histogram(axes, drawn, label)
    axes.set_title(f"{name} {shape}", parse_math=False)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=len(_ALARMING))
    return axes


def _numbers(result: Result, name: str) -> AnyNumbers:
    value = result[name]
    if value is None:
        raise ValueError(f"'{name}' is none and has no numbers to draw: no gradient reached it, or its step gave none")
    unstored = result.records[name].unstored
    numbers = None if unstored else numbers_of_value(value)
    if numbers is None or not numbers.size:
        raise ValueError(
            f"'{name}' has no numbers to draw: {f'not stored: {unstored}' if unstored else summary(value)}"
        )
    return numbers


def _alarms(numbers: AnyNumbers) -> Mapping[str, AnyNumbers]:
    """Where numbers are not finite."""
    return {"NaN": np.isnan(numbers), "inf": numbers == np.inf, "-inf": numbers == -np.inf}


def _line(axes: Any, numbers: AnyNumbers, label: str) -> None:
    finite = np.where(np.isfinite(numbers), numbers, np.nan)
    axes.plot(finite, marker="o" if numbers.size <= MOST_DOTS else "")
    for word, where in _alarms(numbers).items():
        at = np.flatnonzero(where)
        _on_the_edge(axes, at, word, len(at), is_top=word == "inf")
    axes.set(xlabel="index", ylabel=label)
    axes.xaxis.get_major_locator().set_params(integer=True)


def _on_the_edge(axes: Any, at: Any, word: str, count: int, *, is_top: bool) -> None:
    """Mark places for which there is no height in the plot."""
    if count:
        height = np.full(len(at), 0.98 if is_top else 0.02)
        marker = _ALARMING.get(word, "v" if word.startswith("no error") else "+")
        told = {"linestyle": "none", "color": "tab:red" if word in _ALARMING else "tab:gray", "zorder": 3}
        axes.plot(at, height, marker, label=f"{word} ({count:,})", transform=axes.get_xaxis_transform(), **told)


def _heat_map(axes: Any, numbers: AnyNumbers, label: str) -> None:
    colours = wanted("matplotlib", "a plot").colormaps[MAP].with_extremes(bad="lightgray")
    is_long = max(numbers.shape) > LENGTHY * min(numbers.shape)
    shown = np.ma.masked_invalid(numbers)
    image = axes.imshow(shown, cmap=colours, interpolation="nearest", aspect="auto" if is_long else "equal")
    axes.figure.colorbar(image, ax=axes, label=label)
    for word, where in _alarms(numbers).items():
        rows, columns = np.nonzero(where)
        if len(rows):
            marked = columns[:MOST_MARKED], rows[:MOST_MARKED]
            axes.plot(*marked, _ALARMING[word], color="tab:red", label=f"{word} ({len(rows):,})")
    axes.set(xlabel="column", ylabel="row")
    for axis in (axes.xaxis, axes.yaxis):
        axis.get_major_locator().set_params(integer=True)


def _histogram(axes: Any, numbers: AnyNumbers, label: str) -> None:
    axes.hist(numbers[np.isfinite(numbers)], bins=BARS, color="tab:blue")
    for word, where in _alarms(numbers).items():
        if count := int(where.sum()):
            axes.plot([], [], _ALARMING[word], color="tab:red", label=f"{word} ({count:,})")
    axes.set(xlabel=label, ylabel="how many")


# a sweep


def plot_of_sweep(rows: list[Row], over: str = CELL, by: str | None = None, ax: Any = None) -> Any:
    """Draw the share of the allowed error that each cell used, over its number or over the values of an axis.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: the sweep has no such axis.
    """
    keys = tuple(dict.fromkeys(key for row in rows for key in row.axes))
    for key in filter(None, (over, by)):
        if key not in (CELL, *keys):
            raise ValueError(f"'{key}' is not an axis of this sweep{did_you_mean(key, keys)}; it has {_told(keys)}")
    axes = _axes(ax)
    by = by or ("dtype" if "dtype" in keys and over != "dtype" else None)
    places, names = _places(rows, over)
    used = np.array([np.nan if row.used is None else row.used for row in rows], dtype=np.float64)
    for look, members in _groups(rows, by):
        _group(axes, places[members], used[members], look, is_axis=over != CELL)
    for word, where in (("inf", np.isinf(used)), ("no error", used == 0), ("not compared", np.isnan(used))):
        _on_the_edge(axes, places[where], word, int(where.sum()), is_top=word == "inf")
    _dress(axes, over, names, by)
    return axes


def _groups(rows: list[Row], by: str | None) -> Iterator[tuple[dict[str, Any], list[int]]]:
    """The rows of each value of an axis, and how they look; all rows where no axis is named."""
    members: dict[str, list[int]] = {}
    for at, row in enumerate(rows):
        members.setdefault("" if by is None else row.axes.get(by, ""), []).append(at)
    colours = wanted("matplotlib", "a plot").colormaps[MAP](np.linspace(0.15, 0.85, max(1, len(members))))
    markers = (MARKERS * len(members))[: len(members)]
    names = list(members)[:MOST_NAMED]
    if len(members) > len(names):
        names.append(f"and {len(members) - len(names)} more")
    labels = names + [""] * (len(members) - len(names))
    for label, found, colour, marker in zip(labels, members.values(), colours, markers, strict=True):
        yield {"marker": marker, "color": colour, "label": label}, found


def _told(keys: tuple[str, ...]) -> str:
    return ", ".join(f"'{key}'" for key in (CELL, *keys))


def _places(rows: list[Row], over: str) -> tuple[AnyNumbers, list[str]]:
    """Where each row stands, and the names of these places where they are no numbers."""
    if over == CELL:
        return np.array([row.number for row in rows], dtype=np.float64), []
    texts = [row.axes.get(over, "") for row in rows]
    try:
        return np.array([float(text) for text in texts]), []
    except ValueError:
        names = list(dict.fromkeys(texts))
        return np.array([names.index(text) for text in texts], dtype=np.float64), names


def _group(axes: Any, places: AnyNumbers, used: AnyNumbers, look: dict[str, Any], *, is_axis: bool) -> None:
    """The cells of a group, those that have a height; along an axis a line through the worst of each place."""
    good = np.isfinite(used) & (used > 0)
    places, used = places[good], used[good]
    axes.plot(places, used, linestyle="none", **look)
    if is_axis:
        along = np.unique(places)
        axes.plot(along, [used[places == one].max() for one in along], color=look["color"], linewidth=1)


def _dress(axes: Any, over: str, names: list[str], by: str | None) -> None:
    axes.axhline(1.0, color="tab:red", linestyle="--", label="limit")
    axes.set_yscale("log")
    axes.set(ylabel="used share of the allowed error")
    axes.set_xlabel(over, parse_math=False)
    if names:
        axes.set_xticks(range(len(names)), names, parse_math=False)
    elif over == CELL:
        axes.xaxis.get_major_locator().set_params(integer=True)
    handles, labels = axes.get_legend_handles_labels()
    shown = [(handle, label) for handle, label in zip(handles, labels, strict=True) if label]
    legend = axes.legend(*zip(*shown, strict=True), title=by, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    for text in (*legend.get_texts(), legend.get_title()):
        text.set_parse_math(False)
