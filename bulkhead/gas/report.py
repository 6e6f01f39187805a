"""Tables of what was measured, and what changed."""

from __future__ import annotations

import re
from collections.abc import Mapping

# What the README shows, in its words.
FIGURES = {
    "open_new_vault": "open a first position, its vault included",
    "top_up_by_transfer": "top up by a plain transfer",
    "decrease": "take half off, at a profit",
    "close_and_withdraw": "close at a profit and take everything out",
    "liquidate_full": "liquidate a position whole",
    "liquidate_many_10_per_position": "liquidate ten, each",
    "order_open": "place a delayed order for a first position, and fill it",
}
_TABLES = re.compile(r"(<!-- gas of (\w+) -->\n```text\n)(.*?)(\n```\n<!-- end -->)", re.S)
_PLACE = re.compile(r"(<!-- gas -->\n).*?(\n<!-- end -->)", re.S)


def grid(head: list[str], rows: list[list[str]]) -> str:
    """Columns of text, the first aligned left."""
    widths = [max(len(row[at]) for row in [head, *rows]) for at in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in [head, *rows]
    )


def table(found: Mapping[str, int], budgets: Mapping[str, int | None]) -> str:
    """Every key with its budget and how much of that is left."""
    rows = []
    for key, gas in found.items():
        budget = budgets[key]
        left = "" if budget is None else f"{budget - gas:,}"
        mark = "" if budget is None or gas <= budget else "OVER"
        rows.append([key, "" if budget is None else f"{budget:,}", f"{gas:,}", left, mark])
    return grid(["key", "budget", "measured", "margin", ""], rows)


def growth(few: Mapping[str, int], many: Mapping[str, int], counts: tuple[int, int]) -> str:
    """Every key at two numbers of positions."""
    rows = [[key, f"{few[key]:,}", f"{many[key]:,}", f"{many[key] - few[key]:+,}"] for key in few]
    return grid(["key", *(f"at {count:,}" for count in counts), "growth"], rows)


def over(found: Mapping[str, int], budgets: Mapping[str, int | None]) -> list[str]:
    """A line for each key over its budget."""
    return [
        f"{key} costs {gas:,}: {gas - budget:,} over its budget of {budget:,}"
        for key, gas in found.items()
        if (budget := budgets[key]) is not None and gas > budget
    ]


def changes(before: Mapping[str, int], now: Mapping[str, int]) -> list[str]:
    """A line for each key that differs."""
    lines = []
    for key in sorted({*before, *now}):
        old, new = before.get(key), now.get(key)
        if old is None or new is None:
            lines.append(f"{key}: {'not measured any more' if new is None else f'new, {new:,}'}")
        elif old != new:
            lines.append(f"{key}: {old:,} -> {new:,} ({new - old:+,})")
    return lines


def figures(found: Mapping[str, int]) -> str:
    """The README's table."""
    rows = [f"| {words} | {found[key]:,} |" for key, words in FIGURES.items() if key in found]
    return "\n".join(["| to | gas |", "|---|---:|", *rows])


def filled(page: str, found: Mapping[str, int]) -> str:
    """The README with the figures as measured."""
    return _PLACE.sub(lambda match: match[1] + figures(found) + match[2], page)


def breakdowns(page: str) -> dict[str, str]:
    """The tables of where gas goes that a page holds, by key."""
    return {match[2]: match[3] for match in _TABLES.finditer(page)}


def with_breakdowns(page: str, tables: Mapping[str, str]) -> str:
    """The page with the tables in their places."""
    return _TABLES.sub(lambda match: match[1] + tables[match[2]] + match[4], page)


def unexplained(
    found: Mapping[str, int], budgets: Mapping[str, int | None], page: str
) -> list[str]:
    """A line for each key over its budget that the page has no table for, whose table adds up to
    another figure, or whose table is there although it is within its budget."""
    tables = breakdowns(page)
    lines = []
    for key, gas in found.items():
        budget = budgets[key]
        is_over = budget is not None and gas > budget
        if key not in tables:
            if is_over:
                lines.append(f"{key}: docs/gas.md does not say where its gas goes")
            continue
        if not is_over:
            lines.append(f"{key}: docs/gas.md explains it, but it is within its budget")
            continue
        total = int(tables[key].split()[-1].replace(",", ""))
        if -(-total // share(key)) != gas:
            lines.append(f"{key}: its table in docs/gas.md adds up to {total:,}, not to {gas:,}")
    return lines


def share(key: str) -> int:
    """How many positions one transaction of a measurement is divided by."""
    return 10 if key.endswith("_10_per_position") else 1
