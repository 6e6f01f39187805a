// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Config, Position, State} from "@interfaces/Types.sol";
import {MarginTable} from "../libraries/MarginTable.sol";
import {WadMath} from "../libraries/WadMath.sol";
import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

/// @title Liquidation price
/// @notice Equity and maintenance margin are straight lines in the notional within a bracket, so the price
/// where they meet is a closed form.
/// @dev Exact but for the roundings of equity and requirement, which are worth one Wad unit each.
library LiquidationPrice {
    uint256 private constant ONE = 1e36;

    /// @dev The last mark at which a position can be liquidated: the highest for a long, the lowest for a
    /// short; 0 if there is none. `margin` in quote Wad.
    function markOf(
        State memory s,
        Config memory c,
        Position memory p,
        uint256 margin,
        int256 fundingIndex
    )
        internal
        pure
        returns (uint256)
    {
        if (p.size == 0 || margin > uint256(type(int256).max) / 2) return 0;
        bool long = p.size > 0;
        uint256 size = WadMath.abs(p.size);
        // equity at notional n is worth + n for a long, worth - n for a short
        int256 worth = int256(margin) - p.basis - p.size * fundingIndex / 1e18;
        uint256 n = _notional(s, c, long, worth);
        if (n == type(uint256).max) return 0;
        // from the notional to the favourable price, and from there to the mark
        uint256 price;
        if (long) {
            price = FixedPointMathLib.fullMulDivUp(n, 1e18, size);
            if (price < 2) return 0;
            price = FixedPointMathLib.fullMulDiv(price - 1, 2e18, 2e18 + s.spread);
        } else {
            if (s.spread >= 2e18) return 0;
            price = FixedPointMathLib.fullMulDiv(n, 1e18, size) + 1;
            price = FixedPointMathLib.fullMulDivUp(price, 2e18, 2e18 - s.spread);
        }
        return price > type(uint96).max ? 0 : price;
    }

    /// @dev The notional at which equity is the maintenance margin, from the first piece it lies in; the
    /// maximum if in none. Below minNotional the requirement is flat.
    function _notional(
        State memory s,
        Config memory c,
        bool long,
        int256 worth
    )
        private
        pure
        returns (uint256)
    {
        int256 gap = int256(MarginTable.mm(c, c.minNotional, s.ramp)) - worth;
        if (!long) gap = -gap;
        if (gap <= 0) return long ? type(uint256).max : 0;
        if (uint256(gap) <= c.minNotional) return uint256(gap);
        uint256[32] memory table = c.table;
        uint256 last = 4 * (c.bracketCount - 1);
        for (uint256 row = MarginTable.bracketOf(c, c.minNotional); row <= last; row += 4) {
            uint256 slope = uint256(uint128(table[row + 1])) * s.ramp;
            if (long && slope >= ONE) break;
            gap = worth + int256(FixedPointMathLib.fullMulDiv(table[row + 3], s.ramp, ONE));
            if (long) gap = -gap;
            if (gap < 0) continue;
            uint256 n = FixedPointMathLib.fullMulDiv(uint256(gap), ONE, long ? ONE - slope : ONE + slope);
            if (n <= table[row]) return n;
        }
        return type(uint256).max;
    }
}
