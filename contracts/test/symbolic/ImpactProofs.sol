// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Config, State} from "@interfaces/Types.sol";
import {Impact} from "../../libraries/Impact.sol";
import {WadMath} from "../../libraries/WadMath.sol";

/// @notice Skew impact and fills: at skewScale 10^6 and maxImpact 5 %, so that the potential bends at 50,000.
contract ImpactProofs {
    uint256 private constant STEEPEST = 0.05e18;
    uint256 private constant SCALE = 1e24;
    uint256 private constant MARK = 2000e18;
    uint256 private constant LOT = 1e18 + 7; // no round number, so that quotients have rests

    /// @notice A skew costs the same on either side.
    function provePotentialIsEven(int112 k) external pure {
        Config memory c = _config();
        assert(Impact.phi(k, c) == Impact.phi(-int256(k), c));
    }

    function plantPotentialIsEven(int112 k) external pure {
        Config memory c = _config();
        assert(Impact.phi(k, c) == Impact.phi(1 - int256(k), c));
    }

    /// @notice More skew never costs less, across the bend too.
    function provePotentialGrows(uint112 k, uint112 more) external pure {
        _grows(int256(uint256(k)), more, _config());
    }

    function plantPotentialGrows(uint112 k, uint112 more) external pure {
        _grows(-int256(uint256(k)), more, _config());
    }

    /// @notice A step costs at most maxImpact of its size, and a unit for the two parts' rounding.
    function provePotentialIsNoSteeper(uint112 k, uint112 more) external pure {
        _steepness(k, more, STEEPEST);
    }

    function plantPotentialIsNoSteeper(uint112 k, uint112 more) external pure {
        _steepness(k, more, STEEPEST / 2);
    }

    /// @notice A path costs what its ends differ by: two purchases as one, to the unit.
    function provePathDoesNotMatter(uint112 long, uint112 a, uint112 b) external pure {
        _path(long, a, b, a);
    }

    function plantPathDoesNotMatter(uint112 long, uint112 a, uint112 b) external pure {
        _path(long, a, b, b);
    }

    /// @notice What a trade pays is its value at the mark and the mark times its path, each rounded up.
    function proveQuoteIsValueAndPath(uint72 long, uint72 delta) external pure {
        _quoted(long, delta, 0);
    }

    function plantQuoteIsValueAndPath(uint72 long, uint72 delta) external pure {
        _quoted(long, delta, 1);
    }

    /// @notice Who buys against nobody pays the mark or more, and no more than maxImpact above it.
    function proveFillOfABuyIsWithinImpact(uint16 lots) external pure {
        _buy(lots, STEEPEST);
    }

    function plantFillOfABuyIsWithinImpact(uint16 lots) external pure {
        _buy(lots, STEEPEST / 200);
    }

    /// @notice Who sells against nobody gets the mark or less, and no less than maxImpact below it.
    function proveFillOfASaleIsWithinImpact(uint16 lots) external pure {
        _sale(lots, STEEPEST);
    }

    function plantFillOfASaleIsWithinImpact(uint16 lots) external pure {
        _sale(lots, STEEPEST / 200);
    }

    /// @notice The fee is the ceiling of fill x rates: taker on what grows the skew, maker on the rest.
    function proveFeeRoundsUp(uint16 lots) external pure {
        _fee(lots, 0.0006e18);
    }

    function plantFeeRoundsUp(uint16 lots) external pure {
        _fee(lots, 0.0002e18);
    }

    /// @notice To close a short against more longs costs its part of the potential, never more than maxImpact
    ///         of the size.
    function proveCloseCostIsBounded(uint112 long, uint112 size) external pure {
        _closing(long, size, STEEPEST);
    }

    function plantCloseCostIsBounded(uint112 long, uint112 size) external pure {
        _closing(long, size, STEEPEST / 2);
    }

    /// @notice To close a long that makes up the skew costs nothing, and is never paid for.
    function proveCloseOfTheLargerSideIsFree(uint112 long, uint112 size) external pure {
        _free(long, size, 0);
    }

    function plantCloseOfTheLargerSideIsFree(uint112 long, uint112 size) external pure {
        _free(long, size, 1);
    }

    /// @notice Half the spread rounds up.
    function proveHalfSpreadRoundsUp(uint96 mark, uint56 spread) external pure {
        _half(mark, spread, Impact.halfSpread(_spread(mark, spread)));
    }

    function plantHalfSpreadRoundsUp(uint96 mark, uint56 spread) external pure {
        _half(mark, spread, uint256(mark) * spread / 2e18);
    }

    function _grows(int256 k, uint256 more, Config memory c) private pure {
        assert(Impact.phi(k + int256(more), c) >= Impact.phi(k, c));
    }

    function _steepness(uint256 k, uint256 more, uint256 rate) private pure {
        Config memory c = _config();
        uint256 step = Impact.phi(int256(k + more), c) - Impact.phi(int256(k), c);
        assert(step <= rate * more / 1e18 + 2);
    }

    function _path(uint256 long, uint256 a, uint256 b, uint256 first) private pure {
        Config memory c = _config();
        State memory s = _state(long, 0, 1e18);
        int256 whole = Impact.change(s, c, int256(a + b));
        int256 one = Impact.change(s, c, int256(a));
        s.sizeLong += first;
        assert(one + Impact.change(s, c, int256(b)) == whole);
    }

    function _quoted(uint256 long, uint256 delta, int256 extra) private pure {
        if (delta == 0) return;
        Config memory c = _config();
        State memory s = _state(long, 0, MARK);
        (int256 basis,,) = Impact.quote(s, c, int256(delta));
        int256 path = WadMath.smulCeil(int256(MARK), Impact.change(s, c, int256(delta)));
        assert(basis == WadMath.smulCeil(int256(delta), int256(MARK)) + path + extra);
    }

    function _buy(uint256 lots, uint256 rate) private pure {
        if (lots == 0) return;
        uint256 delta = lots * LOT;
        (, uint256 fill,) = Impact.quote(_state(0, 0, MARK), _config(), int256(delta));
        assert(fill >= MARK && (fill - MARK) * 1e18 <= MARK * rate + 1e18 + 3e24);
    }

    function _sale(uint256 lots, uint256 rate) private pure {
        if (lots == 0) return;
        uint256 delta = lots * LOT;
        (, uint256 fill,) = Impact.quote(_state(0, 0, MARK), _config(), -int256(delta));
        assert(fill <= MARK && (MARK - fill) * 1e18 <= MARK * rate + 1e18 + 3e24);
    }

    function _fee(uint256 lots, uint256 rate) private pure {
        if (lots == 0) return;
        uint256 delta = lots * LOT;
        (, uint256 fill, uint256 fee) = Impact.quote(_state(0, 0, MARK), _config(), int256(delta));
        uint256 exact = fill * delta * rate;
        assert(fee * 1e36 >= exact && fee * 1e36 - exact < 1e36);
    }

    function _closing(uint256 long, uint256 size, uint256 rate) private pure {
        uint256 cost = Impact.closeCost(_state(long, 0, 1e18), _config(), -int256(size));
        assert(cost <= size * rate / 1e18 + 2);
    }

    function _free(uint256 long, uint256 size, uint256 beyond) private pure {
        if (size > long) return;
        assert(Impact.closeCost(_state(long, 0, 1e18), _config(), int256(size + 2 * beyond * long)) == 0);
    }

    function _half(uint256 mark, uint256 spread, uint256 half) private pure {
        assert(half * 2e18 >= mark * spread && half * 2e18 - mark * spread < 2e18);
    }

    function _spread(uint256 mark, uint256 spread) private pure returns (State memory s) {
        (s.mark, s.spread) = (mark, spread);
    }

    function _state(uint256 long, uint256 short, uint256 mark) private pure returns (State memory s) {
        (s.sizeLong, s.sizeShort, s.mark) = (long, short, mark);
    }

    function _config() private pure returns (Config memory c) {
        (c.skewScale, c.maxImpact, c.takerFee, c.makerFee) = (SCALE, STEEPEST, 0.0006e18, 0.0002e18);
    }
}
