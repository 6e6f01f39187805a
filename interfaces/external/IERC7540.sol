// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice Who may act for whom in an asynchronous vault (ERC-7540; interface id 0xe3bc4e65).
interface IERC7540Operator {
    event OperatorSet(address indexed controller, address indexed operator, bool approved);

    /// @notice Lets `operator` request and claim for the caller, or stops it.
    function setOperator(address operator, bool approved) external returns (bool);
    function isOperator(address controller, address operator) external view returns (bool status);
}

/// @notice Asynchronous deposits (ERC-7540; interface id 0xce3bbe50).
interface IERC7540Deposit {
    event DepositRequest(
        address indexed controller,
        address indexed owner,
        uint256 indexed requestId,
        address sender,
        uint256 assets
    );

    /// @notice Takes `assets` from `owner` (the caller, or who made the caller an operator); `controller`
    ///         will claim.
    function requestDeposit(
        uint256 assets,
        address controller,
        address owner
    )
        external
        returns (uint256 requestId);
    /// @notice Assets of a request that wait for their price.
    function pendingDepositRequest(
        uint256 requestId,
        address controller
    )
        external
        view
        returns (uint256 assets);
    /// @notice Assets of a request that may be claimed as shares.
    function claimableDepositRequest(
        uint256 requestId,
        address controller
    )
        external
        view
        returns (uint256 assets);
    /// @notice Claims the shares of `assets`. The controller or its operator.
    function deposit(uint256 assets, address receiver, address controller) external returns (uint256 shares);
    /// @notice Claims `shares`. The controller or its operator.
    function mint(uint256 shares, address receiver, address controller) external returns (uint256 assets);
}

/// @notice Asynchronous redemptions (ERC-7540; interface id 0x620ee8e4). Claims are ERC-4626's withdraw and
///         redeem.
interface IERC7540Redeem {
    event RedeemRequest(
        address indexed controller,
        address indexed owner,
        uint256 indexed requestId,
        address sender,
        uint256 shares
    );

    /// @notice Takes `shares` from `owner` (the caller, who made it an operator or allowed it); `controller`
    ///         will claim.
    function requestRedeem(
        uint256 shares,
        address controller,
        address owner
    )
        external
        returns (uint256 requestId);
    /// @notice Shares of a request that wait for their price.
    function pendingRedeemRequest(
        uint256 requestId,
        address controller
    )
        external
        view
        returns (uint256 shares);
    /// @notice Shares of a request whose assets may be claimed.
    function claimableRedeemRequest(
        uint256 requestId,
        address controller
    )
        external
        view
        returns (uint256 shares);
}
