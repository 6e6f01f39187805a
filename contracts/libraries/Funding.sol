// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Config, Mode, State} from "@interfaces/Types.sol";
import {Volatility} from "./Volatility.sol";
import {WadMath} from "./WadMath.sol";
import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

/// @title Funding
/// @notice The rate drifts with the skew; the index is its integral, at the mark held meanwhile.
/// @dev Ranges: WadMath.
library Funding {
    int256 internal constant INDEX_MAX = type(int88).max; // what storage holds, either way

    /// @dev Runs funding and the ramp up to `now_`; nothing without elapsed time or past a final price.
    function accrue(State memory s, Config memory c, uint256 now_) internal pure {
        unchecked {
            if (now_ <= s.accruedAt || s.mode > Mode.FinalAnnounced) return;
            uint256 elapsed = now_ - s.accruedAt;
            s.accruedAt = now_;
            _move(s, c, int256(elapsed));
            Volatility.advanceRamp(s, c, elapsed);
        }
    }

    /// @dev Change of the rate per second (Ray): trunc(clamp(K, -S, S) maxVelocity / S).
    function velocity(State memory s, Config memory c) internal pure returns (int256) {
        unchecked {
            int256 skew = int256(s.sizeLong) - int256(s.sizeShort);
            int256 scale = int256(c.skewScale);
            if (skew > scale) skew = scale;
            if (skew < -scale) skew = -scale;
            return skew * int256(c.maxVelocity) / scale; // 2^113 x 2^128
        }
    }

    /// @dev Funding that will flow back to traders when the skew unwinds (quote Wad):
    ///      ceil(mark ceil(ceil(rate^2 / 1e27) S / (2 maxVelocity)) / 1e18).
    function psi(State memory s, Config memory c) internal pure returns (uint256) {
        unchecked {
            uint256 square = WadMath.abs(s.fundingRate);
            if (square == 0) return 0;
            square = WadMath.divUp(square * square, 1e27); // < 2^53
            uint256 size = WadMath.divUp(square * c.skewScale, 2 * c.maxVelocity); // < 2^181
            if (size < 2 ** 160) return WadMath.mulWadUp(s.mark, size);
            return FixedPointMathLib.fullMulDivUp(s.mark, size, 1e18);
        }
    }

    /// @dev rate += velocity dt, clamped; F += mean rate x dt x mark, the clamp split at the moment it bites.
    function _move(State memory s, Config memory c, int256 elapsed) private pure {
        unchecked {
            // rates < 2^72, time < 2^40, velocity < 2^128
            int256 speed = velocity(s, c);
            int256 rate = s.fundingRate;
            int256 bound = int256(c.maxRate);
            int256 next = rate + speed * elapsed;
            int256 twice;
            if (next <= bound && next >= -bound) {
                twice = (rate + next) * elapsed;
            } else {
                next = speed < 0 ? -bound : bound;
                int256 gap = next - rate;
                twice = 2 * next * elapsed - gap * gap / speed;
            }
            s.fundingRate = next;
            // abs(twice) <= 2 maxRate dt: 2^113 x 2^96. Stops at its end: a revert would block exits
            int256 index = s.fundingIndex + twice * int256(s.mark) / 2e27;
            if (index > INDEX_MAX) index = INDEX_MAX;
            if (index < -INDEX_MAX) index = -INDEX_MAX;
            s.fundingIndex = index;
        }
    }
}
