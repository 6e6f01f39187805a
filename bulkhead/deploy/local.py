"""What only a local chain has: a test token, a feed whose price anyone sets, and test people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bulkhead.chain.contract import Contract
from bulkhead.chain.rpc import Rpc
from bulkhead.deploy.roles import People
from bulkhead.deploy.schema import MarketFile
from bulkhead.deploy.steps import Deployer, Notice, quiet
from bulkhead.deploy.system import System, deploy_market
from bulkhead.prices.path import DECIMALS

LOCAL_CHAINS = (31_337, 1_337)
HIGHEST_ANSWER = 2**95


@dataclass(frozen=True)
class LocalFeed:
    """A feed that behaves and costs like the one on mainnet, and takes any price."""

    proxy: Contract
    aggregator: Contract


def deploy_feed(rpc: Rpc, deployer: str, answer: int, notice: Notice = quiet) -> LocalFeed:
    """Deploy a feed with two rounds, so that its newest is confirmed by one before it."""
    hand = Deployer(rpc, deployer, notice=notice)
    aggregator = hand.create("FeedAggregator", DECIMALS, 1, HIGHEST_ANSWER, False)
    proxy = hand.create("FeedProxy", aggregator.address)
    for _ in range(2):
        aggregator.push(answer, rpc.time(), sender=deployer)
    return LocalFeed(proxy, aggregator)


def deploy_pyth(
    rpc: Rpc, market: MarketFile, deployer: str, answer: int, notice: Notice = quiet
) -> Contract:
    """The SDK's own mock with a price of the market's feed, published now."""
    terms = market.oracle.pyth
    assert terms is not None
    pyth = Deployer(rpc, deployer, notice=notice).create("LocalPyth", market.oracle.max_age, 0)
    price_id, now = bytes.fromhex(terms.price_id[2:]), rpc.time()
    price = (answer, 0, -DECIMALS, answer, 0, now, now)
    data = pyth.createPriceFeedUpdateData(price_id, *price)
    pyth.updatePriceFeeds([data], sender=deployer)
    return pyth


def deploy_source(
    rpc: Rpc, market: MarketFile, deployer: str, answer: int, notice: Notice = quiet
) -> str:
    """What the market's adapter reads on a local chain; any price may be brought to it."""
    if market.oracle.kind == "pyth":
        return deploy_pyth(rpc, market, deployer, answer, notice).address
    return deploy_feed(rpc, deployer, answer, notice).proxy.address


def local_people(accounts: Sequence[str], market: MarketFile) -> People:
    """Governance, guardian and treasury from a local chain's accounts."""
    return People(accounts[0], accounts[1], accounts[2], market.authority.timelock_delay)


def deploy_local(
    rpc: Rpc, market: MarketFile, accounts: Sequence[str], answer: int
) -> tuple[System, LocalFeed]:
    """A whole market with test token and feed. `accounts`: deployer, governance, guardian,
    treasury, in this order; `answer` is the first price (8 decimals)."""
    feed = deploy_feed(rpc, accounts[0], answer)
    people = local_people(accounts[1:], market)
    system = deploy_market(
        rpc, market, deployer=accounts[0], people=people, feed=feed.proxy.address
    )
    return system, feed
