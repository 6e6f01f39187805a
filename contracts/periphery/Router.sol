// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMarket} from "@interfaces/IMarket.sol";
import {IRouter} from "@interfaces/IRouter.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";

/// @title Router
/// @notice See IRouter.
/// @dev Every transfer is from msg.sender, and every trade on a position of msg.sender's: a delegation given
/// to this contract is worth nothing to anybody else.
/// @custom:halt Nothing to halt: stateless. A delegation is revoked at the market.
contract Router is IRouter {
    using SafeERC20 for IERC20;

    function multicall(bytes[] calldata calls) external returns (bytes[] memory results) {
        results = new bytes[](calls.length);
        for (uint256 i; i < calls.length; ++i) {
            results[i] = Address.functionDelegateCall(address(this), calls[i]);
        }
    }

    function selfPermit(
        address token,
        uint256 value,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    )
        external
    {
        try IERC20Permit(token).permit(msg.sender, address(this), value, deadline, v, r, s) {
            return;
        } catch {
            uint256 allowance = IERC20(token).allowance(msg.sender, address(this));
            if (allowance < value) revert PermitFailed(token, allowance, value);
        }
    }

    function topUp(address market, uint256 id, uint256 amount) external {
        if (IMarket(market).ownerOf(id) == address(0)) revert IMarket.UnknownPosition(id);
        _topUp(market, id, amount);
    }

    function open(
        address market,
        uint256 id,
        int256 size,
        uint256 margin,
        uint256 priceLimit,
        uint256 deadline
    )
        external
        returns (uint256)
    {
        if (id == 0) id = IMarket(market).reserve(msg.sender);
        else _checkOwner(market, id);
        if (margin != 0) _topUp(market, id, margin);
        IMarket(market).open(id, size, 0, priceLimit, deadline);
        return id;
    }

    function increase(
        address market,
        uint256 id,
        int256 delta,
        uint256 priceLimit,
        uint256 deadline
    )
        external
    {
        _checkOwner(market, id);
        IMarket(market).increase(id, delta, priceLimit, deadline);
    }

    function decrease(
        address market,
        uint256 id,
        int256 delta,
        uint256 priceLimit,
        uint256 deadline
    )
        external
    {
        _checkOwner(market, id);
        IMarket(market).decrease(id, delta, priceLimit, deadline);
    }

    function close(address market, uint256 id, uint256 priceLimit, uint256 deadline) external {
        _checkOwner(market, id);
        IMarket(market).close(id, priceLimit, deadline);
    }

    function _checkOwner(address market, uint256 id) private view {
        if (IMarket(market).ownerOf(id) != msg.sender) revert NotOwner(id, msg.sender);
    }

    function _topUp(address market, uint256 id, uint256 amount) private {
        IERC20 token = IERC20(IMarket(market).TOKEN());
        address vault = IMarket(market).vaultOf(id);
        uint256 before = token.balanceOf(vault);
        token.safeTransferFrom(msg.sender, vault, amount);
        uint256 received = token.balanceOf(vault) - before;
        if (received != amount) revert WrongAmountReceived(received, amount);
    }
}
