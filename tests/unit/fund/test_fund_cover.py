"""cover: what the fund pays is what arrives, and no token can make it revert."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from bulkhead.chain.artifacts import Artifacts
from bulkhead.chain.contract import Contract, deploy, events
from bulkhead.chain.errors import reverts
from bulkhead.chain.rpc import Receipt, Rpc


@dataclass
class Fund:
    """A fund with 1,000 units whose market and pool are accounts."""

    fund: Contract
    token: Contract
    market: str
    pool: str
    attacker: str

    def cover(self, amount: int) -> tuple[int, Receipt]:
        expected = self.fund.cover.call(amount, sender=self.market)
        return expected, self.fund.cover(amount, sender=self.market)

    def held(self) -> tuple[int, int]:
        return self.token.balanceOf(self.fund), self.token.balanceOf(self.pool)


@pytest.fixture
def new_fund(
    rpc: Rpc, artifacts: Artifacts, accounts: list[str], isolate: None
) -> Callable[..., Fund]:
    admin, market, pool, attacker = accounts[:4]

    def build(token: str = "TestToken", decimals: int = 6) -> Fund:
        collateral = deploy(rpc, token, decimals, sender=admin).as_(admin)
        fund = deploy(rpc, "InsuranceFund", market, collateral, pool, sender=admin)
        collateral.mint(fund, 1_000)
        return Fund(fund, collateral, market, pool, attacker)

    return build


def told(receipt: Receipt) -> tuple[int, int]:
    (event,) = events(receipt, "BadDebtCovered")
    return event.asked, event.paid


@pytest.mark.parametrize("token", ["TestToken", "NoReturnToken", "ApproveZeroToken"])
@pytest.mark.parametrize("decimals", [0, 2, 6, 8, 18])
@pytest.mark.parametrize(
    ("asked", "paid"), [(1, 1), (999, 999), (1_000, 1_000), (1_001, 1_000), (2**256 - 1, 1_000)]
)
def test_cover__honest_token__pays_what_it_has(
    new_fund: Callable[..., Fund], token: str, decimals: int, asked: int, paid: int
) -> None:
    fund = new_fund(token, decimals)
    answer, receipt = fund.cover(asked)
    assert answer == paid
    assert told(receipt) == (asked, paid)
    assert fund.held() == (1_000 - paid, paid)


def test_cover__nothing_asked__moves_nothing(new_fund: Callable[..., Fund]) -> None:
    fund = new_fund()
    answer, receipt = fund.cover(0)
    assert answer == 0
    assert told(receipt) == (0, 0)
    assert fund.held() == (1_000, 0)


def test_cover__empty_fund__pays_nothing(new_fund: Callable[..., Fund]) -> None:
    fund = new_fund()
    fund.cover(1_000)
    assert fund.cover(5)[0] == 0


def test_cover__plain_transfer_to_it__adds(new_fund: Callable[..., Fund]) -> None:
    fund = new_fund()
    fund.token.mint(fund.fund, 500)
    assert fund.cover(2_000)[0] == 1_500


REFUSALS: dict[str, Callable[[Fund], Any]] = {
    "BlacklistToken": lambda f: f.token.setBlocked(f.pool, True, False),
    "PausableToken": lambda f: f.token.setPaused(True),
    "ReturnBombToken": lambda f: f.token.setBomb(2),
}


@pytest.mark.parametrize("token", REFUSALS)
def test_cover__refusing_token__pays_nothing(new_fund: Callable[..., Fund], token: str) -> None:
    fund = new_fund(token)
    REFUSALS[token](fund)
    answer, receipt = fund.cover(7)
    assert answer == 0
    assert told(receipt) == (7, 0)
    assert fund.held() == (1_000, 0)


@pytest.mark.parametrize("manner", [1, 2])
def test_cover__token_that_moves_nothing__is_not_believed(
    new_fund: Callable[..., Fund], manner: int
) -> None:
    fund = new_fund("FalseReturnToken")
    fund.token.setManner(manner)
    assert fund.cover(7)[0] == 0
    assert fund.held() == (1_000, 0)


def test_cover__balances_that_can_not_be_read__pays_nothing(new_fund: Callable[..., Fund]) -> None:
    fund = new_fund("BlindToken")
    fund.token.setBlind(True)
    answer, receipt = fund.cover(7)
    assert answer == 0
    assert told(receipt) == (7, 0)


def test_cover__fee_on_transfer__counts_what_arrived(new_fund: Callable[..., Fund]) -> None:
    fund = new_fund("FeeToken")
    fund.token.setFee(1_000)
    assert fund.cover(100)[0] == 90
    assert fund.held() == (900, 90)


def test_cover__not_the_market__is_refused(new_fund: Callable[..., Fund]) -> None:
    fund = new_fund()
    for caller in (fund.attacker, fund.pool):
        with reverts("NotMarket", caller=caller):
            fund.fund.cover(1, sender=caller)


def test_immutables__constructor__are_its_arguments(new_fund: Callable[..., Fund]) -> None:
    fund = new_fund()
    assert (fund.fund.MARKET(), fund.fund.TOKEN(), fund.fund.POOL()) == (
        fund.market,
        fund.token.address,
        fund.pool,
    )
