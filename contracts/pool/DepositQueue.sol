// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPoolAccounts} from "@interfaces/IPoolAccounts.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title Deposit requests
/// @notice Two buckets, and what each controller has in them. A bucket is priced as one; its members split it
///         by a record of one slot, so pricing costs the same for any number of them.
/// @dev Formulas: docs/protocol-pool.md. Everything is folded in memory and written once.
library DepositQueue {
    using SafeCast for uint256;

    /// @notice A priced bucket. Priced iff assets > 0.
    struct Priced {
        uint128 assets; // token units
        uint128 shares; // claimable shares
    }

    /// @notice A controller. 16 + 16 | 16 + 8 + 8 | 16 + 8 bytes.
    struct Account {
        uint128 assets; // claimable, token units
        uint128 shares; // claimable
        uint128 older; // open request, token units
        uint64 olderId;
        uint64 claimId; // bucket of the last request that became claimable
        uint128 newer; // open request in the next bucket; only while the older one waits
        uint64 newerId;
    }

    struct Book {
        IPoolAccounts.Buckets buckets;
        mapping(uint256 id => Priced) priced;
        mapping(address controller => Account) accounts;
    }

    /// @notice The account with every priced request made claimable.
    function folded(Book storage self, address controller) internal view returns (Account memory account) {
        account = self.accounts[controller];
        if (account.older == 0 || !_claim(self, account, account.older, account.olderId)) return account;
        (account.older, account.olderId) = (account.newer, account.newerId);
        (account.newer, account.newerId) = (0, 0);
        if (account.older > 0 && _claim(self, account, account.older, account.olderId)) {
            (account.older, account.olderId) = (0, 0);
        }
    }

    /// @notice Adds to the collecting bucket.
    function request(Book storage self, address controller, uint256 assets) internal returns (uint256 id) {
        Account memory account = folded(self, controller);
        id = self.buckets.collectingId;
        if (account.older == 0 || account.olderId == id) {
            account.older = SafeCast.toUint128(account.older + assets);
            account.olderId = uint64(id);
        } else {
            account.newer = SafeCast.toUint128(account.newer + assets);
            account.newerId = uint64(id);
        }
        self.accounts[controller] = account;
        self.buckets.collecting = SafeCast.toUint128(self.buckets.collecting + assets);
    }

    /// @notice The collecting bucket becomes the waiting one; there is none.
    function close(Book storage self, uint256 dueAt) internal {
        IPoolAccounts.Buckets memory buckets = self.buckets;
        self.buckets =
            IPoolAccounts.Buckets(buckets.collecting, 0, buckets.collectingId + 1, dueAt.toUint64());
    }

    /// @notice Records the price of the waiting bucket and empties it.
    function settle(Book storage self, uint256 shares) internal returns (uint256 id) {
        IPoolAccounts.Buckets storage buckets = self.buckets;
        id = buckets.collectingId - 1;
        self.priced[id] = Priced(buckets.waiting, shares.toUint128());
        (buckets.waiting, buckets.dueAt) = (0, 0);
    }

    /// @notice Takes a claim of assets (shares rounded down). The caller has checked it against the folded
    ///         account.
    function takeAssets(
        Book storage self,
        address controller,
        Account memory account,
        uint256 assets
    )
        internal
        returns (uint256 shares)
    {
        shares = Math.mulDiv(assets, account.shares, account.assets);
        _take(self, controller, account, assets, shares);
    }

    /// @notice Takes a claim of shares (assets rounded up).
    function takeShares(
        Book storage self,
        address controller,
        Account memory account,
        uint256 shares
    )
        internal
        returns (uint256 assets)
    {
        assets = Math.mulDiv(shares, account.assets, account.shares, Math.Rounding.Ceil);
        _take(self, controller, account, assets, shares);
    }

    /// @notice Takes back everything that waits unpriced. The caller knows that nothing will be priced any
    ///         more.
    function takeBack(Book storage self, address controller) internal returns (uint256 assets) {
        Account memory account = folded(self, controller);
        assets = _leave(self, account.olderId, account.older) + _leave(self, account.newerId, account.newer);
        (account.older, account.olderId, account.newer, account.newerId) = (0, 0, 0, 0);
        self.accounts[controller] = account;
    }

    /// @dev An unpriced request is in the collecting bucket, or in the waiting one before it.
    function _leave(Book storage self, uint256 id, uint128 assets) private returns (uint256) {
        if (assets == 0) return 0;
        IPoolAccounts.Buckets storage buckets = self.buckets;
        if (id == buckets.collectingId) {
            buckets.collecting -= assets;
        } else {
            buckets.waiting -= assets;
            if (buckets.waiting == 0) buckets.dueAt = 0;
        }
        return assets;
    }

    /// @dev Both fit: neither is more than the account has.
    function _take(
        Book storage self,
        address controller,
        Account memory account,
        uint256 assets,
        uint256 shares
    )
        private
    {
        account.assets -= uint128(assets);
        account.shares -= uint128(shares);
        self.accounts[controller] = account;
    }

    /// @dev Members get their part of the bucket's shares rounded down, so together never more than it has.
    function _claim(
        Book storage self,
        Account memory account,
        uint256 assets,
        uint64 id
    )
        private
        view
        returns (bool done)
    {
        Priced memory bucket = self.priced[id];
        if (bucket.assets == 0) return false;
        account.assets += uint128(assets);
        account.shares += uint128(Math.mulDiv(assets, bucket.shares, bucket.assets));
        account.claimId = id;
        return true;
    }
}
