// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {PositionView} from "./IMarketLens.sol";
import {LiquidationResult, Reason} from "./Types.sol";

/// @notice What an action would do, or why it would not be done.
struct Preview {
    bool allowed;
    Reason reason; // with actual and limit, as `Refused` would say it
    int256 actual;
    int256 limit;
    bytes failure; // revert data of any other error the action would meet before its rules
    LiquidationResult result; // of ILiquidationLens.previewLiquidate, else Unknown
    uint256 mark; // price it is valued at (Wad)
    uint256 fill; // price it trades at (Wad); 0 where nothing trades
    uint256 fee; // token units; a liquidation's costs without the reward
    int256 fundingPaid; // by the trader (token units)
    int256 toPool; // tokens from payer and vault to the pool, netted (token units)
    uint256 ticket; // what the pool would owe by ticket (token units)
    uint256 deficit; // bad debt (token units)
    uint256 reward; // the keeper's (token units)
    uint256 closedSize; // abs (Wad)
    PositionView position; // after; where refused, as far as it was planned
}

/// @title What an action would do
/// @notice Stateless, for any market of this project. The market's own checks and stages, in the action's
/// order, on the mark it would use in this block. A refusal is a result, not a revert.
///         All revert with `Locked` while the market is in the middle of an action or of a margin call, but
/// for `previewRemoveMargin` in a margin call: all is written then, and the owner may need to know.
/// @dev Token transfers are not foreseen: an action whose token refuses, or whose payer has too little,
/// ends otherwise.
/// @custom:halt Nothing to halt: views.
interface IPreviewLens {
    // ---- previews: `caller` is who would act. Where all trades are delayed that is the order book alone:
    // name it to see what an order would do now, before the book's own rules

    /// @param id a flat position, or 0 for a new one of the caller's
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
        returns (Preview memory);

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
        returns (Preview memory);

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
        returns (Preview memory);

    function previewClose(
        address market,
        uint256 id,
        address caller,
        uint256 priceLimit,
        uint256 deadline
    )
        external
        view
        returns (Preview memory);

    /// @dev The receiver is not checked. In a margin call the id that is called is refused with `Locked`.
    function previewRemoveMargin(
        address market,
        uint256 id,
        address caller,
        uint256 amount
    )
        external
        view
        returns (Preview memory);

    function previewSettle(address market, uint256 id) external view returns (Preview memory);
}
