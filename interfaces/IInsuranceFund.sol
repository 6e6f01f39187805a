// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Insurance fund of one market
/// @notice Holds tokens that pay bad debt before the pool bears it. Its balance is what it has; anyone adds
/// to it by a transfer; nobody takes out.
/// @custom:halt Nothing to halt: it only pays its market's pool, when its market asks.
interface IInsuranceFund {
    /// @notice The caller is not the market.
    error NotMarket(address caller);

    /// @notice Bad debt was paid. Token units.
    event BadDebtCovered(uint256 asked, uint256 paid);

    /// @notice Pays min(amount, balance) to the pool; 0 if the token refuses. Only the market.
    /// @param amount token units
    /// @return paid token units that arrived
    function cover(uint256 amount) external returns (uint256 paid);

    function MARKET() external view returns (address);
    function TOKEN() external view returns (address);
    function POOL() external view returns (address);
}
