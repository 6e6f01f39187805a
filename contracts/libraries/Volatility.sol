// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Config, State} from "@interfaces/Types.sol";
import {PositionMath} from "./PositionMath.sol";
import {WadMath} from "./WadMath.sol";
import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

/// @title Realised volatility and the margin multipliers
/// @dev Ranges: WadMath.
library Volatility {
    uint256 internal constant YEAR = 31_536_000; // seconds
    uint256 internal constant VARIANCE_MAX = type(uint80).max;

    /// @dev Multiplier that the volatility asks for, at least 1:
    ///      max(1, ceil(volFactor ceil(sqrt(variance 1e18)) / 1e18)).
    function muVol(State memory s, Config memory c) internal pure returns (uint256 mu) {
        unchecked {
            uint256 square = s.variance * 1e18; // < 2^140
            uint256 factor = c.volFactor; // < 2^128
            if (factor == 0) return 1e18;
            // the root is needed past 1 only: factor root <= 1e36 iff square <= floor(1e36 / factor)^2
            uint256 quiet = 1e36 / factor;
            if (square <= quiet * quiet) return 1e18;
            uint256 root = FixedPointMathLib.sqrt(square);
            if (root * root < square) ++root;
            return WadMath.mulWadUp(factor, root); // 2^128 x 2^71
        }
    }

    /// @dev What the ramp moves to: clamp(muVol, 1, muMax).
    function target(State memory s, Config memory c) internal pure returns (uint256 mu) {
        mu = muVol(s, c);
        if (mu > c.muMax) mu = c.muMax;
    }

    /// @dev Takes a sample of the variance if the last one is old enough. `ln` is the new mark's logarithm.
    function sample(State memory s, Config memory c, int256 ln, uint256 publishedAt) internal pure {
        unchecked {
            // times < 2^40
            if (publishedAt < s.sampledAt + c.sampleIntervalSecs) return;
            uint256 elapsed = publishedAt - s.sampledAt;
            if (elapsed == 0) return;
            // ln: abs < 67e18
            uint256 square = WadMath.abs(ln - s.lnSample); // lnSample is int72: < 2^73
            square = WadMath.mulWadUp(square, square); // < 2^87
            square = WadMath.divUp(square * YEAR, elapsed); // < 2^112
            uint256 decay = uint256(FixedPointMathLib.expWad(-int256(elapsed * 1e18 / c.tauSecs))); // <= 1e18
            // 2^80 x 2^60 + 2^112 x 2^60
            uint256 variance = WadMath.divUp(s.variance * decay + square * (1e18 - decay), 1e18);
            s.variance = variance > VARIANCE_MAX ? VARIANCE_MAX : variance;
            s.lnSample = ln;
            s.sampledAt = publishedAt;
        }
    }

    /// @dev Moves the multiplier of MM over `elapsed` > 0 seconds: it falls at once, and rises at most
    ///      `rampPerHour`.
    function advanceRamp(State memory s, Config memory c, uint256 elapsed) internal pure {
        uint256 goal = target(s, c);
        uint256 ramp = s.ramp;
        unchecked {
            // 2^64 + 2^64 x 2^40
            if (goal > ramp) {
                ramp += c.rampPerHour * elapsed / 3600;
                if (goal > ramp) goal = ramp;
            }
        }
        s.ramp = goal;
    }

    /// @dev Multiplier of IM at a NAV (quote Wad). It includes the ramp, which outlives a fall of the target
    ///      by one block.
    function muIm(State memory s, Config memory c, int256 navWad) internal pure returns (uint256 mu) {
        mu = muVol(s, c);
        uint256 depth = muDepth(s, c, navWad);
        if (depth > mu) mu = depth;
        if (mu > c.muMax) mu = c.muMax; // >= 1
        if (mu < s.ramp) mu = s.ramp;
    }

    /// @dev 1 + ceil(depthSlope (u - u0) / (1 - u0)) past u0; u is the larger side over the pool's capacity,
    ///      or 1 if it has none.
    function muDepth(State memory s, Config memory c, int256 navWad) internal pure returns (uint256) {
        unchecked {
            uint256 used = 1e18;
            if (navWad > 0) {
                uint256 capacity = uint256(navWad) * c.maxUtilisation / 1e18; // 2^190 x 2^64
                if (capacity > c.maxOpenInterest) capacity = c.maxOpenInterest;
                if (capacity != 0) {
                    uint256 larger = s.sizeLong > s.sizeShort ? s.sizeLong : s.sizeShort;
                    larger = PositionMath.sideNotional(larger, s.mark); // < 2^150
                    used = WadMath.divUp(larger * 1e18, capacity);
                    // past this the result exceeds every muMax (< 2^64) already, unless the slope is 0
                    if (used > type(uint128).max) used = type(uint128).max;
                }
            }
            uint256 kink = c.depthKink; // < 1e18
            if (used <= kink) return 1e18;
            return 1e18 + WadMath.divUp(c.depthSlope * (used - kink), 1e18 - kink); // 2^64 x 2^128
        }
    }
}
