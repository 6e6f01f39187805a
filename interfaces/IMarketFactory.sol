// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {MarketParams} from "./Types.sol";

/// @title Deploys whole markets
/// @notice Market, pool, insurance fund and vault implementation of one market in one transaction, at
/// addresses known before.
interface IMarketFactory {
    /// @notice The creation code handed in is not the one this factory was made for.
    error WrongCode(bytes32 given, bytes32 expected);

    event MarketCreated(
        uint256 indexed marketId,
        address indexed token,
        address market,
        address pool,
        address fund,
        address vaultImplementation
    );
}
