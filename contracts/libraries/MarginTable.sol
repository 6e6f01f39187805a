// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Config} from "@interfaces/Types.sol";
import {WadMath} from "./WadMath.sol";
import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

/// @title Margin requirements
/// @notice Marginal brackets, like income tax: a requirement is rate n - d in the bracket of
///         n = max(N, minNotional).
/// @dev Ranges: WadMath. Rates < 2^64 and n < 2^150, so rate n < 2^214; d <= rate n by construction.
library MarginTable {
    /// @dev ceil(ceil((imRate n - dIm) / 1e18) mu / 1e18).
    function im(Config memory c, uint256 notional, uint256 mu) internal pure returns (uint256) {
        if (notional == 0) return 0;
        unchecked {
            if (notional < c.minNotional) notional = c.minNotional;
            uint256[32] memory table = c.table;
            uint256 row = bracketOf(c, notional);
            uint256 base = (word(table, row + 1) >> 128) * notional - word(table, row + 2);
            return WadMath.mulWadUp(WadMath.divUp(base, 1e18), mu); // 2^155 x 2^64
        }
    }

    /// @dev ceil((mmRate n - dMm) ramp / 1e36).
    function mm(Config memory c, uint256 notional, uint256 ramp) internal pure returns (uint256) {
        if (notional == 0) return 0;
        unchecked {
            uint256 base = mmBase(c, notional);
            if (base < 2 ** 192) return WadMath.divUp(base * ramp, 1e36); // ramp < 2^64
            return FixedPointMathLib.fullMulDivUp(base, ramp, 1e36);
        }
    }

    /// @dev ceil((mmRate n - dMm) ramp (1 + buffer) / 1e54).
    function tm(Config memory c, uint256 notional, uint256 ramp) internal pure returns (uint256) {
        if (notional == 0) return 0;
        unchecked {
            uint256 base = mmBase(c, notional);
            uint256 growth = ramp * (1e18 + c.buffer); // < 2^129
            if (base <= WadMath.divDown(type(uint256).max, growth)) {
                return WadMath.divUp(base * growth, 1e54);
            }
            return FixedPointMathLib.fullMulDivUp(base, growth, 1e54);
        }
    }

    /// @dev mmRate n - dMm: MM at multiplier 1 (1e36 scale).
    function mmBase(Config memory c, uint256 notional) internal pure returns (uint256) {
        unchecked {
            if (notional < c.minNotional) notional = c.minNotional;
            uint256[32] memory table = c.table;
            uint256 row = bracketOf(c, notional);
            return uint256(uint128(word(table, row + 1))) * notional - word(table, row + 3);
        }
    }

    /// @dev Index of the first word of the first bracket whose upperNotional >= n; the last has no end.
    function bracketOf(Config memory c, uint256 n) internal pure returns (uint256 row) {
        uint256[32] memory table = c.table;
        if (n <= table[0]) return 0;
        unchecked {
            uint256 last = 4 * (c.bracketCount - 1); // 1 to 8 brackets
            while (row < last && n > word(table, row)) row += 4;
        }
    }

    /// @dev table[i], for an i that is below 32 by construction: rows come from `bracketOf`.
    function word(uint256[32] memory table, uint256 i) internal pure returns (uint256 w) {
        assembly ("memory-safe") {
            w := mload(add(table, shl(5, i)))
        }
    }
}
