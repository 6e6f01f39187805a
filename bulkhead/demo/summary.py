"""What a run came to: one record for machines, one table for people."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from bulkhead.demo.laws import TITLES
from bulkhead.demo.metrics import Life
from bulkhead.demo.observe import Observation
from bulkhead.demo.run import Run
from bulkhead.model.types import Action
from bulkhead.money import WAD, percent, tokens, wad


def insurance(run: Run, seen: Observation) -> int:
    """The fund's balance and the unswept share that stands before it (token units)."""
    due: int = seen.state.insuranceDue
    return seen.balances[run.stage.system.fund.address] + due


def nav_tokens(run: Run, seen: Observation) -> int:
    """NAV in token units, rounded down."""
    unit: int = run.stage.mirror.twin.core.cfg.unit
    return seen.nav // unit


def share_price(run: Run, seen: Observation) -> int:
    """Tokens for a share, both counted whole (Wad); shares have three decimals more."""
    whole: int = 10 ** (run.settings.market.token.decimals + 3)
    return int(seen.nav) * whole // max(seen.supply, 1)


def results(run: Run) -> dict[int, int]:
    """What each position won or lost so far, by id (token units, signed)."""
    twin = run.stage.mirror.twin
    unit = twin.core.cfg.unit
    found = {}
    for book in run.books:
        if book.id:
            worth = max(0, twin.equity(book.id)) // unit
            found[book.id] = book.taken_out + worth - book.paid_in
    return found


def worst(run: Run) -> tuple[int, Life, int] | None:
    """The position with the largest bad debt, then with the largest loss: id, life, result."""
    outcome = results(run)
    lives = run.tally.lives
    if not outcome:
        return None
    id_ = min(outcome, key=lambda one: (-lives[one].bad_debt, outcome[one]))
    return id_, lives[id_], outcome[id_]


def _worst_record(run: Run) -> dict[str, Any] | None:
    found = worst(run)
    if found is None:
        return None
    id_, life, result = found
    return {
        "id": id_,
        "side": "long" if life.size > 0 else "short",
        "size_wad": str(abs(life.size)),
        "opened_at_price_wad": str(life.fill),
        "liquidations": life.liquidations,
        "last_liquidated_at_price_wad": str(life.liquidated_at),
        "result": result,
        "bad_debt": life.bad_debt,
    }


def _counts(run: Run) -> dict[str, Any]:
    tally = run.tally
    return {
        "positions": tally.opened,
        "top_ups": tally.top_ups,
        "increased": tally.actions[Action.INCREASE],
        "reduced": tally.actions[Action.DECREASE],
        "closed": tally.actions[Action.CLOSE],
        "partial_liquidations": tally.actions[Action.LIQUIDATE_PARTIAL],
        "full_liquidations": tally.actions[Action.LIQUIDATE_FULL],
        "refused": tally.refused,
    }


def _money(run: Run, before: Observation, after: Observation) -> dict[str, Any]:
    tally = run.tally
    return {
        "bad_debt": tally.bad_debt,
        "bad_debt_insurance": tally.bad_debt_insurance,
        "bad_debt_pool": tally.bad_debt_pool,
        "insurance_before": insurance(run, before),
        "insurance_after": insurance(run, after),
        "pool_nav_before": nav_tokens(run, before),
        "pool_nav_after": nav_tokens(run, after),
        "share_price_before_wad": str(share_price(run, before)),
        "share_price_after_wad": str(share_price(run, after)),
        "lp_paid_out": tally.lp_assets_out,
        "tickets": tally.tickets,
        "keeper_profit": tally.rewards,
        "keeper_gas": tally.keeper_gas,
        "peak_open_interest": tally.peak_open_interest // run.stage.mirror.twin.core.cfg.unit,
    }


def summary(run: Run) -> dict[str, Any]:
    """The record. Money is in token units (see `token_decimals`), shares and prices in Wad."""
    assert run.before is not None
    assert run.after is not None
    settings, mirror = run.settings, run.stage.mirror
    return {
        "market": settings.market.name,
        "prices": settings.path.source,
        "seed": settings.seed,
        "token": settings.market.token.symbol,
        "token_decimals": settings.market.token.decimals,
        **_counts(run),
        "still_open": sum(1 for one in run.after.positions if one.size),
        **_money(run, run.before, run.after),
        "worst_position": _worst_record(run),
        "blocks": mirror.blocks,
        "prices_replayed": len(settings.path),
        "transactions": mirror.transactions,
        "seconds": round(run.stage.seconds + run.seconds, 2),
        "laws_checked": sum(run.laws.checked.values()),
        "laws_broken": sum(run.laws.broken.values()),
        "laws": {law: run.laws.checked[law] for law in TITLES},
        "breaches": [str(breach) for breach in run.laws.breaches],
    }


