"""createMarket within one transaction's gas, and createOrderBook."""

from __future__ import annotations

from typing import Any

from eth_hash.auto import keccak
from market_world import BOOK, World

from bulkhead.chain.abi import address
from bulkhead.chain.contract import at, events
from bulkhead.chain.errors import reverts
from bulkhead.deploy.params import abi
from bulkhead.deploy.steps import Deployer

DEPLOYMENT_FAILED = keccak(b"DeploymentFailed()")[:4]  # of CREATE3, in no interface
MOST_GAS = 2**24  # of one transaction (EIP-7825)


def terms(w: World) -> tuple[Any, ...]:
    hand = Deployer(w.rpc, w.deployer)
    names = ("Market", "LiquidityPool", "InsuranceFund", "PositionVault")
    codes = [hand.code(name) for name in names]
    return (*codes, w.token.address, w.authority.address, abi(w.params), 0)


def test_a_market_is_listed_within_the_gas_of_one_transaction(world: World) -> None:
    w = world
    receipt = w.factory.createMarket(*terms(w), sender=w.alice, gas=MOST_GAS)
    assert receipt.gas_used < MOST_GAS


def test_anyone_brings_the_book_to_where_its_market_expects_it(world: World) -> None:
    w, factory = world, world.factory
    receipt = factory.createMarket(*terms(w), sender=w.alice, gas=MOST_GAS)
    made = events(receipt, "MarketCreated", of=factory)[0]
    market, number = at(w.rpc, "Market", made.market), made.marketId
    assert market.ORDER_BOOK() == address(made.orderBook)
    assert market.config().orderBook == address(made.orderBook)
    assert not w.rpc.code(made.orderBook)
    done = factory.createOrderBook(number, w.book_code, sender=w.bob)
    told = events(done, "OrderBookCreated", of=factory)[0]
    assert (told.marketId, told.market, told.orderBook) == (number, made.market, made.orderBook)
    book = at(w.rpc, BOOK, made.orderBook)
    assert (book.MARKET(), book.TOKEN()) == (market.address, w.token.address)
    with reverts() as caught:  # once
        factory.createOrderBook(number, w.book_code, sender=w.alice)
    assert caught[0].data == DEPLOYMENT_FAILED


def test_each_market_has_a_book_of_its_own(world: World) -> None:
    w, factory = world, world.factory
    receipt = factory.createMarket(*terms(w), sender=w.alice, gas=MOST_GAS)
    other = events(receipt, "MarketCreated", of=factory)[0]
    assert address(other.orderBook) != w.book
    for number, where in ((1, w.book), (other.marketId, other.orderBook)):
        factory.createOrderBook(number, w.book_code, sender=w.bob)
        assert w.rpc.code(where)


def test_other_code_and_unknown_markets_are_refused(world: World) -> None:
    w, factory = world, world.factory
    for code in (w.book_code + b"\0", w.book_code[:-1], b""):
        with reverts("WrongCode"):
            factory.createOrderBook(1, code, sender=w.bob)
    for number in (0, factory.marketCount() + 1, 2**256 - 1):
        with reverts("UnknownMarket", marketId=number):
            factory.createOrderBook(number, w.book_code, sender=w.bob)
