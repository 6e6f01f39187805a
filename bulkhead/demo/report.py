"""The demo's report: one HTML file. Floats begin here, for drawing only."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from bulkhead.demo.laws import TITLES
from bulkhead.demo.metrics import Liquidation, Sample
from bulkhead.demo.run import Run
from bulkhead.demo.summary import rows, summary
from bulkhead.money import percent, tokens, wad
from bulkhead.report import Chart, Line, Mark, Page, facts, table
from bulkhead.report.svg import Event

WAD = 1e18
HOUR = 3_600
LONG, SHORT = 4, 3  # colours


def _radius(notional: float, largest: float) -> float:
    """Area in proportion to the notional closed."""
    return max(2.2, 13.0 * (notional / largest) ** 0.5) if largest else 2.2


def _mark(one: Liquidation, run: Run, largest: float) -> Mark:
    notional = one.closed * one.mark / WAD / WAD
    decimals = run.settings.market.token.decimals
    side = "long" if one.side > 0 else "short"
    how = "closed whole" if one.full else "closed in part"
    tip = (
        f"#{one.id} {side}, {how}: {wad(one.closed, 3)} {run.settings.market.base} at "
        f"{wad(one.mark)} ({notional:,.0f}), keeper {tokens(one.reward, decimals)}"
    )
    colour = LONG if one.side > 0 else SHORT
    place = run.tally.samples[one.step].mark / WAD
    return Mark(one.step, place, _radius(notional, largest), colour, not one.full, tip)


def _events(run: Run) -> list[Event]:
    found = []
    if run.lp_asked is not None:
        found.append(Event(run.lp_asked, "an LP asks to leave"))
    if run.lp_left is not None:
        found.append(Event(run.lp_left, "the LP is paid"))
    return found


def _price(run: Run, times: Sequence[int]) -> Chart:
    samples, market = run.tally.samples, run.settings.market
    largest = max((o.closed * o.mark / WAD / WAD for o in run.tally.liquidations), default=0.0)
    return Chart(
        f"{market.name}: price and liquidations",
        market.quote,
        times,
        [Line("accepted mark", 1, [one.mark / WAD for one in samples])],
        [_mark(one, run, largest) for one in run.tally.liquidations],
        _events(run),
        [
            (LONG, True, "long, partial"),
            (LONG, False, "long, full"),
            (SHORT, True, "short, partial"),
            (SHORT, False, "short, full"),
        ],
        height=380,
        digits=2,
        note="A circle is a liquidation; its area is the notional closed. One step to the right is "
        "one price: quiet hours are narrow, a crash is wide.",
    )


def _pool(run: Run, times: Sequence[int], samples: Sequence[Sample]) -> list[Chart]:
    market = run.settings.market
    unit = 10.0**market.token.decimals
    nav = Chart(
        "Pool: net asset value",
        f"million {market.token.symbol}",
        times,
        [Line("NAV", 1, [one.nav / WAD / 1e6 for one in samples])],
        events=_events(run),
        digits=4,
        note="It falls when a liquidity provider takes its share out; the share price does not.",
    )
    share = Chart(
        "Pool: share price",
        market.token.symbol,
        times,
        [
            Line(
                "share price",
                5,
                [one.nav * 1_000 / WAD / max(one.supply, 1) * unit for one in samples],
            )
        ],
        digits=6,
    )
    fund = Chart(
        "Insurance",
        market.token.symbol,
        times,
        [Line("fund and waiting fee share", 3, [one.insurance / unit for one in samples])],
        digits=2,
    )
    return [nav, share, fund]


def _interest(run: Run, times: Sequence[int], samples: Sequence[Sample]) -> Chart:
    longs = [one.size_long * one.mark / WAD / WAD / 1e6 for one in samples]
    shorts = [-one.size_short * one.mark / WAD / WAD / 1e6 for one in samples]
    skew = [a + b for a, b in zip(longs, shorts, strict=True)]
    return Chart(
        "Open interest and skew",
        f"million {run.settings.market.quote}, shorts below zero",
        times,
        [
            Line("long", 3, longs, filled=True),
            Line("short", 4, shorts, filled=True),
            Line("skew", 6, skew, dashed=True),
        ],
        zero=True,
        digits=3,
    )


def _risk(times: Sequence[int], samples: Sequence[Sample]) -> list[Chart]:
    funding = Chart(
        "Funding rate",
        "% an hour; positive: longs pay",
        times,
        [Line("rate", 2, [one.funding_rate * HOUR / 1e25 for one in samples], filled=True)],
        zero=True,
        digits=5,
    )
    sigma = Chart(
        "Volatility",
        "% a year, of the mark",
        times,
        [Line("\u03c3", 2, [(one.variance / WAD) ** 0.5 * 100 for one in samples])],
        zero=True,
        digits=1,
    )
    multiplier = Chart(
        "\u00b5: multiplier of the margin requirements",
        "",
        times,
        [
            Line("initial margin, at once", 2, [one.mu_initial / WAD for one in samples]),
            Line(
                "maintenance margin, by the ramp", 1, [one.mu_maintenance / WAD for one in samples]
            ),
        ],
        digits=3,
        note="Maintenance rises slowly, so that one volatile minute liquidates nobody.",
    )
    return [funding, sigma, multiplier]


def _facts(run: Run) -> str:
    record = summary(run)
    decimals, symbol = record["token_decimals"], record["token"]
    broken = record["laws_broken"]
    partial, full = record["partial_liquidations"], record["full_liquidations"]
    return facts(
        [
            ("Positions", f"{record['positions']}", f"{record['still_open']} open at the end"),
            ("Liquidations", f"{partial + full}", f"{partial} partial, {full} full"),
            (
                "Bad debt",
                tokens(record["bad_debt"], decimals),
                f"{symbol}, {percent(record['bad_debt'], record['peak_open_interest'])} "
                "of peak open interest",
            ),
            (
                "Keeper's profit",
                tokens(record["keeper_profit"], decimals),
                f"{symbol} of rewards, before gas",
            ),
            (
                "Share price",
                wad(int(record["share_price_after_wad"]), 6),
                f"{wad(int(record['share_price_before_wad']), 6)} before",
            ),
            (
                "!Laws" if broken else "Laws",
                f"{broken} broken" if broken else "all hold",
                f"{record['laws_checked']:,} checks, exact to the unit",
            ),
        ]
    )


def _laws(run: Run) -> str:
    body = table(
        ["law", "says", "checks", "broken"],
        [
            [law, title, f"{run.laws.checked[law]:,}", str(run.laws.broken[law])]
            for law, title in TITLES.items()
        ],
        numbers=(2, 3),
    )
    if run.laws.breaches:
        lines = "".join(f"<li><code>{escape(str(one))}</code></li>" for one in run.laws.breaches)
        body += f"<ul>{lines}</ul>"
    return body


def _footer(run: Run) -> str:
    record = summary(run)
    return (
        f"Prices: {escape(record['prices'])}; seed {record['seed']}; "
        f"{record['prices_replayed']:,} prices in {record['blocks']:,} blocks, "
        f"{record['transactions']:,} transactions, {record['seconds']:.0f} s. "
        "All numbers are read from a local chain that ran the real contracts; "
        "<code>summary.json</code> beside this file has them in full."
    )


def page(run: Run) -> str:
    """The report."""
    samples = run.tally.samples
    times = [one.time for one in samples]
    market = run.settings.market
    return Page(
        title=f"Bulkhead demo: {market.name} through {len(samples):,} prices",
        subtitle=f"{run.tally.opened} isolated positions, {run.settings.path.source}",
        before=[("In short", _facts(run))],
        charts=[
            _price(run, times),
            _interest(run, times, samples),
            *_risk(times, samples),
            *_pool(run, times, samples),
        ],
        after=[
            ("What happened", table(["", "", ""], [list(row) for row in rows(run)], numbers=(1,))),
            ("Laws, after every block", _laws(run)),
        ],
        footer=_footer(run),
    ).html()
