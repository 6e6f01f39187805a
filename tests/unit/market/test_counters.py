"""What waits in the counters' word (fees not swept, the time of a large move) outlives every action
that does not load it; and parameters that come badly encoded change nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from market_world import ANY, SOON, WAD, World

from bulkhead.chain.contract import events
from bulkhead.deploy.params import abi

WORD = 32
WAIT = 3_600


def held(w: World) -> tuple[int, int]:
    return w.twin.state.insurance_due, w.twin.state.treasury_due


@pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])
@pytest.mark.parametrize("due", [False, True], ids=["no bucket", "a bucket due"])
@pytest.mark.parametrize("moved", [False, True], ids=["calm", "a large move"])
@pytest.mark.parametrize("action", ["settle", "remove_margin"])
def test_an_action_without_fees_keeps_the_fees_that_wait(
    new_world: Callable[..., World], action: str, moved: bool, due: bool, sign: int
) -> None:
    """A large move that it accepts is noted beside them, and holds a due bucket back however old
    the last one is."""
    w = new_world(pricing_wait_secs=WAIT)
    id_ = w.open(w.alice, sign * 50 * WAD, 30_000 * w.one)
    w.tick(2_000 * WAD * (100 + 10 * sign) // 100)
    w.ok("accrue", w.bob)
    first, fees = w.now, held(w)
    assert w.twin.state.jump_at == first
    assert min(fees) > 0
    w.tick(seconds=10 * WAIT)
    w.ok("accrue", w.bob)
    if due:
        w.give(w.lp, 1_000 * w.one)
        w.ok("request_deposit", w.lp, 1_000 * w.one, w.lp, w.lp)
    last = w.twin.state.mark
    shares, wait = w.pool.totalSupply(), 2 * WAIT + w.params.deposit_delay_secs
    w.tick(last * (100 + 10 * sign) // 100 if moved else last, seconds=wait)
    args = (id_,) if action == "settle" else (id_, w.one, w.alice)
    w.ok(action, w.alice, *args)
    assert held(w) == fees
    assert w.market.state().jumpAt == (w.now if moved else first)
    assert (w.pool.totalSupply() > shares) == (due and not moved)
    w.ok("sweep_fees", w.bob)
    assert w.token.balanceOf(w.treasury) == fees[1]


def test_a_debt_that_leaves_with_margin_keeps_them_too(
    new_world: Callable[..., World],
) -> None:
    """Of a flat position, by both ways; a refused pool stops what the owner takes."""
    w = new_world(token="BlacklistToken")
    id_ = w.open(w.alice, 50 * WAD, 9_000 * w.one)
    vault = w.twin.core.vault(id_)
    w.tick(1_950 * WAD)
    w.block(vault)
    w.ok("close", w.alice, id_, ANY[-1], SOON)
    fees, debt = held(w), w.twin.position(id_).basis
    assert debt > 0 < min(fees)
    w.block(vault, False, False)
    w.block(w.pool.address)
    assert w.no("TransferRefused", "remove_margin", w.alice, id_, 5, w.alice).args[0] == (
        w.pool.address
    )
    w.block(w.pool.address, False, False)
    w.block(w.alice)
    assert w.no("TransferRefused", "remove_margin", w.alice, id_, 5, w.alice).args == (w.alice, 5)
    w.block(w.alice, False, False)
    w.ok("remove_margin", w.alice, id_, 5, w.alice)
    assert held(w) == fees
    assert w.twin.position(id_).basis == 0


def place(data: bytes, word: int, value: int) -> bytes:
    """Calldata with one word behind the selector replaced."""
    start = 4 + word * WORD
    return data[:start] + value.to_bytes(WORD, "big") + data[start + WORD :]


def test_parameters_that_are_badly_encoded_change_nothing(world: World) -> None:
    w = world
    data = bytes(w.market.setParams.encode(abi(w.params)))
    brackets = 1 + int.from_bytes(data[36:68], "big") // WORD  # the word of their number
    bad = {
        "nothing": data[:4],
        "cut in the head": data[: 4 + 20 * WORD],
        "cut in the last bracket": data[:-1],
        "tuple past the end": place(data, 0, len(data)),
        "tuple at the end of the world": place(data, 0, 2**256 - WORD),
        "brackets past the end": place(data, 1, len(data)),
        "brackets at the end of the world": place(data, 1, 2**256 - WORD),
        "more brackets than there are": place(data, brackets, 2**16),
        "brackets without number": place(data, brackets, 2**255),
        "a notional of more than 128 bits": place(data, brackets + 1, 2**128),
        "a rate of more than 64 bits": place(data, brackets + 2, 2**64),
        "a treasury of more than 160 bits": place(data, brackets - 1, 2**160 | 1),
    }
    w.rpc.impersonate(w.governance)
    for name, wrong in bad.items():
        receipt = w.rpc.send(w.market.address, wrong, sender=w.governance, check=False)
        assert not receipt.ok, name
        w.compare(name)
    receipt = w.rpc.send(w.market.address, data + b"\xff" * 77, sender=w.governance, check=False)
    assert receipt.ok  # what follows is nobody's
    assert [one.name for one in events(receipt)] == ["ParamsSet"]
