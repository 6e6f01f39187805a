// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DepositQueue} from "./DepositQueue.sol";
import {PoolRequests} from "./PoolRequests.sol";
import {RedeemQueue} from "./RedeemQueue.sol";
import {IMarket} from "@interfaces/IMarket.sol";
import {IPoolAccounts} from "@interfaces/IPoolAccounts.sol";
import {Mode} from "@interfaces/Types.sol";
import {IERC7540Deposit, IERC7540Operator, IERC7540Redeem} from "@interfaces/external/IERC7540.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

/// @title Claims of what was priced, and the views of ERC-4626, 7540 and 7575
/// @dev Shares and assets that wait for a claim lie in the pool; a claim only transfers. While the market
///      acts every claim is refused, and `totalAssets` and the conversions revert with the market's NAV.
abstract contract PoolClaims is PoolRequests, IERC165 {
    using SafeERC20 for IERC20;
    using DepositQueue for DepositQueue.Book;
    using RedeemQueue for RedeemQueue.Book;

    bytes4 private constant ERC7575_ID = 0x2f0a18c5;

    // ---- claims

    /// @inheritdoc IERC7540Deposit
    function deposit(
        uint256 assets,
        address receiver,
        address controller
    )
        public
        nonReentrant
        whenUnlocked
        onlyFor(controller)
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
    function mint(
        uint256 shares,
        address receiver,
        address controller
    )
        public
        nonReentrant
        whenUnlocked
        onlyFor(controller)
        returns (uint256 assets)
    {
        DepositQueue.Account memory account = _deposits.folded(controller);
        if (shares > account.shares) revert ERC4626ExceededMaxMint(controller, shares, account.shares);
        if (shares == 0) revert AmountTooSmall(0, 1);
        assets = _deposits.takeShares(controller, account, shares);
        _handOut(controller, receiver, assets, shares);
    }

    /// @notice Claims the assets of `shares` that were redeemed. The controller or its operator.
    function redeem(
        uint256 shares,
        address receiver,
        address controller
    )
        public
        override
        nonReentrant
        whenUnlocked
        onlyFor(controller)
        returns (uint256 assets)
    {
        RedeemQueue.Account memory account = _redeems.folded(controller);
        if (shares > account.shares) revert ERC4626ExceededMaxRedeem(controller, shares, account.shares);
        if (shares == 0) revert AmountTooSmall(0, 1);
        assets = _redeems.takeShares(controller, account, shares);
        _payOut(controller, receiver, assets, shares);
    }

    /// @notice Claims `assets` of shares that were redeemed. The controller or its operator.
    function withdraw(
        uint256 assets,
        address receiver,
        address controller
    )
        public
        override
        nonReentrant
        whenUnlocked
        onlyFor(controller)
        returns (uint256 shares)
    {
        RedeemQueue.Account memory account = _redeems.folded(controller);
        if (assets > account.assets) revert ERC4626ExceededMaxWithdraw(controller, assets, account.assets);
        if (assets == 0) revert AmountTooSmall(0, 1);
        shares = _redeems.takeAssets(controller, account, assets);
        _payOut(controller, receiver, assets, shares);
    }

    /// @inheritdoc IPoolAccounts
    function refundDeposit(
        address receiver,
        address controller
    )
        external
        nonReentrant
        whenUnlocked
        onlyFor(controller)
        returns (uint256 assets)
    {
        if (IMarket(MARKET).state().mode != Mode.Settled) revert MarketNotSettled();
        assets = _deposits.takeBack(controller);
        if (assets == 0) revert AmountTooSmall(0, 1);
        emit DepositRefunded(controller, receiver, msg.sender, assets);
        IERC20(asset()).safeTransfer(receiver, assets);
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

    // ---- the standards' views

    /// @notice NAV at the market's held mark, at least 0 (token units, rounded down). Reverts while the
    ///         market acts.
    function totalAssets() public view override returns (uint256) {
        int256 nav = IMarket(MARKET).nav();
        return nav > 0 ? uint256(nav) / _UNIT : 0;
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
    function supportsInterface(bytes4 id) external pure returns (bool) {
        return id == type(IERC165).interfaceId || id == type(IERC7540Operator).interfaceId || id == ERC7575_ID
            || id == type(IERC7540Deposit).interfaceId || id == type(IERC7540Redeem).interfaceId;
    }
}
