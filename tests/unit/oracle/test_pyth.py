"""The Pyth adapter against its twin: what it accepts, each refusal, fees, and proven outages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle_world import NOW, PRICE_ID, PYTH, WAD, Pyth, bad_setting, of_chain, of_twin, read_at

from bulkhead.chain.artifacts import Artifacts
from bulkhead.chain.contract import Contract, deploy, events
from bulkhead.chain.errors import reverts
from bulkhead.chain.rpc import Rpc
from bulkhead.model.errors import OracleError
from bulkhead.model.oracles import PYTH_AHEAD_SECS as AHEAD
from bulkhead.model.oracles import PythPrice, prove_pyth, read_pyth

FEE = 7
GOOD = PythPrice(2_000 * 10**8, 10**7, -8, NOW - 5, NOW - 6)
MAX_AGE = PYTH.max_age_secs


@pytest.fixture
def new_pyth(
    rpc: Rpc, artifacts: Artifacts, accounts: list[str], isolate: None
) -> Callable[..., Pyth]:
    return lambda **changes: Pyth(rpc, accounts[0], **changes)


@pytest.fixture
def pyth(new_pyth: Callable[..., Pyth]) -> Pyth:
    return new_pyth()


def said(pyth: Pyth, now: int = NOW, up_since: int = 0) -> tuple[Any, ...]:
    """The one outcome of adapter and twin."""
    found = of_chain(lambda: read_at(pyth.rpc, pyth.adapter, now))
    assert found == of_twin(lambda: read_pyth(PYTH, pyth.held, now, up_since))
    return found


# ---- what it says


def test_read__fresh_price__has_its_confidence_as_spread(pyth: Pyth) -> None:
    pyth.push(GOOD)
    assert said(pyth) == (2_000 * WAD, 5 * 10**14, NOW - 5, 0)
    pyth.push(replace(GOOD, conf=10**8 + 1, published_at=NOW))
    mark, spread, _, _ = said(pyth)
    exact = Fraction(4 * (10**8 + 1), 2_000 * 10**8) * WAD
    assert (mark, spread) == (2_000 * WAD, -(-exact.numerator // exact.denominator))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"price": 0}, ("PriceInvalid", (0,))),
        ({"price": -1}, ("PriceInvalid", (-1,))),
        ({"price": -(2**63)}, ("PriceInvalid", (-(2**63),))),
        ({"expo": -4}, ("PriceInvalid", (GOOD.price,))),
        ({"expo": -11}, ("PriceInvalid", (GOOD.price,))),
        ({"expo": 3}, ("PriceInvalid", (GOOD.price,))),
        ({"expo": 2**31 - 1}, ("PriceInvalid", (GOOD.price,))),
        ({"expo": -(2**31)}, ("PriceInvalid", (GOOD.price,))),
        ({"published_at": NOW + AHEAD + 1}, ("PriceInvalid", (GOOD.price,))),
        ({"published_at": 2**64 - 1}, ("PriceInvalid", (GOOD.price,))),
        (
            {"published_at": NOW - MAX_AGE - 1},
            ("PriceStale", (NOW - MAX_AGE - 1, NOW, MAX_AGE)),
        ),
        (
            {"price": 100 * 10**8},
            ("PriceOutOfBand", (PYTH.lowest, PYTH.lowest, PYTH.highest)),
        ),
        (
            {"price": 100_000 * 10**8},
            ("PriceOutOfBand", (PYTH.highest, PYTH.lowest, PYTH.highest)),
        ),
        (
            {"conf": 25 * 10**7 + 1},
            ("PriceTooUncertain", (PYTH.max_spread + 2 * 10**7, PYTH.max_spread)),
        ),
        ({"conf": 2**64 - 1}, ("PriceTooUncertain",)),
    ],
    ids=str,
)
def test_read__what_is_no_price__is_refused_by_name(
    pyth: Pyth, change: dict[str, int], error: tuple[Any, ...]
) -> None:
    pyth.push(replace(GOOD, **change))
    assert said(pyth)[: 1 + len(error)] == ("reverted", *error)


@pytest.mark.parametrize(
    "change",
    [
        {"published_at": NOW - MAX_AGE},
        {"published_at": NOW},
        {"published_at": NOW + AHEAD},
        {"price": 100 * 10**8 + 1, "conf": 0},
        {"price": 100_000 * 10**8 - 1},
        {"conf": 25 * 10**7},
        {"expo": -5, "price": 2_000 * 10**5, "conf": 0},
        {"expo": -10, "price": 2_000 * 10**10, "conf": 0},
    ],
    ids=str,
)
def test_read__just_inside__is_accepted(pyth: Pyth, change: dict[str, int]) -> None:
    pyth.push(replace(GOOD, **change))
    assert said(pyth)[0] != "reverted"


def test_read__price_never_brought_here__is_pyths_own_error(pyth: Pyth) -> None:
    assert said(pyth) == ("reverted", "PriceFeedNotFound", ())


@pytest.mark.parametrize("decimals", [0, 1, 8, 17, 18, 19, 27, 36])
def test_read__any_exponent__is_the_floor_of_the_fraction(
    new_pyth: Callable[..., Pyth], decimals: int
) -> None:
    pyth = new_pyth(minDecimals=0, maxDecimals=36, lowest=1, highest=2**255)
    for place, price in enumerate((10**18 + 7, 2**63 - 1)):
        pyth.push(PythPrice(price, 0, -decimals, NOW - 9 + place))
        exact = Fraction(price, 10**decimals) * WAD
        mark = exact.numerator // exact.denominator
        found = of_chain(lambda: read_at(pyth.rpc, pyth.adapter, NOW))
        if mark <= 1:
            assert found == ("reverted", "PriceOutOfBand", (mark, 1, 2**255))
        else:
            assert found[0] == mark


prices = st.builds(
    PythPrice,
    st.one_of(
        st.sampled_from([0, 1, -1, 10**10, 10**13, 2**63 - 1]),
        st.integers(10**10, 10**13),
        st.integers(-(2**63), 2**63 - 1),
    ),
    st.one_of(st.sampled_from([0, 1, 2**64 - 1]), st.integers(0, 10**9)),
    st.one_of(st.just(-8), st.integers(-12, 1)),
    st.one_of(st.integers(NOW - 2 * MAX_AGE, NOW + 5), st.integers(1, 2**64 - 1)),
)


@given(st.lists(prices, min_size=1, max_size=4))
def test_read__any_updates__are_judged_as_the_twin_judges_them(
    artifacts: Artifacts, rpc: Rpc, accounts: list[str], updates: list[PythPrice]
) -> None:
    with rpc.isolated():
        pyth = Pyth(rpc, accounts[0])
        for update in updates:
            pyth.push(update)
            said(pyth)


# ---- order of time (I-42)


def test_read__price_a_little_ahead__counts_as_of_the_block_and_never_goes_back(pyth: Pyth) -> None:
    pyth.push(replace(GOOD, published_at=NOW + 3))
    times = [said(pyth, NOW + at)[2] - NOW for at in range(-2, 6)]
    assert times == [-2, -1, 0, 1, 2, 3, 3, 3]
    pyth.push(replace(GOOD, published_at=NOW + 9))
    assert said(pyth, NOW + 6)[2] == NOW + 6
    assert said(pyth, NOW + 3) == ("reverted", "PriceInvalid", (GOOD.price,))


def test_update__older_or_same_time__changes_nothing(pyth: Pyth) -> None:
    pyth.push(GOOD)
    for at in (GOOD.published_at, GOOD.published_at - 1, 1):
        pyth.push(replace(GOOD, price=GOOD.price + 5, published_at=at))
        assert said(pyth)[0] == 2_000 * WAD


def test_update__other_feeds_price__changes_nothing(pyth: Pyth) -> None:
    pyth.push(GOOD)
    other = pyth.data(replace(GOOD, published_at=NOW, price=1), bytes(31) + b"\1")
    pyth.adapter.update([other], sender=pyth.sender)
    assert said(pyth)[0] == 2_000 * WAD


def test_read__price_brought_past_the_adapter__counts(pyth: Pyth) -> None:
    pyth.contract.updatePriceFeeds([pyth.data(GOOD)], sender=pyth.sender)
    pyth.held = GOOD
    assert said(pyth)[0] == 2_000 * WAD


# ---- fees


def test_update__with_fee__pays_it_and_gives_the_rest_back(
    new_pyth: Callable[..., Pyth], rpc: Rpc
) -> None:
    pyth = new_pyth(fee=FEE)
    payer = rpc.impersonate("0x" + "c1" * 20)
    before = rpc.balance(payer)
    data = [pyth.data(GOOD), pyth.data(replace(GOOD, published_at=NOW))]
    receipt = pyth.adapter.update(data, sender=payer, value=10**18)
    gas = receipt.gas_used * int(
        rpc.request("eth_getTransactionReceipt", receipt.hash)["effectiveGasPrice"], 16
    )
    assert before - rpc.balance(payer) - gas == 2 * FEE == rpc.balance(pyth.contract)
    assert rpc.balance(pyth.adapter) == 0


def test_update__too_little_ether__is_named(new_pyth: Callable[..., Pyth]) -> None:
    pyth = new_pyth(fee=FEE)
    with reverts("FeeTooLow", value=FEE - 1, fee=FEE):
        pyth.push(GOOD, value=FEE - 1)
    pyth.push(GOOD, value=FEE)


def test_update__payer_that_refuses_the_rest__is_refused(
    new_pyth: Callable[..., Pyth], rpc: Rpc
) -> None:
    pyth = new_pyth(fee=FEE)
    payer = rpc.impersonate(pyth.contract.address)  # a contract that takes no ether
    with reverts("RefundRefused", value=1):
        pyth.adapter.update([pyth.data(GOOD)], sender=payer, value=FEE + 1)


def test_update__malformed_data__is_refused(pyth: Pyth) -> None:
    pyth.push(GOOD)
    for data in (b"", b"\1" * 31, pyth.data(GOOD)[:-64]):
        receipt = pyth.adapter.update.send([data], sender=pyth.sender, check=False)
        assert not receipt.ok
    assert said(pyth)[0] == 2_000 * WAD


# ---- an L2's sequencer


@pytest.fixture
def sequenced(new_pyth: Callable[..., Pyth], sequencer: Contract) -> Pyth:
    return new_pyth(sequencerFeed=sequencer.address)


def test_read__price_from_before_the_restart__waits_for_a_newer(
    sequenced: Pyth, sequencer: Contract
) -> None:
    restart = NOW - 5
    sequencer.set(2, 0, restart, restart)
    sequenced.push(GOOD)
    assert said(sequenced, up_since=restart) == ("reverted", "SequencerDown", (restart,))
    sequenced.push(replace(GOOD, published_at=restart + 1))
    assert said(sequenced, up_since=restart)[2:] == (restart + 1, restart)


@pytest.mark.parametrize(("status", "since"), [(1, NOW - 50), (0, 0), (-1, NOW)])
def test_read__sequencer_down__is_refused(
    sequenced: Pyth, sequencer: Contract, status: int, since: int
) -> None:
    sequenced.push(GOOD)
    sequencer.set(2, status, since, NOW)
    with reverts("SequencerDown", since=since):
        read_at(sequenced.rpc, sequenced.adapter, NOW)


# ---- outages

AFTER = replace(GOOD, published_at=NOW - 3, previous_at=NOW - 4 - MAX_AGE)


@pytest.fixture
def market(rpc: Rpc, pyth: Pyth, accounts: list[str]) -> Contract:
    return deploy(rpc, "OracleMarket", pyth.adapter, sender=accounts[0])


def prove(pyth: Pyth, market: Contract, shown: PythPrice, at: int, **more: Any) -> Any:
    pyth.rpc.next_time(NOW)
    return pyth.adapter.proveGap([pyth.data(shown)], at, market, sender=pyth.sender, **more)


def test_prove_gap__signed_silence__is_kept_by_the_market(pyth: Pyth, market: Contract) -> None:
    prove_pyth(PYTH, AFTER, NOW - 3, NOW)
    receipt = prove(pyth, market, AFTER, NOW - 3)
    assert market.state().resumedAt == NOW - 3
    [event] = events(receipt, "OutageProven", of=pyth.adapter)
    assert (event.market, event.resumedAt) == (market.address, NOW - 3)
    assert read_at(pyth.rpc, pyth.adapter, NOW).resumedAt == 0  # one transaction long


@pytest.mark.parametrize(
    ("change", "at", "error"),
    [
        ({"previous_at": NOW - 3 - MAX_AGE}, NOW - 3, "PriceFeedNotFoundWithinRange"),
        ({}, NOW - 2, "NoGap"),
        ({}, NOW - 4, "PriceFeedNotFoundWithinRange"),
        ({"published_at": NOW + 1, "previous_at": NOW - MAX_AGE}, NOW + 1, "NoGap"),
        ({}, MAX_AGE, "NoGap"),
    ],
)
def test_prove_gap__no_silence_or_another_time__proves_nothing(
    pyth: Pyth, market: Contract, change: dict[str, int], at: int, error: str
) -> None:
    shown = replace(AFTER, **change)
    with pytest.raises(OracleError, match=error):
        prove_pyth(PYTH, shown, at, NOW)
    with reverts(error):
        prove(pyth, market, shown, at)
    assert market.state().resumedAt == 0


def test_prove_gap__market_whose_price_is_refused__is_told(pyth: Pyth, market: Contract) -> None:
    wide = replace(AFTER, conf=10**10)
    with reverts("ProofNotTaken", marketResumedAt=0, provenAt=NOW - 3):
        prove(pyth, market, wide, NOW - 3)


def test_prove_gap__fee__is_paid_and_the_rest_given_back(
    new_pyth: Callable[..., Pyth], rpc: Rpc, accounts: list[str]
) -> None:
    pyth = new_pyth(fee=FEE)
    market = deploy(rpc, "OracleMarket", pyth.adapter, sender=accounts[0])
    with reverts("FeeTooLow", value=0, fee=FEE):
        prove(pyth, market, AFTER, NOW - 3)
    prove(pyth, market, AFTER, NOW - 3, value=FEE + 5)
    assert (rpc.balance(pyth.contract), rpc.balance(pyth.adapter)) == (FEE, 0)


# ---- deployment


@pytest.mark.parametrize(
    ("changes", "name", "actual", "limit"),
    [
        ({"pyth": "0x" + "11" * 20}, "pyth", 0, 1),
        ({"maxAgeSecs": 0}, "maxAgeSecs", 0, 1),
        ({"maxDecimals": 37}, "maxDecimals", 37, 36),
        ({"minDecimals": 11}, "minDecimals", 11, 10),
        ({"lowest": 0}, "lowest", 0, 1),
        ({"highest": PYTH.lowest}, "highest", PYTH.lowest, PYTH.lowest + 1),
        ({"confidenceWidth": WAD - 1}, "confidenceWidth", WAD - 1, WAD),
        ({"confidenceWidth": 100 * WAD + 1}, "confidenceWidth", 100 * WAD + 1, 100 * WAD),
        ({"maxSpread": WAD}, "maxSpread", WAD, WAD - 1),
        ({"minSpread": PYTH.max_spread + 1}, "minSpread", PYTH.max_spread + 1, PYTH.max_spread),
    ],
)
def test_deploy__bad_setting__is_named(
    new_pyth: Callable[..., Pyth], changes: dict[str, Any], name: str, actual: int, limit: int
) -> None:
    with bad_setting(name, actual, limit):
        new_pyth(**changes)


def test_settings__of_an_adapter__are_what_was_given(pyth: Pyth) -> None:
    found = pyth.adapter.settings()
    assert (found.pyth, found.priceId) == (pyth.contract.address, PRICE_ID)
    assert found.confidenceWidth == PYTH.confidence_width
    assert found.maxSpread == PYTH.max_spread
