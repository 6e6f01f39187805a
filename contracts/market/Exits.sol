// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMarket} from "@interfaces/IMarket.sol";
import {Action, Mode, Reason} from "@interfaces/Types.sol";
import {Engine, Need} from "../libraries/Engine.sol";
import {Context, Ledger} from "../libraries/Ledger.sol";
import {MarketStorage, StateStore} from "../libraries/StateStore.sol";
import {Trade} from "../libraries/Trade.sol";
import {Entry, Vaults} from "./Entry.sol";

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
        Context memory x;
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
        Entry.checkDeadline(deadline);
        Context memory x;
        Entry.enter($, x, vaults, id);
        if (x.p.size == 0) revert IMarket.Refused(Reason.IsFlat, 0, 1);
        Entry.price($, x, false);
        Entry.close(x, priceLimit);
        $.finish(x, Action.Close);
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
        Entry.checkDeadline(deadline);
        Context memory x;
        Entry.owned($, x, vaults, id);
        Entry.checkTrader(x);
        if (x.p.size == 0) revert IMarket.Refused(Reason.IsFlat, 0, 1);
        Entry.price($, x, false);
        Entry.close(x, priceLimit);
        uint256 locks = Entry.locked($, x);
        paid = x.p.basis > 0 || x.v <= locks ? 0 : x.v - locks;
        if (paid != 0) Entry.payOwner(x, vaults, to, paid);
        $.finish(x, Action.Close);
        $.save(x.s);
    }

    /// @dev Health is judged at the newest mark, so it is as safe in a block that took two: `need` is Called
    ///      in a margin call.
    function removeMargin(
        MarketStorage storage $,
        Vaults memory vaults,
        uint256 id,
        uint256 amount,
        address to,
        Need need
    )
        external
    {
        Context memory x;
        Entry.owned($, x, vaults, id);
        if (amount == 0) revert IMarket.Refused(Reason.ZeroAmount, 0, 1);
        bool flat = x.p.size == 0;
        if (!flat) Entry.price($, x, true, need);
        x.touch();
        uint256 locks = Entry.locked($, x);
        uint256 free = x.v > locks ? x.v - locks : 0;
        if (amount > free) {
            revert IMarket.Refused(Reason.AmountTooLarge, Entry.saturated(amount), int256(free));
        }
        x.v -= amount;
        if (!flat) Engine.demand(Trade.removalCheck(x, locks));
        Engine.payOrRevert(x);
        x.v += amount;
        Entry.payOwner(x, vaults, to, amount);
        $.finish(x, Action.RemoveMargin);
        if (x.s.mode == Mode.Settled) $.raiseRatio(x);
        if (!flat || x.net != 0) $.save(x.s);
    }
}
