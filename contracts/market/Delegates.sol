// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMarket} from "@interfaces/IMarket.sol";
import {MarketStorage, StateStore} from "../libraries/StateStore.sol";

/// @title Who trades for an owner, and what they hold back
/// @notice Shared by the market and its linked libraries.
/// @dev The order book's lock lies in the word of the sum, which each order with margin changes anyway.
library Delegates {
    using StateStore for MarketStorage;

    /// @dev Owner, or a delegate of all of the owner's positions or of the id's epoch, whose expiry has not
    /// passed.
    function authorised(
        MarketStorage storage $,
        uint256 id,
        address owner_,
        address caller
    )
        internal
        view
        returns (bool)
    {
        return caller == owner_ && owner_ != address(0) || isDelegate($, id, owner_, caller);
    }

    function isDelegate(
        MarketStorage storage $,
        uint256 id,
        address owner_,
        address caller
    )
        internal
        view
        returns (bool)
    {
        return block.timestamp <= $.delegatesOfAll[owner_][caller]
            || block.timestamp <= $.delegates[id][$.epochs[id]][caller];
    }

    /// @dev A delegate's lock in the id's present epoch (token units).
    function lockOf(
        MarketStorage storage $,
        uint256 id,
        address delegate,
        address orderBook
    )
        internal
        view
        returns (uint256)
    {
        uint256 epoch = $.epochs[id];
        return delegate == orderBook ? $.lockSums[id][epoch] >> 128 : $.locks[id][epoch][delegate];
    }

    /// @dev Sum of an id's locks in its present epoch (token units).
    function locked(MarketStorage storage $, uint256 id) internal view returns (uint256) {
        return uint128($.lockSums[id][$.epochs[id]]);
    }

    /// @dev Sets the new total of a delegate's lock; together they stay below 2^128.
    function setLock(
        MarketStorage storage $,
        uint256 id,
        address delegate,
        address orderBook,
        uint256 amount
    )
        internal
    {
        uint256 epoch = $.epochs[id];
        uint256 sums = $.lockSums[id][epoch];
        bool book = delegate == orderBook;
        uint256 held = book ? sums >> 128 : $.locks[id][epoch][delegate];
        if (held == amount) return;
        uint256 most = type(uint128).max;
        if (amount > most) revert StateStore.DoesNotFit(amount, 128);
        uint256 total = uint128(sums) - held + amount;
        if (total > most) revert StateStore.DoesNotFit(total, 128);
        if (!book) $.locks[id][epoch][delegate] = amount;
        $.lockSums[id][epoch] = (book ? amount : sums >> 128) << 128 | total;
        $.setFlag(id, StateStore.FLAG_LOCKS, total != 0);
        emit IMarket.LockSet(id, epoch, delegate, amount, total);
    }
}
