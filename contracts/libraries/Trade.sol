// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Config, Reason, State} from "@interfaces/Types.sol";
import {Impact} from "./Impact.sol";
import {Context, Ledger} from "./Ledger.sol";
import {MarginTable} from "./MarginTable.sol";
import {PositionMath} from "./PositionMath.sol";
import {StateStore} from "./StateStore.sol";
import {Volatility} from "./Volatility.sol";
import {WadMath} from "./WadMath.sol";

/// @dev Whether an action may go on, and if not, what it has and what it needs.
struct Verdict {
    Reason reason;
    int256 actual;
    int256 limit;
}

/// @title What a trade does, before it is done
/// @notice Pure plans over a Context. The market executes them, the lens shows them: one code.
/// @dev Unchecked; ranges as in WadMath and Ledger: a fill times a size is below 2^228, a fee below 2^168,
///      NAV below 2^220 and its limits are ratios below 2^64 of less than 2^190 of it. What moved is at most
///      what was asked.
library Trade {
    using Ledger for Context;

    /// @dev Whether an authorised caller may trade: where all trades are delayed the order book alone.
    function allows(Context memory x, address caller) internal pure returns (bool) {
        return x.c.delayedOnly == 0 || caller == x.c.orderBook;
    }

    function ordersOnly(Context memory x, address caller) internal pure returns (Verdict memory) {
        return
            Verdict(
                Reason.OrdersOnly, int256(uint256(uint160(caller))), int256(uint256(uint160(x.c.orderBook)))
            );
    }

    /// @dev Whether more is brought than still counts in the vault.
    function tooMuch(Context memory x, uint256 margin) internal pure returns (bool) {
        return margin > x.marginMax() - x.v;
    }

    /// @dev The verdict on that.
    function tooMuchVerdict(Context memory x, uint256 margin) internal pure returns (Verdict memory) {
        uint256 top = uint256(type(int256).max);
        int256 asked = int256(margin < top ? margin : top);
        return Verdict(Reason.AmountTooLarge, asked, int256(x.marginMax() - x.v));
    }

    /// @dev Opens a flat position or adds to one: funding, trade, fee, then every check on the post-state.
    function grow(Context memory x, int256 delta, uint256 priceLimit) internal pure returns (Verdict memory) {
        unchecked {
            x.touch();
            x.p.fundingEntry = x.s.fundingIndex;
            uint256 fee = _trade(x, delta);
            uint256 paid = x.payFee(fee);
            x.debit(fee - paid);
            if (_limitBroken(x.fill, priceLimit, delta)) return _limitVerdict(x.fill, priceLimit);
            return _riskCheck(x);
        }
    }

    /// @dev Takes from a position: funding, trade, then the closed share of a profit, the fee, the closed
    /// share of a loss.
    function shrink(
        Context memory x,
        int256 delta,
        uint256 priceLimit
    )
        internal
        pure
        returns (Verdict memory)
    {
        unchecked {
            x.touch();
            uint256 closed = PositionMath.abs(delta);
            uint256 whole = PositionMath.abs(x.p.size);
            uint256 fee = _trade(x, delta);
            if (_limitBroken(x.fill, priceLimit, delta)) return _limitVerdict(x.fill, priceLimit);
            uint256 notional = PositionMath.notional(x.p.size, x.s.mark);
            if (notional < x.c.minNotional) {
                return Verdict(Reason.NotionalTooSmall, int256(notional), int256(x.c.minNotional));
            }
            int256 share = settleShare(x, x.s.mark, closed, whole, fee);
            uint256 paid = x.payFee(fee);
            x.debit(fee - paid); // what the vault can't pay is taken off the claim
            collectShare(x, share);
            int256 equity = x.equity(x.s.mark);
            uint256 mm = MarginTable.mm(x.c, notional, x.s.ramp);
            if (equity < int256(mm)) return Verdict(Reason.EquityTooLow, equity, int256(mm));
            return Verdict(Reason.None, 0, 0);
        }
    }

    /// @dev Pays the closed share of a positive claim, and what more of it `costs` need. Returns the share
    /// (Wad, floored).
    function settleShare(
        Context memory x,
        uint256 price,
        uint256 closed,
        uint256 whole,
        uint256 costs
    )
        internal
        pure
        returns (int256 share)
    {
        unchecked {
            int256 claim = PositionMath.claim(x.p.size, x.p.basis, price, x.s.fundingIndex);
            share = Ledger.shareOf(claim, closed, whole);
            if (share > 0) x.debit(x.fromPool(WadMath.toTokensDown(uint256(share), x.c.unit)));
            if (x.v < costs) {
                claim = PositionMath.claim(x.p.size, x.p.basis, price, x.s.fundingIndex);
                if (claim > 0) {
                    uint256 more = WadMath.toTokensDown(uint256(claim), x.c.unit);
                    if (more > costs - x.v) more = costs - x.v;
                    x.debit(x.fromPool(more));
                }
            }
        }
    }

    /// @dev Collects the closed share of a loss.
    function collectShare(Context memory x, int256 share) internal pure {
        unchecked {
            if (share < 0) x.credit(x.toPool(WadMath.toTokensDown(uint256(-share), x.c.unit)));
        }
    }

    /// @dev Closes: funding, trade, profit paid as far as cash goes, fee, loss collected. What the vault
    /// can't pay of the fee
    ///      is taken off the unpaid profit, the rest of which becomes a ticket.
    function close(Context memory x, uint256 priceLimit) internal pure returns (Verdict memory) {
        unchecked {
            x.touch();
            int256 delta = -x.p.size;
            uint256 fee = _trade(x, delta);
            if (_limitBroken(x.fill, priceLimit, delta)) return _limitVerdict(x.fill, priceLimit);
            uint256 unit = x.c.unit;
            int256 claim = -x.p.basis;
            int256 equity = PositionMath.equity(x.v, unit, claim) - int256(fee * unit);
            if (equity < 0) return Verdict(Reason.EquityTooLow, equity, 0);
            if (claim > 0) {
                x.due = WadMath.toTokensDown(uint256(claim), unit);
                x.due -= x.fromPool(x.due);
            }
            uint256 missing = fee - x.payFee(fee);
            x.due -= missing < x.due ? missing : x.due;
            if (claim < 0) x.toPool(WadMath.toTokensUp(uint256(-claim), unit));
            x.move(0, 0);
            return Verdict(Reason.None, 0, 0);
        }
    }

    /// @dev A close whose payments the token refuses: nothing moves, the debt stays in basis, backed by the
    /// vault's balance.
    function closeFrozen(Context memory x) internal pure {
        x.p.fundingEntry = x.s.fundingIndex;
        uint256 fee = _trade(x, -x.p.size);
        leaveDebt(x, fee);
    }

    /// @dev Takes the exposure of a frozen vault off: what it owes and still holds, costs included that its
    /// claim does not cover, stays in basis of the flat position. A debt is rounded up, a claim down: the
    /// pool gains.
    function leaveDebt(Context memory x, uint256 costs) internal pure {
        unchecked {
            uint256 unit = x.c.unit;
            int256 claim = -x.p.basis;
            uint256 debt = costs;
            if (claim > 0) {
                uint256 due = WadMath.toTokensDown(uint256(claim), unit);
                debt = costs > due ? costs - due : 0;
                x.due = due > costs ? due - costs : 0;
            } else {
                uint256 owed = WadMath.toTokensUp(uint256(-claim), unit);
                debt += owed;
                if (owed > x.v) x.deficit = owed - x.v;
            }
            if (debt > x.v) debt = x.v;
            x.move(0, int256(debt * unit));
        }
    }

    /// @dev Checks a removal whose amount has left `x.v` already.
    function removalCheck(Context memory x, uint256 locks) internal pure returns (Verdict memory) {
        unchecked {
            uint256 free = x.v > locks ? x.v - locks : 0;
            return _marginCheck(x, free);
        }
    }

    /// @dev Trades at the mark: basis, size, fill. Returns the fee (token units, rounded up).
    function _trade(Context memory x, int256 delta) private pure returns (uint256 fee) {
        unchecked {
            (int256 basisDelta, uint256 fill, uint256 feeWad) = Impact.quote(x.s, x.c, delta);
            x.fill = fill;
            fee = WadMath.toTokensUp(feeWad, x.c.unit);
            x.fee = fee;
            x.move(x.p.size + delta, x.p.basis + basisDelta);
        }
    }

    function _limitBroken(uint256 fill, uint256 limit, int256 delta) private pure returns (bool) {
        return delta > 0 ? fill > limit : fill < limit;
    }

    function _limitVerdict(uint256 fill, uint256 limit) private pure returns (Verdict memory) {
        uint256 top = uint256(type(int256).max);
        return Verdict(Reason.PriceLimit, int256(fill), int256(limit < top ? limit : top));
    }

    function _riskCheck(Context memory x) private pure returns (Verdict memory) {
        State memory s = x.s;
        Config memory c = x.c;
        bool long = x.p.size > 0;
        uint256 side = long ? s.sizeLong : s.sizeShort;
        if (side > StateStore.SIDE_MAX) {
            return Verdict(Reason.SizeTooLarge, int256(side), int256(StateStore.SIDE_MAX));
        }
        uint256 notional = PositionMath.notional(x.p.size, s.mark);
        if (notional < c.minNotional) {
            return Verdict(Reason.NotionalTooSmall, int256(notional), int256(c.minNotional));
        }
        uint256 skew = PositionMath.abs(int256(s.sizeLong) - int256(s.sizeShort));
        if (skew > c.maxSkew) return Verdict(Reason.SkewTooLarge, int256(skew), int256(c.maxSkew));
        uint256 sideNotional = PositionMath.sideNotional(side, s.mark);
        if (sideNotional > c.maxOpenInterest) {
            return Verdict(Reason.OpenInterestTooLarge, int256(sideNotional), int256(c.maxOpenInterest));
        }
        int256 nav = PositionMath.nav(s, c, x.owedTotal - x.paidTotal);
        uint256 capacity = nav > 0 ? uint256(nav) * c.maxUtilisation / 1e18 : 0;
        if (sideNotional > capacity) {
            return Verdict(Reason.UtilisationTooHigh, int256(sideNotional), int256(capacity));
        }
        return _marginCheckAt(x, x.v, nav);
    }

    function _marginCheck(Context memory x, uint256 freeMargin) private pure returns (Verdict memory) {
        return _marginCheckAt(x, freeMargin, PositionMath.nav(x.s, x.c, x.owedTotal - x.paidTotal));
    }

    /// @dev min(free margin, equity) against the initial margin, at the mark.
    function _marginCheckAt(
        Context memory x,
        uint256 freeMargin,
        int256 nav
    )
        private
        pure
        returns (Verdict memory)
    {
        unchecked {
            int256 has = x.equity(x.s.mark);
            int256 margin = PositionMath.equity(freeMargin, x.c.unit, 0);
            if (margin < has) has = margin;
            uint256 notional = PositionMath.notional(x.p.size, x.s.mark);
            uint256 im = MarginTable.im(x.c, notional, Volatility.muIm(x.s, x.c, nav));
            if (has < int256(im)) return Verdict(Reason.MarginTooLow, has, int256(im));
            return Verdict(Reason.None, 0, 0);
        }
    }
}
