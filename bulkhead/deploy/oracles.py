"""A market's oracle by its kind: settings out of the market file, and the adapter.

Chainlink, Pyth and median adapters are deployed with their market. A quorum must have reported
before a market can be listed at its price, so it is deployed first (`bulkhead adapter`), with an
authority of its own, and adopted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bulkhead.chain.contract import Contract
from bulkhead.deploy import roles
from bulkhead.deploy.roles import People
from bulkhead.deploy.schema import MarketFile
from bulkhead.deploy.steps import Deployer
from bulkhead.errors import BadInput
from bulkhead.model.types import ZERO_ADDRESS
from bulkhead.reporter.report import feed_id

WAD = 10**18
CONTRACTS = {
    "chainlink": "ChainlinkOracle",
    "pyth": "PythOracle",
    "quorum": "QuorumOracle",
    "median": "MedianOracle",
}


@dataclass(frozen=True)
class Origin:
    """Where prices come from on a chain: a Chainlink feed or the Pyth contract, an L2's uptime
    feed, a median's adapters, or a quorum adapter that is there already."""

    feed: str | None = None
    sequencer: str | None = None
    sources: tuple[str, ...] = ()
    adapter: str | None = None


def oracle_settings(
    market: MarketFile, feed: str, decimals: int, sequencer: str | None
) -> dict[str, Any]:
    """`ChainlinkOracle.Settings` by field name. Bounds are in the feed's own decimals."""
    terms, answer = market.oracle, 10**decimals
    return {
        "feed": feed,
        "maxAgeSecs": terms.max_age,
        "minAnswer": terms.lowest * answer // WAD,
        "maxAnswer": terms.highest * answer // WAD,
        "maxDeviation": terms.max_deviation,
        "spread": terms.spread,
        "sequencerFeed": sequencer or ZERO_ADDRESS,
        "sequencerGraceSecs": terms.sequencer_grace if sequencer else 0,
    }


def pyth_settings(market: MarketFile, pyth: str, sequencer: str | None) -> dict[str, Any]:
    """`PythOracle.Settings` by field name."""
    terms = market.oracle
    assert terms.pyth is not None
    return {
        "pyth": pyth,
        "priceId": bytes.fromhex(terms.pyth.price_id[2:]),
        "maxAgeSecs": terms.max_age,
        "minDecimals": terms.pyth.min_decimals,
        "maxDecimals": terms.pyth.max_decimals,
        "lowest": terms.lowest,
        "highest": terms.highest,
        "confidenceWidth": terms.pyth.confidence_width,
        "minSpread": terms.spread,
        "maxSpread": terms.max_spread,
        "sequencerFeed": sequencer or ZERO_ADDRESS,
    }


def quorum_args(market: MarketFile, authority: str) -> tuple[Any, ...]:
    """Arguments of a `QuorumOracle`."""
    terms = market.oracle
    assert terms.quorum is not None
    settings = {
        "feed": feed_id(terms.quorum.feed),
        "maxAgeSecs": terms.max_age,
        "lowest": terms.lowest,
        "highest": terms.highest,
        "maxDeviation": terms.max_deviation,
        "maxDisagreement": terms.quorum.max_disagreement,
        "spread": terms.spread,
    }
    members = sorted(one.lower() for one in terms.quorum.reporters)
    return settings, members, terms.quorum.quorum, authority


def median_settings(market: MarketFile, sources: Sequence[str]) -> dict[str, Any]:
    """`MedianOracle.Settings` by field name."""
    terms = market.oracle.median
    assert terms is not None
    return {
        "sources": list(sources),
        "minSources": terms.min_sources,
        "riskTolerance": terms.risk_tolerance,
        "exitTolerance": terms.exit_tolerance,
        "sourceGas": terms.source_gas,
    }


def _wanted(name: str, given: str | None, what: str) -> str:
    if given is None:
        raise BadInput(name, "nothing", what)
    return given


def adapter(hand: Deployer, market: MarketFile, origin: Origin) -> Contract:
    """The adapter of a market file: deployed, or adopted where it is a quorum."""
    kind = market.oracle.kind
    if kind == "quorum":
        where = _wanted("oracle", origin.adapter, "deploy it with `bulkhead adapter`, then name it")
        return _adopted(hand, market, where)
    if kind == "median":
        if len(origin.sources) < 2:
            raise BadInput("source", len(origin.sources), "at least 2 adapters' addresses")
        return hand.create(CONTRACTS[kind], median_settings(market, origin.sources))
    feed = _wanted("feed", origin.feed, "a feed's address is wanted, or an oracle")
    if kind == "pyth":
        return hand.create(CONTRACTS[kind], pyth_settings(market, feed, origin.sequencer))
    decimals = hand.at("IAggregatorV3", feed).decimals()
    return hand.create(CONTRACTS[kind], oracle_settings(market, feed, decimals, origin.sequencer))


def _adopted(hand: Deployer, market: MarketFile, where: str) -> Contract:
    """A quorum adapter that is there already, if it is what the market file says."""
    found = hand.at(CONTRACTS["quorum"], where)
    if not hand.rpc.code(where):
        raise BadInput("oracle", where, "there must be a contract at this address")
    args = quorum_args(market, found.authority())
    for name, wanted, held in differences(found, args):
        raise BadInput(f"oracle {where}, {name}", held, f"the market file says {wanted}")
    hand.adopt(CONTRACTS["quorum"], where, args)
    return found


def differences(oracle: Contract, args: Sequence[Any]) -> list[tuple[str, Any, Any]]:
    """What an adapter holds otherwise than it was given: (name, wanted, held)."""
    held = oracle.settings()
    pairs = [(name, value, getattr(held, name)) for name, value in args[0].items()]
    if len(args) > 1:
        members, quorum = oracle.reporters()
        pairs += [("reporters", args[1], members), ("quorum", args[2], quorum)]
        pairs.append(("authority", args[3], oracle.authority()))
    return [(name, wanted, found) for name, wanted, found in pairs if _bare(found) != _bare(wanted)]


def _bare(value: Any) -> Any:
    """Comparable with a record's text."""
    if isinstance(value, (list, tuple)):
        return [_bare(one) for one in value]
    return "0x" + value.hex() if isinstance(value, bytes) else str(value).lower()


def deploy_quorum(hand: Deployer, market: MarketFile, people: People) -> Contract:
    """A quorum adapter with an authority of its own, handed over: only the timelock replaces
    reporters."""
    if market.oracle.kind != "quorum":
        raise BadInput("oracle.kind", market.oracle.kind, "only a quorum is deployed beforehand")
    authority = hand.create("Authority", hand.sender)
    found = hand.create(CONTRACTS["quorum"], *quorum_args(market, authority.address))
    roles.give_reporters(hand, authority, found, people)
    return found
