// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title What the market asks of its pool
/// @notice The pool keeps the tokens and the LP shares; the market keeps the cash counter. ERC-7540 both
/// ways: requests wait in buckets
///         that the market prices inside the acceptance of a mark.
/// @custom:halt Nothing to halt: requests are always taken, pricing waits for a valid mark.
interface ILiquidityPool {
    /// @notice The caller is not the market.
    error NotMarket(address caller);
    /// @notice The market is in the middle of an action.
    error MarketLocked();

    event BucketClosed(uint256 indexed requestId, bool indexed deposit, uint256 amount, uint256 dueAt);
    event DepositBucketPriced(uint256 indexed requestId, uint256 assets, uint256 shares, uint256 navTokens);
    event RedeemBucketPriced(
        uint256 indexed requestId, uint256 shares, uint256 burned, uint256 assets, uint256 navTokens
    );

    /// @notice Pays out of the pool. Only the market. @param to receiver @param amount token units @return
    /// ok false if the token refused
    function pay(address to, uint256 amount) external returns (bool ok);

    /// @notice Prices the waiting deposit bucket if publishedAt > its dueAt. Only the market.
    /// @param publishedAt of the accepted mark @param navUp NAV rounded up (token units, > 0)
    /// @return assetsIn tokens that become the pool's cash
    function priceDeposits(uint256 publishedAt, uint256 navUp) external returns (uint256 assetsIn);

    /// @notice Prices the waiting redemption bucket if publishedAt > its dueAt. Only the market.
    /// @param publishedAt of the accepted mark @param navDown NAV after the deposits, rounded down (token
    /// units)
    /// @param free what may leave (token units)
    /// @return assetsOut tokens that leave the pool's cash for the redemption reserve
    /// @return nextDueAt earliest due moment of any waiting bucket, 0 if none
    function priceRedeems(
        uint256 publishedAt,
        uint256 navDown,
        uint256 free
    )
        external
        returns (uint256 assetsOut, uint256 nextDueAt);

    /// @notice What `priceDeposits` would return.
    function previewPriceDeposits(
        uint256 publishedAt,
        uint256 navUp
    )
        external
        view
        returns (uint256 assetsIn, uint256 sharesOut);
    /// @notice What `priceRedeems` would return, `supplyAdded` shares having been minted by the deposits
    /// before it.
    function previewPriceRedeems(
        uint256 publishedAt,
        uint256 navDown,
        uint256 free,
        uint256 supplyAdded
    )
        external
        view
        returns (uint256 assetsOut);

    /// @notice Earliest due moment of any waiting bucket (unix seconds), 0 if none.
    function nextDueAt() external view returns (uint256);
    function MARKET() external view returns (address);
}
