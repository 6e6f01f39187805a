// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Several steps in one transaction
/// @notice Acts for its caller alone, on any market; keeps no token, approval or setting. To let it trade, a
/// caller makes it a delegate of all its positions: `market.setDelegate(0, router, expiry)`. A market whose
/// trades are all delayed (`delayedOnly`) refuses its trades with `OrdersOnly`; margin it moves there too.
/// @dev Tokens move only from the caller, only the amount the caller states. A market is not trusted with
/// more than that: name only markets you trust.
/// @custom:halt Nothing to halt: stateless. A delegation is revoked at the market.
interface IRouter {
    /// @notice The position belongs to somebody else.
    error NotOwner(uint256 id, address caller);
    /// @notice A permit failed and the allowance there is does not do.
    error PermitFailed(address token, uint256 allowance, uint256 value);
    /// @notice The token moved another amount than asked. Token units.
    error WrongAmountReceived(uint256 received, uint256 asked);

    /// @notice Makes several calls to this contract; reverts with the first that reverts, and its error.
    function multicall(bytes[] calldata calls) external returns (bytes[] memory results);

    /// @notice Lets this contract take tokens from the caller by signature (EIP-2612). A permit that somebody
    /// used before counts as done.
    function selfPermit(
        address token,
        uint256 value,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    )
        external;

    /// @notice Moves margin from the caller straight into a position's vault. Any position.
    function topUp(address market, uint256 id, uint256 amount) external;

    /// @notice Opens a flat position of the caller's with margin from the caller.
    /// @param id 0 reserves one for the caller @return the position
    function open(
        address market,
        uint256 id,
        int256 size,
        uint256 margin,
        uint256 priceLimit,
        uint256 deadline
    )
        external
        returns (uint256);

    function increase(
        address market,
        uint256 id,
        int256 delta,
        uint256 priceLimit,
        uint256 deadline
    )
        external;

    function decrease(
        address market,
        uint256 id,
        int256 delta,
        uint256 priceLimit,
        uint256 deadline
    )
        external;

    function close(address market, uint256 id, uint256 priceLimit, uint256 deadline) external;
}
