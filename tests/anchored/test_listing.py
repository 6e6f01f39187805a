"""What can't be listed is refused by name, before anything is computed from it."""

from __future__ import annotations

import pytest
from market_world import World

from bulkhead.chain.contract import deploy
from bulkhead.chain.errors import reverts
from bulkhead.deploy.params import abi
from bulkhead.deploy.steps import Deployer


@pytest.mark.parametrize("decimals", [19, 77, 255])
def test_create_market__too_many_decimals__are_named(world: World, decimals: int) -> None:
    """Once the largest reward was computed first, and the refusal was an arithmetic panic."""
    w = world
    hand = Deployer(w.rpc, w.deployer)
    names = ("Market", "LiquidityPool", "InsuranceFund", "PositionVault")
    codes = [hand.code(name) for name in names]
    token = deploy(w.rpc, "TestToken", decimals, sender=w.deployer)
    terms = (*codes, token.address, w.authority.address, abi(w.params), 0)
    with reverts("BadParameter", actual=decimals, limit=18) as caught:
        w.factory.createMarket(*terms, sender=w.alice, gas=60_000_000)
    assert caught[0]["name"].rstrip(b"\0") == b"decimals"
