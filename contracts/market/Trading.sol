// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMarket} from "@interfaces/IMarket.sol";
import {IPositionVault} from "@interfaces/IPositionVault.sol";
import {Action, Mode, Reason} from "@interfaces/Types.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {LibClone} from "solady/src/utils/LibClone.sol";
import {Acceptance} from "../libraries/Acceptance.sol";
import {Engine, Need} from "../libraries/Engine.sol";
import {Context, Ledger} from "../libraries/Ledger.sol";
import {PositionMath} from "../libraries/PositionMath.sol";
import {MarketStorage, StateStore} from "../libraries/StateStore.sol";
import {Trade} from "../libraries/Trade.sol";
import {Ownership} from "./Ownership.sol";

/// @dev Where a market's vaults come from.
struct Vaults {
    bytes32 initHash;
    address implementation;
}

/// @title Trading and margin
/// @notice Linked into the market; works on its storage, under its lock.
library Trading {
    using SafeERC20 for IERC20;
    using StateStore for MarketStorage;
    using Engine for MarketStorage;
    using Ledger for Context;

    // ---- open and trade

    function open(
        MarketStorage storage $,
        Vaults memory vaults,
        uint256 id,
        int256 size,
        uint256 margin,
        uint256 priceLimit,
        uint256 deadline
    )
        external
    {
        _checkDeadline(deadline);
        Context memory x = _enter($, vaults, id);
        if (size == 0) revert IMarket.Refused(Reason.ZeroAmount, 0, 1);
        if (x.p.size != 0) revert IMarket.Refused(Reason.NotFlat, x.p.size, 0);
        _checkSize(size);
        _price($, x, true);
        x.v += margin;
        Engine.demand(Trade.grow(x, size, priceLimit));
        _deployVault(x, vaults);
        _payOpening(x, margin);
        $.finish(x, Action.Open);
        $.save(x.s);
    }

    function increase(
        MarketStorage storage $,
        Vaults memory vaults,
        uint256 id,
        int256 delta,
        uint256 priceLimit,
        uint256 deadline
    )
        external
    {
        _checkDeadline(deadline);
        Context memory x = _enter($, vaults, id);
        _checkDelta(x, delta, true);
        _checkSize(delta);
        _checkSize(x.p.size + delta);
        _price($, x, true);
        Engine.demand(Trade.grow(x, delta, priceLimit));
        Engine.payOrRevert(x);
        $.finish(x, Action.Increase);
        $.save(x.s);
    }

    function decrease(
        MarketStorage storage $,
        Vaults memory vaults,
        uint256 id,
        int256 delta,
        uint256 priceLimit,
        uint256 deadline
    )
        external
    {
        _checkDeadline(deadline);
        Context memory x = _enter($, vaults, id);
        _checkDelta(x, delta, false);
        _price($, x, false);
        if (delta == -x.p.size) {
            _close($, x, priceLimit);
        } else {
            Engine.demand(Trade.shrink(x, delta, priceLimit));
            Engine.payOrRevert(x);
            $.finish(x, Action.Decrease);
        }
        $.save(x.s);
    }

    function close(
        MarketStorage storage $,
        Vaults memory vaults,
        uint256 id,
        uint256 priceLimit,
        uint256 deadline
    )
        external
    {
        _checkDeadline(deadline);
        Context memory x = _enter($, vaults, id);
        if (x.p.size == 0) revert IMarket.Refused(Reason.IsFlat, 0, 1);
        _price($, x, false);
        _close($, x, priceLimit);
        $.save(x.s);
    }

    function closeAndWithdraw(
        MarketStorage storage $,
        Vaults memory vaults,
        uint256 id,
        uint256 priceLimit,
        uint256 deadline,
        address to
    )
        external
        returns (uint256 paid)
    {
        _checkDeadline(deadline);
        Context memory x = _owned($, vaults, id);
        if (x.p.size == 0) revert IMarket.Refused(Reason.IsFlat, 0, 1);
        _price($, x, false);
        _close($, x, priceLimit);
        $.save(x.s);
        uint256 locks = _locked($, x);
        paid = x.p.basis > 0 || x.v <= locks ? 0 : x.v - locks;
        if (paid != 0) _payOwner($, x, vaults, to, paid);
    }

    /// @dev Closes at the mark; a vault that can't pay or be paid is closed frozen.
    function _close(MarketStorage storage $, Context memory x, uint256 priceLimit) private {
        Engine.Undo memory undo = Engine.mark(x);
        Engine.demand(Trade.close(x, priceLimit));
        if (!Engine.pay(x)) {
            Engine.rewind(x, undo);
            Trade.closeFrozen(x);
        }
        $.finish(x, Action.Close);
    }

    // ---- margin

    function removeMargin(
        MarketStorage storage $,
        Vaults memory vaults,
        uint256 id,
        uint256 amount,
        address to
    )
        external
    {
        Context memory x = _owned($, vaults, id);
        if (amount == 0) revert IMarket.Refused(Reason.ZeroAmount, 0, 1);
        bool flat = x.p.size == 0;
        if (!flat) _price($, x, true);
        x.touch();
        uint256 locks = _locked($, x);
        uint256 free = x.v > locks ? x.v - locks : 0;
        if (amount > free) revert IMarket.Refused(Reason.AmountTooLarge, _saturated(amount), int256(free));
        x.v -= amount;
        if (!flat) Engine.demand(Trade.removalCheck(x, locks));
        Engine.payOrRevert(x);
        x.v += amount;
        _payOwner($, x, vaults, to, amount);
        $.finish(x, Action.RemoveMargin);
        if (!flat || x.net != 0) $.save(x.s);
    }

    function settle(MarketStorage storage $, Vaults memory vaults, uint256 id) external {
        Context memory x = _position($, vaults, id);
        $.accept(x, Need.Try);
        x.touch();
        if (x.p.size != 0 && x.owedTotal != x.paidTotal && x.s.acceptedAt == block.timestamp) {
            Trade.collectShare(x, PositionMath.claim(x.p.size, x.p.basis, x.s.mark, x.s.fundingIndex));
        }
        Engine.payOrRevert(x);
        $.finish(x, Action.Settle);
        $.save(x.s);
    }

    // ---- internals

    /// @dev State and position.
    function _position(
        MarketStorage storage $,
        Vaults memory vaults,
        uint256 id
    )
        private
        view
        returns (Context memory x)
    {
        if ($.positions[id][0] == 0) revert IMarket.UnknownPosition(id);
        $.load(x);
        $.loadPosition(
            x, id, LibClone.predictDeterministicAddress(vaults.initHash, bytes32(id), address(this))
        );
    }

    /// @dev As `_position`, for owner and delegates.
    function _enter(
        MarketStorage storage $,
        Vaults memory vaults,
        uint256 id
    )
        private
        view
        returns (Context memory x)
    {
        x = _position($, vaults, id);
        if (x.p.owner != msg.sender && !Ownership.authorised($, id, x.p.owner, msg.sender)) {
            revert IMarket.NotAuthorised(id, msg.sender);
        }
    }

    /// @dev As `_position`, for the owner alone.
    function _owned(
        MarketStorage storage $,
        Vaults memory vaults,
        uint256 id
    )
        private
        view
        returns (Context memory x)
    {
        x = _position($, vaults, id);
        if (x.p.owner != msg.sender) revert IMarket.NotAuthorised(id, msg.sender);
    }

    /// @dev A mark of this block; for what adds risk also mode Normal and no grace.
    function _price(MarketStorage storage $, Context memory x, bool addsRisk) private {
        if (addsRisk && x.s.mode != Mode.Normal) {
            revert IMarket.Refused(Reason.ModeForbids, int256(uint256(x.s.mode)), 0);
        }
        $.accept(x, Need.Must);
        if (addsRisk && Engine.inGrace(x)) {
            uint256 end = Acceptance.graceEnd(x.s, x.c);
            revert IMarket.Refused(Reason.InGrace, int256(block.timestamp), int256(end));
        }
    }

    function _deployVault(Context memory x, Vaults memory vaults) private {
        if (x.p.flags & StateStore.FLAG_VAULT != 0) return;
        LibClone.cloneDeterministic_PUSH0(vaults.implementation, bytes32(x.id));
        x.p.flags |= StateStore.FLAG_VAULT;
    }

    /// @dev The payer pays what the pool is due straight to it, the rest into the vault.
    function _payOpening(Context memory x, uint256 margin) private {
        uint256 direct = x.net > 0 ? uint256(x.net) : 0;
        if (direct > margin) direct = margin;
        IERC20 token = IERC20(x.c.token);
        if (direct != 0) {
            token.safeTransferFrom(msg.sender, x.c.pool, direct);
            x.net -= int256(direct);
        }
        uint256 rest = margin - direct;
        if (rest != 0) {
            uint256 before = token.balanceOf(x.vault);
            token.safeTransferFrom(msg.sender, x.vault, rest);
            uint256 received = token.balanceOf(x.vault) - before;
            if (received != rest) revert IMarket.WrongAmountReceived(received, rest);
        }
        Engine.payOrRevert(x);
    }

    /// @dev A flat position that was only topped up may have no vault yet.
    function _payOwner(
        MarketStorage storage $,
        Context memory x,
        Vaults memory vaults,
        address to,
        uint256 amount
    )
        private
    {
        if (x.p.flags & StateStore.FLAG_VAULT == 0) {
            _deployVault(x, vaults);
            $.savePositionHead(x.id, x.p);
        }
        if (!IPositionVault(x.vault).payOwner(to, amount)) revert IMarket.TransferRefused(to, amount);
        x.v -= amount;
        emit IMarket.MarginRemoved(x.id, to, amount);
    }

    function _locked(MarketStorage storage $, Context memory x) private view returns (uint256) {
        return x.p.flags & StateStore.FLAG_LOCKS == 0 ? 0 : $.lockSums[x.id][$.epochs[x.id]];
    }

    function _checkDeadline(uint256 deadline) private view {
        if (block.timestamp > deadline) {
            revert IMarket.Refused(Reason.DeadlinePassed, int256(block.timestamp), int256(deadline));
        }
    }

    function _checkDelta(Context memory x, int256 delta, bool adds) private pure {
        if (delta == 0) revert IMarket.Refused(Reason.ZeroAmount, 0, 1);
        int256 size = x.p.size;
        if (size == 0) revert IMarket.Refused(Reason.IsFlat, 0, 1);
        if (((delta > 0) == (size > 0)) != adds) revert IMarket.Refused(Reason.WrongDirection, delta, size);
        if (!adds && (size > 0 ? delta < -size : delta > -size)) {
            revert IMarket.Refused(Reason.WouldFlip, delta, size);
        }
    }

    function _checkSize(int256 size) private pure {
        if (size > type(int128).max || size < -type(int128).max) {
            revert IMarket.Refused(Reason.SizeTooLarge, size, type(int128).max);
        }
    }

    function _saturated(uint256 value) private pure returns (int256) {
        return int256(value < uint256(type(int256).max) ? value : uint256(type(int256).max));
    }
}
