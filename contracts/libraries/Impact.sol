// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Config, State} from "@interfaces/Types.sol";
import {WadMath} from "./WadMath.sol";
import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

/// @title Skew impact and fill
/// @notice Impact is the difference of a potential of the skew: a path costs the same however it is split.
/// @dev Ranges: WadMath.
library Impact {
    /// @dev Phi(K) = floor(K^2 / 2S) up to k0 = floor(m S / 1e18),
    ///      then floor(k0^2 / 2S) + floor(m (abs(K) - k0) / 1e18).
    function phi(int256 k, Config memory c) internal pure returns (uint256) {
        unchecked {
            return _phi(k, c.maxImpact, c.skewScale, c.maxImpact * c.skewScale / 1e18); // 2^60 x 2^128
        }
    }

    /// @dev Phi(K + delta) - Phi(K).
    function change(State memory s, Config memory c, int256 delta) internal pure returns (int256) {
        unchecked {
            int256 skew = int256(s.sizeLong) - int256(s.sizeShort);
            (uint256 slope, uint256 scale) = (c.maxImpact, c.skewScale);
            uint256 knee = slope * scale / 1e18;
            return int256(_phi(skew + delta, slope, scale, knee)) - int256(_phi(skew, slope, scale, knee));
        }
    }

    function _phi(
        int256 k,
        uint256 slope,
        uint256 scale,
        uint256 knee
    )
        private
        pure
        returns (uint256 potential)
    {
        unchecked {
            // abs(k) < 2^129 with a size change; knee < S < 2^128 since m < 1e18, so no square exceeds 2^256
            uint256 skew = WadMath.abs(k);
            if (skew > knee) {
                potential = slope * (skew - knee) / 1e18;
                skew = knee;
            }
            potential += WadMath.divDown(skew * skew, 2 * scale);
        }
    }

    /// @dev What a trade of `delta` (not 0, below 2^127) at the held mark does: the change of basis, the
    ///      price it executes at, and the fee (quote Wad). Rounded against the trader.
    function quote(
        State memory s,
        Config memory c,
        int256 delta
    )
        internal
        pure
        returns (int256 basisDelta, uint256 fill, uint256 feeWad)
    {
        unchecked {
            int256 skew = int256(s.sizeLong) - int256(s.sizeShort);
            uint256 amount = WadMath.abs(delta);
            int256 mark = int256(s.mark);
            // potentials < 2^129, amount < 2^127, half < mark < 2^96: products < 2^226, sums / 1e18 < 2^168
            int256 charge =
                WadMath.smulCeil(mark, change(s, c, delta)) + int256(WadMath.mulWadUp(amount, halfSpread(s)));
            basisDelta = WadMath.smulCeil(delta, mark - s.fundingIndex) + charge;
            int256 value = (WadMath.smulCeil(delta, mark) + charge) * 1e18; // < 2^228
            value = delta > 0 ? WadMath.ceilDiv(value, delta) : WadMath.floorDiv(value, delta);
            fill = value > 0 ? uint256(value) : 0;
            uint256 shrinks; // the part that shrinks abs(K)
            if ((skew ^ delta) < 0) {
                shrinks = WadMath.abs(skew);
                if (shrinks > amount) shrinks = amount;
            }
            uint256 rates = (amount - shrinks) * c.takerFee + shrinks * c.makerFee; // < 2^192
            feeWad = (fill | rates) < 2 ** 128
                ? WadMath.divUp(fill * rates, 1e36)
                : FixedPointMathLib.fullMulDivUp(fill, rates, 1e36);
        }
    }

    /// @dev max(0, Phi(K - s) - Phi(K)): what closing all of `size` costs at mark 1 (Wad), never a rebate.
    function closeCost(State memory s, Config memory c, int256 size) internal pure returns (uint256) {
        unchecked {
            int256 cost = change(s, c, -size);
            return cost > 0 ? uint256(cost) : 0;
        }
    }

    /// @dev ceil(mark spread / 2e18): half the oracle's spread as a price (Wad).
    function halfSpread(State memory s) internal pure returns (uint256) {
        unchecked {
            return WadMath.divUp(s.mark * s.spread, 2e18); // 2^96 x 2^56
        }
    }
}
