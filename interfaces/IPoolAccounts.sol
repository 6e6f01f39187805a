// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title What the pool tells liquidity providers beyond the standards, and why it refuses them
/// @custom:halt Nothing to halt: see ILiquidityPool.
interface IPoolAccounts {
    /// @notice One kind's two buckets. Amounts: deposits in token units, redemptions in shares.
    /// @param waiting amount whose price is due (redemptions: with the rest of earlier buckets)
    /// @param collecting amount of requests since
    /// @param collectingId its request id; the waiting bucket's is one less
    /// @param dueAt the waiting bucket is priced at the first mark published after this (unix seconds), 0 if
    ///        nothing waits
    struct Buckets {
        uint128 waiting;
        uint128 collecting;
        uint64 collectingId;
        uint64 dueAt;
    }

    /// @notice The caller is neither this account nor its operator (nor, for shares, allowed to spend them).
    error NotAllowed(address account, address caller);
    /// @notice Nobody could claim.
    error ZeroController();
    /// @notice The amount is below the least (deposit requests: 2 token units; claims: what gives at least 1
    ///         share).
    error AmountTooSmall(uint256 amount, uint256 least);
    /// @notice Cash and waiting deposits together may not pass `most`.
    error AmountTooLarge(uint256 amount, uint256 most);
    /// @notice The token moved another amount than asked (fee-on-transfer and rebasing tokens are not
    ///         supported).
    error WrongAmountReceived(uint256 received, uint256 asked);
    /// @notice The market has ended: it takes no new money.
    error MarketSettled();
    /// @notice The market has not ended: a request is not taken back.
    error MarketNotSettled();
    /// @notice An asynchronous vault knows no price before the request is priced.
    error NoPreview();

    /// @notice Unpriced deposit requests went back. @param assets token units
    event DepositRefunded(
        address indexed controller, address indexed receiver, address sender, uint256 assets
    );

    /// @notice Takes back every deposit request of a controller that is not priced. Only once the market is
    /// settled, when
    ///         no deposit is priced any more. The controller or its operator.
    /// @return assets token units, at least 1 (nothing to take back: AmountTooSmall)
    function refundDeposit(address receiver, address controller) external returns (uint256 assets);

    /// @notice Token units of deposit requests that are not priced yet.
    function pendingDepositAssets() external view returns (uint256);
    /// @notice Token units set aside for redemptions that are priced and not claimed yet.
    function redemptionReserve() external view returns (uint256);
    /// @notice Shares of redemption requests that are not priced yet.
    function pendingRedeemShares() external view returns (uint256);
    /// @notice Token units the pool must hold: the market's cash and unswept fees, waiting deposits, the
    ///         redemption reserve. Money that funded tickets and is not drawn yet comes on top; the market
    ///         knows it ticket by ticket.
    function accounted() external view returns (uint256);
    function depositBuckets() external view returns (Buckets memory);
    function redeemBuckets() external view returns (Buckets memory);
}
