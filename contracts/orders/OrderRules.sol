// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMarket} from "@interfaces/IMarket.sol";
import {IOrderBook, Order, OrderKind, OrderReason, OrderState, OrderStatus} from "@interfaces/IOrderBook.sol";
import {Reason} from "@interfaces/Types.sol";

/// @dev What the rules say of an order. `actual` and `limit` are said at each member of OrderReason.
struct Answer {
    OrderReason reason;
    int256 actual;
    int256 limit;
    int256 size; // it would trade (Wad); 0 where it can't be told
    uint256 start; // of its delay (unix seconds)
    bool flat; // its position
}

/// @title What an order is, and when it is due
/// @notice Pure: identity, shape, triggers, packing.
library OrderRules {
    bytes32 internal constant ORDER_TYPEHASH = keccak256(
        "Order(address owner,uint256 positionId,uint256 epoch,uint256 phase,uint8 kind,bool reduceOnly,"
        "int256 size,uint256 triggerPrice,uint256 trail,uint256 priceLimit,uint256 margin,uint256 keeperFee,"
        "uint256 expiry,bytes32 parent,bytes32 group,uint256 salt)"
    );
    bytes32 internal constant CANCEL_TYPEHASH = keccak256("Cancel(bytes32 orderHash)");

    int256 private constant SIZE_MAX = int256(uint256(type(uint112).max)); // Wad; the most that a side holds
    uint256 private constant MARK_MAX = type(uint96).max; // Wad; the highest mark a market takes
    uint256 private constant WAD = 1e18;

    // ---- identity

    /// @dev The EIP-712 struct hash: all members are single words, which is how ABI encoding lays them out.
    function hash(Order calldata order) internal pure returns (bytes32) {
        return keccak256(abi.encode(ORDER_TYPEHASH, order));
    }

    /// @dev status 8 | changedAt 40 | positionId 32 | best 96
    function unpack(uint256 w) internal pure returns (OrderState memory) {
        return OrderState(OrderStatus(uint8(w)), uint40(w >> 8), uint32(w >> 48), w >> 80);
    }

    /// @dev Times are below 2^40 until the year 36,812, ids below 2^32 and marks below 2^96 at every market.
    function pack(OrderState memory s) internal pure returns (uint256) {
        return uint256(s.status) | s.changedAt << 8 | s.positionId << 48 | s.best << 80;
    }

    // ---- shape

    /// @dev Refuses what makes no sense at all.
    function checkShape(Order calldata order, uint256 now_) internal pure {
        int256 size = order.size;
        if (size == 0 || size > SIZE_MAX || size < -SIZE_MAX) {
            revert IOrderBook.OrderRefused(OrderReason.BadSize, size, SIZE_MAX);
        }
        if (order.kind == OrderKind.TrailingStop && !order.reduceOnly) {
            refuse(OrderReason.NotReduceOnly, uint256(order.kind), uint256(OrderKind.Stop));
        }
        _checkTrigger(order);
        uint256 most = order.reduceOnly ? 0 : type(uint128).max;
        if (order.margin > most) refuse(OrderReason.BadMargin, order.margin, most);
        most = type(uint128).max;
        if (order.keeperFee > most) refuse(OrderReason.BadFee, order.keeperFee, most);
        if (order.expiry <= now_) refuse(OrderReason.BadExpiry, order.expiry, now_ + 1);
        most = type(uint40).max;
        if (order.expiry > most) refuse(OrderReason.BadExpiry, order.expiry, most);
    }

    function _checkTrigger(Order calldata order) private pure {
        uint256 price = order.triggerPrice;
        bool trailing = order.kind == OrderKind.TrailingStop;
        if (order.kind == OrderKind.Market) {
            if (price != 0) refuse(OrderReason.BadTrigger, price, 0);
        } else if (price == 0 && !trailing) {
            refuse(OrderReason.BadTrigger, 0, 1);
        } else if (price > MARK_MAX) {
            refuse(OrderReason.BadTrigger, price, MARK_MAX);
        }
        uint256 trail = order.trail;
        if (!trailing && trail != 0) refuse(OrderReason.BadTrigger, trail, 0);
        if (trailing && trail == 0) refuse(OrderReason.BadTrigger, 0, 1);
        if (trailing && trail >= WAD) refuse(OrderReason.BadTrigger, trail, WAD - 1);
    }

    // ---- what it would trade

    /// @dev The size it would trade of a position of size `held`: all of it, or what is left to reduce.
    function trades(Order calldata order, int256 held, Answer memory x) internal pure {
        int256 size = order.size;
        bool same = (size > 0) == (held > 0);
        if (held == 0 ? order.reduceOnly : same == order.reduceOnly) {
            if (held == 0) return no(x, OrderReason.NothingToReduce, 0, 1);
            (x.reason, x.actual, x.limit) = (OrderReason.WrongDirection, size, held);
            return;
        }
        if (order.reduceOnly && (size > 0 ? size > -held : size < -held)) size = -held;
        x.size = size;
    }

    // ---- when

    /// @dev A mark counts if it was published later than `delay` after the start, and no more than `window`
    ///      ago.
    function timely(
        Answer memory x,
        uint256 publishedAt,
        uint256 delay,
        uint256 window,
        uint256 now_
    )
        internal
        pure
    {
        uint256 first = x.start + delay + 1;
        if (publishedAt < first) return no(x, OrderReason.TooEarly, publishedAt, first);
        if (now_ > publishedAt + window) no(x, OrderReason.MarkTooOld, now_, publishedAt + window);
    }

    /// @dev Whether a mark reaches the order's trigger.
    function reached(Order calldata order, uint256 best, uint256 mark, Answer memory x) internal pure {
        OrderKind kind = order.kind;
        if (kind == OrderKind.Market) return;
        uint256 trigger = order.triggerPrice;
        if (kind == OrderKind.TrailingStop) {
            if (best == 0 && trigger == 0) return no(x, OrderReason.NoTrigger, 0, 1);
            trigger = stopLevel(order, best);
        }
        // a buy's limit and a sale's stop lie at or above the mark, the other two at or below
        bool above = (order.size > 0) == (kind == OrderKind.Limit);
        if (above ? mark > trigger : mark < trigger) no(x, OrderReason.TriggerNotReached, mark, trigger);
    }

    /// @dev Where a trailing stop stands (Wad). For a sale max(triggerPrice, best x (1 - trail) down),
    ///      for a buy the lower of triggerPrice and best x (1 + trail) up: by less than 1e-18 later
    ///      rather than sooner.
    function stopLevel(Order calldata order, uint256 best) internal pure returns (uint256 level) {
        level = order.triggerPrice;
        if (best == 0) return level;
        if (order.size < 0) {
            uint256 followed = best * (WAD - order.trail) / WAD;
            return followed > level ? followed : level;
        }
        uint256 above = (best * (WAD + order.trail) + WAD - 1) / WAD;
        return level == 0 || above < level ? above : level;
    }

    /// @dev Whether a mark is better than the best one so far: higher for a sale, lower for a buy.
    function advances(Order calldata order, uint256 best, uint256 mark) internal pure returns (bool) {
        return best == 0 || (order.size < 0 ? mark > best : mark < best);
    }

    // ---- refusing

    /// @dev Whether a market's revert names what the order's owner can change at any time: the margin, what
    ///      a part leaves of the position, the delegation.
    function isOwners(bytes memory answer) internal pure returns (bool) {
        if (answer.length < 68) return false;
        bytes4 selector = bytes4(answer);
        if (selector == IMarket.NotAuthorised.selector) return true;
        if (selector != IMarket.Refused.selector) return false;
        uint256 reason;
        assembly ("memory-safe") {
            reason := mload(add(answer, 36))
        }
        return reason == uint256(Reason.MarginTooLow) || reason == uint256(Reason.EquityTooLow)
            || reason == uint256(Reason.NotionalTooSmall);
    }

    /// @dev Notes why not.
    function no(Answer memory x, OrderReason reason, uint256 actual, uint256 limit) internal pure {
        (x.reason, x.actual, x.limit) = (reason, _saturated(actual), _saturated(limit));
    }

    function refuse(OrderReason reason, uint256 actual, uint256 limit) internal pure {
        revert IOrderBook.OrderRefused(reason, _saturated(actual), _saturated(limit));
    }

    function demand(Answer memory x) internal pure {
        if (x.reason != OrderReason.None) revert IOrderBook.OrderRefused(x.reason, x.actual, x.limit);
    }

    function _saturated(uint256 value) private pure returns (int256) {
        uint256 top = uint256(type(int256).max);
        return int256(value < top ? value : top);
    }
}
