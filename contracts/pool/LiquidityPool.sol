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
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title The pool of one market
/// @notice Counterparty of every position. Liquidity providers request deposits and redemptions (ERC-7540 both ways); the
///         market prices their buckets at its own NAV. Shares and assets that wait for a claim lie here, beside the cash
///         that the market counts: balances decide nothing, so a donation changes nothing.
/// @dev The shares of a bucket are minted to, or burned from, the pool when it is priced; claims only transfer.
///      Requests can't be cancelled: that would be an option on a known price.
///      While the market acts, every user function refuses, and `totalAssets` and the conversions revert with its NAV.
/// @custom:halt Nothing to halt: requests are always taken, pricing waits for a valid mark.
contract LiquidityPool is
    ERC4626,
    ILiquidityPool,
    IPoolAccounts,
    IERC7540Operator,
    IERC7540Deposit,
    IERC7540Redeem,
    IERC165,
    ReentrancyGuardTransient
{
    using SafeERC20 for IERC20;
    using DepositQueue for DepositQueue.Book;
    using RedeemQueue for RedeemQueue.Book;

    uint256 private constant VIRTUAL_SHARES = 1e3; // 10 ** _decimalsOffset()
    uint256 private constant DEAD_SHARES = 1e3;
    address private constant DEAD = 0x000000000000000000000000000000000000dEaD;
    uint256 private constant LEAST_DEPOSIT = 2; // one unit could be worth no more than the dead shares

    /// @inheritdoc ILiquidityPool
    address public immutable MARKET;
    uint256 private immutable UNIT; // Wad per token unit

    DepositQueue.Book private _deposits;
    RedeemQueue.Book private _redeems;
    uint256 private _reserve; // token units
    mapping(address controller => mapping(address operator => bool)) private _operators;

    /// @param market the only one that pays and prices @param token collateral, at most 18 decimals
    constructor(address market, address token, string memory name_, string memory symbol_)
        ERC20(name_, symbol_)
        ERC4626(IERC20(token))
    {
        MARKET = market;
        UNIT = 10 ** (18 + _decimalsOffset() - decimals());
        _deposits.buckets.collectingId = 1;
        _redeems.buckets.collectingId = 1;
        _redeems.point.product = 1e36;
    }

    /// @dev One lock for market and pool.
    modifier whenUnlocked() {
        if (IMarket(MARKET).locked()) revert MarketLocked();
        _;
    }

    /// @dev A token's callback out of a user function must find nothing here that it can use.
    modifier onlyMarket() {
        if (msg.sender != MARKET) revert NotMarket(msg.sender);
        if (_reentrancyGuardEntered()) revert ReentrancyGuardReentrantCall();
        _;
    }

    modifier onlyController(address controller) {
        _authorise(controller);
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
    function requestDeposit(uint256 assets, address controller, address owner)
        external
        nonReentrant
        whenUnlocked
        onlyController(owner)
        returns (uint256 requestId)
    {
        if (controller == address(0)) revert ZeroController();
        if (assets < LEAST_DEPOSIT) revert AmountTooSmall(assets, LEAST_DEPOSIT);
        if (IMarket(MARKET).state().mode == Mode.Settled) revert MarketSettled();
        _pull(owner, assets);
        requestId = _deposits.request(controller, assets);
        emit DepositRequest(controller, owner, requestId, msg.sender, assets);
        if (_closeDeposits()) IMarket(MARKET).scheduleBucket(nextDueAt());
    }

    /// @inheritdoc IERC7540Redeem
    function requestRedeem(uint256 shares, address controller, address owner)
        external
        nonReentrant
        whenUnlocked
        returns (uint256 requestId)
    {
        if (controller == address(0)) revert ZeroController();
        if (shares == 0) revert AmountTooSmall(0, 1);
        if (msg.sender != owner && !isOperator(owner, msg.sender)) _spendAllowance(owner, msg.sender, shares);
        _transfer(owner, address(this), shares);
        requestId = _redeems.request(controller, shares);
        emit RedeemRequest(controller, owner, requestId, msg.sender, shares);
        if (_closeRedeems()) IMarket(MARKET).scheduleBucket(nextDueAt());
    }

    /// @inheritdoc IERC7540Deposit
    function pendingDepositRequest(uint256 requestId, address controller) external view returns (uint256) {
        DepositQueue.Account memory account = _deposits.folded(controller);
        if (requestId == 0) return 0;
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
        if (requestId == 0) return 0;
        if (requestId == account.queuedId) return account.queued;
        return requestId == account.joiningId ? account.joining : 0;
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
        uint256 received = token.balanceOf(address(this)) - before;
        if (received != assets) revert WrongAmountReceived(received, assets);
    }

    function _closeDeposits() private returns (bool closed) {
        IPoolAccounts.Buckets memory buckets = _deposits.buckets;
        if (buckets.waiting > 0 || buckets.collecting == 0) return false;
        uint256 dueAt = block.timestamp + IMarket(MARKET).config().depositDelaySecs;
        _deposits.close(dueAt);
        emit BucketClosed(buckets.collectingId, true, buckets.collecting, dueAt);
        return true;
    }

    function _closeRedeems() private returns (bool closed) {
        IPoolAccounts.Buckets memory buckets = _redeems.buckets;
        if (buckets.waiting > 0 || buckets.collecting == 0) return false;
        _requeue();
        return true;
    }

    function _requeue() private {
        uint256 dueAt = block.timestamp + IMarket(MARKET).config().redeemDelaySecs;
        _redeems.requeue(dueAt);
        IPoolAccounts.Buckets memory buckets = _redeems.buckets;
        emit BucketClosed(buckets.collectingId - 1, false, buckets.waiting, dueAt);
    }

    // ---- pricing: only the market, at an accepted mark

    /// @inheritdoc ILiquidityPool
    function priceDeposits(uint256 publishedAt, uint256 navUp) external onlyMarket returns (uint256 assetsIn) {
        uint256 shares;
        (assetsIn, shares) = previewPriceDeposits(publishedAt, navUp);
        if (shares == 0 && assetsIn == 0) return 0;
        uint256 dead = totalSupply() == 0 ? DEAD_SHARES : 0;
        if (dead > 0) _mint(DEAD, dead);
        _mint(address(this), shares - dead);
        (uint256 id,) = _deposits.settle(shares - dead);
        emit DepositBucketPriced(id, assetsIn, shares - dead, navUp);
        _closeDeposits();
    }

    /// @inheritdoc ILiquidityPool
    function priceRedeems(uint256 publishedAt, uint256 navDown, uint256 free)
        external
        onlyMarket
        returns (uint256 assetsOut, uint256 nextDueAt_)
    {
        IPoolAccounts.Buckets memory buckets = _redeems.buckets;
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
    function previewPriceDeposits(uint256 publishedAt, uint256 navUp)
        public
        view
        returns (uint256 assetsIn, uint256 sharesOut)
    {
        IPoolAccounts.Buckets memory buckets = _deposits.buckets;
        if (!_isDue(buckets, publishedAt)) return (0, 0);
        uint256 supply = totalSupply();
        sharesOut = Math.mulDiv(buckets.waiting, supply + VIRTUAL_SHARES, navUp + 1);
        // Pricing must never revert: it would stop the market. A bucket that can't be priced waits.
        if (sharesOut > type(uint128).max - supply || (supply == 0 && sharesOut <= DEAD_SHARES)) return (0, 0);
        assetsIn = buckets.waiting;
    }

    /// @inheritdoc ILiquidityPool
    function previewPriceRedeems(uint256 publishedAt, uint256 navDown, uint256 free, uint256 supplyAdded)
        external
        view
        returns (uint256 assetsOut)
    {
        IPoolAccounts.Buckets memory buckets = _redeems.buckets;
        if (!_isDue(buckets, publishedAt)) return 0;
        (, assetsOut) = _quoteRedeems(buckets.waiting, navDown, free, totalSupply() + supplyAdded);
    }

    /// @inheritdoc ILiquidityPool
    function nextDueAt() public view returns (uint256) {
        (uint256 a, uint256 b) = (_deposits.buckets.dueAt, _redeems.buckets.dueAt);
        if (a == 0 || b == 0) return a + b;
        return a < b ? a : b;
    }

    function _isDue(IPoolAccounts.Buckets memory buckets, uint256 publishedAt) private pure returns (bool) {
        return buckets.waiting > 0 && publishedAt > buckets.dueAt;
    }

    function _quoteRedeems(uint256 waiting, uint256 navDown, uint256 free, uint256 supply)
        private
        view
        returns (uint256 burned, uint256 paid)
    {
        return _redeems.quote(Math.mulDiv(waiting, navDown + 1, supply + VIRTUAL_SHARES), free);
    }

    // ---- claims: the controller or its operator

    /// @inheritdoc IERC7540Deposit
    function deposit(uint256 assets, address receiver, address controller)
        public
        nonReentrant
        whenUnlocked
        onlyController(controller)
        returns (uint256 shares)
    {
        DepositQueue.Account memory account = _deposits.folded(controller);
        if (assets > account.assets) revert ERC4626ExceededMaxDeposit(controller, assets, account.assets);
        if (assets == 0) revert AmountTooSmall(0, 1);
        shares = _deposits.takeAssets(controller, account, assets);
        if (shares == 0) revert AmountTooSmall(assets, assets + 1);
        _handOut(controller, receiver, assets, shares);
    }

    /// @inheritdoc IERC7540Deposit
    function mint(uint256 shares, address receiver, address controller)
        public
        nonReentrant
        whenUnlocked
        onlyController(controller)
        returns (uint256 assets)
    {
        DepositQueue.Account memory account = _deposits.folded(controller);
        if (shares > account.shares) revert ERC4626ExceededMaxMint(controller, shares, account.shares);
        if (shares == 0) revert AmountTooSmall(0, 1);
        assets = _deposits.takeShares(controller, account, shares);
        _handOut(controller, receiver, assets, shares);
    }

    /// @notice Claims the assets of `shares` that were redeemed. The controller or its operator.
    function redeem(uint256 shares, address receiver, address controller)
        public
        override
        nonReentrant
        whenUnlocked
        onlyController(controller)
        returns (uint256 assets)
    {
        RedeemQueue.Account memory account = _redeems.folded(controller);
        if (shares > account.shares) revert ERC4626ExceededMaxRedeem(controller, shares, account.shares);
        if (shares == 0) revert AmountTooSmall(0, 1);
        assets = _redeems.takeShares(controller, account, shares);
        _payOut(controller, receiver, assets, shares);
    }

    /// @notice Claims `assets` of shares that were redeemed. The controller or its operator.
    function withdraw(uint256 assets, address receiver, address controller)
        public
        override
        nonReentrant
        whenUnlocked
        onlyController(controller)
        returns (uint256 shares)
    {
        RedeemQueue.Account memory account = _redeems.folded(controller);
        if (assets > account.assets) revert ERC4626ExceededMaxWithdraw(controller, assets, account.assets);
        if (assets == 0) revert AmountTooSmall(0, 1);
        shares = _redeems.takeAssets(controller, account, assets);
        _payOut(controller, receiver, assets, shares);
    }

    /// @notice Claims for the caller.
    function deposit(uint256 assets, address receiver) public override returns (uint256) {
        return deposit(assets, receiver, msg.sender);
    }

    /// @notice Claims for the caller.
    function mint(uint256 shares, address receiver) public override returns (uint256) {
        return mint(shares, receiver, msg.sender);
    }

    function _handOut(address controller, address receiver, uint256 assets, uint256 shares) private {
        _transfer(address(this), receiver, shares);
        emit Deposit(controller, receiver, assets, shares);
    }

    function _payOut(address controller, address receiver, uint256 assets, uint256 shares) private {
        _reserve -= assets;
        emit Withdraw(msg.sender, receiver, controller, assets, shares);
        if (assets > 0) IERC20(asset()).safeTransfer(receiver, assets);
    }

    function _authorise(address account) private view {
        if (msg.sender != account && !isOperator(account, msg.sender)) revert NotAllowed(account, msg.sender);
    }

    // ---- payments: only the market

    /// @inheritdoc ILiquidityPool
    function pay(address to, uint256 amount) external onlyMarket returns (bool) {
        return IERC20(asset()).trySafeTransfer(to, amount);
    }

    // ---- the standards' views

    /// @notice NAV at the market's held mark, at least 0 (token units, rounded down). Reverts while the market acts.
    function totalAssets() public view override returns (uint256) {
        int256 nav = IMarket(MARKET).nav();
        return nav > 0 ? uint256(nav) / UNIT : 0;
    }

    /// @notice What the controller may claim now; 0 while the market acts.
    function maxDeposit(address controller) public view override returns (uint256) {
        return _locked() ? 0 : _deposits.folded(controller).assets;
    }

    /// @notice What the controller may claim now; 0 while the market acts.
    function maxMint(address controller) public view override returns (uint256) {
        return _locked() ? 0 : _deposits.folded(controller).shares;
    }

    /// @notice What the controller may claim now; 0 while the market acts.
    function maxWithdraw(address controller) public view override returns (uint256) {
        return _locked() ? 0 : _redeems.folded(controller).assets;
    }

    /// @notice What the controller may claim now; 0 while the market acts.
    function maxRedeem(address controller) public view override returns (uint256) {
        return _locked() ? 0 : _redeems.folded(controller).shares;
    }

    /// @notice Always reverts, as ERC-7540 wants.
    function previewDeposit(uint256) public pure override returns (uint256) {
        revert NoPreview();
    }

    /// @notice Always reverts, as ERC-7540 wants.
    function previewMint(uint256) public pure override returns (uint256) {
        revert NoPreview();
    }

    /// @notice Always reverts, as ERC-7540 wants.
    function previewWithdraw(uint256) public pure override returns (uint256) {
        revert NoPreview();
    }

    /// @notice Always reverts, as ERC-7540 wants.
    function previewRedeem(uint256) public pure override returns (uint256) {
        revert NoPreview();
    }

    /// @notice ERC-7575: the pool is its own share.
    function share() external view returns (address) {
        return address(this);
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) external pure returns (bool) {
        return interfaceId == type(IERC165).interfaceId || interfaceId == type(IERC7540Operator).interfaceId
            || interfaceId == type(IERC7540Deposit).interfaceId || interfaceId == type(IERC7540Redeem).interfaceId
            || interfaceId == 0x2f0a18c5; // ERC-7575
    }

    function _locked() private view returns (bool) {
        return IMarket(MARKET).locked();
    }

    function _decimalsOffset() internal pure override returns (uint8) {
        return 3;
    }

    // ---- accounts

    /// @inheritdoc IPoolAccounts
    function pendingDepositAssets() public view returns (uint256) {
        return uint256(_deposits.buckets.waiting) + _deposits.buckets.collecting;
    }

    /// @inheritdoc IPoolAccounts
    function redemptionReserve() public view returns (uint256) {
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
    function depositBuckets() external view returns (IPoolAccounts.Buckets memory) {
        return _deposits.buckets;
    }

    /// @inheritdoc IPoolAccounts
    function redeemBuckets() external view returns (IPoolAccounts.Buckets memory) {
        return _redeems.buckets;
    }
}
