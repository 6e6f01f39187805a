// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Config, State} from "@interfaces/Types.sol";
import {Funding} from "../../libraries/Funding.sol";
import {PositionMath} from "../../libraries/PositionMath.sol";

/// @notice Funding: at skewScale 10^6, at most 10^-7 a second, which full skew takes a day to reach.
contract FundingProofs {
    uint256 private constant MOST = 1e20; // the highest rate per second (Ray)
    uint256 private constant FASTEST = MOST / 86_400;
    int256 private constant END = type(int88).max; // of the index

    /// @notice The rate drifts toward the larger side, by no more than the highest speed.
    function proveVelocityIsBounded(uint112 long, uint112 short) external pure {
        _speed(long, short, Funding.velocity(_state(long, short), _config()));
    }

    function plantVelocityIsBounded(uint112 long, uint112 short) external pure {
        _speed(long, short, -Funding.velocity(_state(long, short), _config()));
    }

    /// @notice Mirrored sides drift the other way, at the same speed.
    function proveVelocityMirrors(uint112 long, uint112 short) external pure {
        Config memory c = _config();
        assert(Funding.velocity(_state(long, short), c) == -Funding.velocity(_state(short, long), c));
    }

    function plantVelocityMirrors(uint112 long, uint112 short) external pure {
        Config memory c = _config();
        assert(Funding.velocity(_state(long, short), c) == Funding.velocity(_state(short, long), c));
    }

    /// @notice However long nobody came: the rate stays within its bounds and moves by speed x time at most.
    function proveRateStaysInBounds(uint112 long, uint112 short, int72 rate, uint40 secs) external pure {
        _rate(long, short, rate, secs, MOST);
    }

    function plantRateStaysInBounds(uint112 long, uint112 short, int72 rate, uint40 secs) external pure {
        _rate(long, short, rate, secs, MOST - 1);
    }

    /// @notice The index ends within what storage holds, wherever it was and however long nobody came.
    function proveIndexStaysInBounds(
        uint112 long,
        uint112 short,
        int72 rate,
        int88 index,
        uint96 mark,
        uint40 secs
    )
        external
        pure
    {
        _index(long, short, rate, index, mark, secs, END);
    }

    function plantIndexStaysInBounds(
        uint112 long,
        uint112 short,
        int72 rate,
        int88 index,
        uint96 mark,
        uint40 secs
    )
        external
        pure
    {
        _index(long, short, rate, index, mark, secs, END - 1);
    }

    /// @notice While longs outweigh shorts, no second raises the index by more than the highest rate of the
    ///         mark: at a mark of 2,000.
    function proveIndexMovesByAtMostTheRate(uint112 skew, int72 rate, uint24 secs) external pure {
        _moves(skew, rate, secs, MOST);
    }

    function plantIndexMovesByAtMostTheRate(uint112 skew, int72 rate, uint24 secs) external pure {
        _moves(skew, rate, secs, MOST / 2);
    }

    /// @notice While longs outweigh shorts and the rate is not below 0, the index does not fall: longs pay.
    function proveLargerSidePays(
        uint112 long,
        uint112 short,
        uint72 rate,
        uint96 mark,
        uint40 secs
    )
        external
        pure
    {
        if (long < short) return;
        _pays(long, short, rate, mark, secs);
    }

    function plantLargerSidePays(
        uint112 long,
        uint112 short,
        uint72 rate,
        uint96 mark,
        uint40 secs
    )
        external
        pure
    {
        _pays(long, short, rate, mark, secs);
    }

    /// @notice What two opposite positions claim together is never more than the pool's sum over both, and at
    ///         most two units less: what rounding leaves is the pool's.
    function proveClaimsAreCovered(
        uint112 long,
        uint112 short,
        int88 index,
        uint96 mark,
        int120 basisLong,
        int120 basisShort
    )
        external
        pure
    {
        _covered(long, short, index, mark, basisLong, basisShort, 0);
    }

    function plantClaimsAreCovered(
        uint112 long,
        uint112 short,
        int88 index,
        uint96 mark,
        int120 basisLong,
        int120 basisShort
    )
        external
        pure
    {
        _covered(long, short, index, mark, basisLong, basisShort, 1);
    }

    /// @notice What is set aside for funding to come is never less than rate^2 S mark / 2 maxVelocity: at a
    ///         mark of 2,000; of a rate below 0 only the absolute value counts.
    function provePsiRoundsUp(uint72 rate) external pure {
        if (rate > MOST) return;
        State memory s = _state(0, 0);
        (s.fundingRate, s.mark) = (int256(uint256(rate)), 2000e18);
        _reserve(rate, Funding.psi(s, _config()));
    }

    function plantPsiRoundsUp(uint72 rate) external pure {
        if (rate > MOST) return;
        uint256 square = uint256(rate) * rate / 1e27;
        _reserve(rate, 2000e18 * (square * 1e24 / (2 * FASTEST)) / 1e18);
    }

    function _speed(uint256 long, uint256 short, int256 speed) private pure {
        assert(speed <= int256(FASTEST) && speed >= -int256(FASTEST));
        assert(long >= short ? speed >= 0 : speed <= 0);
        assert(long < short + 1e24 || speed == int256(FASTEST));
    }

    function _rate(uint256 long, uint256 short, int256 rate, uint256 secs, uint256 most) private pure {
        if (rate > int256(MOST) || rate < -int256(MOST)) return;
        State memory s = _accrued(long, short, rate, 0, 0, secs);
        assert(s.fundingRate <= int256(most) && s.fundingRate >= -int256(most));
        int256 moved = s.fundingRate - rate;
        assert(long >= short ? moved >= 0 : moved <= 0);
        assert((moved < 0 ? -moved : moved) <= int256(FASTEST * secs));
    }

    function _index(
        uint256 long,
        uint256 short,
        int256 rate,
        int256 index,
        uint256 mark,
        uint256 secs,
        int256 end
    )
        private
        pure
    {
        if (rate > int256(MOST) || rate < -int256(MOST) || index < -END) return;
        State memory s = _accrued(long, short, rate, index, mark, secs);
        assert(s.fundingIndex <= end && s.fundingIndex >= -end);
    }

    function _moves(uint256 skew, int256 rate, uint256 secs, uint256 most) private pure {
        if (rate > int256(MOST) || rate < -int256(MOST)) return;
        int256 moved = _accrued(skew, 0, rate, 0, 2000e18, secs).fundingIndex;
        assert(moved * 1e27 <= int256(most * 2000e18 * secs));
    }

    function _pays(uint256 long, uint256 short, uint256 rate, uint256 mark, uint256 secs) private pure {
        if (rate > MOST) return;
        assert(_accrued(long, short, int256(rate), 0, mark, secs).fundingIndex >= 0);
    }

    function _covered(
        uint256 long,
        uint256 short,
        int256 index,
        uint256 mark,
        int256 basisLong,
        int256 basisShort,
        int256 least
    )
        private
        pure
    {
        State memory s = _state(long, short);
        (s.mark, s.fundingIndex, s.basisLong, s.basisShort) = (mark, index, basisLong, basisShort);
        int256 claims = PositionMath.claim(int256(long), basisLong, mark, index)
            + PositionMath.claim(-int256(short), basisShort, mark, index);
        int256 left = PositionMath.netClaim(s) - claims;
        assert(left >= least && left <= 2);
    }

    function _reserve(uint256 rate, uint256 psi) private pure {
        // 1e27 1e18 of the scales, less 1e24 of S
        assert(psi * 1e21 * 2 * FASTEST >= rate * rate * 2000e18);
    }

    function _accrued(
        uint256 long,
        uint256 short,
        int256 rate,
        int256 index,
        uint256 mark,
        uint256 secs
    )
        private
        pure
        returns (State memory s)
    {
        s = _state(long, short);
        (s.fundingRate, s.fundingIndex, s.mark, s.ramp) = (rate, index, mark, 1e18);
        Funding.accrue(s, _config(), secs);
    }

    function _state(uint256 long, uint256 short) private pure returns (State memory s) {
        (s.sizeLong, s.sizeShort) = (long, short);
    }

    function _config() private pure returns (Config memory c) {
        (c.skewScale, c.maxVelocity, c.maxRate, c.muMax) = (1e24, FASTEST, MOST, 1e18);
    }
}
