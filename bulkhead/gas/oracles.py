"""The adapters: bringing a price, and reading it. Whole transactions, steady state: a price is held
already and the slots are not empty. A read is a transaction that does nothing else.

The Pyth contract is the SDK's mock: it checks no signatures and stores prices in more slots than
the real one. Its figures say what the adapter adds, not what a Pyth update costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eth_account import Account

from bulkhead.chain.contract import Contract, deploy
from bulkhead.chain.rpc import ZERO
from bulkhead.deploy.params import read
from bulkhead.gas.stage import PRICE, WAD, Stage, require
from bulkhead.gas.system import MARKET_FILE
from bulkhead.reporter.report import Feed, feed_id, sign, update_data

PRICE_ID = feed_id("a Pyth feed")
AGE = 3_600
FIRST_KEY = 1_000  # private keys of the reporters: from here on


def _read(stage: Stage, oracle: Contract) -> int:
    """Gas of a transaction that reads, and finds a price."""
    require(oracle.read(0).mark > 0, "there is no price")
    data = oracle.read.encode(0)
    return stage.rpc.send(oracle.address, data, sender=stage.people["keeper"]).gas_used


@dataclass
class _Quorum:
    """A quorum adapter, all of whose reporters report each time."""

    stage: Stage
    members: int

    def __post_init__(self) -> None:
        sender = self.stage.people["deployer"]
        rpc = self.stage.rpc
        keys = [(FIRST_KEY + place).to_bytes(32, "big") for place in range(self.members)]
        self.keys = sorted(keys, key=lambda key: int(Account.from_key(key).address, 16))
        reporters = [Account.from_key(key).address.lower() for key in self.keys]
        feed = feed_id("ETH/USD")
        settings = {
            "feed": feed,
            "maxAgeSecs": AGE,
            "lowest": WAD,
            "highest": 10**6 * WAD,
            "maxDeviation": WAD // 10,
            "maxDisagreement": WAD // 100,
            "spread": 0,
        }
        authority = deploy(rpc, "Authority", sender, sender=sender)
        quorum = self.members // 2 + 1
        args = (settings, reporters, quorum, authority.address)
        self.adapter = deploy(rpc, "QuorumOracle", *args, sender=sender)
        self.feed = Feed(rpc.chain_id(), self.adapter.address, feed)
        for _ in range(2):
            self.report()

    def report(self) -> int:
        """A price by every reporter, each its own."""
        at = self.stage.rpc.time() + 10
        reports = [
            sign(self.feed, key, PRICE * WAD + place, at) for place, key in enumerate(self.keys)
        ]
        self.stage.rpc.next_time(at)
        data = [update_data(at, reports)]
        receipt = self.adapter.update(data, sender=self.stage.people["keeper"])
        require(self.adapter.held().publishedAt == at, "the reports were not taken")
        return int(receipt.gas_used)


def quorum_update_3(stage: Stage) -> int:
    """A price by three of three."""
    return _Quorum(stage, 3).report()


def quorum_update_5(stage: Stage) -> int:
    """A price by five of five."""
    return _Quorum(stage, 5).report()


def quorum_update_13(stage: Stage) -> int:
    """A price by thirteen of thirteen."""
    return _Quorum(stage, 13).report()


def quorum_read(stage: Stage) -> int:
    """A quorum's price; how many signed it does not matter any more."""
    return _read(stage, _Quorum(stage, 3).adapter)


def _pyth(stage: Stage) -> tuple[Contract, Contract]:
    """The SDK's mock and its adapter."""
    sender = stage.people["deployer"]
    pyth = deploy(stage.rpc, "LocalPyth", AGE, 1, sender=sender)
    settings = {
        "pyth": pyth.address,
        "priceId": PRICE_ID,
        "maxAgeSecs": AGE,
        "minDecimals": 8,
        "maxDecimals": 8,
        "lowest": WAD,
        "highest": 10**6 * WAD,
        "confidenceWidth": 2 * WAD,
        "minSpread": 0,
        "maxSpread": WAD // 200,
        "sequencerFeed": ZERO,
    }
    adapter = deploy(stage.rpc, "PythOracle", settings, sender=sender)
    for _ in range(2):
        _bring(stage, pyth, adapter)
    return pyth, adapter


def _bring(stage: Stage, pyth: Contract, adapter: Contract) -> int:
    at = stage.rpc.time() + 10
    answer = PRICE * 10**8
    price = (answer, answer // 10_000, -8, answer, answer // 10_000, at, at - 1)
    data = pyth.createPriceFeedUpdateData(PRICE_ID, *price)
    stage.rpc.next_time(at)
    receipt = adapter.update([data], sender=stage.people["keeper"], value=1)
    require(adapter.read(0).publishedAt == at, "the price was not taken")
    return int(receipt.gas_used)


def pyth_update(stage: Stage) -> int:
    """A price through the adapter, with its fee."""
    return _bring(stage, *_pyth(stage))


def pyth_read(stage: Stage) -> int:
    """The price with its confidence."""
    return _read(stage, _pyth(stage)[1])


def chainlink_read(stage: Stage) -> int:
    """What the market of this record reads: without a deviation breaker."""
    stage.tick()
    return _read(stage, stage.system.oracle)


def chainlink_read_breaker(stage: Stage) -> int:
    """The same with the deviation breaker of the committed market, which reads a second round."""
    widest = read(MARKET_FILE).oracle.max_deviation
    settings = stage.system.oracle.settings()._replace(maxDeviation=widest)
    sender = stage.people["deployer"]
    adapter = deploy(stage.rpc, "ChainlinkOracle", settings, sender=sender)
    stage.tick()
    stage.tick()
    return _read(stage, adapter)


def median_read(stage: Stage) -> int:
    """Of Chainlink, Pyth and a quorum of three."""
    adapter = _pyth(stage)[1]
    quorum = _Quorum(stage, 3)
    stage.tick()
    sources = [stage.system.oracle.address, adapter.address, quorum.adapter.address]
    settings: dict[str, Any] = {
        "sources": sources,
        "minSources": 2,
        "riskTolerance": WAD // 100,
        "exitTolerance": WAD // 50,
        "sourceGas": 200_000,
    }
    median = deploy(stage.rpc, "MedianOracle", settings, sender=stage.people["deployer"])
    return _read(stage, median)
