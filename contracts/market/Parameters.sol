// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMarket} from "@interfaces/IMarket.sol";
import {Bracket, Config, MarketParams, State} from "@interfaces/Types.sol";
import {Funding} from "../libraries/Funding.sol";
import {Impact} from "../libraries/Impact.sol";
import {MarginTable} from "../libraries/MarginTable.sol";
import {WadMath} from "../libraries/WadMath.sol";
import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

/// @title What parameters are refused, and what follows from the others
/// @notice The same rules hold at listing and at every change.
library Parameters {
    uint256 private constant YEAR = 365 days;

    /// @dev A checked Config. `held` carries what never changes: token, pool, fund, orderBook, unit,
    /// maxReward, initialMark.
    function derive(MarketParams memory p, Config memory held) internal pure returns (Config memory c) {
        _checkBounds(p);
        _checkBrackets(p.brackets);
        _copy(p, c);
        (c.token, c.pool, c.fund, c.orderBook) = (held.token, held.pool, held.fund, held.orderBook);
        (c.unit, c.maxReward, c.initialMark) = (held.unit, held.maxReward, held.initialMark);
        _writeTable(p.brackets, c);
        uint256 mm1 = p.brackets[0].mmRate;
        uint256 sqrtH = _sqrtUp(p.horizonSecs * 1e36 / YEAR);
        c.volFactor = WadMath.divUp(p.zScore * sqrtH, mm1);
        _checkTogether(p, c, mm1);
    }

    /// @dev The largest reward is fixed for ever at listing: at most what the rate makes of one side's
    ///      planned open interest, rounded down for the positions that pay it.
    function checkFirstCap(Config memory c) internal pure {
        uint256 most = c.keeperRate * c.maxOpenInterest / 1e18;
        if (most < c.rewardFloor) most = c.rewardFloor;
        if (c.rewardCap > most) revert IMarket.BadParameter("rewardCap", c.rewardCap, most);
    }

    /// @dev k + i + takerFee + maxSpread + maxImpact: the most that closing costs per notional.
    function exitCosts(Config memory c) internal pure returns (uint256) {
        return c.keeperRate + c.insuranceRate + c.takerFee + c.maxSpread + c.maxImpact;
    }

    /// @dev An announced change of S or m is a free trade, whichever way it goes: a steeper impact pays who
    ///      moved the skew before, a flatter one who took it back before. At no skew that can be may it be
    ///      worth more than the fees of a full swing there, half of it paid before the change and half after:
    ///      of each fee the lower one counts. `skew` is abs(K) now: closes may pass maxSkew.
    function checkImpactChange(Config memory old, Config memory c, uint256 skew) internal pure {
        uint256 most = old.maxSkew > c.maxSkew ? old.maxSkew : c.maxSkew;
        if (skew > most) most = skew;
        uint256 fees = _least(old.takerFee, c.takerFee) + _least(old.makerFee, c.makerFee);
        _checkImpact(old, c, most, fees);
        _checkImpact(c, old, most, fees);
    }

    /// @dev What `high` is above `low` beyond the fees is largest at the end, at a knee, or where the slope
    ///      of `low` plus the fees is that of `high`. The knees are rounded as `phi` rounds them; the last
    ///      place down, less than one unit of size off a point where what is sought is flat.
    function _checkImpact(Config memory low, Config memory high, uint256 most, uint256 fees) private pure {
        _checkImpactAt(low, high, most, fees);
        _checkImpactAt(low, high, _least(most, low.maxImpact * low.skewScale / 1e18), fees);
        _checkImpactAt(low, high, _least(most, high.maxImpact * high.skewScale / 1e18), fees);
        if (2 * high.maxImpact <= fees) return;
        _checkImpactAt(low, high, _least(most, (2 * high.maxImpact - fees) * low.skewScale / 2e18), fees);
    }

    /// @dev The limit is rounded down: it is the LPs who gain, for whom a change is refused a unit sooner.
    function _checkImpactAt(Config memory low, Config memory high, uint256 skew, uint256 fees) private pure {
        int256 moved = int256(Impact.phi(int256(skew), high)) - int256(Impact.phi(int256(skew), low));
        uint256 limit = skew * fees / 2e18;
        if (moved > int256(limit)) revert IMarket.BadParameter("skewScale", uint256(moved), limit);
    }

    /// @dev r0: the least ratio of the old MM to the new over all notionals (Wad, rounded down, at most 1).
    function relief(Config memory old, Config memory c) internal pure returns (uint256 r0) {
        r0 = 1e18;
        uint256 oldLast = uint128(old.table[(old.bracketCount - 1) * 4 + 1]);
        uint256 newLast = uint128(c.table[(c.bracketCount - 1) * 4 + 1]);
        r0 = _least(r0, oldLast * 1e18 / newLast);
        r0 = _ratio(r0, old.minNotional, old, c);
        r0 = _ratio(r0, c.minNotional, old, c);
        for (uint256 k; k + 1 < old.bracketCount; ++k) {
            r0 = _ratio(r0, old.table[k * 4], old, c);
        }
        for (uint256 k; k + 1 < c.bracketCount; ++k) {
            r0 = _ratio(r0, c.table[k * 4], old, c);
        }
    }

    function _ratio(uint256 r0, uint256 n, Config memory old, Config memory c)
        private
        pure
        returns (uint256)
    {
        return _least(
            r0, FixedPointMathLib.fullMulDiv(MarginTable.mm(old, n, 1e18), 1e18, MarginTable.mm(c, n, 1e18))
        );
    }

    function _least(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }

    function _sqrtUp(uint256 x) private pure returns (uint256 root) {
        root = FixedPointMathLib.sqrt(x);
        if (root * root < x) ++root;
    }

    /// @dev d_k = d_(k-1) + (rate_k - rate_(k-1)) x upper_(k-1), exact at 1e36 scale.
    function _writeTable(Bracket[] memory rows, Config memory c) private pure {
        c.bracketCount = rows.length;
        uint256 dIm;
        uint256 dMm;
        for (uint256 k; k < rows.length; ++k) {
            Bracket memory row = rows[k];
            if (k != 0) {
                uint256 knot = rows[k - 1].upperNotional;
                dIm += (row.imRate - rows[k - 1].imRate) * knot;
                dMm += (row.mmRate - rows[k - 1].mmRate) * knot;
            }
            c.table[k * 4] = row.upperNotional;
            c.table[k * 4 + 1] = uint256(row.imRate) << 128 | row.mmRate;
            c.table[k * 4 + 2] = dIm;
            c.table[k * 4 + 3] = dMm;
        }
    }

    function _within(bytes32 name, uint256 value, uint256 low, uint256 high) private pure {
        if (value < low) revert IMarket.BadParameter(name, value, low);
        if (value > high) revert IMarket.BadParameter(name, value, high);
    }

    function _checkBounds(MarketParams memory p) private pure {
        _within("minNotional", p.minNotional, 1, 1e30);
        _within("takerFee", p.takerFee, 0, 0.1e18);
        _within("makerFee", p.makerFee, 0, 0.1e18);
        _within("feePoolShare", p.feePoolShare, 0, 1e18);
        _within("feeInsuranceShare", p.feeInsuranceShare, 0, 1e18);
        _within("keeperRate", p.keeperRate, 0, 0.1e18);
        _within("insuranceRate", p.insuranceRate, 0, 0.1e18);
        _within("buffer", p.buffer, 0, 4e18);
        _within("deepRatio", p.deepRatio, 0, 1e18);
        _within("marginCallGas", p.marginCallGas, 0, 5_000_000);
        _within("skewScale", p.skewScale, 1, type(uint112).max);
        _within("maxImpact", p.maxImpact, 0, 1e18 - 1);
        _within("maxVelocity", p.maxVelocity, 1, 1e27);
        _within("maxRate", p.maxRate, 0, uint72(type(int72).max));
        _within("zScore", p.zScore, 0, 20e18);
        _within("horizonSecs", p.horizonSecs, 0, 1 days);
        _within("tauSecs", p.tauSecs, 1, 365 days);
        _within("sampleIntervalSecs", p.sampleIntervalSecs, 1, 1 days);
        _within("muMax", p.muMax, 1e18, 18e18);
        _within("rampPerHour", p.rampPerHour, 0, 2e18);
        _within("depthKink", p.depthKink, 0, 1e18 - 1);
        _within("depthSlope", p.depthSlope, 0, 20e18);
        _within("maxOpenInterest", p.maxOpenInterest, 1, type(uint128).max);
        _within("maxUtilisation", p.maxUtilisation, 1, 10e18);
        _within("depositDelaySecs", p.depositDelaySecs, 0, 30 days);
        _within("redeemDelaySecs", p.redeemDelaySecs, 1 hours, 30 days);
        _within("pricingWaitSecs", p.pricingWaitSecs, 0, 1 days);
        _within("reserveFactor", p.reserveFactor, 0.1e18, 1e18);
        _within("adlStart", p.adlStart, 0.8e18, 1e18 - 1);
        _within("deadAfterSecs", p.deadAfterSecs, 3 days, 365 days);
        _within("maxSpread", p.maxSpread, 0, 0.05e18);
        _within("graceSecs", p.graceSecs, 0, 1 days);
        _within("delayedOnly", p.delayedOnly, 0, 1);
        _within("orderDelaySecs", p.orderDelaySecs, 0, 1 hours);
        _within("fillWindowSecs", p.fillWindowSecs, 24, 1 days);
    }

    function _checkBrackets(Bracket[] memory rows) private pure {
        _within("brackets", rows.length, 1, 8);
        uint256 last; // the end of the row before; no row ends at 0, where no margin is required
        for (uint256 k; k < rows.length; ++k) {
            Bracket memory row = rows[k];
            if (row.mmRate >= row.imRate) revert IMarket.BadParameter("mmRate", row.mmRate, row.imRate);
            _within("imRate", row.imRate, 0, 1e18);
            if (row.upperNotional <= last) {
                revert IMarket.BadParameter("upperNotional", row.upperNotional, last);
            }
            last = row.upperNotional;
            if (k == 0) continue;
            Bracket memory below = rows[k - 1];
            _within("imRate", row.imRate, below.imRate, 1e18);
            _within("mmRate", row.mmRate, below.mmRate, 1e18);
        }
        _within("upperNotional", last, type(uint128).max, type(uint128).max);
    }

    function _checkTogether(MarketParams memory p, Config memory c, uint256 mm1) private pure {
        _within("feeInsuranceShare", p.feePoolShare + p.feeInsuranceShare, 0, 1e18);
        _within("makerFee", p.makerFee, 0, p.takerFee); // else liquidating oneself is the cheaper exit
        _within("adlTarget", p.adlTarget, 1, p.adlStart - 1);
        _within("maxSkew", p.maxSkew, 0, p.maxImpact * p.skewScale / 1e18);
        uint256 costs = exitCosts(c);
        if (costs >= mm1) revert IMarket.BadParameter("mmRate", costs, mm1);
        uint256 least = MarginTable.mmBase(c, p.minNotional) / 1e18;
        _within("rewardFloor", p.rewardFloor, 0, _least(least / 5, p.buffer * least / 1e18));
        _within("rewardCap", p.rewardCap, p.rewardFloor, c.maxReward * c.unit + c.unit - 1);
        _within("marginCallReward", p.marginCallReward, 0, p.rewardFloor);
        _within("maxRate", p.maxRate * 3600 / 1e9, 0, p.brackets[0].imRate - mm1);
        State memory s;
        (s.mark, s.fundingRate) = (c.initialMark, int256(p.maxRate));
        _within("maxVelocity", Funding.psi(s, c), 0, p.maxOpenInterest * 1e18 / p.maxUtilisation / 200);
    }

    function _copy(MarketParams memory p, Config memory c) private pure {
        c.minNotional = p.minNotional;
        c.takerFee = p.takerFee;
        c.makerFee = p.makerFee;
        c.feePoolShare = p.feePoolShare;
        c.feeInsuranceShare = p.feeInsuranceShare;
        c.keeperRate = p.keeperRate;
        c.insuranceRate = p.insuranceRate;
        c.rewardFloor = p.rewardFloor;
        c.rewardCap = p.rewardCap;
        c.buffer = p.buffer;
        c.deepRatio = p.deepRatio;
        c.marginCallReward = p.marginCallReward;
        c.marginCallGas = p.marginCallGas;
        c.skewScale = p.skewScale;
        c.maxImpact = p.maxImpact;
        c.maxSkew = p.maxSkew;
        c.maxVelocity = p.maxVelocity;
        c.maxRate = p.maxRate;
        c.zScore = p.zScore;
        c.horizonSecs = p.horizonSecs;
        c.tauSecs = p.tauSecs;
        c.sampleIntervalSecs = p.sampleIntervalSecs;
        c.muMax = p.muMax;
        c.rampPerHour = p.rampPerHour;
        c.depthKink = p.depthKink;
        c.depthSlope = p.depthSlope;
        c.maxOpenInterest = p.maxOpenInterest;
        c.maxUtilisation = p.maxUtilisation;
        c.depositDelaySecs = p.depositDelaySecs;
        c.redeemDelaySecs = p.redeemDelaySecs;
        c.pricingWaitSecs = p.pricingWaitSecs;
        c.reserveFactor = p.reserveFactor;
        c.adlStart = p.adlStart;
        c.adlTarget = p.adlTarget;
        c.deadAfterSecs = p.deadAfterSecs;
        c.maxSpread = p.maxSpread;
        c.graceSecs = p.graceSecs;
        c.delayedOnly = p.delayedOnly;
        c.orderDelaySecs = p.orderDelaySecs;
        c.fillWindowSecs = p.fillWindowSecs;
        c.oracle = p.oracle;
        c.treasury = p.treasury;
    }
}
