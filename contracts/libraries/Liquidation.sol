// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Config, State} from "@interfaces/Types.sol";
import {Impact} from "./Impact.sol";
import {MarginTable} from "./MarginTable.sol";
import {PositionMath} from "./PositionMath.sol";
import {WadMath} from "./WadMath.sol";
import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

/// @dev What a liquidation is decided on, all at the favourable price.
struct LiquidationTerms {
    uint256 price; // favourable price (Wad)
    uint256 notional; // N (quote Wad)
    int256 equity; // E (quote Wad)
    uint256 maintenance; // MM (quote Wad)
    uint256 costRate; // c: spread, taker fee and impact of closing the whole, per notional (Wad)
    uint256 closedNotional; // of the part that `solve` found (quote Wad)
    uint256 closedCosts; // (i + c) of it, rounded up (token units)
    uint256 closedReward; // the keeper's for it, rounded down (token units)
}

/// @title How much of a position is liquidated, and what that costs
/// @dev Ranges: WadMath. Nothing here reverts, however deep a position is under water and whatever the price.
library Liquidation {
    uint256 private constant NOTIONAL_MAX = 2 ** 112; // past it everything is closed
    int256 private constant EQUITY_MAX = 2 ** 128; // more than any requirement a partial liquidation meets

    /// @dev The target margin within one bracket, slope N' - offset, and what the search has for it.
    struct Bracket {
        int256 have; // E4: equity less four token units (quote Wad)
        uint256 least; // smallest N' (quote Wad)
        uint256 most; // largest N' (quote Wad)
        uint256 slope; // t (1e36 scale)
        uint256 offset; // a (1e54 scale)
    }

    /// @dev Values a position that is not flat into `t`, at its favourable price and its equity there.
    function terms(
        LiquidationTerms memory t,
        State memory s,
        Config memory c,
        int256 size,
        uint256 price,
        int256 equity
    )
        internal
        pure
    {
        t.price = price;
        t.equity = equity;
        t.notional = PositionMath.notional(size, price);
        t.maintenance = MarginTable.mm(c, t.notional, s.ramp);
        t.costRate = costRate(s, c, size);
    }

    /// @dev c = spread + takerFee + ceil(max(0, Phi(K - s) - Phi(K)) / abs(s)) per notional (Wad); size != 0.
    function costRate(State memory s, Config memory c, int256 size) internal pure returns (uint256) {
        unchecked {
            // Phi < 2^114; the quotient is at most maxImpact + 1
            return
                s.spread + c.takerFee + WadMath.divUp(Impact.closeCost(s, c, size) * 1e18, WadMath.abs(size));
        }
    }

    /// @dev The keeper's reward for closing a notional x (quote Wad):
    ///      clamp(floor(keeperRate x / 1e18), rewardFloor, rewardCap).
    function reward(Config memory c, uint256 closedNotional) internal pure returns (uint256 wad) {
        wad = WadMath.mulWadDown(c.keeperRate, closedNotional); // 2^64 x 2^150
        wad = FixedPointMathLib.max(FixedPointMathLib.min(wad, c.rewardCap), c.rewardFloor);
    }

    /// @dev How much of abs(size) to close: the least that leaves equity at the target margin, or all of it.
    ///      What a part is and costs is left in `t`.
    function solve(
        State memory s,
        Config memory c,
        int256 size,
        LiquidationTerms memory t
    )
        internal
        pure
        returns (uint256 closed)
    {
        unchecked {
            uint256 whole = WadMath.abs(size);
            // deepRatio < 2^64, MM < 2^160
            if (t.notional > NOTIONAL_MAX || t.equity < int256(WadMath.mulWadUp(c.deepRatio, t.maintenance)))
            {
                return whole;
            }
            uint256 rest = _restNotional(t, c, s.ramp);
            if (rest == 0) return whole;
            closed = WadMath.divUp((t.notional - rest) * 1e18, t.price); // 2^112 x 2^60
            if (closed == 0) closed = 1;
            if (closed >= whole || !_leavesTarget(s, c, size, t, closed)) return whole;
        }
    }

    /// @dev N': the largest notional that may stay, from the first linear piece that has a solution; 0 if
    ///      none has. Pieces are ordered by what they close: from the bracket of N down.
    function _restNotional(
        LiquidationTerms memory t,
        Config memory c,
        uint256 ramp
    )
        private
        pure
        returns (uint256 rest)
    {
        unchecked {
            uint256 growth = ramp * (1e18 + c.buffer); // G, 1e36 scale: < 2^129
            Bracket memory b;
            b.have = (t.equity < EQUITY_MAX ? t.equity : EQUITY_MAX) - 4 * int256(c.unit);
            uint256[32] memory table = c.table;
            uint256 row = MarginTable.bracketOf(c, t.notional);
            for (;; row -= 4) {
                b.least = row == 0 ? 1 : MarginTable.word(table, row - 4) + 1;
                bool last = b.least <= c.minNotional || row == 0;
                b.least = FixedPointMathLib.max(b.least, c.minNotional);
                b.most = FixedPointMathLib.min(MarginTable.word(table, row), t.notional);
                // mmRate < 2^60 and d <= mmRate N, so slope < 2^130 and offset <= slope N < 2^242
                b.slope = WadMath.divUp(uint256(uint128(MarginTable.word(table, row + 1))) * growth, 1e18);
                uint256 d = MarginTable.word(table, row + 3);
                b.offset = d < 2 ** 127 ? d * growth / 1e18 : FixedPointMathLib.fullMulDiv(d, growth, 1e18);
                rest = _solveBracket(t, c, b);
                if (rest != 0 || last) return rest;
            }
        }
    }

    /// @dev The three cases of the keeper's reward in a bracket: floor, in proportion, cap. 0: no solution.
    function _solveBracket(
        LiquidationTerms memory t,
        Config memory c,
        Bracket memory b
    )
        private
        pure
        returns (uint256 rest)
    {
        unchecked {
            uint256 n = t.notional;
            uint256 fee = (c.insuranceRate + t.costRate) * 1e18; // < 2^126
            if (c.keeperRate == 0) return _solvePiece(b, n, 0, n, fee, c.rewardFloor);
            // reward bounds < 2^128
            uint256 low = WadMath.divDown(c.rewardFloor * 1e18, c.keeperRate);
            rest = _solvePiece(b, n, 0, low, fee, c.rewardFloor);
            if (rest != 0 || low > n) return rest;
            uint256 high = WadMath.divDown(c.rewardCap * 1e18, c.keeperRate);
            rest = _solvePiece(b, n, low, high, fee + c.keeperRate * 1e18, 0);
            if (rest != 0 || high > n) return rest;
            return _solvePiece(b, n, high, n, fee, c.rewardCap);
        }
    }

    /// @dev One linear piece: closing x in [low, high] of n costs fee x + fixed_. If the target margin is
    ///      steeper, have - fixed_ - fee (n - N') = slope N' - offset is solved for N'; else only the largest
    ///      N' can do.
    function _solvePiece(
        Bracket memory b,
        uint256 n,
        uint256 low,
        uint256 high,
        uint256 fee,
        uint256 fixed_
    )
        private
        pure
        returns (uint256 rest)
    {
        unchecked {
            // low <= n
            uint256 most = FixedPointMathLib.min(n - low, b.most);
            uint256 least = FixedPointMathLib.max(FixedPointMathLib.zeroFloorSub(n, high), b.least);
            if (most < least) return 0;
            // 2^129 x 2^120, 2^126 x 2^112, 2^242: the sums stay below 2^250
            int256 left = (b.have - int256(fixed_)) * 1e36 + int256(b.offset);
            if (b.slope > fee) {
                left -= int256(fee * n);
                if (left < 0) return 0;
                rest = WadMath.divDown(uint256(left), b.slope - fee);
                rest = FixedPointMathLib.min(rest, most);
                return rest < least ? 0 : rest;
            }
            return left >= int256(fee * (n - most) + b.slope * most) ? most : 0;
        }
    }

    /// @dev Whether the partial plan leaves the target margin, with the integers it will use. A vault that
    ///      can't pay all of the reward has more equity left than assumed here. Where t > f in every piece
    ///      and t + k < 1 the four units of slack cover all roundings: it fails under odd parameters only.
    function _leavesTarget(
        State memory s,
        Config memory c,
        int256 size,
        LiquidationTerms memory t,
        uint256 closed
    )
        private
        pure
        returns (bool)
    {
        unchecked {
            int256 signed = size < 0 ? -int256(closed) : int256(closed);
            uint256 rest = PositionMath.notional(size - signed, t.price);
            if (rest < c.minNotional) return false;
            uint256 x = PositionMath.notional(signed, t.price); // < 2^112
            int256 gap = int256(t.price) - s.fundingIndex;
            // the claim of the rest and the basis of the closed part are rounded apart
            int256 equity = t.equity - WadMath.smulFloor(size, gap) + WadMath.smulFloor(size - signed, gap)
                - WadMath.smulCeil(-signed, gap);
            t.closedNotional = x;
            t.closedCosts = WadMath.toTokensUp(WadMath.mulWadUp(c.insuranceRate + t.costRate, x), c.unit);
            t.closedReward = WadMath.toTokensDown(reward(c, x), c.unit);
            return equity - int256((t.closedCosts + t.closedReward) * c.unit)
                >= int256(MarginTable.tm(c, rest, s.ramp));
        }
    }
}
