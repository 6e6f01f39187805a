// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Config} from "@interfaces/Types.sol";
import {Context, Ledger} from "./Ledger.sol";
import {Liquidation, LiquidationTerms} from "./Liquidation.sol";
import {PositionMath} from "./PositionMath.sol";
import {Trade} from "./Trade.sol";
import {WadMath} from "./WadMath.sol";

/// @title What a liquidation does, once it is decided how much
/// @notice Pure plans over a Context, at the favourable price of its terms.
/// @dev Unchecked; ranges as in WadMath and Ledger: a cost rate is below 2^66 and a notional below 2^150, so
///      what is owed and charged stays below 2^168, and 2^228 in Wad. What moved is at most what was asked.
library LiquidationPlan {
    using Ledger for Context;

    /// @dev Closes `closed` of the position. `rewarded` false: the keeper's token payment was refused, it
    /// gets nothing.
    function apply_(
        Context memory x,
        LiquidationTerms memory t,
        uint256 closed,
        bool rewarded
    )
        internal
        pure
    {
        x.touch();
        x.fill = t.price;
        if (closed == PositionMath.abs(x.p.size)) _full(x, t, rewarded);
        else _partial(x, t, closed, rewarded);
    }

    /// @dev As `apply_`, for a vault that can't pay or be paid: nothing moves.
    function applyFrozen(Context memory x, LiquidationTerms memory t, uint256 closed) internal pure {
        x.fill = t.price;
        x.p.fundingEntry = x.s.fundingIndex; // what is owed since then stays in basis
        bool whole = closed == PositionMath.abs(x.p.size);
        if (whole) {
            (uint256 poolCost, uint256 insuranceCost) = _fullCosts(x, t);
            x.fee = poolCost + insuranceCost;
        } else {
            x.fee = t.closedCosts;
        }
        _reduce(x, t.price, closed);
        if (whole) Trade.leaveDebt(x, x.fee);
        else x.debit(x.fee);
    }

    /// @dev The closed share of a profit first, then keeper, pool, insurance, then the closed share of a
    /// loss.
    function _partial(
        Context memory x,
        LiquidationTerms memory t,
        uint256 closed,
        bool rewarded
    )
        private
        pure
    {
        unchecked {
            uint256 whole = PositionMath.abs(x.p.size);
            uint256 insuranceCost = _partialInsurance(x, t);
            x.fee = t.closedCosts;
            uint256 reward = rewarded ? t.closedReward : 0;
            _reduce(x, t.price, closed);
            int256 share = Trade.settleShare(x, t.price, closed, whole, reward + x.fee);
            _payKeeper(x, reward);
            uint256 paid = x.toPool(x.fee - insuranceCost);
            paid += x.payInsurance(insuranceCost);
            x.debit(x.fee - paid);
            Trade.collectShare(x, share);
        }
    }

    /// @dev Profit, keeper, the pool's claim, then costs to pool and insurance. What is left stays in the
    /// vault.
    function _full(Context memory x, LiquidationTerms memory t, bool rewarded) private pure {
        unchecked {
            uint256 unit = x.c.unit;
            (uint256 poolCost, uint256 insuranceCost) = _fullCosts(x, t);
            x.fee = poolCost + insuranceCost;
            uint256 reward = rewarded ? WadMath.toTokensDown(_fullReward(x, t), unit) : 0;
            _reduce(x, t.price, PositionMath.abs(x.p.size));
            int256 claim = -x.p.basis;
            if (claim > 0) {
                x.due = WadMath.toTokensDown(uint256(claim), unit);
                x.due -= x.fromPool(x.due);
            }
            _payKeeper(x, reward);
            if (claim < 0) {
                uint256 owed = WadMath.toTokensUp(uint256(-claim), unit);
                x.deficit = owed - x.toPool(owed);
            }
            uint256 missing = poolCost - x.toPool(poolCost);
            missing += insuranceCost - x.payInsurance(insuranceCost);
            x.due -= missing < x.due ? missing : x.due;
            x.move(0, 0);
        }
    }

    /// @dev The closed part trades at the liquidation's own price: the claim of the whole does not change.
    function _reduce(Context memory x, uint256 price, uint256 closed) private pure {
        unchecked {
            int256 delta = x.p.size > 0 ? -int256(closed) : int256(closed);
            int256 change = WadMath.smulCeil(delta, int256(price) - x.s.fundingIndex);
            x.move(x.p.size + delta, x.p.basis + change);
        }
    }

    function _payKeeper(Context memory x, uint256 reward) private pure {
        unchecked {
            if (reward > x.v) reward = x.v;
            x.v -= reward;
            x.payout = reward;
        }
    }

    /// @dev min(reward(N), max(rewardFloor, equity - c N)): a position that has nothing left pays no more
    /// than the floor.
    function _fullReward(Context memory x, LiquidationTerms memory t) private pure returns (uint256 reward) {
        unchecked {
            Config memory c = x.c;
            reward = Liquidation.reward(c, t.notional);
            int256 left = t.equity - int256(WadMath.mulWadUp(t.costRate, t.notional));
            uint256 bound = left > int256(c.rewardFloor) ? uint256(left) : c.rewardFloor;
            if (reward > bound) reward = bound;
        }
    }

    /// @dev The insurance's part of a partial liquidation's costs, rounded down; the pool's is the rest.
    ///      Token units.
    function _partialInsurance(Context memory x, LiquidationTerms memory t) private pure returns (uint256) {
        return WadMath.toTokensDown(WadMath.mulWadDown(x.c.insuranceRate, t.closedNotional), x.c.unit);
    }

    /// @dev The pool's cost rounded up, the insurance's down. Token units.
    function _fullCosts(
        Context memory x,
        LiquidationTerms memory t
    )
        private
        pure
        returns (uint256 pool, uint256 insurance)
    {
        unchecked {
            uint256 unit = x.c.unit;
            pool = WadMath.toTokensUp(WadMath.mulWadUp(t.costRate, t.notional), unit);
            insurance = WadMath.toTokensDown(WadMath.mulWadDown(x.c.insuranceRate, t.notional), unit);
        }
    }
}
