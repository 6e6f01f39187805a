// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMarket} from "@interfaces/IMarket.sol";
import {IPositionVault} from "@interfaces/IPositionVault.sol";
import {Action, Reason} from "@interfaces/Types.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Engine} from "../libraries/Engine.sol";
import {Context, Ledger} from "../libraries/Ledger.sol";
import {MarketStorage, StateStore} from "../libraries/StateStore.sol";
import {Trade} from "../libraries/Trade.sol";
import {Entry, Vaults} from "./Entry.sol";

/// @title Opening and adding
/// @notice Linked into the market; works on its storage, under its lock.
library Trading {
    using SafeERC20 for IERC20;
    using StateStore for MarketStorage;
    using Engine for MarketStorage;

    function open(
        MarketStorage storage $,
        Vaults memory vaults,
        uint256 id,
        int256 size,
        uint256 margin,
        uint256 priceLimit,
        uint256 deadline
    )
        external
    {
        Entry.checkDeadline(deadline);
        Context memory x = Ledger.blank()[0];
        Entry.enter($, x, vaults, id);
        if (size == 0) revert IMarket.Refused(Reason.ZeroAmount, 0, 1);
        if (x.p.size != 0) revert IMarket.Refused(Reason.NotFlat, x.p.size, 0);
        _checkSize(size);
        Entry.price($, x, true);
        if (Trade.tooMuch(x, margin)) Engine.demand(Trade.tooMuchVerdict(x, margin));
        uint256 before = x.v;
        x.v += margin;
        Engine.demand(Trade.grow(x, size, priceLimit));
        Entry.deployVault(x, vaults);
        _payOpening(x, margin, before);
        if (before != 0 && x.net == 0) _checkVaultPays(x);
        $.finish(x, Action.Open);
        $.save(x);
    }

    function increase(
        MarketStorage storage $,
        Vaults memory vaults,
        uint256 id,
        int256 delta,
        uint256 priceLimit,
        uint256 deadline
    )
        external
    {
        Entry.checkDeadline(deadline);
        Context memory x = Ledger.blank()[0];
        Entry.enter($, x, vaults, id);
        Entry.checkDelta(x, delta, true);
        _checkSize(delta);
        _checkSize(x.p.size + delta);
        Entry.price($, x, true);
        Engine.demand(Trade.grow(x, delta, priceLimit));
        Engine.payOrRevert(x);
        if (x.net <= 0) _checkVaultPays(x);
        $.finish(x, Action.Increase);
        $.save(x);
    }

    /// @dev The payer pays what the pool is due straight to it, the rest into the vault. A token that takes
    ///      fees shows at the vault; where less goes there than to the pool, at the pool.
    function _payOpening(Context memory x, uint256 margin, uint256 before) private {
        uint256 direct = x.net > 0 ? uint256(x.net) : 0;
        if (direct > margin) direct = margin;
        IERC20 token = IERC20(x.c.token);
        if (direct != 0) {
            bool small = margin - direct < direct;
            uint256 held = small ? token.balanceOf(x.c.pool) : 0;
            token.safeTransferFrom(msg.sender, x.c.pool, direct);
            if (small) _checkReceived(token.balanceOf(x.c.pool), held, direct);
            x.net -= int256(direct);
        }
        uint256 rest = margin - direct;
        if (rest != 0) {
            token.safeTransferFrom(msg.sender, x.vault, rest);
            _checkReceived(token.balanceOf(x.vault), before, rest);
        }
        Engine.payOrRevert(x);
    }

    /// @dev What a frozen vault holds is no margin. Where risk is added and nothing else leaves the vault, a
    ///      payment of nothing asks the token.
    function _checkVaultPays(Context memory x) private {
        if (!IPositionVault(x.vault).payPool(0)) revert IMarket.TransferRefused(x.c.pool, 0);
    }

    function _checkReceived(uint256 held, uint256 before, uint256 asked) private pure {
        uint256 received = held > before ? held - before : 0;
        if (received != asked) revert IMarket.WrongAmountReceived(received, asked);
    }

    function _checkSize(int256 size) private pure {
        if (size > type(int128).max || size < -type(int128).max) {
            revert IMarket.Refused(Reason.SizeTooLarge, size, type(int128).max);
        }
    }
}
