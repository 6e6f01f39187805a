// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title A position owner that answers margin calls
interface IMarginCallee {
    /// @notice The position is liquidatable at the accepted mark. Transfer at least `shortfall` tokens to
    /// its vault to heal it.
    ///         Every action on this id but addMargin reverts during the call; failure and return data are
    ///         ignored.
    /// @param id the position @param shortfall token units that restore the target margin and pay the
    /// caller's reward
    function onMarginCall(uint256 id, uint256 shortfall) external;
}
