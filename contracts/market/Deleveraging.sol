// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMarket} from "@interfaces/IMarket.sol";
import {Action, Reason, State} from "@interfaces/Types.sol";
import {Engine, Need} from "../libraries/Engine.sol";
import {Impact} from "../libraries/Impact.sol";
import {Context, Ledger} from "../libraries/Ledger.sol";
import {PositionMath} from "../libraries/PositionMath.sol";
import {MarketStorage, StateStore} from "../libraries/StateStore.sol";
import {WadMath} from "../libraries/WadMath.sol";
import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

/// @title Auto-deleveraging
/// @notice When the pool's cash hardly covers what it owes the traders, profitable positions are closed at
/// the mark, without fee.
///         Factor = net trader claim / cash. Linked into the market; works on its storage, under its lock.
library Deleveraging {
    using StateStore for MarketStorage;
    using Engine for MarketStorage;
    using Ledger for Context;

    function deleverage(MarketStorage storage $, uint256 id, address vault) external {
        if ($.positions[id][0] == 0) revert IMarket.UnknownPosition(id);
        Context memory x;
        $.load(x);
        $.loadPosition(x, id, vault);
        if (x.p.size == 0) revert IMarket.Refused(Reason.IsFlat, 0, 1);
        $.accept(x, Need.Must);
        State memory s = x.s;
        int256 net = PositionMath.netClaim(s);
        uint256 cash = s.cash * x.c.unit;
        if (net <= 0 || uint256(net) * 1e18 <= x.c.adlStart * cash) {
            revert IMarket.Refused(Reason.FactorTooLow, net, int256(x.c.adlStart * cash / 1e18));
        }
        int256 claim = PositionMath.claim(x.p.size, x.p.basis, s.mark, s.fundingIndex);
        _checkTarget(x, claim, uint256(net) >= cash);
        Engine.Undo memory undo = Engine.mark(x);
        _plan(x, uint256(claim), uint256(net), cash);
        if (!Engine.pay(x)) {
            // a vault that can't be paid is deleveraged all the same: nothing moves, its profit waits
            Engine.rewind(x, undo);
            s.cash = 0;
            _plan(x, uint256(claim), uint256(net), cash);
            s.cash = undo.cash;
        }
        $.finish(x, Action.Deleverage);
        $.save(x.s);
    }

    /// @dev Pays at most the cash of the state: `cash` (Wad) is what factor and shares are reckoned with.
    function _plan(Context memory x, uint256 claim, uint256 net, uint256 cash) private pure {
        x.fill = x.s.mark;
        if (net >= cash) _whole(x, claim, cash);
        else _part(x, claim, (net * 1e18 - x.c.adlTarget * cash) / (1e18 - x.c.adlTarget));
    }

    /// @dev claim / notional >= the side's average, cross-multiplied; below factor 1 only the side the skew
    /// leans to.
    function _checkTarget(Context memory x, int256 claim, bool whole) private pure {
        State memory s = x.s;
        bool long = x.p.size > 0;
        int256 side = PositionMath.sideClaim(s, long);
        int256 mine = claim * int256(PositionMath.sideNotional(long ? s.sizeLong : s.sizeShort, s.mark));
        int256 average = side * int256(PositionMath.notional(x.p.size, s.mark));
        bool leans = long ? s.sizeLong > s.sizeShort : s.sizeShort > s.sizeLong;
        if (claim <= 0 || side <= 0 || mine < average || !(whole || leans)) {
            revert IMarket.Refused(
                Reason.NotAdlTarget, WadMath.floorDiv(mine, 1e18), WadMath.floorDiv(average, 1e18)
            );
        }
    }

    /// @dev Factor below 1: closes what pays `wanted` (Wad, rounded down), at most the skew. A rest below
    /// minNotional may remain.
    function _part(Context memory x, uint256 claim, uint256 wanted) private pure {
        State memory s = x.s;
        uint256 size = PositionMath.abs(x.p.size);
        uint256 closed = PositionMath.abs(int256(s.sizeLong) - int256(s.sizeShort));
        if (closed > size) closed = size;
        if (FixedPointMathLib.fullMulDivUp(claim, closed, size) > wanted) {
            closed = FixedPointMathLib.fullMulDiv(size, wanted, claim);
            if (closed > size) closed = size;
        }
        if (closed == 0) revert IMarket.Refused(Reason.NothingToClose, 0, 1);
        uint256 pay = FixedPointMathLib.fullMulDiv(claim, closed, size) / x.c.unit;
        int256 delta = x.p.size > 0 ? -int256(closed) : int256(closed);
        x.move(x.p.size + delta, x.p.basis + WadMath.smulCeil(delta, int256(s.mark) - s.fundingIndex));
        uint256 paid = x.fromPool(pay);
        if (x.p.size != 0) {
            x.debit(paid);
        } else {
            x.due = pay - paid;
            x.move(0, 0);
        }
    }

    /// @dev Factor 1 or more: the whole position, less what unwinding the skew costs, paid its share of the
    /// cash, the rest by ticket.
    function _whole(Context memory x, uint256 claim, uint256 cash) private pure {
        State memory s = x.s;
        uint256 cost = WadMath.mulWadUp(s.mark, Impact.closeCost(s, x.c, x.p.size));
        uint256 due = claim > cost ? claim - cost : 0;
        int256 long = PositionMath.sideClaim(s, true);
        int256 short = PositionMath.sideClaim(s, false);
        uint256 all = (long > 0 ? uint256(long) : 0) + (short > 0 ? uint256(short) : 0);
        uint256 pay = FixedPointMathLib.fullMulDiv(cash, due, all);
        if (pay > due) pay = due;
        if (pay > cash) pay = cash;
        uint256 unit = x.c.unit;
        x.due = due / unit - x.fromPool(pay / unit);
        x.move(0, 0);
    }
}
