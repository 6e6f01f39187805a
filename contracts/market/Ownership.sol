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
import {Delegates} from "./Delegates.sol";

/// @title Handing a position over, and letting others trade it
/// @notice Linked into the market; works on its storage.
library Ownership {
    using StateStore for MarketStorage;
    using Engine for MarketStorage;
    using Delegates for MarketStorage;
    using Ledger for Context;

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

    function setDelegate(
        MarketStorage storage $,
        uint256 id,
        address delegate,
        uint256 expiry,
        address orderBook
    )
        external
    {
        if (id == 0) $.delegatesOfAll[msg.sender][delegate] = expiry;
        else $.delegates[id][$.epochs[id]][delegate] = expiry;
        emit IMarket.DelegateSet(msg.sender, id, delegate, expiry);
        if (id != 0 && expiry == 0) $.setLock(id, delegate, orderBook, 0);
    }

    function freeLock(MarketStorage storage $, uint256 id, address delegate, address orderBook) external {
        address owner_ = $.ownerOf(id);
        if (owner_ == address(0)) revert IMarket.UnknownPosition(id);
        if ($.isDelegate(id, owner_, delegate)) revert IMarket.NotAuthorised(id, msg.sender);
        $.setLock(id, delegate, orderBook, 0);
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

    function _owned(MarketStorage storage $, uint256 id) private view returns (Position memory p) {
        p = $.loadPosition(id);
        if (p.owner == address(0)) revert IMarket.UnknownPosition(id);
        if (p.owner != msg.sender) revert IMarket.NotAuthorised(id, msg.sender);
    }
}
