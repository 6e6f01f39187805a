// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMarket} from "@interfaces/IMarket.sol";
import {IPositionVault} from "@interfaces/IPositionVault.sol";
import {Position, Reason} from "@interfaces/Types.sol";
import {LibClone} from "solady/src/utils/LibClone.sol";
import {Engine, Need} from "../libraries/Engine.sol";
import {Context, Ledger} from "../libraries/Ledger.sol";
import {MarginTable} from "../libraries/MarginTable.sol";
import {PositionMath} from "../libraries/PositionMath.sol";
import {MarketStorage, StateStore} from "../libraries/StateStore.sol";

/// @title Who may do what with a position
/// @notice Linked into the market; works on its storage.
library Ownership {
    using StateStore for MarketStorage;
    using Engine for MarketStorage;
    using Ledger for Context;

    /// @dev Owner, or a delegate of the id's epoch or of all of the owner's positions, whose expiry has not
    /// passed.
    function authorised(
        MarketStorage storage $,
        uint256 id,
        address owner_,
        address caller
    )
        external
        view
        returns (bool)
    {
        return caller == owner_ && owner_ != address(0) || _isDelegate($, id, owner_, caller);
    }

    /// @dev New owner, new epoch: delegates, locks and the margin call opt-in are gone. Refused while
    /// liquidatable.
    function transfer(MarketStorage storage $, uint256 id, address to, address vault) external {
        Position memory p = $.loadPosition(id);
        if (p.size != 0) {
            Context memory x = Ledger.blank()[0];
            $.load(x);
            $.accept(x, Need.Must);
            $.loadPosition(x, id, vault);
            uint256 price = PositionMath.favourable(x.s, p.size);
            int256 equity = x.equity(price);
            uint256 mm = MarginTable.mm(x.c, PositionMath.notional(p.size, price), x.s.ramp);
            if (equity < int256(mm)) revert IMarket.Refused(Reason.Liquidatable, equity, int256(mm));
            $.save(x);
        }
        address from = p.owner;
        uint256 epoch = ++$.epochs[id];
        p.owner = to;
        p.flags &= ~(StateStore.FLAG_MARGIN_CALL | StateStore.FLAG_LOCKS);
        $.savePositionHead(id, p);
        emit IMarket.PositionTransferred(id, from, to, epoch);
    }

    function setDelegate(MarketStorage storage $, uint256 id, address delegate, uint256 expiry) external {
        if (id == 0) $.delegatesOfAll[msg.sender][delegate] = expiry;
        else $.delegates[id][$.epochs[id]][delegate] = expiry;
        emit IMarket.DelegateSet(msg.sender, id, delegate, expiry);
        if (id != 0 && expiry == 0) _setLock($, id, delegate, 0);
    }

    /// @dev Raising takes a live delegate; lowering is anyone's own business.
    function setLock(MarketStorage storage $, uint256 id, uint256 amount) external {
        Position memory p = _known($, id);
        bool raises = amount > $.locks[id][$.epochs[id]][msg.sender];
        if (raises && !_isDelegate($, id, p.owner, msg.sender)) revert IMarket.NotAuthorised(id, msg.sender);
        _setLock($, id, msg.sender, amount);
    }

    function freeLock(MarketStorage storage $, uint256 id, address delegate) external {
        Position memory p = _known($, id);
        if (_isDelegate($, id, p.owner, delegate)) revert IMarket.NotAuthorised(id, msg.sender);
        _setLock($, id, delegate, 0);
    }

    /// @dev The owner's own, and of a contract.
    function setMarginCall(MarketStorage storage $, uint256 id, bool optIn) external {
        Position memory p = _owned($, id);
        if (optIn && msg.sender.code.length == 0) revert IMarket.NotAuthorised(id, msg.sender);
        p.flags = optIn ? p.flags | StateStore.FLAG_MARGIN_CALL : p.flags & ~StateStore.FLAG_MARGIN_CALL;
        $.savePositionHead(id, p);
        emit IMarket.MarginCallSet(id, optIn);
    }

    function sweepForeign(
        MarketStorage storage $,
        uint256 id,
        address token,
        address to,
        address vault,
        address implementation
    )
        external
    {
        Position memory p = _owned($, id);
        if (p.flags & StateStore.FLAG_VAULT == 0) {
            LibClone.cloneDeterministic_PUSH0(implementation, bytes32(id));
            p.flags |= StateStore.FLAG_VAULT;
            $.savePositionHead(id, p);
        }
        IPositionVault(vault).sweep(token, to);
    }

    /// @dev The pool says when its next bucket is due.
    function scheduleBucket(MarketStorage storage $, uint256 dueAt) external {
        uint256 w = $.words[6];
        $.words[6] = w & ~(StateStore.BUCKET_MAX << 160) | (dueAt & StateStore.BUCKET_MAX) << 160;
    }

    function _isDelegate(
        MarketStorage storage $,
        uint256 id,
        address owner_,
        address caller
    )
        private
        view
        returns (bool)
    {
        return block.timestamp <= $.delegates[id][$.epochs[id]][caller]
            || block.timestamp <= $.delegatesOfAll[owner_][caller];
    }

    function _known(MarketStorage storage $, uint256 id) private view returns (Position memory) {
        if ($.positions[id][0] == 0) revert IMarket.UnknownPosition(id);
        return $.loadPosition(id);
    }

    function _owned(MarketStorage storage $, uint256 id) private view returns (Position memory p) {
        p = _known($, id);
        if (p.owner != msg.sender) revert IMarket.NotAuthorised(id, msg.sender);
    }

    function _setLock(MarketStorage storage $, uint256 id, address delegate, uint256 amount) private {
        uint256 epoch = $.epochs[id];
        uint256 held = $.locks[id][epoch][delegate];
        if (held == amount) return;
        uint256 total = $.lockSums[id][epoch] - held + amount;
        $.locks[id][epoch][delegate] = amount;
        $.lockSums[id][epoch] = total;
        Position memory p = $.loadPosition(id);
        p.flags = total == 0 ? p.flags & ~StateStore.FLAG_LOCKS : p.flags | StateStore.FLAG_LOCKS;
        $.savePositionHead(id, p);
        emit IMarket.LockSet(id, epoch, delegate, amount, total);
    }
}
