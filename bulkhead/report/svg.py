"""Charts drawn by hand as SVG. One step on the x axis is one sample; labels say when it was.

Colours are CSS classes (`c1` to `c6`), so that a page can be light or dark.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from bulkhead.report.scale import Axis, number, value_axis

WIDTH = 1000
LEFT, RIGHT, TOP, BOTTOM = 74, 16, 12, 40
MOST_POINTS = 3_000


@dataclass(frozen=True)
class Line:
    """One series; `filled` paints the area down to zero."""

    name: str
    colour: int
    values: Sequence[float]
    dashed: bool = False
    filled: bool = False


@dataclass(frozen=True)
class Mark:
    """A circle at a sample: filled or hollow, with a text that shows on hover."""

    place: int
    value: float
    radius: float
    colour: int
    hollow: bool
    tip: str


@dataclass(frozen=True)
class Event:
    """A vertical line at a sample, named at its top."""

    place: int
    name: str


@dataclass(frozen=True)
class Chart:
    """A titled chart over the samples' times (unix seconds)."""

    title: str
    unit: str
    times: Sequence[int]
    lines: Sequence[Line]
    marks: Sequence[Mark] = ()
    events: Sequence[Event] = ()
    legend: Sequence[tuple[int, bool, str]] = ()  # colour, hollow, text: what the marks mean
    height: int = 230
    zero: bool = False
    note: str = ""
    digits: int | None = None
    tick: Callable[[float], str] = number


def _x_axis(chart: Chart) -> Axis:
    last = max(len(chart.times) - 1, 1)
    return Axis(0, last, LEFT, WIDTH - RIGHT, ())


def _grid(chart: Chart, y: Axis) -> list[str]:
    parts = []
    for tick in y.ticks:
        at = y.at(tick)
        kind = "axis" if tick == 0 and chart.zero else "grid"
        parts.append(
            f'<line class="{kind}" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'
        )
        parts.append(
            f'<text class="tick" x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">'
            f"{escape(chart.tick(tick))}</text>"
        )
    return parts


def _time_labels(chart: Chart, x: Axis, bottom: float) -> list[str]:
    """About nine moments; the day is written where it changes."""
    count = len(chart.times)
    places = sorted({round(step * (count - 1) / 8) for step in range(9)}) if count else []
    parts: list[str] = []
    day = ""
    for place in places:
        when = datetime.fromtimestamp(chart.times[place], UTC)
        at = x.at(place)
        anchor = "start" if place == 0 else "end" if place == count - 1 else "middle"
        parts.append(
            f'<line class="axis" x1="{at:.1f}" x2="{at:.1f}" y1="{bottom}" y2="{bottom + 4}"/>'
        )
        parts.append(
            f'<text class="tick" x="{at:.1f}" y="{bottom + 17}" text-anchor="{anchor}">'
            f"{when:%H:%M}</text>"
        )
        if f"{when:%Y-%m-%d}" != day:
            day = f"{when:%Y-%m-%d}"
            parts.append(
                f'<text class="tick day" x="{at:.1f}" y="{bottom + 32}" '
                f'text-anchor="{anchor}">{day}</text>'
            )
    return parts


def _path(line: Line, x: Axis, y: Axis) -> list[str]:
    every = max(1, len(line.values) // MOST_POINTS)
    places = [*range(0, len(line.values), every)]
    if places and places[-1] != len(line.values) - 1:
        places.append(len(line.values) - 1)
    points = " ".join(f"{x.at(place):.1f},{y.at(line.values[place]):.1f}" for place in places)
    parts = []
    if line.filled and places:
        base = y.at(max(y.low, min(0.0, y.high)))
        first, last = x.at(places[0]), x.at(places[-1])
        area = f"{first:.1f},{base:.1f} {points} {last:.1f},{base:.1f}"
        parts.append(f'<polygon class="area c{line.colour}" points="{area}"/>')
    dash = " dashed" if line.dashed else ""
    parts.append(f'<polyline class="line c{line.colour}{dash}" points="{points}"/>')
    return parts


def _marks(chart: Chart, x: Axis, y: Axis) -> list[str]:
    """Large ones first, so that small ones stay visible."""
    parts = []
    for mark in sorted(chart.marks, key=lambda one: -one.radius):
        kind = "hollow" if mark.hollow else "solid"
        parts.append(
            f'<circle class="{kind} c{mark.colour}" cx="{x.at(mark.place):.1f}" '
            f'cy="{y.at(mark.value):.1f}" r="{mark.radius:.1f}">'
            f"<title>{escape(mark.tip)}</title></circle>"
        )
    return parts


def _events(chart: Chart, x: Axis, bottom: float) -> list[str]:
    parts = []
    for event in chart.events:
        at = x.at(event.place)
        end = at > WIDTH * 0.75
        shift, anchor = (-5, "end") if end else (5, "start")
        parts.append(f'<line class="event" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{bottom}"/>')
        parts.append(
            f'<text class="tick" x="{at + shift:.1f}" y="{TOP + 10}" '
            f'text-anchor="{anchor}">{escape(event.name)}</text>'
        )
    return parts


def _legend(chart: Chart) -> str:
    items = [
        f'<span class="key"><i class="swatch c{line.colour}{" dashed" if line.dashed else ""}"></i>'
        f'{escape(line.name)} <b data-line="{place}"></b></span>'
        for place, line in enumerate(chart.lines)
    ]
    items += [
        f'<span class="key"><i class="dot c{colour}{" hollow" if hollow else ""}"></i>'
        f"{escape(text)}</span>"
        for colour, hollow, text in chart.legend
    ]
    return "".join(items)


def draw(chart: Chart) -> str:
    """The chart as a figure: title, legend, SVG and note."""
    bottom = chart.height - BOTTOM
    values = [value for line in chart.lines for value in line.values]
    values += [mark.value for mark in chart.marks]
    x, y = _x_axis(chart), value_axis(values, bottom, TOP, chart.zero)
    parts = _grid(chart, y) + _time_labels(chart, x, bottom)
    for line in chart.lines:
        parts += _path(line, x, y)
    parts += _events(chart, x, bottom) + _marks(chart, x, y)
    parts.append(f'<line class="cursor" x1="-9" x2="-9" y1="{TOP}" y2="{bottom}"/>')
    parts.append(f'<text class="tick when" x="-9" y="{bottom - 6}"></text>')
    note = f'<p class="note">{escape(chart.note)}</p>' if chart.note else ""
    return (
        f'<figure class="chart"><figcaption><h3>{escape(chart.title)} '
        f'<small>{escape(chart.unit)}</small></h3><div class="legend">{_legend(chart)}</div>'
        f'</figcaption><svg viewBox="0 0 {WIDTH} {chart.height}" role="img" '
        f'aria-label="{escape(chart.title)}">{"".join(parts)}</svg>{note}</figure>'
    )
