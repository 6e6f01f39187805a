// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IInsuranceFund} from "@interfaces/IInsuranceFund.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeTransferLib} from "solady/src/utils/SafeTransferLib.sol";

/// @title Insurance fund of one market
/// @notice What it holds pays bad debt before the pool bears it. Anyone adds by a plain transfer; nobody
///         takes out.
/// @dev `cover` is on the liquidation path, so nothing the token does may revert it: balances are read with a
///      failing read counting as 0, and the payment is what the pool's balance rose by, at most what was
///      asked.
/// @custom:halt Nothing to halt: it only pays its market's pool, when its market asks.
contract InsuranceFund is IInsuranceFund {
    using SafeERC20 for IERC20;

    /// @inheritdoc IInsuranceFund
    address public immutable MARKET;
    /// @inheritdoc IInsuranceFund
    address public immutable TOKEN;
    /// @inheritdoc IInsuranceFund
    address public immutable POOL;

    /// @param market the only caller @param token collateral @param pool the only receiver
    constructor(address market, address token, address pool) {
        MARKET = market;
        TOKEN = token;
        POOL = pool;
    }

    /// @inheritdoc IInsuranceFund
    function cover(uint256 amount) external returns (uint256 paid) {
        if (msg.sender != MARKET) revert NotMarket(msg.sender);
        uint256 asked = _smaller(amount, _balanceOf(address(this)));
        if (asked > 0) {
            uint256 before = _balanceOf(POOL);
            // The delta decides, not the answer: a token may lie both ways.
            IERC20(TOKEN).trySafeTransfer(POOL, asked);
            uint256 afterwards = _balanceOf(POOL);
            if (afterwards > before) paid = _smaller(asked, afterwards - before);
        }
        emit BadDebtCovered(amount, paid);
    }

    function _balanceOf(address holder) private view returns (uint256 amount) {
        (, amount) = SafeTransferLib.checkBalanceOf(TOKEN, holder);
    }

    function _smaller(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }
}
