"""What is measured: the committed ETH/USD market over a feed that costs what mainnet's does."""

from __future__ import annotations

from bulkhead.chain.binaries import ROOT
from bulkhead.chain.contract import Contract, deploy
from bulkhead.chain.rpc import Rpc
from bulkhead.deploy.params import DIRECT, read
from bulkhead.deploy.roles import People
from bulkhead.deploy.schema import MarketFile
from bulkhead.deploy.system import System, deploy_market

MARKET_FILE = ROOT / "markets" / "eth-usd.yaml"
DECIMALS = 8  # of the feed
LOWEST, HIGHEST = 1, 2**95  # the aggregator's own bounds


def market_file() -> MarketFile:
    """The committed market without the adapter's deviation breaker, which reads a second round."""
    market = read(MARKET_FILE, DIRECT)
    oracle = market.oracle.model_copy(update={"max_deviation": 0})
    return market.model_copy(update={"oracle": oracle})


def stand_up(rpc: Rpc, people: dict[str, str], price: int) -> tuple[System, Contract]:
    """The market, and the aggregator that takes its rounds."""
    deployer = people["deployer"]
    aggregator = deploy(rpc, "FeedAggregator", DECIMALS, LOWEST, HIGHEST, False, sender=deployer)
    aggregator.push(price * 10**DECIMALS, rpc.time(), sender=deployer)
    proxy = deploy(rpc, "FeedProxy", aggregator, sender=deployer)
    market = market_file()
    system = deploy_market(
        rpc,
        market,
        deployer=deployer,
        people=People(
            governance=people["governance"],
            guardian=people["guardian"],
            treasury=people["treasury"],
            delay=market.authority.timelock_delay,
        ),
        feed=proxy.address,
    )
    return system, aggregator
