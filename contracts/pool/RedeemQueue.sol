// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPoolAccounts} from "@interfaces/IPoolAccounts.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title Redemption requests
/// @notice All waiting shares are filled pro rata. What one share that joined at a point has got since is a
///         quotient of two running numbers: the product P of the parts left after each fill, and the sum S of
///         assets per share, weighted by P. So a fill costs the same for any number of members, and a claim
///         the same for any number of fills.
/// @dev Formulas: docs/protocol-pool.md. A fill of everything begins a new generation at P = 1e36. Where
///      P falls below 1e27 the generation ends too, but is carried into the next at a scale of 1e9, so that P
///      never loses its digits; what is left of a share after four such steps is less than 1e-27 and is
///      dropped. S fits: within a generation it is at most (highest price) x 1e36 x 1e9, and a share costs
///      less than 2^96 units of cash.
library RedeemQueue {
    using SafeCast for uint256;

    uint256 private constant FULL = 1e36; // P of a new generation
    uint256 private constant LEAST = 1e27; // below it P is scaled up
    uint256 private constant STEP = 1e9; // scale of a carried generation, and of S over P
    uint256 private constant MOST_STEPS = 3; // carried generations a claim looks at

    /// @notice A moment in the life of the queue. 16 + 8 | 32 bytes.
    struct Point {
        uint128 product;
        uint64 generation;
        uint256 sum;
    }

    /// @notice A controller. 16 + 16 | 16 + 8 + 8 | 16 + 8 + 8 | 32 | 16 bytes.
    struct Account {
        uint128 shares; // claimable
        uint128 assets; // claimable, token units
        uint128 queued; // shares that wait, as of the point below
        uint64 queuedId;
        uint64 claimId; // bucket of the last request that gave something to claim
        uint128 product;
        uint64 generation;
        uint64 joiningId;
        uint256 sum;
        uint128 joining; // shares in the bucket joiningId, not counted from a point yet
    }

    struct Book {
        IPoolAccounts.Buckets buckets;
        Point point;
        mapping(uint256 generation => uint256) endSum;
        mapping(uint256 generation => bool) carried;
        mapping(uint256 id => Point) joined; // where a closed bucket begins
        mapping(address controller => Account) accounts;
    }

    /// @notice An empty queue.
    function begin(Book storage self) internal {
        self.buckets.collectingId = 1;
        self.point.product = uint128(FULL);
    }

    /// @notice The account with everything that was filled made claimable.
    function folded(Book storage self, address controller) internal view returns (Account memory account) {
        account = self.accounts[controller];
        Point memory point = self.point;
        if (account.queued > 0) {
            Point memory from = Point(account.product, account.generation, account.sum);
            account.queued = _fold(self, account, from, point, account.queued, account.queuedId);
        }
        if (account.joining > 0 && account.joiningId < self.buckets.collectingId) {
            uint64 id = account.joiningId;
            account.queued += _fold(self, account, self.joined[id], point, account.joining, id);
            (account.queuedId, account.joining, account.joiningId) = (id, 0, 0);
        }
        if (account.queued == 0) account.queuedId = 0;
        (account.product, account.generation, account.sum) = (point.product, point.generation, point.sum);
    }

    /// @notice Adds to the collecting bucket.
    function request(Book storage self, address controller, uint256 shares) internal returns (uint256 id) {
        Account memory account = folded(self, controller);
        id = self.buckets.collectingId;
        account.joining = SafeCast.toUint128(account.joining + shares);
        account.joiningId = uint64(id);
        self.accounts[controller] = account;
        self.buckets.collecting = SafeCast.toUint128(self.buckets.collecting + shares);
    }

    /// @notice The collecting bucket joins what still waits, and all of it is due anew.
    function requeue(Book storage self, uint256 dueAt) internal {
        IPoolAccounts.Buckets memory buckets = self.buckets;
        if (buckets.collecting > 0) {
            self.joined[buckets.collectingId] = self.point;
            buckets.waiting += buckets.collecting;
            (buckets.collecting, buckets.collectingId) = (0, buckets.collectingId + 1);
        }
        buckets.dueAt = dueAt.toUint64();
        self.buckets = buckets;
    }

    /// @notice What `waiting` shares get, worth `assets` together.
    /// @return burned shares, rounded up @return paid token units, at most `free`
    function quote(
        uint256 waiting,
        uint256 assets,
        uint256 free
    )
        internal
        pure
        returns (uint256 burned, uint256 paid)
    {
        if (assets <= free) return (waiting, assets);
        return (Math.mulDiv(waiting, free, assets, Math.Rounding.Ceil), free);
    }

    /// @notice Spreads a fill over the waiting shares. At least one is burned.
    function fill(Book storage self, uint256 burned, uint256 paid) internal {
        IPoolAccounts.Buckets storage buckets = self.buckets;
        Point memory point = self.point;
        uint256 waiting = buckets.waiting;
        uint256 left = waiting - burned;
        point.sum += Math.mulDiv(point.product * STEP, paid, waiting);
        uint256 product = Math.mulDiv(point.product, left, waiting);
        if (product == 0) {
            _end(self, point, false);
            product = FULL;
        }
        while (product < LEAST) {
            _end(self, point, true);
            product *= STEP;
        }
        point.product = uint128(product);
        self.point = point;
        buckets.waiting = uint128(left);
        if (left == 0) buckets.dueAt = 0;
    }

    /// @notice Takes a claim of shares (assets rounded down). The caller has checked it against the folded
    ///         account.
    function takeShares(
        Book storage self,
        address controller,
        Account memory account,
        uint256 shares
    )
        internal
        returns (uint256 assets)
    {
        assets = Math.mulDiv(shares, account.assets, account.shares);
        _take(self, controller, account, assets, shares);
    }

    /// @notice Takes a claim of assets (shares rounded up).
    function takeAssets(
        Book storage self,
        address controller,
        Account memory account,
        uint256 assets
    )
        internal
        returns (uint256 shares)
    {
        shares = Math.mulDiv(assets, account.shares, account.assets, Math.Rounding.Ceil);
        _take(self, controller, account, assets, shares);
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

    /// @dev Ends the generation: what joined it is full, or lives on in the next one.
    function _end(Book storage self, Point memory point, bool carried) private {
        self.endSum[point.generation] = point.sum;
        if (carried) self.carried[point.generation] = true;
        point.generation += 1;
        point.sum = 0;
    }

    /// @dev Makes claimable what `shares` got between two points; returns what still waits of them.
    function _fold(
        Book storage self,
        Account memory account,
        Point memory from,
        Point memory to,
        uint256 shares,
        uint64 id
    )
        private
        view
        returns (uint128 left)
    {
        uint256 earned;
        if (from.generation == to.generation) {
            if (from.product == to.product && from.sum == to.sum) return uint128(shares);
            earned = Math.mulDiv(shares, to.sum - from.sum, from.product * STEP);
            left = uint128(Math.mulDiv(shares, to.product, from.product));
        } else {
            (earned, left) = _across(self, from, to, shares);
        }
        account.assets += uint128(earned);
        account.shares += uint128(shares - left);
        account.claimId = id;
    }

    /// @dev The same where generations ended in between. Bounded: what lives on shrinks by 1e9 with each.
    function _across(
        Book storage self,
        Point memory from,
        Point memory to,
        uint256 shares
    )
        private
        view
        returns (uint256 earned, uint128 left)
    {
        uint256 generation = from.generation;
        uint256 scale = from.product * STEP;
        earned = Math.mulDiv(shares, self.endSum[generation] - from.sum, scale);
        for (uint256 i = 0; i < MOST_STEPS && self.carried[generation]; ++i) {
            generation += 1;
            scale *= STEP;
            if (generation == to.generation) {
                earned += Math.mulDiv(shares, to.sum, scale);
                return (earned, uint128(Math.mulDiv(shares, to.product, scale / STEP)));
            }
            earned += Math.mulDiv(shares, self.endSum[generation], scale);
        }
    }
}
