// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Order, OrderReason} from "./IOrderBook.sol";
import {Preview} from "./IPreviewLens.sol";

/// @notice What executing an order would do in this block, or why it would not be done.
struct OrderPreview {
    bool executes;
    OrderReason reason; // the book's, None where the book would let it pass
    int256 actual; // as said at the reason
    int256 limit;
    int256 size; // that would be traded (Wad); 0 where it can't be told
    Preview trade; // the market's part. Empty where the book looks no further; refused: the market's reason
}

/// @title What an order would do
/// @notice Stateless, for any order book of this project. The book's and the market's own checks in the
/// order of `execute`, on the mark that the market would use in this block: whoever brings a newer price
/// first, or waits for one, sees another answer. A refusal is a result, not a revert.
///         An order that `execute` would refuse has either `reason`, or `trade.allowed` is false and `trade`
/// says why; the market is asked before time and trigger are judged, so a trade that it allows may still
/// have `reason` TooEarly, MarkTooOld, NoTrigger or TriggerNotReached.
///         Reverts with `Locked` while the market is in the middle of an action or of a margin call.
/// @dev Token transfers are not foreseen: where the token refuses, `execute` ends otherwise.
/// @custom:halt Nothing to halt: views.
interface IOrderLens {
    function previewOrder(address book, Order calldata order) external view returns (OrderPreview memory);
}
