// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMarginCallee} from "@interfaces/IMarginCallee.sol";
import {IMarket} from "@interfaces/IMarket.sol";
import {IPositionVault} from "@interfaces/IPositionVault.sol";
import {Action, LiquidationResult, Reason} from "@interfaces/Types.sol";
import {LibClone} from "solady/src/utils/LibClone.sol";
import {Acceptance} from "../libraries/Acceptance.sol";
import {Engine, Need} from "../libraries/Engine.sol";
import {Context, Ledger} from "../libraries/Ledger.sol";
import {Liquidation, LiquidationTerms} from "../libraries/Liquidation.sol";
import {LiquidationPlan} from "../libraries/LiquidationPlan.sol";
import {Lock} from "../libraries/Lock.sol";
import {MarginTable} from "../libraries/MarginTable.sol";
import {PositionMath} from "../libraries/PositionMath.sol";
import {MarketStorage, StateStore} from "../libraries/StateStore.sol";

/// @title Liquidation
/// @notice Linked into the market; works on its storage, under its lock.
library Liquidating {
    using StateStore for MarketStorage;
    using Engine for MarketStorage;
    using Ledger for Context;

    /// @dev Gas that a liquidation keeps back for itself before it makes a margin call.
    uint256 private constant GAS_AFTER_CALL = 600_000;

    function liquidate(
        MarketStorage storage $,
        uint256 id,
        address rewardTo,
        bytes32 vaultInitHash
    )
        external
        returns (LiquidationResult result)
    {
        Context memory x = Ledger.blank()[0];
        $.load(x);
        $.loadStored(x, id);
        if (x.p.owner == address(0)) revert IMarket.UnknownPosition(id);
        if (x.p.size == 0) revert IMarket.Refused(Reason.IsFlat, 0, 1);
        $.accept(x, Need.Renew);
        LiquidationTerms memory t;
        result = _liquidate($, x, t, rewardTo, vaultInitHash);
        if (result < LiquidationResult.Partial) _refuse(x, t, result);
        $.save(x);
    }

    function liquidateMany(
        MarketStorage storage $,
        uint256[] calldata ids,
        address rewardTo,
        bytes32 vaultInitHash
    )
        external
        returns (LiquidationResult[] memory results)
    {
        Context memory x = Ledger.blank()[0];
        $.load(x);
        bool renewed = $.accept(x, Need.Renew);
        results = new LiquidationResult[](ids.length);
        bool any;
        LiquidationTerms memory t;
        for (uint256 i; i < ids.length; ++i) {
            $.loadStored(x, ids[i]);
            if (x.p.owner == address(0)) continue; // Unknown
            LiquidationResult result = _liquidate($, x, t, rewardTo, vaultInitHash);
            results[i] = result;
            if (result >= LiquidationResult.Partial) any = true;
        }
        if (renewed && !any) revert IMarket.Refused(Reason.NothingLiquidated, 0, 1);
        $.save(x);
    }

    /// @dev The reason a single liquidation did nothing.
    function _refuse(Context memory x, LiquidationTerms memory t, LiquidationResult result) private view {
        if (result == LiquidationResult.Healthy) {
            revert IMarket.Refused(Reason.Healthy, t.equity, int256(t.maintenance));
        }
        if (result == LiquidationResult.InGrace) {
            uint256 end = Acceptance.graceEnd(x.s, x.c);
            revert IMarket.Refused(Reason.InGrace, int256(block.timestamp), int256(end));
        }
        revert IMarket.Refused(Reason.GasTooLow, int256(gasleft()), int256(_gasForCall(x)));
    }

    /// @dev Of the position that is loaded. Values, calls the owner where it opted in, decides how much,
    ///      pays, writes. Never reverts because of the owner or of a token that refuses.
    function _liquidate(
        MarketStorage storage $,
        Context memory x,
        LiquidationTerms memory t,
        address rewardTo,
        bytes32 vaultInitHash
    )
        private
        returns (LiquidationResult)
    {
        if (x.p.size == 0) return LiquidationResult.Flat;
        address vault = LibClone.predictDeterministicAddress(vaultInitHash, bytes32(x.id), address(this));
        Engine.loadVault(x, vault);
        _value(x, t);
        if (t.equity >= int256(t.maintenance)) return LiquidationResult.Healthy;
        if (t.equity > 0 && Engine.inGrace(x)) return LiquidationResult.InGrace;
        if (x.p.flags & StateStore.FLAG_MARGIN_CALL != 0) {
            if (gasleft() < _gasForCall(x)) return LiquidationResult.LowGas;
            _marginCall($, x, t);
            if (_healed($, x, t, rewardTo)) return LiquidationResult.Healed;
            x.p.flags &= ~StateStore.FLAG_MARGIN_CALL;
            emit IMarket.MarginCallSet(x.id, false);
        }
        uint256 closed = Liquidation.solve(x.s, x.c, x.p.size, t);
        bool full = closed == PositionMath.abs(x.p.size);
        _applyLiquidation(x, t, closed, rewardTo);
        $.finish(x, full ? Action.LiquidateFull : Action.LiquidatePartial);
        return full ? LiquidationResult.Full : LiquidationResult.Partial;
    }

    function _value(Context memory x, LiquidationTerms memory t) private pure {
        uint256 price = PositionMath.favourable(x.s, x.p.size);
        Liquidation.terms(t, x.s, x.c, x.p.size, price, x.equity(price));
    }

    /// @dev Plans and pays. A refused reward stays in the vault; a vault that can't pay or be paid is closed
    /// frozen.
    function _applyLiquidation(
        Context memory x,
        LiquidationTerms memory t,
        uint256 closed,
        address rewardTo
    )
        private
    {
        Engine.mark(x);
        LiquidationPlan.apply_(x, t, closed, true);
        uint256 reward = x.payout;
        if (x.net < 0) {
            if (!Engine.pay(x)) return _freeze(x, t, closed, 0);
            x.v += reward;
            return _payKeeper(x, rewardTo, reward);
        }
        if (reward != 0) {
            (bool rewarded, bool collected) =
                IPositionVault(x.vault).payRewardAndPool(rewardTo, reward, uint256(x.net));
            if (collected) return;
            if (rewarded) return _freeze(x, t, closed, reward);
            Engine.rewind(x);
            LiquidationPlan.apply_(x, t, closed, false);
        }
        if (!Engine.pay(x)) _freeze(x, t, closed, 0);
    }

    /// @dev Instead of a plan whose tokens don't move; the keeper has `rewardPaid` already.
    function _freeze(
        Context memory x,
        LiquidationTerms memory t,
        uint256 closed,
        uint256 rewardPaid
    )
        private
        pure
    {
        Engine.rewind(x);
        x.v -= rewardPaid;
        LiquidationPlan.applyFrozen(x, t, closed);
        x.payout = rewardPaid;
    }

    function _payKeeper(Context memory x, address rewardTo, uint256 reward) private {
        bool paid = reward != 0 && IPositionVault(x.vault).payReward(rewardTo, reward);
        x.payout = paid ? reward : 0;
        x.v -= x.payout;
    }

    // ---- margin call

    /// @dev Calls the owner with the state written and only this id locked; ignores failure and return data.
    ///      Values again afterwards.
    function _marginCall(MarketStorage storage $, Context memory x, LiquidationTerms memory t) private {
        uint256 target = MarginTable.tm(x.c, t.notional, x.s.ramp) + x.c.marginCallReward;
        uint256 shortfall = (uint256(int256(target) - t.equity) + x.c.unit - 1) / x.c.unit;
        $.save(x);
        bytes memory data = abi.encodeCall(IMarginCallee.onMarginCall, (x.id, shortfall));
        (address owner_, uint256 callGas) = (x.p.owner, x.c.marginCallGas);
        Lock.set(x.id + 2);
        assembly ("memory-safe") {
            pop(call(callGas, owner_, 0, add(data, 32), mload(data), 0, 0))
        }
        Lock.set(1);
        $.load(x);
        $.loadPosition(x, x.id, x.vault);
        _value(x, t);
    }

    /// @dev Healed: what is left after the keeper's pay reaches the target margin. Nothing is liquidated
    /// then.
    function _healed(
        MarketStorage storage $,
        Context memory x,
        LiquidationTerms memory t,
        address rewardTo
    )
        private
        returns (bool)
    {
        uint256 reward = x.c.marginCallReward / x.c.unit;
        int256 target = int256(MarginTable.tm(x.c, t.notional, x.s.ramp));
        if (t.equity - int256(x.c.marginCallReward) < target || x.v < reward) return false;
        _payKeeper(x, rewardTo, reward);
        $.finish(x, Action.MarginCallHealed);
        return true;
    }

    function _gasForCall(Context memory x) private pure returns (uint256) {
        return x.c.marginCallGas * 64 / 63 + GAS_AFTER_CALL;
    }
}
