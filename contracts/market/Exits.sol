// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Action, Mode, Reason} from "@interfaces/Types.sol";
import {Engine, Need} from "../libraries/Engine.sol";
import {Context, Ledger} from "../libraries/Ledger.sol";
import {MarketStorage, StateStore} from "../libraries/StateStore.sol";
import {Trade} from "../libraries/Trade.sol";
import {Entry, Vaults} from "./Entry.sol";
import {Settlement} from "./Settlement.sol";

/// @title Reducing, closing, paying out
/// @notice Linked into the market; works on its storage, under its lock.
library Exits {
    using StateStore for MarketStorage;
    using Engine for MarketStorage;
    using Ledger for Context;

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
        Entry.checkDeadline(deadline);
        Context memory x = Ledger.blank()[0];
        Entry.enter($, x, vaults, id);
        Entry.checkDelta(x, delta, false);
        Entry.price($, x, false);
        if (delta == -x.p.size) {
            Entry.close(x, priceLimit);
            $.finish(x, Action.Close);
        } else {
            Engine.demand(Trade.shrink(x, delta, priceLimit));
            Engine.payOrRevert(x);
            $.finish(x, Action.Decrease);
        }
        $.save(x);
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
        Entry.checkDeadline(deadline);
        Context memory x = Ledger.blank()[0];
        Entry.enter($, x, vaults, id);
        if (x.p.size == 0) Engine.refuse(Reason.IsFlat, 0, 1);
        Entry.price($, x, false);
        Entry.close(x, priceLimit);
        $.finish(x, Action.Close);
        $.save(x);
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
        Entry.checkDeadline(deadline);
        Context memory x = Ledger.blank()[0];
        Entry.owned($, x, vaults, id);
        Entry.checkNotOwn(x, to);
        Entry.checkTrader(x);
        $.loadCounters(x);
        if (x.p.size == 0) Engine.refuse(Reason.IsFlat, 0, 1);
        Entry.price($, x, false);
        Entry.close(x, priceLimit);
        uint256 locks = Entry.locked($, x);
        paid = x.p.basis > 0 || x.v <= locks ? 0 : x.v - locks;
        if (paid != 0) Entry.payOwner(x, to, paid);
        $.finish(x, Action.Close);
        $.save(x);
    }

    /// @dev Of an open position. Compiled into the market itself: its commonest exit does not pay for
    ///      reaching this library. Health is judged at the newest mark, so it is as safe in a block that took
    ///      two: `need` is Called in a margin call.
    function removeMargin(
        MarketStorage storage $,
        Vaults memory vaults,
        uint256 id,
        uint256 amount,
        address to,
        Need need
    )
        internal
    {
        Context memory x = Ledger.blank()[0];
        Entry.owned($, x, vaults, id);
        Entry.checkNotOwn(x, to);
        if (amount == 0) Engine.refuse(Reason.ZeroAmount, 0, 1);
        Entry.checkNormal(x);
        (, bool due) = $.acceptMark(x, need);
        Entry.checkGrace(x);
        if (due) {
            $.save(x);
            Settlement.priceDue($);
            $.loadUncounted(x);
        }
        x.touch();
        uint256 locks = _checkFree($, x, amount);
        x.v -= amount;
        Engine.demand(Trade.removalCheck(x, locks));
        x.v += amount;
        Entry.payOut(x, to, amount);
        $.record(x, Action.RemoveMargin);
        $.save(x);
    }

    /// @dev Of a flat position: at no mark.
    function removeFlat(
        MarketStorage storage $,
        Vaults memory vaults,
        uint256 id,
        uint256 amount,
        address to
    )
        external
    {
        Context memory x = Ledger.blank()[0];
        Entry.owned($, x, vaults, id);
        Entry.checkNotOwn(x, to);
        if (amount == 0) Engine.refuse(Reason.ZeroAmount, 0, 1);
        x.touch();
        _checkFree($, x, amount);
        Entry.deployVault(x, vaults); // one that was only topped up may have none yet
        Entry.payOut(x, to, amount);
        $.record(x, Action.RemoveMargin);
        if (x.s.mode == Mode.Settled) $.raiseRatio(x);
        if (x.net != 0) $.save(x);
    }

    /// @dev Returns what is locked.
    function _checkFree(
        MarketStorage storage $,
        Context memory x,
        uint256 amount
    )
        private
        view
        returns (uint256 locks)
    {
        locks = Entry.locked($, x);
        uint256 free = x.v > locks ? x.v - locks : 0;
        if (amount > free) {
            Engine.refuse(Reason.AmountTooLarge, Entry.saturated(amount), int256(free));
        }
    }
}
