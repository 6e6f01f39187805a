// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMarket} from "@interfaces/IMarket.sol";
import {IPositionVault} from "@interfaces/IPositionVault.sol";
import {Mode, Reason} from "@interfaces/Types.sol";
import {LibClone} from "solady/src/utils/LibClone.sol";
import {Acceptance} from "../libraries/Acceptance.sol";
import {Engine, Need} from "../libraries/Engine.sol";
import {Context} from "../libraries/Ledger.sol";
import {MarketStorage, StateStore} from "../libraries/StateStore.sol";
import {Trade} from "../libraries/Trade.sol";
import {Delegates} from "./Delegates.sol";

/// @dev Where a market's vaults come from.
struct Vaults {
    bytes32 initHash;
    address implementation;
}

/// @title What every action begins and ends with
/// @notice Authority, price, vault. Shared by the linked libraries.
library Entry {
    using StateStore for MarketStorage;
    using Engine for MarketStorage;
    using Delegates for MarketStorage;

    /// @dev Position and state, for what charges no fee.
    function position(
        MarketStorage storage $,
        Context memory x,
        Vaults memory vaults,
        uint256 id
    )
        internal
        view
    {
        $.loadStored(x, id);
        if (x.p.owner == address(0)) revert IMarket.UnknownPosition(id);
        $.loadUncounted(x);
        address vault = LibClone.predictDeterministicAddress(vaults.initHash, bytes32(id), address(this));
        Engine.loadVault(x, vault);
    }

    /// @dev As `position`, to trade it, with what fees add to: owner and delegates.
    function enter(
        MarketStorage storage $,
        Context memory x,
        Vaults memory vaults,
        uint256 id
    )
        internal
        view
    {
        position($, x, vaults, id);
        $.loadCounters(x);
        if (x.p.owner != msg.sender && !$.isDelegate(id, x.p.owner, msg.sender)) {
            revert IMarket.NotAuthorised(id, msg.sender);
        }
        checkTrader(x);
    }

    /// @dev Where all trades are delayed only the order book makes them.
    function checkTrader(Context memory x) internal view {
        if (!Trade.allows(x, msg.sender)) Engine.demand(Trade.ordersOnly(x, msg.sender));
    }

    /// @dev As `position`, for the owner alone.
    function owned(
        MarketStorage storage $,
        Context memory x,
        Vaults memory vaults,
        uint256 id
    )
        internal
        view
    {
        position($, x, vaults, id);
        if (x.p.owner != msg.sender) revert IMarket.NotAuthorised(id, msg.sender);
    }

    /// @dev A vault does not pay itself: the event would tell a margin that it no longer has.
    function checkNotOwn(Context memory x, address to) internal pure {
        if (to == x.vault) Engine.refuse(Reason.BadReceiver, int256(uint256(uint160(to))), 0);
    }

    /// @dev A mark of this block; for what adds risk also mode Normal and no grace.
    function price(MarketStorage storage $, Context memory x, bool addsRisk) internal {
        if (addsRisk) checkNormal(x);
        $.accept(x, Need.Must);
        if (addsRisk) checkGrace(x);
    }

    function checkNormal(Context memory x) internal pure {
        if (x.s.mode != Mode.Normal) {
            Engine.refuse(Reason.ModeForbids, int256(uint256(x.s.mode)), 0);
        }
    }

    function checkGrace(Context memory x) internal view {
        if (Engine.inGrace(x)) {
            uint256 end = Acceptance.graceEnd(x.s, x.c);
            Engine.refuse(Reason.InGrace, int256(block.timestamp), int256(end));
        }
    }

    /// @dev Closes at the mark, for the caller to finish; a vault that can't pay or be paid is closed frozen.
    function close(Context memory x, uint256 priceLimit) internal {
        Engine.mark(x);
        Engine.demand(Trade.close(x, priceLimit));
        if (!Engine.pay(x)) {
            Engine.rewind(x);
            Trade.closeFrozen(x);
        }
    }

    function deployVault(Context memory x, Vaults memory vaults) internal {
        if (x.p.flags & StateStore.FLAG_VAULT != 0) return;
        LibClone.cloneDeterministic_PUSH0(vaults.implementation, bytes32(x.id));
        x.p.flags |= StateStore.FLAG_VAULT;
    }

    /// @dev For the caller to finish; the vault is there.
    function payOwner(Context memory x, address to, uint256 amount) internal {
        if (!IPositionVault(x.vault).payOwner(to, amount)) revert IMarket.TransferRefused(to, amount);
        x.v -= amount;
        x.payout = amount;
    }

    /// @dev As `payOwner`, after what goes to or comes from the pool; what goes there goes in the same call.
    function payOut(Context memory x, address to, uint256 amount) internal {
        uint256 proceeds;
        if (x.net < 0) Engine.payOrRevert(x);
        else proceeds = uint256(x.net);
        (bool collected, bool paid) = IPositionVault(x.vault).payPoolAndOwner(proceeds, to, amount);
        if (!paid) {
            if (collected) revert IMarket.TransferRefused(to, amount);
            revert IMarket.TransferRefused(x.c.pool, proceeds);
        }
        x.v -= amount;
        x.payout = amount;
    }

    /// @dev Of every vault that is deployed.
    function vaultCodeHash(address implementation) internal pure returns (bytes32) {
        return keccak256(
            abi.encodePacked(hex"5f5f365f5f37365f73", implementation, hex"5af43d5f5f3e6029573d5ffd5b3d5ff3")
        );
    }

    function locked(MarketStorage storage $, Context memory x) internal view returns (uint256) {
        return x.p.flags & StateStore.FLAG_LOCKS == 0 ? 0 : $.locked(x.id);
    }

    function checkDeadline(uint256 deadline) internal view {
        if (block.timestamp > deadline) {
            Engine.refuse(Reason.DeadlinePassed, int256(block.timestamp), int256(deadline));
        }
    }

    function saturated(uint256 value) internal pure returns (int256) {
        return int256(value < uint256(type(int256).max) ? value : uint256(type(int256).max));
    }

    function checkDelta(Context memory x, int256 delta, bool adds) internal pure {
        if (delta == 0) Engine.refuse(Reason.ZeroAmount, 0, 1);
        int256 size = x.p.size;
        if (size == 0) Engine.refuse(Reason.IsFlat, 0, 1);
        if (((delta > 0) == (size > 0)) != adds) Engine.refuse(Reason.WrongDirection, delta, size);
        if (!adds && (size > 0 ? delta < -size : delta > -size)) {
            Engine.refuse(Reason.WouldFlip, delta, size);
        }
    }
}
