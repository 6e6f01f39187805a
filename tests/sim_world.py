"""Scenarios that tests share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bulkhead.chain.binaries import ROOT
from bulkhead.deploy.params import DIRECT, read
from bulkhead.prices import PricePath
from bulkhead.sim import calibration
from bulkhead.sim.crowd import CrowdTerms
from bulkhead.sim.scenario import Scenario

FOUND = calibration.default()
MARKET = read(ROOT / "markets" / "eth-usd.yaml", DIRECT)
START = 1_735_689_600
CRASH = (2_500, 2_500, 2_480, 2_200, 1_900, 2_000, 2_000)


def line(*steps: float, minutes: int = 30) -> PricePath:
    """Prices that go through these points, a straight line between them, minute by minute."""
    points = np.interp(np.arange(minutes * (len(steps) - 1)) / minutes, range(len(steps)), steps)
    times = tuple(START + 60 * place for place in range(len(points)))
    return PricePath("line", times, tuple(round(float(one) * 100) * 10**6 for one in points))


def a_day(*steps: float, **given: object) -> Scenario:
    """A scenario of sixty traders along a line of prices, or along a model's."""
    terms: dict[str, object] = {
        "market": MARKET,
        "oracle": FOUND.oracle,
        "gas": replace(FOUND.gas, scale=0.01),
        "crowd": CrowdTerms(count=60, attention=5),
        **given,
    }
    if steps:
        terms["history"] = line(*steps)
    return Scenario(**terms)  # type: ignore[arg-type]
