// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMarket} from "@interfaces/IMarket.sol";
import {Preview} from "@interfaces/IPreviewLens.sol";
import {Mode, Reason} from "@interfaces/Types.sol";
import {Engine, Need} from "../libraries/Engine.sol";
import {Context, Ledger} from "../libraries/Ledger.sol";
import {PositionMath} from "../libraries/PositionMath.sol";
import {StateStore} from "../libraries/StateStore.sol";
import {Trade, Verdict} from "../libraries/Trade.sol";
import {LensContext, Plan} from "./LensContext.sol";

/// @title What a trade would do
/// @notice The market's trades on a plan: the checks and stages of each in its order.
library TradePreview {
    using LensContext for Plan;
    using Ledger for Context;

    function open(
        Plan memory plan,
        uint256 id,
        address caller,
        int256 size,
        uint256 margin,
        uint256 priceLimit,
        uint256 deadline
    )
        internal
        view
        returns (Preview memory)
    {
        Context memory x = plan.x;
        checkDeadline(plan, deadline);
        if (id == 0) {
            plan.loadPosition(x.s.nextId++);
            x.p.owner = caller;
            _checkTrader(plan, caller);
        } else {
            enter(plan, id, caller);
        }
        if (!plan.stopped()) {
            if (size == 0) plan.verdict = Verdict(Reason.ZeroAmount, 0, 1);
            else if (x.p.size != 0) plan.verdict = Verdict(Reason.NotFlat, x.p.size, 0);
        }
        _checkSize(plan, size);
        price(plan, true);
        if (!plan.stopped() && Trade.tooMuch(x, margin)) plan.verdict = Trade.tooMuchVerdict(x, margin);
        if (!plan.stopped()) {
            x.v += margin;
            plan.verdict = Trade.grow(x, size, priceLimit);
            x.p.flags |= StateStore.FLAG_VAULT;
        }
        return plan.result(0);
    }

    function increase(
        Plan memory plan,
        uint256 id,
        address caller,
        int256 delta,
        uint256 priceLimit,
        uint256 deadline
    )
        internal
        view
        returns (Preview memory)
    {
        checkDeadline(plan, deadline);
        enter(plan, id, caller);
        _checkDelta(plan, delta, true);
        _checkSize(plan, delta);
        if (!plan.stopped()) _checkSize(plan, plan.x.p.size + delta);
        price(plan, true);
        if (!plan.stopped()) plan.verdict = Trade.grow(plan.x, delta, priceLimit);
        return plan.result(0);
    }

    function decrease(
        Plan memory plan,
        uint256 id,
        address caller,
        int256 delta,
        uint256 priceLimit,
        uint256 deadline
    )
        internal
        view
        returns (Preview memory)
    {
        checkDeadline(plan, deadline);
        enter(plan, id, caller);
        _checkDelta(plan, delta, false);
        price(plan, false);
        uint256 closed;
        if (!plan.stopped()) {
            bool whole = delta == -plan.x.p.size;
            plan.verdict = whole ? Trade.close(plan.x, priceLimit) : Trade.shrink(plan.x, delta, priceLimit);
            closed = PositionMath.abs(delta);
        }
        return plan.result(closed);
    }

    // ---- checks, each only while nothing has stopped the plan

    function enter(Plan memory plan, uint256 id, address caller) internal view {
        plan.known(id);
        if (plan.stopped()) return;
        if (plan.market.isAuthorised(id, caller)) return _checkTrader(plan, caller);
        plan.failure = abi.encodeWithSelector(IMarket.NotAuthorised.selector, id, caller);
    }

    function _checkTrader(Plan memory plan, address caller) private pure {
        if (plan.stopped() || Trade.allows(plan.x, caller)) return;
        plan.verdict = Trade.ordersOnly(plan.x, caller);
    }

    function checkDeadline(Plan memory plan, uint256 deadline) internal view {
        if (block.timestamp <= deadline) return;
        plan.verdict = Verdict(Reason.DeadlinePassed, int256(block.timestamp), int256(deadline));
    }

    function _checkDelta(Plan memory plan, int256 delta, bool adds) private pure {
        if (plan.stopped()) return;
        int256 size = plan.x.p.size;
        if (delta == 0) {
            plan.verdict = Verdict(Reason.ZeroAmount, 0, 1);
        } else if (size == 0) {
            plan.verdict = Verdict(Reason.IsFlat, 0, 1);
        } else if (((delta > 0) == (size > 0)) != adds) {
            plan.verdict = Verdict(Reason.WrongDirection, delta, size);
        } else if (!adds && (size > 0 ? delta < -size : delta > -size)) {
            plan.verdict = Verdict(Reason.WouldFlip, delta, size);
        }
    }

    function _checkSize(Plan memory plan, int256 size) private pure {
        if (plan.stopped() || (size <= type(int128).max && size >= -type(int128).max)) return;
        plan.verdict = Verdict(Reason.SizeTooLarge, size, type(int128).max);
    }

    /// @dev A mark of this block; for what adds risk also mode Normal and no grace.
    function price(Plan memory plan, bool addsRisk) internal view {
        price(plan, addsRisk, Need.Must);
    }

    /// @dev As above, with the need of a mark said.
    function price(Plan memory plan, bool addsRisk, Need need) internal view {
        if (plan.stopped()) return;
        Mode mode = plan.x.s.mode;
        if (addsRisk && mode != Mode.Normal) {
            plan.verdict = Verdict(Reason.ModeForbids, int256(uint256(mode)), 0);
            return;
        }
        plan.accept(need);
        if (!plan.stopped() && addsRisk && Engine.inGrace(plan.x)) plan.verdict = LensContext.grace(plan.x);
    }
}
