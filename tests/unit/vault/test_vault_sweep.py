"""sweep: foreign tokens only, whatever name the collateral goes by."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from vault_world import Vaults

from bulkhead.chain.contract import deploy
from bulkhead.chain.errors import reverts


@pytest.mark.parametrize("token", ["TestToken", "NoReturnToken", "FeeToken"])
def test_sweep__foreign_token__goes_out_whole(vaults: Vaults, token: str) -> None:
    foreign = deploy(vaults.rpc, token, 6, sender=vaults.admin).as_(vaults.admin)
    foreign.mint(vaults.vault, 77)
    before = vaults.balances()
    vaults.vault.sweep(foreign, vaults.owner)
    assert foreign.balanceOf(vaults.vault) == 0
    assert foreign.balanceOf(vaults.owner) == 77
    assert vaults.moved(before) == {}


def test_sweep__nothing_there__moves_nothing(vaults: Vaults) -> None:
    foreign = deploy(vaults.rpc, "TestToken", 6, sender=vaults.admin)
    vaults.vault.sweep(foreign, vaults.owner)
    assert foreign.balanceOf(vaults.owner) == 0


def test_sweep__collateral__is_refused(vaults: Vaults) -> None:
    with reverts("CollateralToken", token=vaults.token.address):
        vaults.vault.sweep(vaults.token, vaults.owner)


def test_sweep__collateral_by_its_second_address__is_refused(
    new_vaults: Callable[..., Vaults],
) -> None:
    vaults = new_vaults(token="AliasedToken")
    second = deploy(vaults.rpc, "DoubleEntryToken", vaults.token, sender=vaults.admin)
    vaults.token.setAlias(second)
    before = vaults.balances()
    with reverts("CollateralToken", token=second.address):
        vaults.vault.sweep(second, vaults.owner)
    assert vaults.moved(before) == {}


def test_sweep__refusing_token__reverts(vaults: Vaults) -> None:
    foreign = deploy(vaults.rpc, "FalseReturnToken", 6, sender=vaults.admin).as_(vaults.admin)
    foreign.setManner(1)
    with reverts("SafeERC20FailedOperation", token=foreign.address):
        vaults.vault.sweep(foreign, vaults.owner)


def test_sweep__no_token_at_all__reverts(vaults: Vaults) -> None:
    with reverts():
        vaults.vault.sweep(vaults.keeper, vaults.owner)


def test_sweep__not_the_market__is_refused(vaults: Vaults) -> None:
    foreign = deploy(vaults.rpc, "TestToken", 6, sender=vaults.admin)
    for caller in (vaults.owner, vaults.attacker):
        with reverts("NotMarket", caller=caller):
            vaults.vault.sweep(foreign, caller, sender=caller)
