// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Preview} from "./IPreviewLens.sol";

/// @title What a liquidation or a deleveraging would do
/// @notice As IPreviewLens, apart from it because of the limit on code size.
/// @custom:halt Nothing to halt: views.
interface ILiquidationLens {
    /// @notice What `liquidate` would do now, and what it would pay the keeper.
    /// @dev A margin call is not foreseen: this is the liquidation that follows an unheeded one. Neither is a
    /// token that refuses, nor the check of the reward's receiver.
    function previewLiquidate(address market, uint256 id) external view returns (Preview memory);

    /// @notice What `deleverage` would do now.
    /// @dev A token that refuses is not foreseen.
    function previewDeleverage(address market, uint256 id) external view returns (Preview memory);
}