Row = tuple[str, str, str]


def rows(run: Run) -> list[Row]:
    """The table: what, value, and a word on it."""
    record = summary(run)
    goal = f"times, to {wad(WAD + run.stage.params.buffer, 1)} x maintenance margin"
    return [
        ("positions opened", f"{record['positions']}", _opened(run, record)),
        ("topped up", f"{record['top_ups']}", "by addMargin or a plain transfer to the vault"),
        ("increased, reduced", f"{record['increased']}, {record['reduced']}", ""),
        ("closed by their owner", f"{record['closed']}", ""),
        ("partially liquidated", f"{record['partial_liquidations']}", goal),
        ("fully liquidated", f"{record['full_liquidations']}", "times"),
        ("refused", f"{record['refused']}", "each for the reason that the twin foretold"),
        *_money_rows(record),
        ("worst position", *_worst_words(run)),
    ]


def _money_rows(record: dict[str, Any]) -> list[Row]:
    symbol, decimals = record["token"], record["token_decimals"]

    def money(key: str, places: int = 2) -> str:
        return f"{tokens(record[key], decimals, places)} {symbol}"

    change = record["pool_nav_after"] + record["lp_paid_out"] - record["pool_nav_before"]
    paid = f"{tokens(record['lp_paid_out'], decimals)} paid to the provider who left"
    share = percent(record["bad_debt"], record["peak_open_interest"])
    return [
        ("peak open interest", money("peak_open_interest", 0), "both sides"),
        ("bad debt", money("bad_debt", decimals), f"{share} of peak open interest"),
        ("of it from insurance", money("bad_debt_insurance", decimals), ""),
        ("of it from the pool", money("bad_debt_pool", decimals), ""),
        ("insurance before", money("insurance_before"), ""),
        ("insurance after", money("insurance_after"), ""),
        ("pool NAV before", money("pool_nav_before"), ""),
        ("pool NAV after", money("pool_nav_after"), f"{paid}; result {tokens(change, decimals)}"),
        (
            "share price",
            wad(int(record["share_price_after_wad"]), 6),
            f"{wad(int(record['share_price_before_wad']), 6)} before",
        ),
        ("keeper's profit", money("keeper_profit"), f"before {record['keeper_gas']:,} gas"),
    ]


def _opened(run: Run, record: dict[str, Any]) -> str:
    """How many are left, and how many never were."""
    missing = run.settings.positions - record["positions"]
    refused = f"; {missing} more found no room under the market's caps" if missing else ""
    return f"{record['still_open']} still open{refused}"


def _worst_words(run: Run) -> tuple[str, str]:
    found = worst(run)
    if found is None:
        return "none", ""
    id_, life, result = found
    decimals = run.settings.market.token.decimals
    side = "long" if life.size > 0 else "short"
    text = f"{side} {wad(abs(life.size), 3)} {run.settings.market.base} from {wad(life.fill)}"
    often = "once" if life.liquidations == 1 else f"{life.liquidations} times, last"
    end = f", liquidated {often} at {wad(life.liquidated_at)}"
    debt = f", bad debt {tokens(life.bad_debt, decimals, decimals)}" if life.bad_debt else ""
    return f"#{id_}: {tokens(result, decimals)}", text + (end if life.liquidations else "") + debt


def tables(run: Run) -> list[Table]:
    """For the terminal."""
    money = Table(title="What happened", title_justify="left", show_header=False, box=None)
    money.add_column(style="bold", no_wrap=True)
    money.add_column(justify="right", no_wrap=True)
    money.add_column(style="dim")
    for row in rows(run):
        money.add_row(*row)
    book = Table(title="\nLaws, after every block", title_justify="left", box=None)
    for name in ("law", "checks", "broken", ""):
        book.add_column(name, justify="right" if name in ("checks", "broken") else "left")
    for law, title in TITLES.items():
        broken = run.laws.broken[law]
        style = "bold red" if broken else ""
        book.add_row(law, f"{run.laws.checked[law]:,}", str(broken), title, style=style)
    return [money, book]
