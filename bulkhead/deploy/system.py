"""One function that stands a whole market up: for tests, gas, the demo and real chains alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eth_hash.auto import keccak

from bulkhead.chain.abi import address
from bulkhead.chain.artifacts import Artifacts
from bulkhead.chain.contract import Contract, events
from bulkhead.chain.errors import Reverted
from bulkhead.chain.rpc import Rpc
from bulkhead.deploy import oracles, roles
from bulkhead.deploy.oracles import Origin
from bulkhead.deploy.params import abi, check_listing, to_params
from bulkhead.deploy.roles import People
from bulkhead.deploy.schema import MarketFile
from bulkhead.deploy.steps import Deployer, Notice, Step, quiet
from bulkhead.errors import BadInput
from bulkhead.model.types import ZERO_ADDRESS, Params

WAD = 10**18
# What the factory creates, in the order of its arguments, and what all markets share.
CREATED = {
    "market": "Market",
    "pool": "LiquidityPool",
    "fund": "InsuranceFund",
    "vault": "PositionVault",
}
ORDER_BOOK = {"order_book": "OrderBook"}  # that the factory creates afterwards
PERIPHERY = {
    "lens": "MarketLens",
    "preview_lens": "PreviewLens",
    "liquidation_lens": "LiquidationLens",
    "order_lens": "OrderLens",
    "router": "Router",
}


@dataclass(frozen=True)
class System:
    """A deployed market: its contracts, who governs it, and how it came to be."""

    rpc: Rpc
    market_file: MarketFile
    params: Params
    people: People
    deployer: str
    token: Contract
    feed: str
    oracle: Contract
    authority: Contract
    factory: Contract
    market: Contract
    pool: Contract
    fund: Contract
    vault: Contract  # the implementation behind all vaults
    order_book: Contract
    lens: Contract
    preview_lens: Contract
    liquidation_lens: Contract
    order_lens: Contract
    router: Contract
    libraries: dict[str, str]
    steps: tuple[Step, ...]
    block: int  # that listed the market

    def holders(self) -> list[str]:
        """Addresses of the system that may hold collateral, vaults aside."""
        parts = (self.pool, self.fund, self.market, self.order_book)
        found = (*(part.address for part in parts), self.people.treasury)
        return list(dict.fromkeys(address(one) for one in found))


def _check_token(rpc: Rpc, market: MarketFile, token: Contract) -> None:
    """The file must speak of this token."""
    if not rpc.code(token.address):
        raise BadInput("token", token.address, "there must be a contract at this address")
    found = token.decimals()
    if found != market.token.decimals:
        limit = f"{market.token.decimals} decimals, as the market file says"
        raise BadInput(f"token {token.address}", f"{found} decimals", limit)


def _first_mark(oracle: Contract) -> int:
    """The price that the market will be listed at (Wad)."""
    try:
        return int(oracle.read(0)[0])
    except Reverted as problem:
        raise BadInput("the oracle's price", problem, "a market is listed at a valid one") from None


def deploy_market(
    rpc: Rpc,
    market: MarketFile,
    *,
    deployer: str,
    people: People,
    token: str | None = None,
    feed: str | None = None,
    oracle: Contract | None = None,
    sequencer: str | None = None,
    sources: Sequence[str] = (),
    adapter: str | None = None,
    artifacts: Artifacts | None = None,
    notice: Notice = quiet,
) -> System:
    """Deploy everything a market needs that is not there yet, and hand it over.

    Without `token` a test token that anyone mints is deployed. The price comes from `oracle`, or
    from an adapter of the file's kind: of the Chainlink feed or Pyth contract `feed`, of the
    adapters `sources`, or from the quorum `adapter` that is there already.
    """
    hand = Deployer(rpc, deployer, artifacts=artifacts, notice=notice)
    coin = (
        hand.create("TestToken", market.token.decimals)
        if token is None
        else hand.at("TestToken", token)
    )
    _check_token(rpc, market, coin)
    origin = Origin(feed, sequencer, tuple(sources), adapter)
    source = oracle or oracles.adapter(hand, market, origin)
    return _stand_up(hand, market, people, coin, source, feed or ZERO_ADDRESS)


def _stand_up(
    hand: Deployer, market: MarketFile, people: People, coin: Contract, source: Contract, feed: str
) -> System:
    """The market on its token and oracle, with its authority and what all markets share."""
    params = to_params(market, oracle=source.address, treasury=people.treasury)
    check_listing(market, params, _first_mark(source))
    authority = hand.create("Authority", hand.sender)
    created, block = _create(hand, market, params, coin, authority)
    roles.give(hand, authority, created["market"], people)
    return System(
        rpc=hand.rpc,
        market_file=market,
        params=params,
        people=people,
        deployer=address(hand.sender),
        token=coin,
        feed=feed,
        oracle=source,
        authority=authority,
        **created,
        **{name: hand.shared(contract) for name, contract in PERIPHERY.items()},
        libraries=dict(hand.libraries),
        steps=tuple(hand.steps),
        block=block,
    )


def _create(
    hand: Deployer, market: MarketFile, params: Params, token: Contract, authority: Contract
) -> tuple[dict[str, Contract], int]:
    """Deploy the factory and let it create the market: its parts by name, and the block."""
    codes = [hand.code(name) for name in CREATED.values()]
    book_code = hand.code(ORDER_BOOK["order_book"])
    factory = hand.create("MarketFactory", *(keccak(code) for code in (*codes, book_code)))
    variance = market.listing.volatility**2 // WAD
    receipt = hand.call(
        f"create the market {market.name}",
        factory.createMarket,
        *codes,
        token.address,
        authority.address,
        abi(params),
        variance,
    )
    listed = events(receipt, "MarketCreated", of=factory)[0]
    what = f"create the order book of {market.name}"
    hand.call(what, factory.createOrderBook, listed.marketId, book_code)
    names = {"vault": listed.vaultImplementation, "order_book": listed.orderBook}
    where = {**listed.args, **names}
    made = {**CREATED, **ORDER_BOOK}
    parts = {name: hand.at(contract, where[name]) for name, contract in made.items()}
    return {"factory": factory, **parts}, receipt.block
