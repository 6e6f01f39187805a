"""The push feed between price and chain: threshold, heartbeat, latency, outage."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkhead.errors import BadInput
from bulkhead.prices import PricePath
from bulkhead.prices.models import Gbm, path
from bulkhead.sim.oracle import OracleTerms, Outage, Round, rounds

IDEAL = OracleTerms(heartbeat=3_600, deviation=0.005, latency_mean=0, block=12)
REAL = OracleTerms(heartbeat=3_600, deviation=0.005, latency_mean=8.0, block=12)


def prices(*answers: float, step: int = 60) -> PricePath:
    times = tuple(range(1_000, 1_000 + step * len(answers), step))
    return PricePath("test", times, tuple(round(one * 10**8) for one in answers))


def landed(of: PricePath, terms: OracleTerms, seed: int = 1) -> list[Round]:
    return list(rounds(of, terms, np.random.default_rng(seed)))


def test_rounds__small_moves__wait_for_the_threshold() -> None:
    found = landed(prices(2_000, 2_009.99, 2_010, 2_005, 1_999.95), IDEAL)
    assert [one.answer // 10**6 for one in found] == [200_000, 201_000, 199_995]
    assert [one.time for one in found] == [1_000, 1_120, 1_240]


def test_rounds__no_moves__come_with_the_heartbeat() -> None:
    found = landed(prices(*[2_000.0] * 200), IDEAL)
    assert [one.time - 1_000 for one in found] == [0, 3_600, 7_200, 10_800]


def test_rounds__threshold_0__send_every_price() -> None:
    terms = OracleTerms(heartbeat=3_600, deviation=0, latency_mean=0, block=12)
    assert len(landed(prices(*[2_000.0] * 50), terms)) == 50


def test_rounds__outage__are_silent_and_come_back() -> None:
    terms = OracleTerms(3_600, 0.005, 0, 12, (Outage(60, 240),))
    found = landed(prices(2_000, 1_900, 1_800, 1_700, 1_600), terms)
    assert [(one.time - 1_000, one.answer // 10**8) for one in found] == [(0, 2_000), (240, 1_600)]


@given(seed=st.integers(0, 2**32), sigma=st.floats(0.1, 20.0), step=st.sampled_from([1, 12, 60]))
def test_rounds__any_path__land_in_order_and_late_by_whole_blocks(
    seed: int, sigma: float, step: int
) -> None:
    draw = np.random.default_rng(seed)
    of = path(Gbm(sigma), draw, start=2_000, time=1_000, steps=300, step=step)
    found = list(rounds(of, REAL, draw))
    at = dict(zip(of.times, of.answers, strict=True))
    assert found[0] == Round(1_000, 1_000, of.answers[0])
    for before, after in pairwise(found):
        assert before.time < after.time
        assert before.seen_at < after.seen_at
    for one in found[1:]:
        assert at[one.seen_at] == one.answer
        assert one.time - one.seen_at >= 12
        assert (one.time - one.seen_at) % 12 == 0


@pytest.mark.parametrize(
    "given_",
    [
        {"heartbeat": 0},
        {"deviation": 1.0},
        {"deviation": -0.1},
        {"latency_mean": -1},
        {"block": 0},
        {"outages": (Outage(5, 5),)},
    ],
)
def test_terms__impossible__are_refused(given_: dict[str, object]) -> None:
    base = {"heartbeat": 3_600, "deviation": 0.005, "latency_mean": 8.0, "block": 12}
    with pytest.raises(BadInput):
        OracleTerms(**{**base, **given_})  # type: ignore[arg-type]
