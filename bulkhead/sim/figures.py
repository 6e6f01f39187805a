"""Plots that are not over time: distributions, intervals, the frontier. SVG, drawn by matplotlib.

Text stays text and takes the page's colour, so that the plots fit a light and a dark page.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from html import escape
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from bulkhead.sim.answers import Answer, Frontier, short

COLOURS = ("#3b7dd8", "#d9822b", "#2a9d6f", "#c94f6d", "#8a63d2", "#7a8b99", "#b59b2b", "#2aa4b8")
INK = "#808890"  # readable on white and on near black
STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "bulkhead",
    "font.family": "sans-serif",
    "font.size": 11,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "grid.color": INK,
    "grid.alpha": 0.25,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "legend.frameon": False,
}
_HEAD = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_META = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)


def _svg(figure: Figure, title: str, unit: str, note: str) -> str:
    """The figure as part of a page: no prolog, no date, as wide as the page."""
    out = io.StringIO()
    figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    text = _META.sub("", _HEAD.sub("", out.getvalue()))
    head, rest = text.split(">", 1)
    head = re.sub(r' (width|height)="[^"]*"', "", head)
    svg = f'{head} role="img" aria-label="{escape(title)}">{rest}'
    # Ids are unique in one figure only: a page has several.
    mark = re.sub(r"[^a-z]", "", title.lower())
    svg = re.sub(r'id="([^"]+)"', rf'id="{mark}-\1"', svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\1{mark}-", svg)
    below = f'<p class="note">{escape(note)}</p>' if note else ""
    return (
        f'<figure class="chart"><figcaption><h3>{escape(title)} <small>{escape(unit)}</small></h3>'
        f"</figcaption>{svg}{below}</figure>"
    )


def _figure(height: float = 3.4) -> tuple[Figure, Any]:
    figure = Figure(figsize=(10, height), layout="constrained")
    return figure, figure.subplots()


def _money(axis: Any) -> None:
    axis.set_major_formatter(lambda value, _: short(value))


def exceedance(answers: Sequence[Answer], name: str, title: str, note: str) -> str:
    """Share of the runs in which a number is above x."""
    with mpl.rc_context(STYLE):
        figure, axes = _figure()
        for place, one in enumerate(answers):
            values = np.sort(np.array(one.values(name)))
            above = 100 * np.arange(len(values), 0, -1) / len(values)
            shown = values > 0
            if shown.any():
                axes.step(
                    values[shown],
                    above[shown],
                    where="post",
                    color=COLOURS[place % len(COLOURS)],
                    label=one.case.name,
                )
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_ylabel("% of the runs with more")
        axes.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
        for set_formatter in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
            set_formatter(lambda value, _: f"{value:g}")
        _money(axes.xaxis)
        if len(axes.lines):
            axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        else:
            axes.text(0.5, 0.5, "none in any run", ha="center", transform=axes.transAxes)
        return _svg(figure, title, "quote", note)


def bars(answers: Sequence[Answer], names: Sequence[tuple[str, str]], title: str, note: str) -> str:
    """Means with their 95 % intervals, a panel for each number, a bar for each case."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10, 0.9 + 0.36 * len(answers)), layout="constrained")
        panels = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
        places = np.arange(len(answers))
        for panel, (name, label) in zip(panels, names, strict=True):
            means = [one.spreads[name].mean for one in answers]
            middle = [one.value for one in means]
            low = [max(0.0, one.value - one.low) for one in means]
            high = [max(0.0, one.high - one.value) for one in means]
            colours = [COLOURS[place % len(COLOURS)] for place in range(len(answers))]
            panel.barh(places, middle, xerr=[low, high], color=colours, ecolor=INK, height=0.62)
            panel.set_title(label, fontsize=11)
            panel.xaxis.set_major_formatter(lambda value, _: short(value))
            panel.locator_params(axis="x", nbins=4)
            panel.grid(axis="y", visible=False)
        panels[0].set_yticks(places, [one.case.name for one in answers])
        panels[0].invert_yaxis()
        return _svg(figure, title, "mean of a run, quote", note)


def funds(answers: Sequence[Answer]) -> str:
    """The fund over the share of runs that it must cover."""
    with mpl.rc_context(STYLE):
        figure, axes = _figure()
        for place, one in enumerate(answers):
            levels = sorted(one.funds)
            colour = COLOURS[place % len(COLOURS)]
            sizes = [one.funds[level].value for level in levels]
            safe = [one.funds[level].safe for level in levels]
            at = list(range(len(levels)))
            axes.plot(at, sizes, "o-", color=colour, label=one.case.name)
            known = [x for x in at if math.isfinite(safe[x])]
            axes.plot(known, [safe[x] for x in known], "_", color=colour, markersize=14)
            axes.set_xticks(at, [f"{100 * level:g} %" for level in levels])
        axes.set_ylim(bottom=0)
        axes.set_xlabel("share of the runs that the fund covers")
        _money(axes.yaxis)
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        note = "A dash is the size that covers the share with 95 % certainty."
        return _svg(figure, "Insurance fund", "quote", note)


def frontiers(found: Sequence[Frontier]) -> str:
    """Bad debt over the highest leverage."""
    with mpl.rc_context(STYLE):
        figure, axes = _figure()
        for place, one in enumerate(found):
            at = [point[0] for point in one.points]
            means = [point[1] for point in one.points]
            colour = COLOURS[place % len(COLOURS)]
            middle = [mean.value for mean in means]
            low = [max(0.0, mean.value - mean.low) for mean in means]
            high = [max(0.0, mean.high - mean.value) for mean in means]
            axes.errorbar(
                at, middle, yerr=[low, high], fmt="o-", color=colour, capsize=3, label=one.rule
            )
            worst = [point[2].value for point in one.points]
            axes.plot(at, worst, ":", color=colour, label=f"{one.rule}, 99 %")
        axes.set_xlabel("highest leverage")
        axes.set_ylim(bottom=0)
        _money(axes.yaxis)
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        note = "Means with 95 % intervals; dotted: what one run in a hundred exceeds."
        return _svg(figure, "Leverage against bad debt", "quote, of a run", note)


def returns(answers: Sequence[Answer]) -> str:
    """What liquidity providers made: the middle half, 5 to 95 %, and the mean."""
    with mpl.rc_context(STYLE):
        figure, axes = _figure(0.9 + 0.36 * len(answers))
        for place, one in enumerate(answers):
            values = 100 * np.array(one.values("lp_return"))
            colour = COLOURS[place % len(COLOURS)]
            low, first, third, high = np.quantile(values, (0.05, 0.25, 0.75, 0.95))
            axes.plot([low, high], [place, place], color=colour, linewidth=1.5)
            axes.plot([first, third], [place, place], color=colour, linewidth=7, alpha=0.75)
            axes.plot(values.mean(), place, "|", color=INK, markersize=14, markeredgewidth=2)
        axes.axvline(0, color=INK, linewidth=1)
        axes.set_yticks(range(len(answers)), [one.case.name for one in answers])
        axes.set_ylim(len(answers) - 0.5, -0.5)
        axes.grid(axis="y", visible=False)
        note = "Thick: the middle half of the runs. Thin: 5 to 95 %. The mark is the mean."
        return _svg(figure, "Return of liquidity providers", "% of a run", note)
