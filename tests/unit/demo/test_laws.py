"""The laws catch what they are there for: one unit, one field, one wei."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from bulkhead.demo import laws
from bulkhead.demo.observe import Observation, Tickets
from bulkhead.demo.settings import MARKET
from bulkhead.deploy.params import DIRECT, read, to_params
from bulkhead.model import MarketModel, Reading, pricing
from bulkhead.model.types import as_abi
from bulkhead.model.wad import WAD

TRADER, OTHER, PROVIDER = (f"0x{place:040x}" for place in (11, 12, 13))
ORACLE, TREASURY = "0x" + "11" * 20, "0x" + "22" * 20
PARAMS = to_params(read(MARKET, DIRECT), oracle=ORACLE, treasury=TREASURY)
UNIT = 10**12
USD = 10**6
FOREVER = 2**40


def observed(twin: MarketModel) -> Observation:
    """What a chain that agrees with the twin would show."""
    totals, ids = twin.core.totals, range(1, twin.state.next_id)
    holders = [TRADER, OTHER, PROVIDER, TREASURY, twin.core.cfg.pool, twin.core.cfg.fund]
    return Observation(
        state=SimpleNamespace(**as_abi(twin.state)),
        tickets=Tickets(totals.owed, totals.paid, totals.final_ratio, totals.next_ticket_id),
        nav=twin.nav(),
        free_liquidity=twin.free_liquidity(),
        supply=twin.pool.state.supply,
        reserve=twin.pool.state.reserve,
        pending_deposits=0,
        pending_redeems=0,
        accounted=twin.state.cash + twin.state.insurance_due + twin.state.treasury_due,
        token_supply=sum(twin.core.balances.values()),
        market_view=SimpleNamespace(
            nav=twin.nav(),
            freeLiquidity=twin.free_liquidity(),
            netClaim=twin.net_claim(),
            longClaim=twin.side_claim(1),
            shortClaim=twin.side_claim(-1),
            muIm=pricing.im_multiplier(twin.core),
            muMm=twin.state.ramp,
        ),
        views=tuple(SimpleNamespace(**laws._foretold_view(twin, id_)) for id_ in ids),
        positions=tuple(SimpleNamespace(**as_abi(twin.position(id_))) for id_ in ids),
        margins=tuple(twin.margin(id_) for id_ in ids),
        balances={who: twin.balance(who) for who in holders},
        shares={PROVIDER: twin.pool.shares.get(PROVIDER, 0)},
    )


@pytest.fixture
def twin() -> MarketModel:
    """A long and a short, an hour of funding, a moved price."""
    model = MarketModel(
        PARAMS, 6, initial_mark=2_500 * WAD, initial_variance=WAD // 2, now=1_000_000
    )
    for who in (TRADER, OTHER, PROVIDER):
        model.give(who, 10_000_000 * USD)

    def at(now: int, price: int) -> None:
        model.now = now
        model.oracle = Reading(price * WAD, 5 * 10**14, now)

    at(1_000_010, 2_500)
    model.pool.request_deposit(PROVIDER, 10_000_000 * USD, PROVIDER, PROVIDER)
    at(1_000_700, 2_500)
    model.open(TRADER, 0, 40 * WAD, 20_000 * USD, 2**128, FOREVER)
    model.open(OTHER, 0, -17 * WAD, 9_000 * USD, 0, FOREVER)
    at(1_004_300, 2_473)
    model.accrue(TRADER)
    return model


def all_problems(seen: Observation, twin: MarketModel) -> dict[str, list[str]]:
    return {
        "I-01": list(laws.vaults_hold(seen, twin)),
        "I-02": list(laws.tokens_conserved(seen)),
        "I-04": list(laws.nav_follows(seen, PARAMS, UNIT)),
        "I-05": list(laws.sums_agree(seen)),
        "I-07": list(laws.pool_covers(seen, twin.core.cfg.pool)),
        "I-50": [*laws.twin_agrees(seen, twin), *laws.views_agree(seen, twin)],
    }


def broken(seen: Observation, twin: MarketModel) -> set[str]:
    return {law for law, found in all_problems(seen, twin).items() if found}


def test_laws__a_chain_that_agrees__keeps_them_all(twin: MarketModel) -> None:
    assert broken(observed(twin), twin) == set()


def test_laws__a_unit_less_in_a_vault__breaks_exactness_and_conservation(
    twin: MarketModel,
) -> None:
    seen = observed(twin)
    short = replace(seen, margins=(seen.margins[0] - 1, seen.margins[1]))
    assert broken(short, twin) == {"I-01", "I-02"}


@pytest.mark.parametrize(("change", "breaks"), [(1, True), (0, False), (-2, False), (-3, True)])
def test_laws__nav__may_be_below_by_a_wei_a_position_never_above(
    twin: MarketModel, change: int, breaks: bool
) -> None:
    seen = observed(twin)
    exact, positions = laws.recomputed_nav(seen, PARAMS, UNIT)
    assert positions == 2
    moved = replace(seen, nav=exact + change)
    assert bool(list(laws.nav_follows(moved, PARAMS, UNIT))) is breaks


@pytest.mark.parametrize("field", ["sizeLong", "sizeShort", "basisLong", "basisShort"])
def test_laws__a_sum_off_by_one__is_caught(twin: MarketModel, field: str) -> None:
    seen = observed(twin)
    setattr(seen.state, field, getattr(seen.state, field) + 1)
    assert "I-05" in broken(seen, twin)
    assert "I-50" in broken(seen, twin)


@pytest.mark.parametrize("field", sorted(as_abi(MarketModel(PARAMS, initial_mark=WAD).state)))
def test_laws__any_field_of_the_state__is_compared(twin: MarketModel, field: str) -> None:
    seen = observed(twin)
    setattr(seen.state, field, int(getattr(seen.state, field)) + 1)
    found = list(laws.twin_agrees(seen, twin))
    assert [text for text in found if text.startswith(f"state.{field} ")]


@pytest.mark.parametrize("field", ["owner", "fundingEntry", "flags", "size", "basis", "phase"])
def test_laws__any_field_of_a_position__is_compared(twin: MarketModel, field: str) -> None:
    seen = observed(twin)
    value = getattr(seen.positions[1], field)
    setattr(seen.positions[1], field, TRADER if field == "owner" else value + 1)
    assert any(text.startswith(f"position 2.{field}") for text in laws.twin_agrees(seen, twin))


@pytest.mark.parametrize("field", ["margin", "equity", "im", "mm", "tm", "liquidatable"])
def test_laws__any_value_of_the_lens__is_compared(twin: MarketModel, field: str) -> None:
    seen = observed(twin)
    setattr(seen.views[0], field, getattr(seen.views[0], field) + 1)
    assert [text for text in laws.views_agree(seen, twin) if f"lens's {field} of 1 is" in text]
    seen.market_view.netClaim += 1
    assert [text for text in laws.views_agree(seen, twin) if "lens's netClaim is" in text]


def test_laws__pool_that_holds_too_little__is_caught(twin: MarketModel) -> None:
    seen = observed(twin)
    seen.balances[twin.core.cfg.pool] = seen.accounted - 1
    assert broken(seen, twin) == {"I-02", "I-07", "I-50"}


def test_bad_debt_adds_up__parts__must_sum() -> None:
    assert list(laws.bad_debt_adds_up(5, 3, 2)) == []
    assert list(laws.bad_debt_adds_up(5, 3, 3)) != []


def test_law_book__counts_checks_and_keeps_breaches() -> None:
    book = laws.LawBook()
    book.check("I-01", 3, [])
    assert book.holds
    book.check("I-01", 4, ["a", "b"])
    assert (book.checked["I-01"], book.broken["I-01"], book.holds) == (2, 2, False)
    assert str(book.breaches[0]) == "I-01 at block 4: a"
