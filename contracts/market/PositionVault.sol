// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPositionVault} from "@interfaces/IPositionVault.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title The escrow of one position
/// @notice Code behind the plain minimal clones of one market. All it knows is immutable and shared, so a
///         clone needs no initialiser and can't be hijacked; the bare implementation is one more empty vault
///         that obeys the same market.
/// @dev Knows no price and never divides. There is no state at all: nothing a re-entrant token could catch
///      half-written. A refused payment can't be faked by starving the token of gas: the caller keeps 1/64 of
///      what the token got, too little to finish any action unless the token used millions.
/// @custom:halt Nothing to halt: it moves nothing unless its market says so.
contract PositionVault is IPositionVault {
    using SafeERC20 for IERC20;

    /// @inheritdoc IPositionVault
    address public immutable MARKET;
    /// @inheritdoc IPositionVault
    address public immutable TOKEN;
    /// @inheritdoc IPositionVault
    address public immutable POOL;
    /// @inheritdoc IPositionVault
    uint256 public immutable MAX_REWARD;

    /// @param market the only caller @param token collateral @param pool where losses go
    /// @param maxReward most a single reward can be (token units)
    constructor(address market, address token, address pool, uint256 maxReward) {
        MARKET = market;
        TOKEN = token;
        POOL = pool;
        MAX_REWARD = maxReward;
    }

    modifier onlyMarket() {
        _onlyMarket();
        _;
    }

    /// @inheritdoc IPositionVault
    function payPool(uint256 amount) external onlyMarket returns (bool) {
        return IERC20(TOKEN).trySafeTransfer(POOL, amount);
    }

    /// @inheritdoc IPositionVault
    function payReward(address to, uint256 amount) external onlyMarket returns (bool) {
        if (amount > MAX_REWARD) revert RewardTooLarge(amount, MAX_REWARD);
        return IERC20(TOKEN).trySafeTransfer(to, amount);
    }

    /// @inheritdoc IPositionVault
    function payOwner(address to, uint256 amount) external onlyMarket returns (bool) {
        return IERC20(TOKEN).trySafeTransfer(to, amount);
    }

    /// @inheritdoc IPositionVault
    function payRewardAndPool(
        address to,
        uint256 reward,
        uint256 proceeds
    )
        external
        onlyMarket
        returns (bool rewarded, bool collected)
    {
        if (reward > MAX_REWARD) revert RewardTooLarge(reward, MAX_REWARD);
        rewarded = IERC20(TOKEN).trySafeTransfer(to, reward);
        collected = rewarded && (proceeds == 0 || IERC20(TOKEN).trySafeTransfer(POOL, proceeds));
    }

    /// @inheritdoc IPositionVault
    function payPoolAndOwner(
        uint256 proceeds,
        address to,
        uint256 amount
    )
        external
        onlyMarket
        returns (bool collected, bool paid)
    {
        collected = proceeds == 0 || IERC20(TOKEN).trySafeTransfer(POOL, proceeds);
        paid = collected && IERC20(TOKEN).trySafeTransfer(to, amount);
    }

    /// @inheritdoc IPositionVault
    function sweep(address token, address to) external onlyMarket {
        if (token == TOKEN) revert CollateralToken(token);
        uint256 margin = IERC20(TOKEN).balanceOf(address(this));
        IERC20(token).safeTransfer(to, IERC20(token).balanceOf(address(this)));
        // A token with two addresses would move the margin under its other name.
        if (IERC20(TOKEN).balanceOf(address(this)) < margin) revert CollateralToken(token);
    }

    function _onlyMarket() private view {
        if (msg.sender != MARKET) revert NotMarket(msg.sender);
    }
}
