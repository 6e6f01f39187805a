// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMarket} from "@interfaces/IMarket.sol";
import {IPreviewLens, Preview} from "@interfaces/IPreviewLens.sol";
import {Mode, Reason} from "@interfaces/Types.sol";
import {Engine, Need} from "../libraries/Engine.sol";
import {Context, Ledger} from "../libraries/Ledger.sol";
import {PositionMath} from "../libraries/PositionMath.sol";
import {StateStore} from "../libraries/StateStore.sol";
import {Trade, Verdict} from "../libraries/Trade.sol";
import {LensContext, Plan} from "./LensContext.sol";

/// @title PreviewLens
/// @notice See IPreviewLens. Each runs the checks and stages of its action in the action's order.
/// @custom:halt Nothing to halt: views.
contract PreviewLens is IPreviewLens {
    using LensContext for Plan;
    using Ledger for Context;

    function previewOpen(
        address market,
        uint256 id,
        address caller,
        int256 size,
        uint256 margin,
        uint256 priceLimit,
        uint256 deadline
    )
        external
        view
        returns (Preview memory)
    {
        Plan memory plan = LensContext.load(market);
        Context memory x = plan.x;
        _checkDeadline(plan, deadline);
        if (id == 0) {
            plan.loadPosition(x.s.nextId++);
            x.p.owner = caller;
            _checkTrader(plan, caller);
        } else {
            _enter(plan, id, caller);
        }
        if (!plan.stopped()) {
            if (size == 0) plan.verdict = Verdict(Reason.ZeroAmount, 0, 1);
            else if (x.p.size != 0) plan.verdict = Verdict(Reason.NotFlat, x.p.size, 0);
        }
        _checkSize(plan, size);
        _price(plan, true);
        if (!plan.stopped() && Trade.tooMuch(x, margin)) plan.verdict = Trade.tooMuchVerdict(x, margin);
        if (!plan.stopped()) {
            x.v += margin;
            plan.verdict = Trade.grow(x, size, priceLimit);
            x.p.flags |= StateStore.FLAG_VAULT;
        }
        return plan.result(0);
    }

    function previewIncrease(
        address market,
        uint256 id,
        address caller,
        int256 delta,
        uint256 priceLimit,
        uint256 deadline
    )
        external
        view
        returns (Preview memory)
    {
        Plan memory plan = LensContext.load(market);
        _checkDeadline(plan, deadline);
        _enter(plan, id, caller);
        _checkDelta(plan, delta, true);
        _checkSize(plan, delta);
        if (!plan.stopped()) _checkSize(plan, plan.x.p.size + delta);
        _price(plan, true);
        if (!plan.stopped()) plan.verdict = Trade.grow(plan.x, delta, priceLimit);
        return plan.result(0);
    }

    function previewDecrease(
        address market,
        uint256 id,
        address caller,
        int256 delta,
        uint256 priceLimit,
        uint256 deadline
    )
        external
        view
        returns (Preview memory)
    {
        Plan memory plan = LensContext.load(market);
        _checkDeadline(plan, deadline);
        _enter(plan, id, caller);
        _checkDelta(plan, delta, false);
        _price(plan, false);
        uint256 closed;
        if (!plan.stopped()) {
            bool whole = delta == -plan.x.p.size;
            plan.verdict = whole ? Trade.close(plan.x, priceLimit) : Trade.shrink(plan.x, delta, priceLimit);
            closed = PositionMath.abs(delta);
        }
        return plan.result(closed);
    }

    function previewClose(
        address market,
        uint256 id,
        address caller,
        uint256 priceLimit,
        uint256 deadline
    )
        external
        view
        returns (Preview memory)
    {
        Plan memory plan = LensContext.load(market);
        _checkDeadline(plan, deadline);
        _enter(plan, id, caller);
        plan.checkNotFlat();
        _price(plan, false);
        uint256 closed;
        if (!plan.stopped()) {
            closed = PositionMath.abs(plan.x.p.size);
            plan.verdict = Trade.close(plan.x, priceLimit);
        }
        return plan.result(closed);
    }

    function previewRemoveMargin(
        address market,
        uint256 id,
        address caller,
        uint256 amount
    )
        external
        view
        returns (Preview memory)
    {
        (Plan memory plan, uint256 called) = LensContext.loadCalled(market);
        Context memory x = plan.x;
        if (called != 0 && called == id) plan.failure = abi.encodeWithSelector(IMarket.Locked.selector);
        plan.known(id);
        if (!plan.stopped() && x.p.owner != caller) {
            plan.failure = abi.encodeWithSelector(IMarket.NotAuthorised.selector, id, caller);
        }
        if (!plan.stopped() && amount == 0) plan.verdict = Verdict(Reason.ZeroAmount, 0, 1);
        bool flat = x.p.size == 0;
        if (!flat) _price(plan, true, called == 0 ? Need.Must : Need.Called);
        if (!plan.stopped()) {
            x.touch();
            uint256 locks = plan.locksOf();
            uint256 free = x.v > locks ? x.v - locks : 0;
            if (amount > free) {
                uint256 top = uint256(type(int256).max);
                int256 asked = int256(amount < top ? amount : top);
                plan.verdict = Verdict(Reason.AmountTooLarge, asked, int256(free));
            } else {
                x.v -= amount;
                if (!flat) plan.verdict = Trade.removalCheck(x, locks);
                x.p.flags |= StateStore.FLAG_VAULT;
            }
        }
        return plan.result(0);
    }

    function previewSettle(address market, uint256 id) external view returns (Preview memory) {
        Plan memory plan = LensContext.load(market);
        Context memory x = plan.x;
        plan.known(id);
        if (!plan.stopped()) plan.accept(Need.Try);
        if (!plan.stopped()) {
            x.touch();
            if (x.p.size != 0 && x.owedTotal != x.paidTotal && x.s.acceptedAt == block.timestamp) {
                int256 claim = PositionMath.claim(x.p.size, x.p.basis, x.s.mark, x.s.fundingIndex);
                x.collect(claim);
            }
        }
        return plan.result(0);
    }

    // ---- checks, each only while nothing has stopped the plan

    function _enter(Plan memory plan, uint256 id, address caller) private view {
        plan.known(id);
        if (plan.stopped()) return;
        if (plan.market.isAuthorised(id, caller)) return _checkTrader(plan, caller);
        plan.failure = abi.encodeWithSelector(IMarket.NotAuthorised.selector, id, caller);
    }

    function _checkTrader(Plan memory plan, address caller) private pure {
        if (plan.stopped() || Trade.allows(plan.x, caller)) return;
        plan.verdict = Trade.ordersOnly(plan.x, caller);
    }

    function _checkDeadline(Plan memory plan, uint256 deadline) private view {
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
    function _price(Plan memory plan, bool addsRisk) private view {
        _price(plan, addsRisk, Need.Must);
    }

    /// @dev As above, with the need of a mark said.
    function _price(Plan memory plan, bool addsRisk, Need need) private view {
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
