// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IInsuranceFund} from "@interfaces/IInsuranceFund.sol";
import {ILiquidityPool} from "@interfaces/ILiquidityPool.sol";
import {IMarket} from "@interfaces/IMarket.sol";
import {IPositionVault} from "@interfaces/IPositionVault.sol";
import {IPriceOracle} from "@interfaces/IPriceOracle.sol";
import {Action, Mode, Reason, State, Ticket} from "@interfaces/Types.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Acceptance, Reading} from "./Acceptance.sol";
import {ConfigStore} from "./ConfigStore.sol";
import {Funding} from "./Funding.sol";
import {Context, Ledger, Undo} from "./Ledger.sol";
import {PositionMath} from "./PositionMath.sol";
import {MarketStorage, StateStore} from "./StateStore.sol";
import {Verdict} from "./Trade.sol";

/// @dev How badly an action needs a mark of this block.
enum Need {
    Must, // reverts without one
    Called, // as Must, in a margin call: a renewed block is no hindrance
    Try, // goes on without one
    Renew // as Must, and takes a strictly newer one in a block that has its mark
}

/// @title Between a plan and the chain
/// @notice Loads a Context, accepts marks, pays, writes. Everything here works on one market's storage and
/// tokens.
library Engine {
    using StateStore for MarketStorage;
    using Ledger for Context;

    // ---- load

    /// @dev State and parameters, and the ticket totals where a ticket is unfunded.
    function load(MarketStorage storage $, Context memory x) internal view {
        loadUncounted($, x);
        loadCounters($, x);
    }

    /// @dev As `load`, for what charges no fee and can leave no bad debt: the state's counters are left
    ///      alone.
    function loadUncounted(MarketStorage storage $, Context memory x) internal view {
        $.loadInto(x.s);
        ConfigStore.read(x.s.configStore, x.c);
        x.owedTotal = x.paidTotal = 0;
        x.ticketsLoaded = x.countersLoaded = false;
        if (x.s.ticketsOpen) loadTickets($, x);
    }

    /// @dev The state's counters; the time of a large move that is new stays.
    function loadCounters(MarketStorage storage $, Context memory x) internal view {
        if (x.countersLoaded) return;
        uint256 jumpAt = x.s.jumpAt;
        $.loadCounters(x.s);
        if (jumpAt != 0) x.s.jumpAt = jumpAt;
        x.countersLoaded = true;
    }

    function loadTickets(MarketStorage storage $, Context memory x) internal view {
        if (x.ticketsLoaded) return;
        uint256 w = $.ticketTotals;
        x.owedTotal = w >> 128;
        x.paidTotal = uint128(w);
        x.ticketsLoaded = true;
    }

    /// @dev A position and its vault's balance into a Context; the last position's flows are forgotten.
    function loadPosition(
        MarketStorage storage $,
        Context memory x,
        uint256 id,
        address vault
    )
        internal
        view
    {
        loadStored($, x, id);
        loadVault(x, vault);
    }

    /// @dev A position as stored; the last position's flows are forgotten.
    function loadStored(MarketStorage storage $, Context memory x, uint256 id) internal view {
        x.id = id;
        $.loadPositionInto(id, x.p);
        x.entry = x.p.fundingEntry;
        forget(x);
    }

    /// @dev The balance of its vault.
    function loadVault(Context memory x, address vault) internal view {
        x.vault = vault;
        x.v = x.counted(IERC20(x.c.token).balanceOf(vault));
    }

    /// @dev Clears what a plan adds up.
    function forget(Context memory x) internal pure {
        x.net = 0;
        x.fundingPaid = 0;
        x.fill = 0;
        x.fee = 0;
        x.due = 0;
        x.deficit = 0;
        x.payout = 0;
    }

    // ---- mark

    /// @dev Accepts a mark for this block, once; prices due buckets with it. Returns whether the block has
    /// one.
    function accept(MarketStorage storage $, Context memory x, Need need) internal returns (bool renewed) {
        bool due;
        (renewed, due) = acceptMark($, x, need);
        if (due) priceDue($, x);
    }

    /// @dev As `accept`, but leaves a bucket that is `due` to the caller.
    function acceptMark(
        MarketStorage storage $,
        Context memory x,
        Need need
    )
        internal
        returns (bool renewed, bool due)
    {
        State memory s = x.s;
        if (s.mode >= Mode.Final) {
            if (need == Need.Try) return (false, false);
            refuse(Reason.ModeForbids, int256(uint256(s.mode)), int256(uint256(Mode.FinalAnnounced)));
        }
        bool held = s.acceptedAt == block.timestamp;
        if (held && need != Need.Renew) {
            if (s.renewed && need != Need.Called) {
                refuse(Reason.BlockIsLiquidationOnly, int256(block.timestamp), int256(block.timestamp + 1));
            }
            return (false, false);
        }
        (bool ok, Reading memory r) = _read(x.c.oracle, s.publishedAt, !held && need != Need.Try);
        if (ok && (!held || r.publishedAt > s.publishedAt)) {
            Verdict memory verdict = Acceptance.check(s, x.c, r);
            if (verdict.reason == Reason.None) {
                if (s.mode == Mode.FinalAnnounced) _callOff($);
                Acceptance.take(s, x.c, r, block.timestamp);
                s.renewed = held;
                return (held, s.bucketDueAt != 0 && r.publishedAt > s.bucketDueAt);
            }
            if (!held && need != Need.Try) demand(verdict);
        }
        if (!held) Funding.accrue(s, x.c, block.timestamp);
    }

    /// @dev A valid mark: the market is not dead, its announced final price is off.
    function _callOff(MarketStorage storage $) private {
        $.finalMark = $.finalAt = 0;
        emit IMarket.ModeSet(Mode.ReduceOnly);
    }

    /// @dev Reverts with a broken verdict.
    function demand(Verdict memory verdict) internal pure {
        if (verdict.reason != Reason.None) refuse(verdict.reason, verdict.actual, verdict.limit);
    }

    /// @dev The one place that says no: a revert with three words takes 60 bytes of code.
    function refuse(Reason reason, int256 actual, int256 limit) internal pure {
        revert IMarket.Refused(reason, actual, limit);
    }

    /// @dev Whether the market is restarting.
    function inGrace(Context memory x) internal view returns (bool) {
        return block.timestamp < Acceptance.graceEnd(x.s, x.c);
    }

    /// @dev One accessor for every price. Bubbles the oracle's typed error where a mark is needed.
    function _read(
        address oracle,
        uint256 since,
        bool bubble
    )
        private
        view
        returns (bool ok, Reading memory r)
    {
        bytes memory data;
        (ok, data) = oracle.staticcall(abi.encodeCall(IPriceOracle.read, (since)));
        if (ok && data.length >= 128) {
            (r.mark, r.spread, r.publishedAt, r.resumedAt) =
                abi.decode(data, (uint256, uint256, uint256, uint256));
        } else {
            ok = false;
            if (bubble) {
                if (data.length == 0) revert IPriceOracle.PriceInvalid(0);
                assembly ("memory-safe") {
                    revert(add(data, 32), mload(data))
                }
            }
        }
    }

    /// @dev Not in grace, and not soon after a large move: losses not yet liquidated are not yet in NAV.
    function priceDue(MarketStorage storage $, Context memory x) internal {
        State memory s = x.s;
        loadCounters($, x);
        if (inGrace(x) || (s.jumpAt != 0 && block.timestamp < s.jumpAt + x.c.pricingWaitSecs)) return;
        priceBuckets($, x, s.publishedAt);
    }

    /// @dev Prices what is due before `publishedAt`. Deposits need NAV > 0 or an empty market that owes
    /// nothing (else no pool
    ///      could ever start), redemptions NAV > 0 after them. A settled market takes no deposits: who waits
    /// takes them back.
    function priceBuckets(MarketStorage storage $, Context memory x, uint256 publishedAt) internal {
        State memory s = x.s;
        uint256 unit = x.c.unit;
        ILiquidityPool pool = ILiquidityPool(x.c.pool);
        int256 nav = PositionMath.nav(s, x.c, x.owedTotal - x.paidTotal);
        bool empty = s.sizeLong | s.sizeShort == 0 && x.owedTotal == x.paidTotal;
        if ((nav > 0 || empty) && s.mode != Mode.Settled) {
            uint256 navUp = nav > 0 ? (uint256(nav) + unit - 1) / unit : 0;
            x.inflow(pool.priceDeposits(publishedAt, navUp));
            nav = PositionMath.nav(s, x.c, x.owedTotal - x.paidTotal);
        }
        s.bucketDueAt = pool.nextDueAt();
        if (nav > 0) {
            uint256 free = PositionMath.free(s, x.c, nav);
            (uint256 out, uint256 nextDueAt) = pool.priceRedeems(publishedAt, uint256(nav) / unit, free);
            s.cash -= out;
            s.bucketDueAt = nextDueAt;
        }
        storeTickets($, x);
    }

    // ---- pay

    /// @dev The netted flow between vault and pool. False if the token refused.
    function pay(Context memory x) internal returns (bool) {
        if (x.net > 0) return IPositionVault(x.vault).payPool(uint256(x.net));
        if (x.net < 0) return ILiquidityPool(x.c.pool).pay(x.vault, uint256(-x.net));
        return true;
    }

    /// @dev As `pay`, for actions that a refusing token may stop.
    function payOrRevert(Context memory x) internal {
        if (!pay(x)) {
            revert IMarket.TransferRefused(x.net > 0 ? x.c.pool : x.vault, PositionMath.abs(x.net));
        }
    }

    // ---- write

    /// @dev Position, bad debt, ticket and event. The state itself is saved by the caller, once.
    function finish(MarketStorage storage $, Context memory x, Action action) internal {
        if (x.deficit != 0) coverBadDebt(x);
        if (x.due != 0) _writeTicket($, x, action);
        record($, x, action);
    }

    /// @dev As `finish`, where there is neither bad debt nor a ticket.
    function record(MarketStorage storage $, Context memory x, Action action) internal {
        storeTickets($, x);
        $.savePosition(x.id, x.p);
        emit IMarket.PositionChanged(
            x.id,
            x.p.owner,
            action,
            x.p.size,
            x.p.basis,
            x.v,
            x.s.mark,
            x.fill,
            x.fundingPaid,
            x.fee,
            x.payout
        );
    }

    /// @dev The state, and of its counters what was loaded.
    function save(MarketStorage storage $, Context memory x) internal {
        if (x.countersLoaded) $.save(x.s);
        else $.saveUncounted(x.s);
    }

    function storeTickets(MarketStorage storage $, Context memory x) internal {
        if (!x.ticketsLoaded) return;
        $.ticketTotals = x.owedTotal << 128 | x.paidTotal;
        x.s.ticketsOpen = x.owedTotal != x.paidTotal;
    }

    /// @dev What a settled market collects late (a token had refused) goes first to the tickets that were
    ///      cut short: all get a higher ratio, rounded down, what is left over is the LPs'.
    function raiseRatio(MarketStorage storage $, Context memory x) internal {
        uint256 ratio = $.finalRatio;
        if (x.net <= 0 || ratio == 1e27) return;
        loadTickets($, x);
        uint256 unfunded = x.owedTotal - x.paidTotal;
        uint256 late = uint256(x.net) < x.s.cash ? uint256(x.net) : x.s.cash;
        uint256 aside = (unfunded * ratio + 1e27 - 1) / 1e27;
        ratio = (aside + late) * 1e27 / unfunded;
        if (ratio > 1e27) ratio = 1e27;
        x.s.cash -= (unfunded * ratio + 1e27 - 1) / 1e27 - aside;
        $.finalRatio = ratio;
        emit IMarket.TicketsSettled(unfunded, ratio);
    }

    /// @dev Unswept insurance share, then the fund, then the pool, which bore it when the claim went.
    function coverBadDebt(Context memory x) internal {
        uint256 covered = x.deficit < x.s.insuranceDue ? x.deficit : x.s.insuranceDue;
        x.s.insuranceDue -= covered;
        if (covered < x.deficit) covered += IInsuranceFund(x.c.fund).cover(x.deficit - covered);
        x.inflow(covered);
        emit IMarket.BadDebt(x.id, x.deficit, covered, x.deficit - covered);
    }

    /// @dev A ticket to the owner of this moment. Cash that came in after the profit was cut short funds it
    /// at once, but for
    ///      ADL, where the cash left is other winners' share, and after a final price, where all tickets
    ///      rank alike.
    function _writeTicket(MarketStorage storage $, Context memory x, Action action) private {
        loadTickets($, x);
        uint256 room = type(uint128).max - x.owedTotal;
        if (x.due > room) x.due = room;
        uint256 ticketId = ++$.nextTicketId;
        $.tickets[ticketId] = Ticket(x.p.owner, uint128(x.owedTotal), uint128(x.due), 0);
        x.owedTotal += x.due;
        if (action != Action.Deleverage && x.s.mode < Mode.Final) {
            uint256 cash = x.s.cash;
            x.s.cash = 0;
            x.inflow(cash);
        }
        emit IMarket.TicketWritten(ticketId, x.p.owner, x.id, x.due);
    }

    // ---- undo

    /// @dev Remembers what a plan changes.
    function mark(Context memory x) internal pure {
        Undo memory u = x.undo;
        (u.v, u.cash, u.insuranceDue, u.treasuryDue) = (x.v, x.s.cash, x.s.insuranceDue, x.s.treasuryDue);
        (u.paidTotal, u.size, u.basis, u.fundingEntry) = (x.paidTotal, x.p.size, x.p.basis, x.p.fundingEntry);
    }

    /// @dev Takes a plan back, to what `mark` remembers.
    function rewind(Context memory x) internal pure {
        Undo memory u = x.undo;
        x.move(u.size, u.basis);
        x.p.fundingEntry = u.fundingEntry;
        (x.v, x.s.cash, x.s.insuranceDue, x.s.treasuryDue) = (u.v, u.cash, u.insuranceDue, u.treasuryDue);
        x.paidTotal = u.paidTotal;
        forget(x);
    }
}
