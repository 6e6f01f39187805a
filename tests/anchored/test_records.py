"""Counterexamples as `bulkhead fuzz` saved them, each played to its end under all laws.

- funding_fills_the_last_ticket: `settle` by a payer whose funding fills what was left of the last
  ticket; the model then went on to collect a loss for tickets that were funded.
- front_runner_is_paid_funding: where trades cost nothing, who trades ahead of a mark may still be
  paid a unit of funding, which the law took for a gain from the mark.
- cash_at_its_end: gifts to vaults carried the pool's cash to 2^96 - 1, where a liquidation's
  payment is counted in part; the law took that for a loss of the pool's.
- index_at_its_end: at the highest mark the funding index reached 2^87 - 1 and stayed there; the law
  knew no end of it.
- impact_rounded_by_a_size_unit: the impact of what is liquidated and of the rest are rounded apart;
  the law, which compares with trading out at once, allowed for one size unit too few.
- treasury_is_a_vault_to_be: governance named the address of a vault that did not stand yet, which
  was then paid the fees; the law knew no such payment.
- unplaced_order_cancelled_twice: of an order that was cancelled before it was placed the book knows
  no position, and refuses the second time for another reason than the model did.
- bucket_waits_by_its_old_delay, deposit_waits_by_its_old_delay: governance shortened the delay of
  buckets; one that was closed before keeps its own, and the laws waited too short for it.
- first_bracket_ends_at_zero: governance set margin brackets of which the first ended at 0. They
  passed the check, and computing the relief ended in an untyped error; a market listed with such a
  table could never have changed its parameters.
- settled_out_of_the_pool_within_its_request: a settlement that the pool pays is refused within a
  request; the law knew only pricing to be.
- pool_asked_for_nothing_within_a_refund: within a refund the market asked the pool for prices of
  nothing, which the pool refuses while it works; the trial looked at what came of asking alone.
- preview_leaves_out_the_write_off: of a frozen debt whose backing the issuer destroyed `settle`
  writes off what is missing; the lens told a deficit of 0.
- last_unit_buys_shares_for_nothing: a part of a claim, minted, took the last token unit by
  rounding up; the rest of the shares is minted for nothing more, which the trial did not do.
- operator_becomes_a_provider: an operator asked to redeem a provider's shares for itself; the trial
  in which everybody leaves sent the providers home and forgot who had become one.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bulkhead.chain.artifacts import Artifacts
from bulkhead.fuzz import counterexample
from bulkhead.fuzz.judge import Bench, Judge
from bulkhead.fuzz.people import START
from bulkhead.fuzz.revm import Revm
from bulkhead.fuzz.world import World

RECORDS = sorted((Path(__file__).parent / "records").glob("*.json"))


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_what_once_broke_holds(artifacts: Artifacts, record: Path) -> None:
    found = counterexample.load(record)
    world = World(Revm(START), counterexample.setting_of(found), Judge(Bench()), artifacts)

    with world.looking():
        for op in counterexample.steps_of(found, world):
            world.play(op)
        world.finish()

    assert world.tally.steps >= len(found["steps"])
