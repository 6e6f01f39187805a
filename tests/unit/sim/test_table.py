"""The table misses nobody: whoever the twin calls liquidatable it finds, and nobody else."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bulkhead.model import margin
from bulkhead.model.presets import eth_usd
from bulkhead.model.types import UNBOUNDED, Bracket
from bulkhead.model.wad import WAD
from bulkhead.prices.models import Gbm
from bulkhead.sim.backend import Held, View
from bulkhead.sim.bench import scenario
from bulkhead.sim.crowd import CrowdTerms
from bulkhead.sim.run import ready
from bulkhead.sim.table import Requirement, Table
from bulkhead.sim.twin import TwinBackend

CALM = View(**dict.fromkeys(View.__dataclass_fields__, 0))
TABLES = (
    margin.rows(eth_usd().brackets),
    margin.rows((Bracket(UNBOUNDED, 200 * WAD // 10_000, WAD // 100),)),
)
UNIT = 10**12

views = st.builds(
    lambda mark, index, ramp, spread: replace(
        CALM, mark=mark, funding_index=index, ramp=ramp, spread=spread
    ),
    st.integers(10**9, 2**96 - 1) | st.integers(10**20, 10**22),
    st.integers(-(10**20), 10**20) | st.integers(-(2**87) + 1, 2**87 - 1),
    st.integers(WAD, 20 * WAD),
    st.integers(0, WAD // 100),
)
sizes = st.integers(-(10**25), 10**25) | st.integers(-(2**120), 2**120) | st.just(0)


@st.composite
def crowds(draw: st.DrawFn) -> tuple[View, Table, list[int]]:
    """Positions whose margin puts them within a few units of the line, or anywhere."""
    view = draw(views)
    table = Table(Requirement(draw(st.sampled_from(TABLES)), 1_000 * WAD), UNIT)
    margins = []
    for id_, size in enumerate(draw(st.lists(sizes, min_size=1, max_size=12)), start=1):
        basis = draw(st.integers(-(10**27), 10**27))
        table.put([Held(id_, size, basis, 0)])
        equity, needed, _ = table.exact(id_, view)
        line = -(-(needed - equity) // UNIT)  # the margin that makes it just healthy
        near = line + draw(st.sampled_from([-2, -1, 0, 1, 2]) | st.integers(-(10**13), 10**13))
        table.put([Held(id_, size, basis, max(0, near))])
        margins.append(max(0, near))
    return view, table, margins


@given(crowds())
def test_below__positions_on_the_line__are_decided_as_integers_decide(
    given_: tuple[View, Table, list[int]],
) -> None:
    view, table, _ = given_
    expected = []
    for one in table.held:
        equity, needed, _ = table.exact(one.id, view)
        if one.size and equity < needed:
            expected.append(one.id)
    assert table.below(view) == expected


@given(crowds())
def test_health__error_of_the_doubles__is_within_the_bound(
    given_: tuple[View, Table, list[int]],
) -> None:
    """The proof's claim itself, in exact integers."""
    view, table, _ = given_
    health = table.health(view)
    for place, one in enumerate(table.held):
        if one.size:
            equity, needed, _ = table.exact(one.id, view)
            found = Fraction(float(health.equity[place] - health.needed[place]))
            off = abs(Fraction(equity - needed, WAD) - found)
            assert off <= Fraction(float(health.slack[place]))


def test_below__along_a_crash__is_what_the_twin_says_of_every_position() -> None:
    """The twin judges each position at each mark; the table names the same ones."""
    day = replace(scenario(400, 400), model=Gbm(9.0), crowd=CrowdTerms(count=400, fill=0.02))
    engine = ready(day, np.random.default_rng(3), seed=3).engine
    backend = engine.backend
    assert isinstance(backend, TwinBackend)
    checked = [0]

    def compare(done: int, total: int, text: str) -> None:
        twin = backend.twin
        found = set(engine.table.below(engine.view))
        for id_ in range(1, twin.state.next_id):
            assert (id_ in found) == twin.liquidatable(id_), (done, id_)
            checked[0] += 1

    outcome = engine.run(compare)
    assert outcome.liquidations > 20
    assert checked[0] > 30_000


def test_put__thousands__grows_and_forgets_nothing() -> None:
    table = Table(Requirement(TABLES[0], 1_000 * WAD), UNIT)
    table.put(Held(id_, id_ * WAD, 0, 0) for id_ in range(1, 2_001))
    view = replace(CALM, mark=WAD, ramp=WAD)
    assert np.array_equal(table.health(view).notional, np.arange(1, 2_001, dtype=float))
    assert table.get(777) == Held(777, 777 * WAD, 0, 0)
