"""`bulkhead orders` lists what is placed, and says what each order waits for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from keeper_stage import Stage
from order_stage import WAD, Desk, OrderKind

from bulkhead.cli import run
from bulkhead.model.order_types import hash_of


def listed(stage: Stage, capsys: pytest.CaptureFixture[str], *more: str) -> list[dict[str, Any]]:
    """The JSON's orders."""
    place = ["--at", stage.market.address, "--order-lens", stage.system.order_lens.address]
    assert run(["orders", *place, "--network", stage.url, "--json", *more]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["orders"]
    return found


def test_orders__of_every_kind__say_what_they_wait_for(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = Desk(stage)
    due = desk.place(OrderKind.MARKET, 1)
    limit = desk.place(OrderKind.LIMIT, 1, 1_900, who=7)
    dear = desk.place(OrderKind.MARKET, 1, price_limit=1_000 * WAD)
    gone = desk.place(OrderKind.MARKET, 1)
    desk.book.cancel(gone.as_tuple(), sender=stage.people[6])
    early = [one["why"].partition(":")[0] for one in listed(stage, capsys)]
    assert early == ["too early", "too early", "market"]  # the market is asked before the time
    stage.price(2_000)
    found = {one["hash"]: one for one in listed(stage, capsys)}
    said = [found["0x" + hash_of(one).hex()] for one in (due, limit, dear)]
    assert len(found) == 3
    assert [one["due"] for one in said] == [True, False, False]
    assert [one["why"].partition(":")[0] for one in said] == [
        "DUE", "trigger not reached", "market",
    ]  # fmt: skip
    assert said[1]["why"] == "trigger not reached: 2,000.00, 1,900.00"
    assert said[2]["why"].startswith("market: price limit: 2,000.")
    assert said[0]["preview"]["trade"]["position"]["size"] == str(WAD)
    assert said[0]["order"]["keeperFee"] == 20 * 10**6


def test_orders__filters__choose(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    desk = Desk(stage)
    mine = desk.place(OrderKind.MARKET, 1)
    theirs = desk.place(OrderKind.LIMIT, 1, 1_900, who=7)
    gone = desk.place(OrderKind.MARKET, 1)
    desk.book.cancel(gone.as_tuple(), sender=stage.people[6])
    stage.price(2_000)

    def hashes(*more: str) -> set[str]:
        return {one["hash"] for one in listed(stage, capsys, *more)}

    def of(*orders: Any) -> set[str]:
        return {"0x" + hash_of(one).hex() for one in orders}

    assert hashes("--owner", stage.people[7]) == of(theirs)
    assert hashes("--due") == of(mine)
    assert hashes("--ended") == of(mine, theirs, gone)
    assert hashes("--id", "2") == of(theirs)
    assert hashes("--since", str(stage.rpc.block_number())) == set()
    (over,) = [one for one in listed(stage, capsys, "--ended") if one["preview"] is None]
    assert (over["status"], over["why"]) == ("cancelled", "cancelled")


def test_orders__for_people__is_a_table(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    desk = Desk(stage)
    desk.place(OrderKind.STOP, -1, 1_950, of=stage.open(1, 400))
    stage.price(2_000)
    place = ["--at", stage.market.address, "--order-lens", stage.system.order_lens.address]
    assert run(["orders", *place, "--network", stage.url]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "1,950.00" in said
    assert "trigger" in said


def test_orders__bad_input__is_named(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["orders"]) == 2
    assert "--order-lens" in capsys.readouterr().err
    nobody = "0x" + "77" * 20
    place = ["--at", stage.market.address, "--order-lens", nobody, "--network", stage.url]
    assert run(["orders", *place]) == 2
    assert "no contract" in capsys.readouterr().err
