// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Config, State} from "@interfaces/Types.sol";
import {MarginTable} from "../../libraries/MarginTable.sol";
import {PositionMath} from "../../libraries/PositionMath.sol";

/// @notice Margin over three brackets with fixed rates, for every notional below 2^112; prices of all widths.
contract MarginProofs {
    uint256 private constant TOP = 0.05e18; // the highest maintenance rate

    /// @notice More notional never needs less maintenance margin, within brackets and across their ends.
    function proveMmBaseIsMonotone(uint112 n, uint112 more) external pure {
        Config memory c = _config();
        assert(MarginTable.mmBase(c, n) <= MarginTable.mmBase(c, uint256(n) + more));
    }

    function plantMmBaseIsMonotone(uint112 n, uint112 more) external pure {
        Config memory c = _config();
        c.table[7] += 1e40; // the second bracket starts too low
        assert(MarginTable.mmBase(c, n) <= MarginTable.mmBase(c, uint256(n) + more));
    }

    /// @notice One more wei of notional adds at most the top rate: no jump at an end.
    function proveMmBaseIsContinuous(uint112 n) external pure {
        Config memory c = _config();
        uint256 low = MarginTable.mmBase(c, n);
        uint256 high = MarginTable.mmBase(c, uint256(n) + 1);
        assert(high - low <= TOP);
    }

    function plantMmBaseIsContinuous(uint112 n) external pure {
        Config memory c = _config();
        c.table[7] = 0; // the second bracket starts with a jump
        uint256 low = MarginTable.mmBase(c, n);
        uint256 high = MarginTable.mmBase(c, uint256(n) + 1);
        assert(high - low <= TOP);
    }

    /// @notice Taxed by brackets: never more than the top rate of all, so no subtraction wraps.
    function proveMmBaseIsAtMostTheTopRate(uint112 n) external pure {
        Config memory c = _config();
        if (n < c.minNotional) return;
        assert(MarginTable.mmBase(c, n) <= n * TOP);
    }

    function plantMmBaseIsAtMostTheTopRate(uint112 n) external pure {
        Config memory c = _config();
        if (n < c.minNotional) return;
        assert(MarginTable.mmBase(c, n) <= n * (TOP / 2));
    }

    /// @notice Rounded up to the wei, at ramp 1.
    function proveMmRoundsUp(uint112 n) external pure {
        Config memory c = _config();
        if (n == 0) return;
        uint256 base = MarginTable.mmBase(c, n);
        uint256 wad = MarginTable.mm(c, n, 1e18);
        assert(wad * 1e18 >= base && wad * 1e18 - base < 1e18);
    }

    function plantMmRoundsUp(uint112 n) external pure {
        Config memory c = _config();
        if (n == 0) return;
        uint256 base = MarginTable.mmBase(c, n);
        uint256 wad = MarginTable.mm(c, n, 1e18 - 1);
        assert(wad * 1e18 >= base && wad * 1e18 - base < 1e18);
    }

    /// @notice The target is above the maintenance margin, as long as the product of both rates is a word.
    function proveTargetCoversMaintenance(uint112 n) external pure {
        if (n > 4.7e24) return;
        Config memory c = _config();
        assert(MarginTable.tm(c, n, 1e18) >= MarginTable.mm(c, n, 1e18));
    }

    function plantTargetCoversMaintenance(uint112 n) external pure {
        if (n > 4.7e24) return;
        Config memory c = _config();
        assert(MarginTable.tm(c, n, 0.9e18) >= MarginTable.mm(c, n, 1e18));
    }

    /// @notice Who may open is not liquidatable by the next call.
    function proveInitialCoversMaintenance(uint112 n) external pure {
        Config memory c = _config();
        assert(MarginTable.im(c, n, 1e18) >= MarginTable.mm(c, n, 1e18));
    }

    function plantInitialCoversMaintenance(uint112 n) external pure {
        Config memory c = _config();
        assert(MarginTable.im(c, n, 1e18) >= MarginTable.mm(c, n, 2.1e18));
    }

    /// @notice A long is valued at the mark or above, by no more than the spread.
    function proveFavourableLong(uint96 mark, uint56 spread) external pure {
        State memory s;
        (s.mark, s.spread) = (mark, spread);
        uint256 price = PositionMath.favourable(s, 1);
        assert(price >= mark && price - mark <= uint256(mark) + 1);
    }

    function plantFavourableLong(uint96 mark, uint56 spread) external pure {
        State memory s;
        (s.mark, s.spread) = (mark, spread);
        uint256 price = PositionMath.favourable(s, -1);
        assert(price >= mark && price - mark <= uint256(mark) + 1);
    }

    /// @notice A short is valued at the mark or below, never at nothing.
    function proveFavourableShort(uint96 mark, uint56 spread) external pure {
        if (mark == 0) return;
        State memory s;
        (s.mark, s.spread) = (mark, spread);
        uint256 price = PositionMath.favourable(s, -1);
        assert(price >= 1 && price <= mark);
    }

    function plantFavourableShort(uint96 mark, uint56 spread) external pure {
        if (mark == 0) return;
        State memory s;
        (s.mark, s.spread) = (mark, spread);
        uint256 price = PositionMath.favourable(s, 1);
        assert(price >= 1 && price <= mark);
    }

    /// @notice A balance beyond what can exist counts as 2^128 units; no sum wraps, at the largest unit.
    function proveEquityNeverWraps(uint256 balance, int168 claim) external pure {
        int256 worth = PositionMath.equity(balance, 1e18, claim);
        uint256 most = balance < type(uint128).max ? balance : type(uint128).max;
        assert(worth == int256(most * 1e18) + claim);
    }

    function plantEquityNeverWraps(uint256 balance, int168 claim) external pure {
        int256 worth = PositionMath.equity(balance, 1e18, claim);
        uint256 most = balance < type(uint120).max ? balance : type(uint120).max;
        assert(worth == int256(most * 1e18) + claim);
    }

    /// @dev Uppers 1e6 and 5e6; maintenance 1, 2.5 and 5 %, initial twice that; d as section 5 of the
    ///      protocol defines it.
    function _config() private pure returns (Config memory c) {
        (c.minNotional, c.buffer, c.bracketCount, c.unit) = (100e18, 0.1e18, 3, 1e12);
        uint256[32] memory t = c.table;
        (t[0], t[1]) = (1e24, (uint256(0.02e18) << 128) | 0.01e18);
        (t[4], t[5]) = (5e24, (uint256(0.05e18) << 128) | 0.025e18);
        (t[6], t[7]) = (0.03e18 * 1e24, 0.015e18 * 1e24);
        (t[8], t[9]) = (type(uint128).max, (uint256(0.1e18) << 128) | TOP);
        (t[10], t[11]) = (t[6] + 0.05e18 * 5e24, t[7] + 0.025e18 * 5e24);
    }
}
