// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMarketLens, MarketView, PositionView} from "@interfaces/IMarketLens.sol";
import {Config, State} from "@interfaces/Types.sol";
import {Acceptance} from "../libraries/Acceptance.sol";
import {Engine, Need} from "../libraries/Engine.sol";
import {Funding} from "../libraries/Funding.sol";
import {Context} from "../libraries/Ledger.sol";
import {PositionMath} from "../libraries/PositionMath.sol";
import {Volatility} from "../libraries/Volatility.sol";
import {WadMath} from "../libraries/WadMath.sol";
import {LensContext, Plan} from "./LensContext.sol";

/// @title MarketLens
/// @notice See IMarketLens.
/// @custom:halt Nothing to halt: views.
contract MarketLens is IMarketLens {
    using LensContext for Plan;

    // ---- positions

    function positions(
        address market,
        uint256 from,
        uint256 to
    )
        external
        view
        returns (PositionView[] memory views)
    {
        Plan memory plan = _now(market);
        (from, to) = _range(plan, from, to);
        views = new PositionView[](to - from);
        for (uint256 i; i < views.length; ++i) {
            plan.loadPosition(from + i);
            views[i] = plan.show();
        }
    }

    function positionsOf(
        address market,
        uint256[] calldata ids
    )
        external
        view
        returns (PositionView[] memory views)
    {
        Plan memory plan = _now(market);
        views = new PositionView[](ids.length);
        for (uint256 i; i < ids.length; ++i) {
            plan.loadPosition(ids[i]);
            views[i] = plan.show();
        }
    }

    function liquidatable(
        address market,
        uint256 from,
        uint256 to
    )
        external
        view
        returns (uint256[] memory ids)
    {
        Plan memory plan = _now(market);
        (from, to) = _range(plan, from, to);
        ids = new uint256[](to - from);
        uint256 count;
        for (uint256 id = from; id < to; ++id) {
            plan.loadPosition(id);
            (, int256 equity, uint256 mm) = LensContext.health(plan.x);
            if (LensContext.isLiquidatable(plan.x, equity, mm)) ids[count++] = id;
        }
        assembly ("memory-safe") {
            mstore(ids, count)
        }
    }

    function liquidationPrice(address market, uint256 id) external view returns (uint256, int256) {
        Plan memory plan = _now(market);
        plan.loadPosition(id);
        return LensContext.liquidationPrice(plan.x);
    }

    function liquidatableNotional(
        address market,
        uint256 from,
        uint256 to,
        uint256[] calldata prices
    )
        external
        view
        returns (uint256[] memory longs, uint256[] memory shorts)
    {
        Plan memory plan = _now(market);
        (from, to) = _range(plan, from, to);
        longs = new uint256[](prices.length);
        shorts = new uint256[](prices.length);
        for (uint256 id = from; id < to; ++id) {
            plan.loadPosition(id);
            if (plan.x.p.size != 0) _addNotional(plan.x, prices, plan.x.p.size > 0 ? longs : shorts);
        }
    }

    /// @dev Adds a position's notional wherever it is below its maintenance margin.
    function _addNotional(Context memory x, uint256[] calldata prices, uint256[] memory sums) private pure {
        for (uint256 i; i < prices.length; ++i) {
            x.s.mark = prices[i];
            (, int256 equity, uint256 mm) = LensContext.health(x);
            if (equity < int256(mm)) sums[i] += PositionMath.notional(x.p.size, prices[i]);
        }
    }

    // ---- market

    function marketView(address market) external view returns (MarketView memory w) {
        Plan memory plan = _now(market);
        Context memory x = plan.x;
        (State memory s, Config memory c) = (x.s, x.c);
        w.state = s;
        w.fresh = s.acceptedAt == block.timestamp;
        (w.priceReason, w.priceFailure) = (plan.verdict.reason, plan.failure);
        w.nav = LensContext.nav(x);
        w.freeLiquidity = PositionMath.free(s, c, w.nav);
        w.netClaim = PositionMath.netClaim(s);
        w.longClaim = PositionMath.sideClaim(s, true);
        w.shortClaim = PositionMath.sideClaim(s, false);
        w.fundingLiability = Funding.psi(s, c);
        w.openTickets = x.owedTotal - x.paidTotal;
        w.notionalLong = PositionMath.sideNotional(s.sizeLong, s.mark);
        w.notionalShort = PositionMath.sideNotional(s.sizeShort, s.mark);
        w.skew = int256(s.sizeLong) - int256(s.sizeShort);
        w.muVol = Volatility.muVol(s, c);
        w.muDepth = Volatility.muDepth(s, c, w.nav);
        w.muIm = Volatility.muIm(s, c, w.nav);
        w.muMm = s.ramp;
        w.fundingPerDay = LensContext.fundingPerDay(s);
        w.fundingVelocity = Funding.velocity(s, c);
        w.graceEnd = Acceptance.graceEnd(s, c);
        w.inGrace = Engine.inGrace(x);
        _addCaps(w, c);
        _addAdl(w, s.cash * c.unit, c.adlStart);
    }

    function _addCaps(MarketView memory w, Config memory c) private pure {
        uint256 capacity = w.nav > 0 ? uint256(w.nav) * c.maxUtilisation / 1e18 : 0;
        if (capacity > c.maxOpenInterest) capacity = c.maxOpenInterest;
        w.capacity = capacity;
        uint256 larger = w.notionalLong > w.notionalShort ? w.notionalLong : w.notionalShort;
        if (capacity != 0) w.utilisation = WadMath.divUp(larger * 1e18, capacity);
        else if (larger != 0) w.utilisation = type(uint256).max;
        if (capacity > w.notionalLong) w.roomLong = capacity - w.notionalLong;
        if (capacity > w.notionalShort) w.roomShort = capacity - w.notionalShort;
    }

    function _addAdl(MarketView memory w, uint256 cash, uint256 start) private pure {
        if (w.netClaim <= 0) return;
        uint256 net = uint256(w.netClaim);
        w.adlFactor = cash == 0 ? type(uint256).max : net * 1e18 / cash;
        w.adlActive = net * 1e18 > start * cash;
    }

    // ---- internals

    /// @dev The market with the mark a liquidation in this block would take.
    function _now(address market) private view returns (Plan memory plan) {
        plan = LensContext.load(market);
        plan.accept(Need.Renew);
    }

    function _range(Plan memory plan, uint256 from, uint256 to) private pure returns (uint256, uint256) {
        uint256 end = plan.x.s.nextId;
        if (to == 0 || to > end) to = end;
        if (from == 0) from = 1;
        return from < to ? (from, to) : (to, to);
    }
}
