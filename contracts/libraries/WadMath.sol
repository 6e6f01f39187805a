// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Directed integer arithmetic
/// @notice Every lossy function says where it rounds. None checks for overflow: callers prove ranges.
/// @dev The ranges that every proof in the libraries starts from:
///      - by storage: mark, cash < 2^96; side sizes, and so abs(K) and abs(size), < 2^112; abs(F) < 2^87;
///        abs(rate) < 2^71; spread < 2^56; ramp < 2^64; variance < 2^80; abs(basis) <= 2^127, also of a side
///      - by listing: rates, ratios and multipliers < 2^64; maxImpact, mmRate < 1e18; quote
///        amounts, volFactor, skewScale, maxVelocity and maxRate < 2^128; what divides is not 0; unit <= 1e18
///      - by the caller: a size change < 2^127; a balance < 2^128
///      - so: a price < 2^97, abs(price - F) < 2^98, a notional < 2^150.
///      Assembly stands only where it was measured to save a sixth of a stage: rounding without a branch.
library WadMath {
    /// @dev floor(a / b); callers prove that b is not 0.
    function divDown(uint256 a, uint256 b) internal pure returns (uint256 q) {
        assembly ("memory-safe") {
            q := div(a, b)
        }
    }

    /// @dev ceil(a / b) without adding to `a`, so it has no overflow; callers prove that b is not 0.
    function divUp(uint256 a, uint256 b) internal pure returns (uint256 q) {
        assembly ("memory-safe") {
            q := add(div(a, b), gt(mod(a, b), 0))
        }
    }

    /// @dev floor(a / b) for either sign of both; b != 0, and not (minimum, -1).
    function floorDiv(int256 a, int256 b) internal pure returns (int256 q) {
        unchecked {
            q = a / b;
            if (q * b != a && (a ^ b) < 0) --q;
        }
    }

    /// @dev ceil(a / b) for either sign of both; b != 0, and not (minimum, -1).
    function ceilDiv(int256 a, int256 b) internal pure returns (int256 q) {
        unchecked {
            q = a / b;
            if (q * b != a && (a ^ b) >= 0) ++q;
        }
    }

    /// @dev floor(a b / 1e18); a b < 2^256.
    function mulWadDown(uint256 a, uint256 b) internal pure returns (uint256) {
        unchecked {
            return a * b / 1e18;
        }
    }

    /// @dev ceil(a b / 1e18); a b < 2^256.
    function mulWadUp(uint256 a, uint256 b) internal pure returns (uint256) {
        unchecked {
            return divUp(a * b, 1e18);
        }
    }

    /// @dev floor(a b / 1e18); abs(a b) < 2^255. A remainder has the sign of the product.
    function smulFloor(int256 a, int256 b) internal pure returns (int256 q) {
        assembly ("memory-safe") {
            a := mul(a, b)
            q := sub(sdiv(a, 1000000000000000000), slt(smod(a, 1000000000000000000), 0))
        }
    }

    /// @dev ceil(a b / 1e18); abs(a b) < 2^255. A remainder has the sign of the product.
    function smulCeil(int256 a, int256 b) internal pure returns (int256 q) {
        assembly ("memory-safe") {
            a := mul(a, b)
            q := add(sdiv(a, 1000000000000000000), sgt(smod(a, 1000000000000000000), 0))
        }
    }

    /// @dev abs(a); the minimum gives 2^255. Flips the bits of a negative number less one.
    function abs(int256 a) internal pure returns (uint256 b) {
        assembly ("memory-safe") {
            b := sar(255, a)
            b := xor(add(a, b), b)
        }
    }

    /// @dev Quote Wad to token units, for what is paid.
    function toTokensDown(uint256 wad, uint256 unit) internal pure returns (uint256) {
        return divDown(wad, unit);
    }

    /// @dev Quote Wad to token units, for what is owed.
    function toTokensUp(uint256 wad, uint256 unit) internal pure returns (uint256) {
        return divUp(wad, unit);
    }
}
