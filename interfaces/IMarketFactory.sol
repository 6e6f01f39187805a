// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {MarketParams} from "./Types.sol";

/// @title Deploys whole markets
/// @notice Market, pool, insurance fund and vault implementation of one market in one transaction, at
/// addresses known before.
interface IMarketFactory {
    /// @notice The creation code handed in is not the one this factory was made for.
    error WrongCode(bytes32 given, bytes32 expected);
    /// @notice This factory made no market of that id.
    error UnknownMarket(uint256 marketId);

    event MarketCreated(
        uint256 indexed marketId,
        address indexed token,
        address market,
        address pool,
        address fund,
        address vaultImplementation,
        address orderBook
    );

    event OrderBookCreated(uint256 indexed marketId, address indexed market, address orderBook);

    /// @notice The contracts of one market.
    struct Created {
        address market;
        address pool;
        address fund;
        address vaultImplementation;
        address orderBook; // no code yet
    }

    /// @notice Creates a market. Anyone; governance is whoever rules `authority`.
    /// @param marketCode creation code, as are the three after it @param token collateral, 0 to 18 decimals
    /// @param authority an OpenZeppelin AccessManager @param params refused as by every later change
    /// @param initialVariance annualised variance the volatility average starts at (Wad)
    function createMarket(
        bytes calldata marketCode,
        bytes calldata poolCode,
        bytes calldata fundCode,
        bytes calldata vaultCode,
        address token,
        address authority,
        MarketParams calldata params,
        uint256 initialVariance
    )
        external
        returns (Created memory made);

    /// @notice Deploys a market's order book where the market expects it: at its `ORDER_BOOK`. Anyone, once;
    /// a second time CREATE3's `DeploymentFailed`. Apart from createMarket, which is near the most gas that
    /// one transaction may use.
    /// @param orderBookCode creation code @return book its address
    function createOrderBook(uint256 marketId, bytes calldata orderBookCode) external returns (address book);

    /// @notice How many markets this factory made.
    function marketCount() external view returns (uint256);
    /// @notice The market of an id, counted from 1.
    function marketOf(uint256 marketId) external view returns (address);
}
