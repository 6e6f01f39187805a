// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILiquidityPool} from "@interfaces/ILiquidityPool.sol";
import {IMarket} from "@interfaces/IMarket.sol";
import {PositionView} from "@interfaces/IMarketLens.sol";
import {Preview} from "@interfaces/IPreviewLens.sol";
import {IPriceOracle} from "@interfaces/IPriceOracle.sol";
import {Mode, Reason, State} from "@interfaces/Types.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Acceptance, Reading} from "../libraries/Acceptance.sol";
import {Engine, Need} from "../libraries/Engine.sol";
import {Funding} from "../libraries/Funding.sol";
import {Context, Ledger} from "../libraries/Ledger.sol";
import {MarginTable} from "../libraries/MarginTable.sol";
import {PositionMath} from "../libraries/PositionMath.sol";
import {StateStore} from "../libraries/StateStore.sol";
import {Verdict} from "../libraries/Trade.sol";
import {Volatility} from "../libraries/Volatility.sol";
import {LiquidationPrice} from "./LiquidationPrice.sol";

/// @dev An action that is only thought through.
struct Plan {
    IMarket market;
    Context x;
    Verdict verdict;
    bytes failure; // revert data of an error that is no verdict
}

/// @title What Engine does on storage, done on a market's views
library LensContext {
    using Ledger for Context;

    int256 private constant DAY = 86_400;

    function stopped(Plan memory plan) internal pure returns (bool) {
        return plan.verdict.reason != Reason.None || plan.failure.length != 0;
    }

    // ---- load

    function load(address market) internal view returns (Plan memory plan) {
        if (IMarket(market).locked()) revert IMarket.Locked();
        plan = _load(IMarket(market));
    }

    /// @dev As `load`, but also in a margin call, of `called`, when all is written.
    function loadCalled(address market) internal view returns (Plan memory plan, uint256 called) {
        called = IMarket(market).calledId();
        if (called == 0) return (load(market), 0);
        plan = _load(IMarket(market));
    }

    function _load(IMarket m) private view returns (Plan memory plan) {
        plan.market = m;
        Context memory x = plan.x;
        x.s = m.state();
        x.c = m.config();
        if (x.s.ticketsOpen) {
            (x.owedTotal, x.paidTotal,,) = m.ticketTotals();
            x.ticketsLoaded = true;
        }
    }

    function loadPosition(Plan memory plan, uint256 id) internal view {
        Context memory x = plan.x;
        x.id = id;
        x.p = plan.market.position(id);
        x.entry = x.p.fundingEntry;
        x.vault = plan.market.vaultOf(id);
        x.v = x.counted(IERC20(x.c.token).balanceOf(x.vault));
        Engine.forget(x);
    }

    function locksOf(Plan memory plan) internal view returns (uint256) {
        return plan.x.p.flags & StateStore.FLAG_LOCKS == 0 ? 0 : plan.market.lockedOf(plan.x.id);
    }

    // ---- mark

    /// @dev As Engine.accept. Where it would revert, the plan is stopped.
    function accept(Plan memory plan, Need need) internal view {
        Context memory x = plan.x;
        State memory s = x.s;
        if (s.mode >= Mode.Final) {
            if (need != Need.Try) plan.verdict = _modeForbids(s.mode, Mode.FinalAnnounced);
            return;
        }
        bool held = s.acceptedAt == block.timestamp;
        if (held && need != Need.Renew) {
            if (s.renewed && need != Need.Called) {
                plan.verdict = Verdict(
                    Reason.BlockIsLiquidationOnly, int256(block.timestamp), int256(block.timestamp + 1)
                );
            }
            return;
        }
        bool must = !held && need != Need.Try;
        (bool ok, bytes memory data) =
            x.c.oracle.staticcall(abi.encodeCall(IPriceOracle.read, (s.publishedAt)));
        if (ok && data.length >= 128) {
            Reading memory r;
            (r.mark, r.spread, r.publishedAt, r.resumedAt) =
                abi.decode(data, (uint256, uint256, uint256, uint256));
            if (!held || r.publishedAt > s.publishedAt) {
                Verdict memory verdict = Acceptance.check(s, x.c, r);
                if (verdict.reason == Reason.None) {
                    Acceptance.take(s, x.c, r, block.timestamp);
                    s.renewed = held;
                    if (s.bucketDueAt != 0 && r.publishedAt > s.bucketDueAt) _priceDue(x);
                    return;
                }
                if (must) plan.verdict = verdict;
            }
        } else if (must) {
            plan.failure =
                data.length == 0 ? abi.encodeWithSelector(IPriceOracle.PriceInvalid.selector, 0) : data;
        }
        if (!held) Funding.accrue(s, x.c, block.timestamp);
    }

    /// @dev As Engine prices buckets, by the pool's previews.
    function _priceDue(Context memory x) private view {
        State memory s = x.s;
        if (Engine.inGrace(x) || (s.jumpAt != 0 && block.timestamp < s.jumpAt + x.c.pricingWaitSecs)) return;
        uint256 unit = x.c.unit;
        ILiquidityPool pool = ILiquidityPool(x.c.pool);
        int256 value = nav(x);
        bool empty = s.sizeLong | s.sizeShort == 0 && x.owedTotal == x.paidTotal;
        uint256 supplyAdded;
        if (value > 0 || empty) {
            uint256 assets;
            uint256 navUp = value > 0 ? (uint256(value) + unit - 1) / unit : 0;
            (assets, supplyAdded) = pool.previewPriceDeposits(s.publishedAt, navUp);
            x.inflow(assets);
            value = nav(x);
        }
        if (value > 0) {
            uint256 free = PositionMath.free(s, x.c, value);
            s.cash -= pool.previewPriceRedeems(s.publishedAt, uint256(value) / unit, free, supplyAdded);
        }
        s.ticketsOpen = x.owedTotal != x.paidTotal;
    }

    function nav(Context memory x) internal pure returns (int256) {
        return PositionMath.nav(x.s, x.c, x.owedTotal - x.paidTotal);
    }

    /// @dev What a day's funding at the present rate adds to the index.
    function fundingPerDay(State memory s) internal pure returns (int256) {
        return s.fundingRate * DAY * int256(s.mark) / 1e27;
    }

    // ---- position

    /// @dev The loaded position with its health.
    function show(Plan memory plan) internal view returns (PositionView memory w) {
        Context memory x = plan.x;
        w.id = x.id;
        w.owner = x.p.owner;
        w.vault = x.vault;
        w.flags = x.p.flags;
        w.epoch = plan.market.epochOf(x.id);
        w.size = x.p.size;
        w.basis = x.p.basis;
        w.margin = x.v;
        w.locks = locksOf(plan);
        w.equity = x.equity(x.s.mark);
        w.favourableEquity = w.equity;
        if (w.size == 0) return w;
        w.fundingEntry = x.p.fundingEntry;
        int256 entry = w.basis * 1e18 / w.size + w.fundingEntry;
        w.entryPrice = entry > 0 ? uint256(entry) : 0;
        w.notional = PositionMath.notional(w.size, x.s.mark);
        w.im = MarginTable.im(x.c, w.notional, Volatility.muIm(x.s, x.c, nav(x)));
        w.marginRatio = w.notional == 0 ? int256(0) : w.equity * 1e18 / int256(w.notional);
        (w.favourablePrice, w.favourableEquity, w.mm) = health(x);
        w.tm = MarginTable.tm(x.c, PositionMath.notional(w.size, w.favourablePrice), x.s.ramp);
        w.liquidatable = isLiquidatable(x, w.favourableEquity, w.mm);
        (w.liquidationPrice, w.driftPerDay) = liquidationPrice(x);
    }

    /// @dev Favourable price, equity and maintenance margin there.
    function health(Context memory x) internal pure returns (uint256 price, int256 equity, uint256 mm) {
        price = PositionMath.favourable(x.s, x.p.size);
        equity = x.equity(price);
        mm = MarginTable.mm(x.c, PositionMath.notional(x.p.size, price), x.s.ramp);
    }

    function isLiquidatable(Context memory x, int256 equity, uint256 mm) internal view returns (bool) {
        if (x.p.size == 0 || equity >= int256(mm)) return false;
        if (x.s.mode >= Mode.Final || x.s.acceptedAt != block.timestamp) return false;
        return equity <= 0 || !Engine.inGrace(x);
    }

    function liquidationPrice(Context memory x) internal pure returns (uint256 price, int256 drift) {
        uint256 margin = x.v * x.c.unit;
        int256 index = x.s.fundingIndex;
        price = LiquidationPrice.markOf(x.s, x.c, x.p, margin, index);
        if (price == 0) return (0, 0);
        uint256 later = LiquidationPrice.markOf(x.s, x.c, x.p, margin, index + fundingPerDay(x.s));
        if (later != 0) drift = int256(later) - int256(price);
    }

    // ---- previews: each check only while nothing has stopped the plan

    function known(Plan memory plan, uint256 id) internal view {
        loadPosition(plan, id);
        if (stopped(plan) || plan.x.p.owner != address(0)) return;
        plan.failure = abi.encodeWithSelector(IMarket.UnknownPosition.selector, id);
    }

    function checkNotFlat(Plan memory plan) internal pure {
        if (!stopped(plan) && plan.x.p.size == 0) plan.verdict = Verdict(Reason.IsFlat, 0, 1);
    }

    function grace(Context memory x) internal view returns (Verdict memory) {
        return Verdict(Reason.InGrace, int256(block.timestamp), int256(Acceptance.graceEnd(x.s, x.c)));
    }

    function result(Plan memory plan, uint256 closed) internal view returns (Preview memory r) {
        Context memory x = plan.x;
        r.allowed = !stopped(plan);
        (r.reason, r.actual, r.limit) = (plan.verdict.reason, plan.verdict.actual, plan.verdict.limit);
        r.failure = plan.failure;
        r.mark = x.s.mark;
        (r.fill, r.fee, r.fundingPaid, r.toPool) = (x.fill, x.fee, x.fundingPaid, x.net);
        (r.ticket, r.deficit, r.reward) = (x.due, x.deficit, x.payout);
        r.closedSize = closed;
        r.position = show(plan);
    }

    function _modeForbids(Mode mode, Mode limit) private pure returns (Verdict memory) {
        return Verdict(Reason.ModeForbids, int256(uint256(mode)), int256(uint256(limit)));
    }
}
