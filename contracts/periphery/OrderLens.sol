// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOrderBook, Order, OrderReason} from "@interfaces/IOrderBook.sol";
import {IOrderLens, OrderPreview} from "@interfaces/IOrderLens.sol";
import {PositionView} from "@interfaces/IMarketLens.sol";
import {StateStore} from "../libraries/StateStore.sol";
import {LensContext, Plan} from "./LensContext.sol";
import {TradePreview} from "./TradePreview.sol";

/// @title OrderLens
/// @notice See IOrderLens.
/// @custom:halt Nothing to halt: views.
contract OrderLens is IOrderLens {
    using TradePreview for Plan;

    /// @inheritdoc IOrderLens
    function previewOrder(address book, Order calldata order) external view returns (OrderPreview memory r) {
        Plan memory plan = LensContext.load(IOrderBook(book).MARKET());
        // no mark was published at 0: what is refused for another reason than time is so at any mark
        _check(r, book, order, 0, 0);
        if (r.reason != OrderReason.TooEarly) return r;
        uint256 id = IOrderBook(book).orderState(IOrderBook(book).hashOf(order)).positionId;
        _trade(plan, r, book, order, id);
        if (!r.trade.allowed) {
            (r.reason, r.actual, r.limit) = (OrderReason.None, 0, 0);
            return r;
        }
        _check(r, book, order, plan.x.s.mark, plan.x.s.publishedAt);
        r.executes = r.reason == OrderReason.None;
        _unlock(plan, r.trade.position, book, order.margin);
    }

    function _check(
        OrderPreview memory r,
        address book,
        Order calldata order,
        uint256 mark,
        uint256 publishedAt
    )
        private
        view
    {
        (r.reason, r.actual, r.limit, r.size) = IOrderBook(book).check(order, mark, publishedAt);
    }

    /// @dev As the book trades: what reduces, what opens, what adds.
    function _trade(
        Plan memory plan,
        OrderPreview memory r,
        address book,
        Order calldata order,
        uint256 id
    )
        private
        view
    {
        (uint256 limit, uint256 deadline) = (order.priceLimit, order.expiry);
        bool flat = plan.market.position(id).size == 0;
        if (order.reduceOnly) r.trade = plan.decrease(id, book, r.size, limit, deadline);
        else if (flat) r.trade = plan.open(id, book, r.size, 0, limit, deadline);
        else r.trade = plan.increase(id, book, r.size, limit, deadline);
    }

    /// @dev The order's margin is free once it is filled.
    function _unlock(Plan memory plan, PositionView memory w, address book, uint256 margin) private view {
        if (margin == 0) return;
        uint256 locked = plan.market.lockOf(w.id, book);
        w.locks -= locked < margin ? locked : margin;
        if (w.locks == 0) w.flags &= ~StateStore.FLAG_LOCKS;
    }
}
