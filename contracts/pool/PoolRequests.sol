// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DepositQueue} from "./DepositQueue.sol";
import {RedeemQueue} from "./RedeemQueue.sol";
import {ILiquidityPool} from "@interfaces/ILiquidityPool.sol";
import {IMarket} from "@interfaces/IMarket.sol";
import {IPoolAccounts} from "@interfaces/IPoolAccounts.sol";
import {Mode, State} from "@interfaces/Types.sol";
import {IERC7540Deposit, IERC7540Operator, IERC7540Redeem} from "@interfaces/external/IERC7540.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

/// @title Requests for deposit and redemption (ERC-7540)
/// @notice They wait in buckets. A request can't be cancelled: that would be an option on a price its owner
///         already knows.
/// @dev The first of three layers, with all storage: requests, claims (PoolClaims), the market's side
///      (LiquidityPool).
abstract contract PoolRequests is
    ERC4626,
    ERC20Permit,
    ReentrancyGuardTransient,
    ILiquidityPool,
    IPoolAccounts,
    IERC7540Operator,
    IERC7540Deposit,
    IERC7540Redeem
{
    using SafeERC20 for IERC20;
    using DepositQueue for DepositQueue.Book;
    using RedeemQueue for RedeemQueue.Book;

    uint256 private constant LEAST_DEPOSIT = 2; // one unit could be worth no more than the dead shares
    /// @dev Half of what the market's cash counter holds: pricing must never overflow it, for that would stop
    ///      the market.
    uint256 private constant MOST_CASH = 1 << 95;

    /// @inheritdoc ILiquidityPool
    address public immutable MARKET;
    uint256 internal immutable _UNIT; // Wad per token unit

    DepositQueue.Book internal _deposits;
    RedeemQueue.Book internal _redeems;
    uint256 internal _reserve; // priced redemptions, not claimed yet (token units)
    mapping(address controller => mapping(address operator => bool)) private _operators;

    /// @dev A token of more than 18 decimals is refused.
    constructor(
        address market,
        address token,
        string memory name_,
        string memory symbol_
    )
        ERC20(name_, symbol_)
        ERC20Permit(name_)
        ERC4626(IERC20(token))
    {
        MARKET = market;
        _UNIT = 10 ** (18 + _decimalsOffset() - decimals());
        _deposits.buckets.collectingId = 1;
        _redeems.begin();
    }

    /// @dev The one lock of market and pool; the guard adds the pool's own.
    modifier whenUnlocked() {
        if (_locked()) revert MarketLocked();
        _;
    }

    modifier onlyFor(address account) {
        if (msg.sender != account && !isOperator(account, msg.sender)) {
            revert NotAllowed(account, msg.sender);
        }
        _;
    }

    // ---- operators

    /// @inheritdoc IERC7540Operator
    function setOperator(address operator, bool approved) external returns (bool) {
        _operators[msg.sender][operator] = approved;
        emit OperatorSet(msg.sender, operator, approved);
        return true;
    }

    /// @inheritdoc IERC7540Operator
    function isOperator(address controller, address operator) public view returns (bool) {
        return _operators[controller][operator];
    }

    // ---- requests

    /// @inheritdoc IERC7540Deposit
    function requestDeposit(
        uint256 assets,
        address controller,
        address owner
    )
        external
        nonReentrant
        whenUnlocked
        onlyFor(owner)
        returns (uint256 requestId)
    {
        if (controller == address(0)) revert ZeroController();
        if (assets < LEAST_DEPOSIT) revert AmountTooSmall(assets, LEAST_DEPOSIT);
        State memory state = IMarket(MARKET).state();
        if (state.mode == Mode.Settled) revert MarketSettled();
        uint256 held = state.cash + pendingDepositAssets();
        if (held > MOST_CASH || assets > MOST_CASH - held) revert AmountTooLarge(assets, MOST_CASH);
        _pull(owner, assets);
        requestId = _deposits.request(controller, assets);
        emit DepositRequest(controller, owner, requestId, msg.sender, assets);
        if (_closeDeposits()) IMarket(MARKET).scheduleBucket(nextDueAt());
    }

    /// @inheritdoc IERC7540Redeem
    function requestRedeem(
        uint256 shares,
        address controller,
        address owner
    )
        external
        nonReentrant
        whenUnlocked
        returns (uint256 requestId)
    {
        if (controller == address(0)) revert ZeroController();
        if (shares == 0) revert AmountTooSmall(0, 1);
        if (msg.sender != owner && !isOperator(owner, msg.sender)) {
            _spendAllowance(owner, msg.sender, shares);
        }
        _transfer(owner, address(this), shares);
        requestId = _redeems.request(controller, shares);
        emit RedeemRequest(controller, owner, requestId, msg.sender, shares);
        if (_closeRedeems()) IMarket(MARKET).scheduleBucket(nextDueAt());
    }

    /// @inheritdoc IERC7540Deposit
    function pendingDepositRequest(uint256 requestId, address controller) external view returns (uint256) {
        DepositQueue.Account memory account = _deposits.folded(controller);
        if (requestId == account.olderId) return account.older;
        return requestId == account.newerId ? account.newer : 0;
    }

    /// @inheritdoc IERC7540Deposit
    function claimableDepositRequest(uint256 requestId, address controller) external view returns (uint256) {
        DepositQueue.Account memory account = _deposits.folded(controller);
        return requestId == account.claimId ? account.assets : 0;
    }

    /// @inheritdoc IERC7540Redeem
    function pendingRedeemRequest(uint256 requestId, address controller) external view returns (uint256) {
        RedeemQueue.Account memory account = _redeems.folded(controller);
        if (requestId == account.joiningId) return account.joining;
        return requestId == account.queuedId ? account.queued : 0;
    }

    /// @inheritdoc IERC7540Redeem
    function claimableRedeemRequest(uint256 requestId, address controller) external view returns (uint256) {
        RedeemQueue.Account memory account = _redeems.folded(controller);
        return requestId == account.claimId ? account.shares : 0;
    }

    function _pull(address owner, uint256 assets) private {
        IERC20 token = IERC20(asset());
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(owner, address(this), assets);
        uint256 held = token.balanceOf(address(this));
        uint256 received = held > before ? held - before : 0;
        if (received != assets) revert WrongAmountReceived(received, assets);
    }

    /// @dev The collecting bucket closes if nothing waits.
    function _closeDeposits() internal returns (bool closed) {
        Buckets memory buckets = _deposits.buckets;
        if (buckets.waiting > 0 || buckets.collecting == 0) return false;
        uint256 dueAt = block.timestamp + IMarket(MARKET).config().depositDelaySecs;
        _deposits.close(dueAt);
        emit BucketClosed(buckets.collectingId, true, buckets.collecting, dueAt);
        return true;
    }

    /// @dev The same for redemptions.
    function _closeRedeems() internal returns (bool closed) {
        Buckets memory buckets = _redeems.buckets;
        if (buckets.waiting > 0 || buckets.collecting == 0) return false;
        _requeue();
        return true;
    }

    /// @dev What waits, joined by what was collected, is due anew.
    function _requeue() internal {
        Buckets memory buckets = _redeems.buckets;
        uint256 dueAt = block.timestamp + IMarket(MARKET).config().redeemDelaySecs;
        _redeems.requeue(dueAt);
        if (buckets.collecting > 0) {
            emit BucketClosed(buckets.collectingId, false, buckets.collecting, dueAt);
        }
    }

    // ---- accounts

    /// @inheritdoc ILiquidityPool
    function nextDueAt() public view returns (uint256) {
        (uint256 a, uint256 b) = (_deposits.buckets.dueAt, _redeems.buckets.dueAt);
        if (a == 0 || b == 0) return a + b;
        return a < b ? a : b;
    }

    /// @inheritdoc IPoolAccounts
    function pendingDepositAssets() public view returns (uint256) {
        return uint256(_deposits.buckets.waiting) + _deposits.buckets.collecting;
    }

    /// @notice The token's decimals and three more.
    function decimals() public view override(ERC20, ERC4626) returns (uint8) {
        return ERC4626.decimals();
    }

    function _decimalsOffset() internal pure override returns (uint8) {
        return 3;
    }

    function _locked() internal view returns (bool) {
        return IMarket(MARKET).locked();
    }
}
