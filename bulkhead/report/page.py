"""The page around charts and tables."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from importlib import resources

from bulkhead.report.scale import number
from bulkhead.report.svg import LEFT, RIGHT, WIDTH, Chart, draw


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Collection[int] = ()
) -> str:
    """A table; the columns `numbers` are right-aligned."""

    def cells(row: Sequence[str], tag: str) -> str:
        return "".join(
            f"<{tag}{' class=num' if place in numbers else ''}>{escape(cell)}</{tag}>"
            for place, cell in enumerate(row)
        )

    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    top = f"<thead><tr>{cells(head, 'th')}</tr></thead>" if any(head) else ""
    return f'<div class="scroll"><table>{top}<tbody>{body}</tbody></table></div>'


def facts(items: Sequence[tuple[str, str, str]]) -> str:
    """Large numbers: name, value, and a line below; a name with `!` first is a bad one."""
    parts = []
    for name, value, below in items:
        bad = ' class="bad"' if name.startswith("!") else ""
        parts.append(
            f"<div{bad}><dt>{escape(name.lstrip('!'))}</dt><dd>{escape(value)}</dd>"
            f"<small>{escape(below)}</small></div>"
        )
    return f'<dl class="facts">{"".join(parts)}</dl>'


@dataclass(frozen=True)
class Page:
    """A report: title, a line below it, sections (heading, HTML), and charts."""

    title: str
    subtitle: str
    before: Sequence[tuple[str, str]]
    charts: Sequence[Chart]
    after: Sequence[tuple[str, str]]
    footer: str

    def html(self) -> str:
        """One self-contained file."""
        sections = [_section(*section) for section in self.before]
        if self.charts:
            body = "".join(draw(chart) for chart in self.charts)
            sections.append(f"<section>{body}</section>")
        sections += [_section(*section) for section in self.after]
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{escape(self.title)}</title><style>{_resource('page.css')}</style></head>"
            f"<body><header><h1>{escape(self.title)}</h1><p>{escape(self.subtitle)}</p></header>"
            f"<main>{''.join(sections)}</main><footer>{self.footer}</footer>"
            f"<script>const charts={_data(self.charts)};{_resource('page.js')}</script>"
            "</body></html>\n"
        )


def _section(heading: str, body: str) -> str:
    return f"<section><h2>{escape(heading)}</h2>{body}</section>"


def _resource(name: str) -> str:
    return resources.files("bulkhead.report").joinpath(name).read_text(encoding="utf-8")


def _data(charts: Sequence[Chart]) -> str:
    """What the cursor shows, as JSON that can't end the script element."""
    found = [
        {
            "left": LEFT,
            "right": WIDTH - RIGHT,
            "times": [f"{datetime.fromtimestamp(time, UTC):%m-%d %H:%M}" for time in chart.times],
            "lines": [
                [number(value, chart.digits) for value in line.values] for line in chart.lines
            ],
        }
        for chart in charts
    ]
    return json.dumps(found, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
