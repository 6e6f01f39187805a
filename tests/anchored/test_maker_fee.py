"""Found by I-30 in 1,400 steps: a maker's fee above the taker's made liquidating oneself an exit.

A liquidation is charged the taker's rate, a close that shrinks the skew the maker's.
"""

from __future__ import annotations

from dataclasses import replace

from bulkhead.chain.artifacts import Artifacts
from bulkhead.fuzz.judge import Bench
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import GOVERNANCE
from bulkhead.fuzz.runner import stand_up
from bulkhead.fuzz.settings import plain
from bulkhead.fuzz.stage import Setting


def test_makers_never_pay_more_than_takers(artifacts: Artifacts) -> None:
    world = stand_up("revm", Setting(6, (plain(),)), Bench(), artifacts)
    taker = world.params.taker_fee

    above = replace(world.params, maker_fee=taker + 1)
    assert world.play(Op("set_params", GOVERNANCE, (above,))) == (
        f"BadParameter('makerFee', {taker + 1}, {taker})"
    )
    assert (
        world.play(Op("set_params", GOVERNANCE, (replace(world.params, maker_fee=taker),))) == "ok"
    )
