// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IInsuranceFund} from "@interfaces/IInsuranceFund.sol";
import {ILiquidityPool} from "@interfaces/ILiquidityPool.sol";
import {IMarket} from "@interfaces/IMarket.sol";
import {Action, Mode, Reason, State, Ticket} from "@interfaces/Types.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Acceptance} from "../libraries/Acceptance.sol";
import {Engine, Need} from "../libraries/Engine.sol";
import {Funding} from "../libraries/Funding.sol";
import {Context, Ledger} from "../libraries/Ledger.sol";
import {PositionMath} from "../libraries/PositionMath.sol";
import {MarketStorage, StateStore} from "../libraries/StateStore.sol";
import {Trade} from "../libraries/Trade.sol";
import {Entry, Vaults} from "./Entry.sol";

/// @title Tickets, fee shares, and the end of a dead market
/// @notice Linked into the market; works on its storage.
library Settlement {
    using StateStore for MarketStorage;
    using Engine for MarketStorage;
    using Ledger for Context;

    // ---- tickets and fees

    /// @dev Pays what a ticket may draw and has not drawn.
    function drawTicket(
        MarketStorage storage $,
        uint256 ticketId,
        address to,
        address pool
    )
        external
        returns (uint256 paid)
    {
        Ticket memory t = $.tickets[ticketId];
        if (t.owner != msg.sender) revert IMarket.NotTicketOwner(ticketId, msg.sender);
        uint256 paidTotal = uint128($.ticketTotals);
        uint256 funded = paidTotal > t.start ? paidTotal - t.start : 0;
        if (funded > t.amount) funded = t.amount;
        if ($.load().mode == Mode.Settled) funded += (t.amount - funded) * $.finalRatio / 1e27;
        paid = funded - t.drawn;
        if (paid == 0) return 0;
        $.tickets[ticketId].drawn = uint128(funded);
        if (!ILiquidityPool(pool).pay(to, paid)) revert IMarket.TransferRefused(to, paid);
        emit IMarket.TicketPaid(ticketId, to, paid);
    }

    /// @dev A receiver that refuses goes without; its share waits.
    function sweepFees(MarketStorage storage $) external {
        Context memory x = Ledger.blank()[0];
        $.load(x);
        uint256 insurance = _sweep(x, x.c.fund, x.s.insuranceDue);
        uint256 treasury = _sweep(x, x.c.treasury, x.s.treasuryDue);
        x.s.insuranceDue -= insurance;
        x.s.treasuryDue -= treasury;
        $.save(x);
        emit IMarket.FeesSwept(insurance, treasury);
    }

    function _sweep(Context memory x, address to, uint256 amount) private returns (uint256) {
        return amount != 0 && ILiquidityPool(x.c.pool).pay(to, amount) ? amount : 0;
    }

    // ---- the end of a dead market

    /// @dev Only after deadAfter without an accepted mark (or since listing).
    function announce(MarketStorage storage $, uint256 mark) external {
        Context memory x = Ledger.blank()[0];
        $.load(x);
        State memory s = x.s;
        if (s.mode >= Mode.Final) _refuseMode(s.mode, Mode.FinalAnnounced);
        uint256 silent = block.timestamp - (s.acceptedAt == 0 ? s.sampledAt : s.acceptedAt);
        if (silent < x.c.deadAfterSecs) {
            revert IMarket.Refused(Reason.NotDead, int256(silent), int256(x.c.deadAfterSecs));
        }
        if (mark < Acceptance.MARK_MIN || mark > Acceptance.MARK_MAX) {
            uint256 bound = mark < Acceptance.MARK_MIN ? Acceptance.MARK_MIN : Acceptance.MARK_MAX;
            uint256 top = uint256(type(int256).max);
            revert IMarket.Refused(Reason.PriceOutOfRange, int256(mark < top ? mark : top), int256(bound));
        }
        s.mode = Mode.FinalAnnounced;
        $.finalMark = mark;
        $.finalAt = block.timestamp + x.c.deadAfterSecs;
        $.save(s);
        emit IMarket.FinalPriceAnnounced(mark, $.finalAt);
        emit IMarket.ModeSet(s.mode);
    }

    /// @dev Fixes the price; funding runs up to now and stops.
    function execute(MarketStorage storage $) external {
        Context memory x = Ledger.blank()[0];
        $.load(x);
        State memory s = x.s;
        if (s.mode != Mode.FinalAnnounced) _refuseMode(s.mode, Mode.FinalAnnounced);
        if (block.timestamp < $.finalAt) {
            revert IMarket.Refused(Reason.TooEarly, int256(block.timestamp), int256($.finalAt));
        }
        Funding.accrue(s, x.c, block.timestamp);
        s.mark = $.finalMark;
        s.spread = 0;
        s.fundingRate = 0;
        s.mode = Mode.Final;
        emit IMarket.FinalPriceSet(s.mark);
        emit IMarket.ModeSet(s.mode);
        _settleTickets($, x);
        $.save(s);
    }

    /// @dev Losers pay in, rounded up, winners get a ticket, rounded down, both for the LPs; bad debt goes
    ///      through the waterfall.
    function settleFinal(MarketStorage storage $, uint256 id, address vault) external {
        if ($.positions[id][0] == 0) revert IMarket.UnknownPosition(id);
        Context memory x = Ledger.blank()[0];
        $.load(x);
        $.loadPosition(x, id, vault);
        if (x.p.size == 0) revert IMarket.Refused(Reason.IsFlat, 0, 1);
        if (x.s.mode != Mode.Final) _refuseMode(x.s.mode, Mode.Final);
        Engine.mark(x);
        x.touch();
        int256 claim = _exit(x);
        if (claim < 0) {
            uint256 owed = (uint256(-claim) + x.c.unit - 1) / x.c.unit;
            x.deficit = owed - x.toPool(owed);
        } else {
            x.due = uint256(claim) / x.c.unit;
        }
        x.move(0, 0);
        if (!Engine.pay(x)) {
            Engine.rewind(x);
            x.p.fundingEntry = x.s.fundingIndex;
            _exit(x);
            Trade.leaveDebt(x, 0);
        }
        if (x.deficit != 0) Engine.coverBadDebt(x);
        x.deficit = 0;
        $.finish(x, Action.SettleFinal);
        _settleTickets($, x);
        $.save(x);
    }

    /// @dev Takes the exposure off at the final price; returns the claim.
    function _exit(Context memory x) private pure returns (int256 claim) {
        x.fill = x.s.mark;
        claim = PositionMath.claim(x.p.size, x.p.basis, x.s.mark, x.s.fundingIndex);
        x.move(0, -claim);
    }

    /// @dev Once both sides are empty no bad debt can come that insurance would be kept for: it joins the
    ///      cash. Then every unfunded ticket gets min(1, cash / unfunded), rounded down; LPs keep the rest.
    ///      What is set aside is rounded up, so that the tickets' payments, each rounded down, are there; the
    ///      unit between is the pool's to hold, nobody's to draw. It is at most the cash: the ratio is
    ///      floored.
    function _settleTickets(MarketStorage storage $, Context memory x) private {
        State memory s = x.s;
        if (s.sizeLong | s.sizeShort != 0) return;
        Engine.loadTickets($, x);
        uint256 held = IERC20(x.c.token).balanceOf(x.c.fund);
        if (held != 0) held = IInsuranceFund(x.c.fund).cover(held);
        x.inflow(s.insuranceDue + held);
        s.insuranceDue = 0;
        uint256 unfunded = x.owedTotal - x.paidTotal;
        uint256 ratio = 1e27;
        if (s.cash < unfunded) ratio = s.cash * 1e27 / unfunded;
        s.cash -= (unfunded * ratio + 1e27 - 1) / 1e27;
        $.finalRatio = ratio;
        s.mode = Mode.Settled;
        emit IMarket.TicketsSettled(unfunded, ratio);
        emit IMarket.ModeSet(s.mode);
    }

    // ---- accrual

    /// @dev Settles funding; while tickets are open also collects a loss, at a mark of this block. Of a flat
    ///      position: what a refusing token kept back.
    function settle(MarketStorage storage $, Vaults memory vaults, uint256 id) external {
        Context memory x = Ledger.blank()[0];
        Entry.position($, x, vaults, id);
        $.accept(x, Need.Try);
        if (x.p.size == 0 && x.p.basis > int256(x.v * x.c.unit)) {
            $.loadCounters(x);
            _writeOff(x);
        } else {
            _collect(x);
        }
        $.finish(x, Action.Settle);
        if (x.s.mode == Mode.Settled) $.raiseRatio(x);
        $.save(x);
    }

    function _collect(Context memory x) private {
        x.touch();
        if (x.p.size != 0 && x.owedTotal != x.paidTotal && x.s.acceptedAt == block.timestamp) {
            x.collect(PositionMath.claim(x.p.size, x.p.basis, x.s.mark, x.s.fundingIndex));
        }
        Engine.payOrRevert(x);
    }

    /// @dev A flat position owes what a refusing token kept in its vault. What is no longer there (its issuer
    ///      destroyed it) is bad debt, also where the token refuses what is left. Owed is rounded up, for
    ///      the LPs; debts are left in whole token units, so it takes nothing from anybody.
    function _writeOff(Context memory x) private {
        uint256 owed = (uint256(x.p.basis) + x.c.unit - 1) / x.c.unit;
        uint256 lost = owed - x.v;
        x.move(0, int256(x.v * x.c.unit));
        Engine.mark(x);
        x.touch();
        if (!Engine.pay(x)) Engine.rewind(x);
        x.deficit = lost;
    }

    /// @dev Accepts a mark where there is a valid one, else only accrues.
    function accrue(MarketStorage storage $) external {
        Context memory x = Ledger.blank()[0];
        $.load(x);
        if (x.s.mode == Mode.Settled) return _priceSettled($, x);
        $.accept(x, Need.Try);
        $.save(x);
    }

    /// @dev What the mark that was just accepted made due.
    function priceDue(MarketStorage storage $) external {
        Context memory x = Ledger.blank()[0];
        $.load(x);
        $.priceDue(x);
        $.save(x);
    }

    /// @dev LPs of a settled market are priced without a mark.
    function _priceSettled(MarketStorage storage $, Context memory x) private {
        if (x.s.bucketDueAt == 0 || block.timestamp <= x.s.bucketDueAt) return;
        x.owedTotal = x.paidTotal = 0; // what tickets get was set aside
        x.ticketsLoaded = false;
        $.priceBuckets(x, block.timestamp);
        $.save(x);
    }

    // ---- views

    function nav(MarketStorage storage $) external view returns (int256) {
        Context memory x = _now($)[0];
        return PositionMath.nav(x.s, x.c, x.owedTotal - x.paidTotal);
    }

    function freeLiquidity(MarketStorage storage $) external view returns (uint256) {
        Context memory x = _now($)[0];
        return PositionMath.free(x.s, x.c, PositionMath.nav(x.s, x.c, x.owedTotal - x.paidTotal));
    }

    /// @dev The held state.
    function _now(MarketStorage storage $) private view returns (Context[] memory one) {
        one = Ledger.blank();
        $.load(one[0]);
    }

    function _refuseMode(Mode mode, Mode limit) private pure {
        revert IMarket.Refused(Reason.ModeForbids, int256(uint256(mode)), int256(uint256(limit)));
    }
}
