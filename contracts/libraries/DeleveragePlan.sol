// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Reason, State} from "@interfaces/Types.sol";
import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";
import {Impact} from "./Impact.sol";
import {Context, Ledger} from "./Ledger.sol";
import {PositionMath} from "./PositionMath.sol";
import {Verdict} from "./Trade.sol";
import {WadMath} from "./WadMath.sol";

/// @dev What a deleveraging is reckoned from: a position's claim, all traders' net claim, the pool's cash
///      (Wad).
struct DeleverageTerms {
    uint256 claim;
    uint256 net;
    uint256 cash;
}

/// @title What a deleveraging does, before it is done
/// @notice Pure plans over a Context. The market executes them, the lens shows them: one code.
library DeleveragePlan {
    using Ledger for Context;

    /// @dev Whether the factor is high enough and the position is a target, and what it is reckoned from.
    ///      Compared without a division; the limit that a refusal shows is rounded down.
    function terms(Context memory x)
        internal
        pure
        returns (Verdict memory verdict, DeleverageTerms memory t)
    {
        int256 net = PositionMath.netClaim(x.s);
        t.cash = x.s.cash * x.c.unit;
        if (net <= 0 || uint256(net) * 1e18 <= x.c.adlStart * t.cash) {
            return (Verdict(Reason.FactorTooLow, net, int256(x.c.adlStart * t.cash / 1e18)), t);
        }
        t.net = uint256(net);
        int256 claim = PositionMath.claim(x.p.size, x.p.basis, x.s.mark, x.s.fundingIndex);
        verdict = _checkTarget(x, claim, t.net >= t.cash);
        if (claim > 0) t.claim = uint256(claim);
    }

    /// @dev Closes and pays. At most the cash of the state is paid; the factor and the shares are reckoned
    ///      with that of the terms. Wanted is rounded down: no more is closed than the target takes, for the
    ///      trader who is closed.
    function apply_(
        Context memory x,
        DeleverageTerms memory t
    )
        internal
        pure
        returns (Verdict memory verdict)
    {
        x.fill = x.s.mark;
        if (t.net < t.cash) {
            return _part(x, t.claim, (t.net * 1e18 - x.c.adlTarget * t.cash) / (1e18 - x.c.adlTarget));
        }
        _whole(x, t.claim, t.cash);
    }

    /// @dev claim / notional >= the side's average, cross-multiplied; below factor 1 only the side the skew
    ///      leans to. A refusal shows both rounded down.
    function _checkTarget(
        Context memory x,
        int256 claim,
        bool whole
    )
        private
        pure
        returns (Verdict memory verdict)
    {
        State memory s = x.s;
        bool long = x.p.size > 0;
        int256 side = PositionMath.sideClaim(s, long);
        int256 mine = claim * int256(PositionMath.sideNotional(long ? s.sizeLong : s.sizeShort, s.mark));
        int256 average = side * int256(PositionMath.notional(x.p.size, s.mark));
        bool leans = long ? s.sizeLong > s.sizeShort : s.sizeShort > s.sizeLong;
        if (claim <= 0 || side <= 0 || mine < average || !(whole || leans)) {
            verdict =
                Verdict(Reason.NotAdlTarget, WadMath.floorDiv(mine, 1e18), WadMath.floorDiv(average, 1e18));
        }
    }

    /// @dev Factor below 1: closes what pays `wanted` (Wad), at most the skew. What is closed is rounded
    ///      down, for the trader, and so is what is paid for it, for the LPs. A rest below minNotional may
    ///      remain.
    function _part(
        Context memory x,
        uint256 claim,
        uint256 wanted
    )
        private
        pure
        returns (Verdict memory verdict)
    {
        State memory s = x.s;
        uint256 size = PositionMath.abs(x.p.size);
        uint256 closed = PositionMath.abs(int256(s.sizeLong) - int256(s.sizeShort));
        if (closed > size) closed = size;
        if (FixedPointMathLib.fullMulDivUp(claim, closed, size) > wanted) {
            closed = FixedPointMathLib.fullMulDiv(size, wanted, claim);
            if (closed > size) closed = size;
        }
        if (closed == 0) return Verdict(Reason.NothingToClose, 0, 1);
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
    ///      cash, the rest by ticket. Cost up, share and tokens down: what rounding takes is the LPs', and
    ///      the shares of all never pass the cash.
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
