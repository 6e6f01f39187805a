// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Config, State} from "@interfaces/Types.sol";
import {WadMath} from "./WadMath.sol";
import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

/// @title Skew impact and fill
/// @notice Impact is the difference of a potential of the skew, so that a path costs the same however it is split.
/// @dev Ranges: WadMath.
library Impact {
    /// @dev Phi(K) = floor(K^2 / 2S) up to k0 = floor(m S / 1e18), then floor(k0^2 / 2S) + floor(m (abs(K) - k0) / 1e18).
    function phi(int256 k, Config memory c) internal pure returns (uint256 potential) {
        unchecked {
            // abs(k) < 2^129 with a size change; m < 1e18 and S < 2^128, so k0 < S and no square exceeds 2^256
            uint256 skew = WadMath.abs(k);
            uint256 scale = c.skewScale;
            uint256 knee = c.maxImpact * scale / 1e18;
            if (skew > knee) {
                potential = c.maxImpact * (skew - knee) / 1e18;
                skew = knee;
            }
            potential += skew * skew / (2 * scale);
        }
    }

    /// @dev What a trade of `delta` (not 0, below 2^127) at the held mark does: the change of basis, the price it executes
    ///      at, and the fee (quote Wad). Rounded against the trader.
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
            // potentials < 2^129, amount < 2^127, half < mark < 2^96: all products < 2^226, their sums / 1e18 < 2^167
            int256 charge = WadMath.smulCeil(mark, int256(phi(skew + delta, c)) - int256(phi(skew, c)))
                + int256(WadMath.mulWadUp(amount, halfSpread(s)));
            basisDelta = WadMath.smulCeil(delta, mark - s.fundingIndex) + charge;
            int256 value = (WadMath.smulCeil(delta, mark) + charge) * 1e18; // < 2^228
            value = delta > 0 ? WadMath.ceilDiv(value, delta) : WadMath.floorDiv(value, delta);
            fill = value > 0 ? uint256(value) : 0;
            uint256 shrinks; // the part that shrinks abs(K)
            if ((skew ^ delta) < 0) {
                shrinks = WadMath.abs(skew);
                if (shrinks > amount) shrinks = amount;
            }
            // fees < 2^64, so the second factor < 2^192: full precision is needed for absurd trades only
            feeWad = FixedPointMathLib.fullMulDivUp(
                fill, (amount - shrinks) * c.takerFee + shrinks * c.makerFee, 1e36
            );
        }
    }

    /// @dev max(0, Phi(K - s) - Phi(K)): what closing the whole of `size` costs at mark 1 (Wad). Never a rebate.
    function closeCost(State memory s, Config memory c, int256 size) internal pure returns (uint256) {
        unchecked {
            int256 skew = int256(s.sizeLong) - int256(s.sizeShort);
            uint256 later = phi(skew - size, c);
            uint256 now_ = phi(skew, c);
            return later > now_ ? later - now_ : 0;
        }
    }

    /// @dev ceil(mark spread / 2e18): half the oracle's spread as a price (Wad).
    function halfSpread(State memory s) internal pure returns (uint256) {
        unchecked {
            return WadMath.divUp(s.mark * s.spread, 2e18); // 2^96 x 2^56
        }
    }
}
