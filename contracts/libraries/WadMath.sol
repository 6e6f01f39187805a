// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Directed integer arithmetic
/// @notice Every lossy function says where it rounds. Nothing here is checked for overflow but the casts: callers prove their ranges.
/// @dev The ranges every proof in the libraries starts from. Storage gives: mark < 2^96; sizes, side sums and so abs(K) < 2^112;
///      abs(F) < 2^87; abs(rate) < 2^71; spread < 2^56; ramp < 2^64; variance < 2^80; cash < 2^96; abs(basis), abs(side basis) < 2^127.
///      A listing gives: every rate, ratio and multiplier < 2^64; every quote amount, skewScale, maxVelocity and maxRate < 2^128;
///      maxImpact < 1e18; unit <= 1e18. It follows that a price < 2^97, abs(price - F) < 2^98, and a notional < 2^150.
///      The market takes size changes and balances below 2^127 and 2^128.
library WadMath {
    /// @notice A value does not fit `bits` bits (signed values: two's complement).
    error DoesNotFit(uint256 value, uint256 bits);

    function divDown(uint256 a, uint256 b) internal pure returns (uint256) {
        return a / b;
    }

    /// @dev ceil(a / b) without adding to `a`, so it has no overflow.
    function divUp(uint256 a, uint256 b) internal pure returns (uint256 q) {
        unchecked {
            q = a / b; // still refuses b = 0
            if (q * b != a) ++q;
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

    /// @dev floor(a b / 1e18); abs(a b) < 2^255.
    function smulFloor(int256 a, int256 b) internal pure returns (int256 q) {
        unchecked {
            a *= b;
            q = a / 1e18;
            if (a < q * 1e18) --q;
        }
    }

    /// @dev ceil(a b / 1e18); abs(a b) < 2^255.
    function smulCeil(int256 a, int256 b) internal pure returns (int256 q) {
        unchecked {
            a *= b;
            q = a / 1e18;
            if (a > q * 1e18) ++q;
        }
    }

    /// @dev abs(a); the minimum gives 2^255.
    function abs(int256 a) internal pure returns (uint256) {
        unchecked {
            return a < 0 ? uint256(-a) : uint256(a);
        }
    }

    /// @dev Quote Wad to token units, for what is paid.
    function toTokensDown(uint256 wad, uint256 unit) internal pure returns (uint256) {
        return wad / unit;
    }

    /// @dev Quote Wad to token units, for what is owed.
    function toTokensUp(uint256 wad, uint256 unit) internal pure returns (uint256) {
        return divUp(wad, unit);
    }

    /// @dev The value, if it is below 2^bits; bits < 256.
    function toUint(uint256 value, uint256 bits) internal pure returns (uint256) {
        if (value >> bits != 0) revert DoesNotFit(value, bits);
        return value;
    }

    /// @dev The value, if it fits `bits` bits of two's complement; 1 <= bits <= 256.
    function toInt(int256 value, uint256 bits) internal pure returns (int256) {
        unchecked {
            uint256 shift = 256 - bits;
            if ((value << shift) >> shift != value) revert DoesNotFit(uint256(value), bits);
            return value;
        }
    }
}
