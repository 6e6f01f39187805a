// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PoolClaims} from "./PoolClaims.sol";
import {DepositQueue} from "./DepositQueue.sol";
import {PoolRequests} from "./PoolRequests.sol";
import {RedeemQueue} from "./RedeemQueue.sol";
import {ILiquidityPool} from "@interfaces/ILiquidityPool.sol";
import {IMarket} from "@interfaces/IMarket.sol";
import {IPoolAccounts} from "@interfaces/IPoolAccounts.sol";
import {State} from "@interfaces/Types.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title The pool of one market
/// @notice Counterparty of every position. The market pays out of it and prices its buckets at the market's
///         own NAV. Waiting deposits and the redemption reserve lie here beside the cash that the market
///         counts; balances decide nothing, so a donation changes nothing.
/// @dev The shares of a bucket are minted to, or burned from, the pool when it is priced. Pricing happens
///      inside the acceptance of a mark, so it never reverts for what a liquidity provider did: a bucket that
///      can't be priced waits.
/// @custom:halt Nothing to halt: requests are always taken, pricing waits for a valid mark.
contract LiquidityPool is PoolClaims {
    using SafeERC20 for IERC20;
    using DepositQueue for DepositQueue.Book;
    using RedeemQueue for RedeemQueue.Book;

    uint256 private constant VIRTUAL_SHARES = 1e3; // 10 ** _decimalsOffset()
    uint256 private constant DEAD_SHARES = 1e3; // of the first priced deposit; nobody's
    address private constant DEAD = 0x000000000000000000000000000000000000dEaD;

    /// @param market the only one that pays and prices @param token collateral, at most 18 decimals
    constructor(
        address market,
        address token,
        string memory name_,
        string memory symbol_
    )
        PoolRequests(market, token, name_, symbol_)
    {}

    /// @dev A token's callback out of a user function must not get the market to price or pay in the middle
    ///      of it.
    modifier onlyMarket() {
        if (msg.sender != MARKET) revert NotMarket(msg.sender);
        if (_reentrancyGuardEntered()) revert ReentrancyGuardReentrantCall();
        _;
    }

    // ---- pricing

    /// @inheritdoc ILiquidityPool
    function priceDeposits(uint256 publishedAt, uint256 navUp)
        external
        onlyMarket
        returns (uint256 assetsIn)
    {
        uint256 shares;
        (assetsIn, shares) = previewPriceDeposits(publishedAt, navUp);
        if (assetsIn == 0) return 0;
        uint256 dead = totalSupply() == 0 ? DEAD_SHARES : 0;
        if (dead > 0) _mint(DEAD, dead);
        _mint(address(this), shares - dead);
        uint256 id = _deposits.settle(shares - dead);
        emit DepositBucketPriced(id, assetsIn, shares - dead, navUp);
        _closeDeposits();
    }

    /// @inheritdoc ILiquidityPool
    function priceRedeems(
        uint256 publishedAt,
        uint256 navDown,
        uint256 free
    )
        external
        onlyMarket
        returns (uint256 assetsOut, uint256 nextDueAt_)
    {
        Buckets memory buckets = _redeems.buckets;
        if (_isDue(buckets, publishedAt)) {
            uint256 burned;
            (burned, assetsOut) = _quoteRedeems(buckets.waiting, navDown, free, totalSupply());
            if (burned > 0) {
                _burn(address(this), burned);
                _reserve += assetsOut;
                _redeems.fill(burned, assetsOut);
            }
            emit RedeemBucketPriced(buckets.collectingId - 1, buckets.waiting, burned, assetsOut, navDown);
            if (burned < buckets.waiting) _requeue();
            else _closeRedeems();
        }
        nextDueAt_ = nextDueAt();
    }

    /// @inheritdoc ILiquidityPool
    function previewPriceDeposits(
        uint256 publishedAt,
        uint256 navUp
    )
        public
        view
        returns (uint256 assetsIn, uint256 sharesOut)
    {
        Buckets memory buckets = _deposits.buckets;
        if (!_isDue(buckets, publishedAt)) return (0, 0);
        uint256 supply = totalSupply();
        sharesOut = Math.mulDiv(buckets.waiting, supply + VIRTUAL_SHARES, navUp + 1);
        if (supply == 0 && sharesOut <= DEAD_SHARES) return (0, 0);
        if (sharesOut > type(uint128).max - supply) return (0, 0);
        assetsIn = buckets.waiting;
    }

    /// @inheritdoc ILiquidityPool
    function previewPriceRedeems(
        uint256 publishedAt,
        uint256 navDown,
        uint256 free,
        uint256 supplyAdded
    )
        external
        view
        returns (uint256 assetsOut)
    {
        Buckets memory buckets = _redeems.buckets;
        if (!_isDue(buckets, publishedAt)) return 0;
        (, assetsOut) = _quoteRedeems(buckets.waiting, navDown, free, totalSupply() + supplyAdded);
    }

    function _isDue(Buckets memory buckets, uint256 publishedAt) private pure returns (bool) {
        return buckets.waiting > 0 && publishedAt > buckets.dueAt;
    }

    /// @dev All waiting shares are worth floor(waiting x (NAV + 1) / (supply + virtual shares)).
    function _quoteRedeems(
        uint256 waiting,
        uint256 navDown,
        uint256 free,
        uint256 supply
    )
        private
        pure
        returns (uint256 burned, uint256 paid)
    {
        return RedeemQueue.quote(waiting, Math.mulDiv(waiting, navDown + 1, supply + VIRTUAL_SHARES), free);
    }

    // ---- payments

    /// @inheritdoc ILiquidityPool
    function pay(address to, uint256 amount) external onlyMarket returns (bool) {
        return IERC20(asset()).trySafeTransfer(to, amount);
    }

    // ---- accounts

    /// @inheritdoc IPoolAccounts
    function redemptionReserve() external view returns (uint256) {
        return _reserve;
    }

    /// @inheritdoc IPoolAccounts
    function pendingRedeemShares() external view returns (uint256) {
        return uint256(_redeems.buckets.waiting) + _redeems.buckets.collecting;
    }

    /// @inheritdoc IPoolAccounts
    function accounted() external view returns (uint256) {
        State memory state = IMarket(MARKET).state();
        return state.cash + state.insuranceDue + state.treasuryDue + pendingDepositAssets() + _reserve;
    }

    /// @inheritdoc IPoolAccounts
    function depositBuckets() external view returns (Buckets memory) {
        return _deposits.buckets;
    }

    /// @inheritdoc IPoolAccounts
    function redeemBuckets() external view returns (Buckets memory) {
        return _redeems.buckets;
    }
}
