"""The index never misses a candidate, however price, funding and multiplier have moved.

The judge is the exact integer rule of the specification, applied to every position.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkhead.deploy.params import read, to_params
from bulkhead.keeper.bench import MARKET, NOBODY, below_maintenance, crowd
from bulkhead.keeper.index import PositionIndex
from bulkhead.keeper.terms import Moment, Table
from bulkhead.model import margin
from bulkhead.model.config import derive
from bulkhead.model.presets import eth_usd
from bulkhead.model.types import Bracket, Config
from bulkhead.model.wad import WAD, ceil_div

PRICE = 2_000 * WAD


@pytest.fixture(scope="module")
def usual() -> Config:
    people = dict.fromkeys(("token", "pool", "fund"), "0x" + "33" * 20)
    params = eth_usd("0x" + "11" * 20, "0x" + "22" * 20)
    return derive(params, decimals=6, max_reward=10**9, initial_mark=PRICE, **people)


def one_bracket(cfg: Config) -> Config:
    return replace(cfg, table=margin.rows((Bracket(2**128 - 1, WAD // 20, WAD // 40),)))


def high_floor(cfg: Config) -> Config:
    """minNotional above the first bracket."""
    return replace(cfg, min_notional=3_000_000 * WAD)


def steep(cfg: Config) -> Config:
    """Times the multiplier, the last bracket asks for more than the notional."""
    rows = (Bracket(10**6 * WAD, WAD // 10, WAD // 20), Bracket(2**128 - 1, WAD, WAD // 2))
    return replace(cfg, table=margin.rows(rows))


TABLES = {"usual": lambda cfg: cfg, "one": one_bracket, "floor": high_floor, "steep": steep}


def liquidatable(cfg: Config, at: tuple[int, int, int, int], size: int, worth: int) -> bool:
    """The specification, in integers."""
    mark, spread, funding, ramp = at
    half = ceil_div(mark * spread, 2 * WAD)
    price = mark + half if size > 0 else max(1, mark - half)
    equity = worth + size * (price - funding) // WAD
    return equity < margin.mm(ceil_div(abs(size) * price, WAD), ramp, cfg)


moments = st.tuples(
    st.one_of(st.integers(10**9, 2**96 - 1), st.integers(PRICE * 99 // 100, PRICE * 101 // 100)),
    st.sampled_from([0, 5 * 10**14, 5 * 10**15]),
    st.one_of(st.just(0), st.integers(-100 * WAD, 100 * WAD), st.integers(-(2**87), 2**87)),
    st.one_of(st.just(WAD), st.integers(WAD // 2, 3 * WAD)),
)


@st.composite
def positions(draw: st.DrawFn, cfg: Config, at: tuple[int, int, int, int]) -> tuple[int, int]:
    """Sizes from dust to whales; worths anywhere, most of them a few units from the line."""
    size = draw(
        st.one_of(st.integers(1, 10**6), st.integers(10**15, 10**22), st.integers(10**22, 2**112))
    ) * draw(st.sampled_from([1, -1]))
    if draw(st.integers(0, 4)) == 0:
        return size, draw(st.integers(-(2**110), 2**110))
    mark, _, funding, ramp = at
    need = margin.mm(ceil_div(abs(size) * mark, WAD), ramp, cfg)
    near = draw(
        st.one_of(
            st.integers(-5, 5),
            st.integers(-(need // 10) - 1, need // 10 + 1),
            st.integers(-need - 1, 4 * need + 1),
        )
    )
    return size, need - size * (mark - funding) // WAD + near


@pytest.mark.parametrize("name", TABLES)
@settings(max_examples=60)
@given(data=st.data())
def test_candidates__any_drift__misses_nobody(
    usual: Config, name: str, data: st.DataObject
) -> None:
    cfg = TABLES[name](usual)
    before, after = data.draw(moments), data.draw(moments)
    if data.draw(st.booleans()):  # a short way from the reference, as between two ticks
        step = data.draw(st.integers(-(10**16), 10**16))
        after = (
            max(10**9, before[0] + before[0] * step // WAD),
            before[1],
            before[2] + before[0] * data.draw(st.integers(-(10**15), 10**15)) // WAD,
            max(WAD // 2, before[3] + data.draw(st.integers(-(10**17), 10**17))),
        )
    found = [
        data.draw(positions(cfg, data.draw(st.sampled_from([before, after])))) for _ in range(12)
    ]
    index = PositionIndex(Table.of_config(cfg), Moment.of(*before))
    for place, (size, worth) in enumerate(found[:6], start=1):
        index.put(place, size, worth)
    index.rebuild(Moment.of(*before))
    for place, (size, worth) in enumerate(found[6:], start=7):
        index.put(place, size, worth)
    got = set(index.candidates(Moment.of(*after)).tolist())
    true = {
        place
        for place, (size, worth) in enumerate(found, start=1)
        if liquidatable(cfg, after, size, worth)
    }
    assert true <= got, f"missed {true - got} of {found} from {before} to {after}"


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32), moves=st.lists(st.integers(-300, 300), min_size=1, max_size=12))
def test_candidates__a_crowd_that_changes__names_all_that_the_scan_finds(
    usual: Config, seed: int, moves: list[int]
) -> None:
    """Opens, changes and closings between price moves of up to 3 %, against all positions."""
    rng = np.random.default_rng(seed)
    mark, funding, ramp = PRICE, 0, WAD
    index = PositionIndex(Table.of_config(usual), Moment.of(mark, 0, funding, ramp))
    held: dict[int, tuple[int, int]] = {}
    for move in moves:
        for _ in range(40):
            id_ = int(rng.integers(1, 120))
            size = int(rng.lognormal(0, 2) * 1e18) * (1 if rng.random() < 0.5 else -1)
            lever = float(rng.uniform(2, 25))
            worth = int(abs(size) * mark // WAD / lever) - size * (mark - funding) // WAD
            held[id_] = (0, 0) if rng.random() < 0.2 else (size, worth)
            index.put(id_, *held[id_])
        mark += mark * move // 10_000
        funding += int(rng.integers(-(10**16), 10**16))
        ramp = min(3 * WAD, max(WAD, ramp + int(rng.integers(-(10**17), 10**17))))
        at = (mark, 0, funding, ramp)
        got = index.candidates(Moment.of(*at)).tolist()
        assert len(got) == len(set(got))
        due = {id_ for id_, one in held.items() if one[0] and liquidatable(usual, at, *one)}
        assert due <= set(got) <= {id_ for id_, one in held.items() if one[0]}
        if index.drifted(Moment.of(*at)):
            index.rebuild(Moment.of(*at))
    assert len(index) == sum(1 for size, _ in held.values() if size)


def test_candidates__a_small_move__touches_a_small_part() -> None:
    """What the search hands over is little more than what can be liquidated."""
    params = to_params(read(MARKET), oracle=NOBODY, treasury=NOBODY)
    table = Table.of_brackets(params.brackets, params.min_notional)
    index = PositionIndex(table, Moment.of(PRICE, 0, 0, WAD))
    index.load(*crowd(20_000, table, params))
    after = Moment.of(PRICE * 999 // 1000, 0, WAD // 10, WAD * 1001 // 1000)
    due = below_maintenance(table, after, index.size, index.worth) & (index.size != 0)
    assert 0 < due.sum() <= len(index.candidates(after)) < due.sum() * 2 + 50 < 20_000 // 20


def test_put__the_same_again__adds_nothing(usual: Config) -> None:
    index = PositionIndex(Table.of_config(usual), Moment.of(PRICE, 0, 0, WAD))
    for _ in range(3):
        index.put(1, WAD, 100 * WAD - 2_000 * WAD)
    assert index._news == 1
    assert index.candidates(Moment.of(WAD, 0, 0, WAD)).tolist() == [1]
    index.put(1, 0, 5 * WAD)
    assert len(index) == 0
    assert index.candidates(Moment.of(WAD, 0, 0, WAD)).tolist() == []


def test_drifted__many_closed__gaps_are_swept_out() -> None:
    """A fall liquidates those with the highest keys: their gaps must not be walked for ever."""
    params = to_params(read(MARKET), oracle=NOBODY, treasury=NOBODY)
    table = Table.of_brackets(params.brackets, params.min_notional)
    now = Moment.of(PRICE, 0, 0, WAD)
    index = PositionIndex(table, now)
    index.load(*crowd(20_000, table, params))
    assert not index.drifted(now)
    for id_ in range(1, 5_001):
        index.put(id_, 0, 0)
    assert index.drifted(now)
    index.rebuild(now)
    assert not index.drifted(now)
    assert len(index) == 15_000
