// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Config, Mode} from "@interfaces/Types.sol";
import {Context} from "../../libraries/Ledger.sol";
import {Liquidation, LiquidationTerms} from "../../libraries/Liquidation.sol";
import {LiquidationPlan} from "../../libraries/LiquidationPlan.sol";
import {MarginTable} from "../../libraries/MarginTable.sol";
import {PositionMath} from "../../libraries/PositionMath.sol";

/// @notice What a liquidation leaves, for positions of fixed size and loss at a mark of 2,000, with margins
///         in units of 10^-6, under the three brackets of MarginProofs; the decision and the plan as the
///         market runs them.
contract LiquidationProofs {
    uint256 private constant PRICE = 2000e18;
    uint256 private constant UNIT = 1e12;

    /// @notice A short of 20,000 that lost 1,000, first bracket, with a margin of 1,150 and more: it is
    ///         closed in part, and equity is at the target.
    function proveLeavesTarget(uint16 more) external pure {
        _liquidate(-10e18, 1_150_000_000 + uint256(more), -19_000e18, 0);
    }

    function plantLeavesTarget(uint16 more) external pure {
        _liquidate(-10e18, 1_150_000_000 + uint256(more), -19_000e18, 1e18);
    }

    /// @notice A long of 1,200,000 that lost 100,000, in the second bracket, with a margin of 108,000 and
    ///         more: the same, and its rest is in the first.
    function proveLeavesTargetAcrossBrackets(uint16 more) external pure {
        _liquidate(600e18, 108_000_000_000 + uint256(more), 1_300_000e18, 0);
    }

    function plantLeavesTargetAcrossBrackets(uint16 more) external pure {
        _liquidate(600e18, 108_000_000_000 + uint256(more), 1_300_000e18, 1e18);
    }

    /// @notice Of a liquidatable long something is closed, and no more than there is.
    function proveClosesNoMoreThanAll(uint48 v) external pure {
        _share(10e18, v, 21_000e18, 10e18);
    }

    function plantClosesNoMoreThanAll(uint48 v) external pure {
        _share(10e18, v, 21_000e18, 10e18 - 1);
    }

    /// @notice What is closed whole is flat without a rest, and every token is accounted for.
    function proveWholeIsFlat(uint48 v, uint88 cash) external pure {
        _whole(v, 21_000e18, cash, 0);
    }

    function plantWholeIsFlat(uint48 v, uint88 cash) external pure {
        _whole(v, 21_000e18, cash, 1);
    }

    /// @notice The reward grows with what was closed, from its floor to its cap.
    function proveRewardIsClamped(uint112 closed, uint112 more) external pure {
        _reward(closed, more, 1000e18);
    }

    function plantRewardIsClamped(uint112 closed, uint112 more) external pure {
        _reward(closed, more, 999e18);
    }

    function _liquidate(int256 size, uint256 v, int256 basis, uint256 extra) private pure {
        Context memory x = _context(size, v, basis, type(uint80).max);
        (LiquidationTerms memory t, uint256 closed) = _decide(x);
        assert(closed != 0 && closed < PositionMath.abs(size));
        LiquidationPlan.apply_(x, t, closed, true);
        int256 rest = size < 0 ? size + int256(closed) : size - int256(closed);
        assert(x.p.size == rest && int256(x.v) + x.net + int256(x.payout) == int256(v));
        int256 claim = PositionMath.claim(rest, x.p.basis, PRICE, 0);
        uint256 notional = PositionMath.notional(rest, PRICE);
        assert(notional <= x.c.table[0]);
        uint256 target = MarginTable.tm(x.c, notional, 1e18);
        assert(PositionMath.equity(x.v, UNIT, claim) >= int256(target + extra));
    }

    function _share(int256 size, uint256 v, int256 basis, uint256 most) private pure {
        Context memory x = _context(size, v, basis, 0);
        (LiquidationTerms memory t, uint256 closed) = _decide(x);
        if (t.equity >= int256(t.maintenance)) assert(closed == 0);
        else assert(closed > 0 && closed <= most);
    }

    function _whole(uint256 v, int256 basis, uint256 cash, uint256 lost) private pure {
        Context memory x = _context(10e18, v, basis, cash);
        (LiquidationTerms memory t, uint256 closed) = _decide(x);
        if (closed != 10e18) return;
        LiquidationPlan.apply_(x, t, closed, true);
        assert(x.p.size == 0 && x.p.basis == 0 && x.s.sizeLong == 0 && x.s.basisLong == 0);
        assert(int256(x.v) + x.net + int256(x.payout) == int256(v - lost));
        assert(int256(x.s.cash + x.s.insuranceDue) == int256(cash) + x.net);
    }

    function _reward(uint256 closed, uint256 more, uint256 cap) private pure {
        Config memory c = _config();
        uint256 reward = Liquidation.reward(c, closed);
        assert(reward >= 5e18 && reward <= cap && reward <= Liquidation.reward(c, closed + more));
    }

    /// @dev 0: the position is healthy.
    function _decide(Context memory x) private pure returns (LiquidationTerms memory t, uint256 closed) {
        int256 claim = PositionMath.claim(x.p.size, x.p.basis, PRICE, 0);
        int256 equity = PositionMath.equity(x.v, UNIT, claim);
        Liquidation.terms(t, x.s, x.c, x.p.size, PRICE, equity);
        if (equity < int256(t.maintenance)) closed = Liquidation.solve(x.s, x.c, x.p.size, t);
    }

    function _context(
        int256 size,
        uint256 v,
        int256 basis,
        uint256 cash
    )
        private
        pure
        returns (Context memory x)
    {
        (x.v, x.p.size, x.p.basis, x.c) = (v, size, basis, _config());
        (x.s.mark, x.s.ramp, x.s.cash, x.s.mode) = (PRICE, 1e18, cash, Mode.Normal);
        if (size < 0) (x.s.sizeShort, x.s.basisShort) = (uint256(-size), basis);
        else (x.s.sizeLong, x.s.basisLong) = (uint256(size), basis);
    }

    function _config() private pure returns (Config memory c) {
        (c.minNotional, c.buffer, c.bracketCount, c.unit) = (100e18, 0.1e18, 3, UNIT);
        (c.skewScale, c.maxImpact, c.takerFee) = (1e24, 0.002e18, 0.0006e18);
        (c.keeperRate, c.insuranceRate, c.deepRatio) = (0.0005e18, 0.001e18, 0.5e18);
        (c.rewardFloor, c.rewardCap) = (5e18, 1000e18);
        uint256[32] memory t = c.table;
        (t[0], t[1]) = (1e24, (uint256(0.02e18) << 128) | 0.01e18);
        (t[4], t[5]) = (5e24, (uint256(0.05e18) << 128) | 0.025e18);
        (t[6], t[7]) = (0.03e18 * 1e24, 0.015e18 * 1e24);
        (t[8], t[9]) = (type(uint128).max, (uint256(0.1e18) << 128) | 0.05e18);
        (t[10], t[11]) = (t[6] + 0.05e18 * 5e24, t[7] + 0.025e18 * 5e24);
    }
}
