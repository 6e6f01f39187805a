"""The pure stages against exact rationals and their own laws."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from model_world import MARK, World

from bulkhead.model import funding, impact, liquidation, margin, volatility
from bulkhead.model.wad import RAY, WAD, YEAR, ceil_div

CFG = World().m.core.cfg
SKEWS = st.integers(-10_000 * WAD, 10_000 * WAD)
MARKS = st.integers(10**9, 2**96 - 1) | st.integers(WAD, 10**5 * WAD)
RATES = st.integers(-CFG.max_rate, CFG.max_rate)
NOTIONALS = st.integers(1, 2**112) | st.integers(1, 10**7 * WAD)


def exact_phi(skew: int) -> Fraction:
    m, scale, k = Fraction(CFG.max_impact, WAD), CFG.skew_scale, abs(skew)
    if k <= m * scale:
        return Fraction(k * k, 2 * scale)
    return m * k - m * m * scale / 2


@given(skew=SKEWS)
def test_phi__any_skew__is_the_potential_within_two_wei(skew: int) -> None:
    assert abs(impact.phi(skew, CFG) - exact_phi(skew)) < 2


@given(start=SKEWS, steps=st.lists(SKEWS, min_size=1, max_size=6), mark=MARKS)
def test_trade__closed_loop__never_pays(start: int, steps: list[int], mark: int) -> None:
    path = [start, *steps, start]
    total = sum(impact.trade(mark, 0, a, b - a, CFG).cost for a, b in pairwise(path) if a != b)
    assert 0 <= total <= len(path)


@given(start=SKEWS, deltas=st.lists(SKEWS.filter(bool), min_size=2, max_size=5), mark=MARKS)
def test_trade__split__costs_no_less_than_whole(start: int, deltas: list[int], mark: int) -> None:
    whole = sum(deltas)
    if whole == 0:
        return
    at, total = start, 0
    for delta in deltas:
        total += impact.trade(mark, 0, at, delta, CFG).cost
        at += delta
    assert total >= impact.trade(mark, 0, start, whole, CFG).cost


@given(skew=SKEWS, delta=SKEWS.filter(bool), mark=MARKS, spread=st.integers(0, WAD // 100))
def test_trade__any__fill_and_fee_round_against_the_trader(
    skew: int, delta: int, mark: int, spread: int
) -> None:
    done = impact.trade(mark, spread, skew, delta, CFG)
    value = Fraction(delta * mark, WAD) + done.cost
    exact = value * WAD / delta
    if delta > 0:
        assert done.fill >= exact or done.fill == 0
    else:
        assert done.fill <= exact or done.fill == 0
    shrunk = min(abs(delta), abs(skew)) if skew * delta < 0 else 0
    rate = (abs(delta) - shrunk) * CFG.taker_fee + shrunk * CFG.maker_fee
    assert 0 <= done.fee_wad - Fraction(done.fill * rate, WAD * WAD) < 1


@given(
    rate=RATES,
    skew=SKEWS,
    mark=st.integers(WAD, 10**5 * WAD),
    pieces=st.lists(st.integers(0, 10**6), min_size=1, max_size=8),
)
def test_advance__in_pieces__equals_once(
    rate: int, skew: int, mark: int, pieces: list[int]
) -> None:
    once_rate, once = funding.advance(rate, skew, mark, sum(pieces), CFG)
    at, index = rate, 0
    for dt in pieces:
        at, growth = funding.advance(at, skew, mark, dt, CFG)
        index += growth
    assert at == once_rate
    assert abs(at) <= CFG.max_rate
    # each accrual truncates once, and twice where the clamp bites (1 / RAY of the mark)
    assert abs(index - once) <= 2 * len(pieces) + 1


@given(rate=RATES, skew=SKEWS, mark=MARKS)
def test_advance__no_time__changes_nothing(rate: int, skew: int, mark: int) -> None:
    assert funding.advance(rate, skew, mark, 0, CFG) == (rate, 0)


@given(rate=RATES, mark=MARKS)
def test_psi__any_rate__is_what_funding_still_returns(rate: int, mark: int) -> None:
    exact = Fraction(mark * CFG.skew_scale * rate**2, 2 * CFG.max_velocity * RAY * WAD)
    slack = Fraction(mark * (2 + CFG.skew_scale // CFG.max_velocity), WAD) + 2
    assert 0 <= funding.psi(mark, rate, CFG) - exact <= slack


@given(n=NOTIONALS, more=NOTIONALS, ramp=st.integers(WAD // 10, 3 * WAD))
def test_requirements__any_notional__are_ordered_convex_and_rising(
    n: int, more: int, ramp: int
) -> None:
    low, high = sorted((n, more))
    mu = max(ramp, WAD)
    assert margin.im(n, mu, CFG) > margin.mm(n, ramp, CFG)
    assert margin.tm(n, ramp, CFG) >= margin.mm(n, ramp, CFG)
    assert margin.mm(high, ramp, CFG) >= margin.mm(low, ramp, CFG)
    assert margin.mm(low, ramp, CFG) * high <= margin.mm(high, ramp, CFG) * max(low, 1) + high * (
        1 + (margin.mm(CFG.min_notional, ramp, CFG) if low < CFG.min_notional else 0)
    )


@given(n=st.integers(CFG.min_notional, 10**8 * WAD))
def test_mm__any_notional__is_the_income_tax_sum(n: int) -> None:
    total, below = Fraction(0), 0
    for row in CFG.table:
        total += Fraction(max(0, min(n, row.upper) - below) * row.mm_rate, WAD)
        below = row.upper
    assert 0 <= margin.mm(n, WAD, CFG) - total < 1


@given(
    n=st.integers(CFG.min_notional, 10**8 * WAD),
    health=st.integers(667, 999),
    ramp=st.integers(WAD, 3 * WAD),
    skew=SKEWS,
)
def test_closed_size__shallow__is_enough_and_least(
    n: int, health: int, ramp: int, skew: int
) -> None:
    size = ceil_div(n * WAD, MARK)
    n = ceil_div(size * MARK, WAD)
    equity = margin.mm(n, ramp, CFG) * health // 1000
    terms = liquidation.costs(0, skew, size, CFG)
    closed = liquidation.closed_size(equity, size, MARK, ramp, terms)
    if closed is None:
        return

    def spare(part: int) -> Fraction:
        x, rest = Fraction(part * MARK, WAD), Fraction((size - part) * MARK, WAD)
        reward = min(max(x * CFG.keeper_rate / WAD, CFG.reward_floor), CFG.reward_cap)
        fees = reward + x * (CFG.insurance_rate + terms.rate) / WAD
        row = CFG.table[margin.bracket(int(rest), CFG.table)]
        need = (row.mm_rate * rest - row.d_mm / Fraction(1)) / WAD
        return equity - fees - need * margin.gain(ramp, CFG) / WAD**2

    assert spare(closed) >= 0
    slack = 5 * CFG.unit  # four token units, and the roundings
    less = closed - 1
    assert less == 0 or spare(less) <= slack


@given(
    variance=st.integers(0, 2**80 - 1),
    log_return=st.integers(-(10**18), 10**18),
    dt=st.integers(1, 10**6),
)
def test_sampled__any__lies_between_old_and_sample(variance: int, log_return: int, dt: int) -> None:
    sample = ceil_div(ceil_div(log_return**2, WAD) * YEAR, dt)
    new = volatility.sampled(variance, log_return, dt, CFG)
    cap = volatility.VARIANCE_MAX
    assert min(variance, sample, cap) <= new <= min(cap, max(variance, sample)) + 1


@given(
    variance=st.integers(0, 2**80 - 1),
    ramp=st.integers(WAD // 10, 3 * WAD),
    larger=st.integers(0, 10**9 * WAD),
    nav=st.integers(-(10**9) * WAD, 10**9 * WAD),
)
def test_mu_im__any__covers_the_ramp_and_its_bounds(
    variance: int, ramp: int, larger: int, nav: int
) -> None:
    mu = volatility.mu_im(variance, ramp, larger, nav, CFG)
    assert max(WAD, ramp) <= mu <= max(CFG.mu_max, ramp)


def test_vol_factor__preset__is_z_sigma_root_h_over_mm() -> None:
    row = CFG.table[0]
    exact = Fraction(CFG.z_score, row.mm_rate) ** 2 * Fraction(CFG.horizon_secs, YEAR)
    assert 0 <= Fraction(CFG.vol_factor, WAD) ** 2 - exact < Fraction(1, 10**12)
    calm = replace(CFG, vol_factor=0)
    assert volatility.target(2**80 - 1, calm) == WAD
