// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Config, Mode, State} from "@interfaces/Types.sol";
import {Funding} from "./Funding.sol";
import {Impact} from "./Impact.sol";
import {WadMath} from "./WadMath.sol";

/// @title What positions, sides and the pool are worth
/// @dev Ranges: WadMath.
library PositionMath {
    function abs(int256 size) internal pure returns (uint256) {
        return WadMath.abs(size);
    }

    /// @dev floor(size (price - F) / 1e18) - basis: what the pool owes the position; negative: what it owes
    ///      the pool.
    function claim(
        int256 size,
        int256 basis,
        uint256 price,
        int256 fundingIndex
    )
        internal
        pure
        returns (int256)
    {
        unchecked {
            return WadMath.smulFloor(size, int256(price) - fundingIndex) - basis; // 2^127 x 2^98
        }
    }

    /// @dev balance unit + claim. Balances past 2^128 tokens (no supply is that large) count as 2^128.
    function equity(uint256 balance, uint256 unit, int256 claim_) internal pure returns (int256) {
        unchecked {
            if (balance > type(uint128).max) balance = type(uint128).max;
            return int256(balance * unit) + claim_; // 2^128 x 2^60
        }
    }

    /// @dev N = ceil(abs(size) price / 1e18).
    function notional(int256 size, uint256 price) internal pure returns (uint256) {
        return WadMath.mulWadUp(WadMath.abs(size), price); // 2^127 x 2^97
    }

    /// @dev Favourable price: the mark moved by half the spread for the position, at least 1.
    function favourable(State memory s, int256 size) internal pure returns (uint256) {
        unchecked {
            uint256 half = Impact.halfSpread(s);
            if (size >= 0) return s.mark + half;
            return s.mark > half ? s.mark - half : 1;
        }
    }

    /// @dev What the pool owes all traders together at the mark, rounded up.
    function netClaim(State memory s) internal pure returns (int256) {
        unchecked {
            int256 skew = int256(s.sizeLong) - int256(s.sizeShort);
            return WadMath.smulCeil(skew, int256(s.mark) - s.fundingIndex) - s.basisLong - s.basisShort;
        }
    }

    /// @dev What the pool owes one side at the mark, rounded down.
    function sideClaim(State memory s, bool long) internal pure returns (int256) {
        unchecked {
            return long
                ? claim(int256(s.sizeLong), s.basisLong, s.mark, s.fundingIndex)
                : claim(-int256(s.sizeShort), s.basisShort, s.mark, s.fundingIndex);
        }
    }

    /// @dev ceil(side size x mark / 1e18).
    function sideNotional(uint256 sideSize, uint256 mark) internal pure returns (uint256) {
        return WadMath.mulWadUp(sideSize, mark);
    }

    /// @dev cash - netClaim - open tickets - mark Phi(K) - Psi (quote Wad); `openTickets` = owedTotal -
    ///      paidTotal, below 2^128. Once all is settled, just the cash: tickets are paid from what was set
    ///      aside for them.
    function nav(State memory s, Config memory c, uint256 openTickets) internal pure returns (int256) {
        unchecked {
            if (s.mode == Mode.Settled) return int256(s.cash * c.unit);
            int256 skew = int256(s.sizeLong) - int256(s.sizeShort);
            // cash and tickets < 2^189, mark Phi / 1e18 < 2^150, Psi < 2^218: no sum comes near 2^255
            return (int256(s.cash) - int256(openTickets)) * int256(c.unit) - netClaim(s)
                - int256(WadMath.mulWadUp(s.mark, Impact.phi(skew, c))) - int256(Funding.psi(s, c));
        }
    }

    /// @dev What LPs may take out, at a NAV (token units, rounded down).
    function free(State memory s, Config memory c, int256 navWad) internal pure returns (uint256) {
        unchecked {
            uint256 long = sideNotional(s.sizeLong, s.mark);
            uint256 short = sideNotional(s.sizeShort, s.mark);
            int256 cash = int256(s.cash * c.unit);
            // notionals < 2^150, ratios < 2^64 and not 0
            int256 least = navWad - int256(WadMath.mulWadUp(c.reserveFactor, long + short));
            if (cash < least) least = cash;
            uint256 larger = long > short ? long : short;
            int256 bound = navWad - int256(WadMath.divUp(larger * 1e18, c.maxUtilisation));
            if (bound < least) least = bound;
            int256 net = netClaim(s);
            if (net > 0) {
                bound = cash - int256(WadMath.divUp(uint256(net) * 1e18, c.adlTarget));
                if (bound < least) least = bound;
            }
            return least > 0 ? uint256(least) / c.unit : 0;
        }
    }
}
