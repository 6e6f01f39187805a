// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMarket} from "@interfaces/IMarket.sol";
import {IPreviewLens, Preview} from "@interfaces/IPreviewLens.sol";
import {Reason} from "@interfaces/Types.sol";
import {Need} from "../libraries/Engine.sol";
import {Context, Ledger} from "../libraries/Ledger.sol";
import {PositionMath} from "../libraries/PositionMath.sol";
import {StateStore} from "../libraries/StateStore.sol";
import {Trade, Verdict} from "../libraries/Trade.sol";
import {LensContext, Plan} from "./LensContext.sol";
import {TradePreview} from "./TradePreview.sol";

/// @title PreviewLens
/// @notice See IPreviewLens. Each runs the checks and stages of its action in the action's order.
/// @custom:halt Nothing to halt: views.
contract PreviewLens is IPreviewLens {
    using LensContext for Plan;
    using TradePreview for Plan;
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
        return LensContext.load(market).open(id, caller, size, margin, priceLimit, deadline);
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
        return LensContext.load(market).increase(id, caller, delta, priceLimit, deadline);
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
        return LensContext.load(market).decrease(id, caller, delta, priceLimit, deadline);
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
        plan.checkDeadline(deadline);
        plan.enter(id, caller);
        plan.checkNotFlat();
        plan.price(false);
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
        if (!flat) plan.price(true, called == 0 ? Need.Must : Need.Called);
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
        if (!plan.stopped()) _settle(x);
        return plan.result(0);
    }

    function _settle(Context memory x) private view {
        if (x.p.size == 0 && x.p.basis > int256(x.v * x.c.unit)) {
            // A flat debt whose backing was destroyed: what lies there goes to the LPs, the rest, rounded
            // up for them, is bad debt.
            uint256 lost = (uint256(x.p.basis) + x.c.unit - 1) / x.c.unit - x.v;
            x.move(0, int256(x.v * x.c.unit));
            x.touch();
            x.deficit = lost;
            return;
        }
        x.touch();
        if (x.p.size != 0 && x.owedTotal != x.paidTotal && x.s.acceptedAt == block.timestamp) {
            x.collect(PositionMath.claim(x.p.size, x.p.basis, x.s.mark, x.s.fundingIndex));
        }
    }
}
