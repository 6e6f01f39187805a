// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title The escrow of one position
/// @notice A minimal clone whose token balance is the position's margin. Only its market may call it,
/// through typed exits.
///         A refused token transfer is reported, not reverted, so that no token can block a liquidation.
/// @custom:halt Nothing to halt: it moves nothing unless its market says so.
interface IPositionVault {
    /// @notice The caller is not the market.
    error NotMarket(address caller);
    /// @notice The reward asked is above the immutable maximum (token units).
    error RewardTooLarge(uint256 amount, uint256 maximum);
    /// @notice The collateral token can't be swept.
    error CollateralToken(address token);

    /// @notice Pays the market's pool. @param amount token units @return ok false if the token refused
    function payPool(uint256 amount) external returns (bool ok);
    /// @notice Pays a keeper, at most MAX_REWARD. @param to receiver @param amount token units @return ok
    /// false if the token refused
    function payReward(address to, uint256 amount) external returns (bool ok);
    /// @notice Pays out margin. @param to the market's word @param amount token units @return ok false if
    /// the token refused
    function payOwner(address to, uint256 amount) external returns (bool ok);
    /// @notice Pays a keeper, at most MAX_REWARD, then the market's pool, which gets nothing where the token
    ///         refused the keeper.
    /// @param to the keeper @param reward token units @param proceeds for the pool (token units, may be 0)
    /// @return rewarded false if the token refused the reward @return collected false if the pool's part is
    ///         not paid
    function payRewardAndPool(
        address to,
        uint256 reward,
        uint256 proceeds
    )
        external
        returns (bool rewarded, bool collected);
    /// @notice Pays the market's pool, then pays out margin, of which nothing goes where the token refused
    ///         the pool.
    /// @param proceeds for the pool (token units, may be 0) @param to the market's word
    /// @param amount token units
    /// @return collected false if the token refused the pool @return paid false if the margin is not paid
    function payPoolAndOwner(
        uint256 proceeds,
        address to,
        uint256 amount
    )
        external
        returns (bool collected, bool paid);
    /// @notice Sends all of a token that is not the collateral. @param token foreign token @param to the
    /// market's word
    function sweep(address token, address to) external;

    function MARKET() external view returns (address);
    function TOKEN() external view returns (address);
    function POOL() external view returns (address);
    function MAX_REWARD() external view returns (uint256);
}
