// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMarket} from "@interfaces/IMarket.sol";
import {IMarketFactory} from "@interfaces/IMarketFactory.sol";
import {MarketParams} from "@interfaces/Types.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {CREATE3} from "solady/src/utils/CREATE3.sol";

/// @title MarketFactory
/// @notice See IMarketFactory.
/// @dev Market, pool, fund and vault know each other by immutables: CREATE3 gives their addresses before
/// their code exists. The code
///      comes in calldata and is checked against hashes that are fixed for ever, so that every market of a
///      factory runs the same code.
/// @custom:halt Nothing to halt: it holds nothing and governs nothing.
contract MarketFactory is IMarketFactory {
    bytes32 public immutable MARKET_CODE_HASH;
    bytes32 public immutable POOL_CODE_HASH;
    bytes32 public immutable FUND_CODE_HASH;
    bytes32 public immutable VAULT_CODE_HASH;
    bytes32 public immutable ORDER_BOOK_CODE_HASH;

    uint256 public marketCount;
    mapping(uint256 marketId => address) public marketOf;

    constructor(
        bytes32 marketCodeHash,
        bytes32 poolCodeHash,
        bytes32 fundCodeHash,
        bytes32 vaultCodeHash,
        bytes32 orderBookCodeHash
    ) {
        MARKET_CODE_HASH = marketCodeHash;
        POOL_CODE_HASH = poolCodeHash;
        FUND_CODE_HASH = fundCodeHash;
        VAULT_CODE_HASH = vaultCodeHash;
        ORDER_BOOK_CODE_HASH = orderBookCodeHash;
    }

    /// @inheritdoc IMarketFactory
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
        returns (Created memory made)
    {
        _check(marketCode, MARKET_CODE_HASH);
        _check(poolCode, POOL_CODE_HASH);
        _check(fundCode, FUND_CODE_HASH);
        _check(vaultCode, VAULT_CODE_HASH);
        uint256 decimals = IERC20Metadata(token).decimals();
        if (decimals > 18) revert IMarket.BadParameter("decimals", decimals, 18);
        uint256 marketId = ++marketCount;
        made.market = CREATE3.predictDeterministicAddress(_salt(marketId, "market"));
        made.pool = CREATE3.predictDeterministicAddress(_salt(marketId, "pool"));
        made.fund = CREATE3.predictDeterministicAddress(_salt(marketId, "fund"));
        made.orderBook = CREATE3.predictDeterministicAddress(_bookSalt(made.market));
        uint256 maxReward = params.rewardCap / 10 ** (18 - decimals);
        made.vaultImplementation =
            _deploy(marketId, "vault", vaultCode, abi.encode(made.market, token, made.pool, maxReward));
        _deploy(marketId, "fund", fundCode, abi.encode(made.market, token, made.pool));
        _deploy(marketId, "pool", poolCode, _poolArguments(made.market, token));
        _deploy(
            marketId,
            "market",
            marketCode,
            abi.encode(
                token,
                made.pool,
                made.fund,
                made.orderBook,
                made.vaultImplementation,
                authority,
                params,
                initialVariance
            )
        );
        marketOf[marketId] = made.market;
        emit MarketCreated(
            marketId, token, made.market, made.pool, made.fund, made.vaultImplementation, made.orderBook
        );
    }

    /// @inheritdoc IMarketFactory
    function createOrderBook(uint256 marketId, bytes calldata orderBookCode) external returns (address book) {
        _check(orderBookCode, ORDER_BOOK_CODE_HASH);
        address market = marketOf[marketId];
        if (market == address(0)) revert UnknownMarket(marketId);
        bytes memory code = bytes.concat(orderBookCode, abi.encode(market));
        book = CREATE3.deployDeterministic(code, _bookSalt(market));
        emit OrderBookCreated(marketId, market, book);
    }

    function _poolArguments(address market, address token) private view returns (bytes memory) {
        string memory symbol = IERC20Metadata(token).symbol();
        return abi.encode(market, token, string.concat("Bulkhead LP ", symbol), string.concat("bh", symbol));
    }

    function _deploy(
        uint256 marketId,
        bytes32 what,
        bytes calldata code,
        bytes memory arguments
    )
        private
        returns (address)
    {
        return CREATE3.deployDeterministic(bytes.concat(code, arguments), _salt(marketId, what));
    }

    /// @dev The caller is in it: nobody takes the addresses that another expects.
    function _salt(uint256 marketId, bytes32 what) private view returns (bytes32) {
        return keccak256(abi.encode(msg.sender, marketId, what));
    }

    /// @dev Anybody may bring the book: the market alone is in it.
    function _bookSalt(address market) private pure returns (bytes32) {
        return keccak256(abi.encode(market, bytes32("book")));
    }

    function _check(bytes calldata code, bytes32 expected) private pure {
        bytes32 given = keccak256(code);
        if (given != expected) revert WrongCode(given, expected);
    }
}
