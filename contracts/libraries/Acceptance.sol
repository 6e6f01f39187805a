// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Config, Mode, Reason, State} from "@interfaces/Types.sol";
import {Funding} from "./Funding.sol";
import {Verdict} from "./Trade.sol";
import {Volatility} from "./Volatility.sol";
import {WadMath} from "./WadMath.sol";
import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

/// @dev What an oracle said.
struct Reading {
    uint256 mark; // Wad
    uint256 spread; // full width (Wad)
    uint256 publishedAt;
    uint256 resumedAt;
}

/// @title Taking a mark
/// @notice Pure: funding and ramp run with the old mark, then mark and spread, then volatility.
library Acceptance {
    uint256 internal constant MARK_MIN = 1e9; // 1e-9
    uint256 internal constant MARK_MAX = type(uint96).max;

    /// @dev Whether a reading may become the mark.
    function check(State memory s, Config memory c, Reading memory r) internal pure returns (Verdict memory) {
        if (r.publishedAt < s.publishedAt) {
            return Verdict(Reason.PriceBackwards, int256(r.publishedAt), int256(s.publishedAt));
        }
        if (r.mark < MARK_MIN) return Verdict(Reason.PriceOutOfRange, _saturated(r.mark), int256(MARK_MIN));
        if (r.mark > MARK_MAX) return Verdict(Reason.PriceOutOfRange, _saturated(r.mark), int256(MARK_MAX));
        if (r.spread > c.maxSpread) {
            return Verdict(Reason.SpreadTooWide, _saturated(r.spread), int256(c.maxSpread));
        }
        return Verdict(Reason.None, 0, 0);
    }

    /// @dev Makes a checked reading the mark of this block.
    function take(State memory s, Config memory c, Reading memory r, uint256 now_) internal pure {
        Funding.accrue(s, c, now_);
        uint256 moved = r.mark > s.mark ? r.mark - s.mark : s.mark - r.mark;
        uint256 mm1 = uint128(c.table[1]);
        int256 ln = FixedPointMathLib.lnWad(int256(r.mark)); // abs < 67e18
        // a large move, at once or in steps since a recent sample: its losses may not be in NAV yet
        bool recent = r.publishedAt < s.sampledAt + c.pricingWaitSecs;
        bool stepped = recent && WadMath.abs(ln - s.lnSample) > mm1;
        if (stepped || moved * 1e18 > mm1 * s.mark) s.jumpAt = now_;
        s.mark = r.mark;
        s.spread = r.spread;
        Volatility.sample(s, c, ln, r.publishedAt);
        s.publishedAt = r.publishedAt;
        s.acceptedAt = now_;
        if (r.resumedAt > s.resumedAt) s.resumedAt = r.resumedAt < now_ ? r.resumedAt : now_;
        if (s.mode == Mode.FinalAnnounced) s.mode = Mode.ReduceOnly; // a valid mark: the market is not dead
    }

    /// @dev End of grace: before it nothing adds risk and only equity <= 0 is liquidated.
    function graceEnd(State memory s, Config memory c) internal pure returns (uint256) {
        return s.resumedAt == 0 ? 0 : s.resumedAt + c.graceSecs;
    }

    function _saturated(uint256 value) private pure returns (int256) {
        uint256 top = uint256(type(int256).max);
        return int256(value < top ? value : top);
    }
}
