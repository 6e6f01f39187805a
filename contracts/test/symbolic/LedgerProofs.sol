// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Mode} from "@interfaces/Types.sol";
import {Context, Ledger} from "../../libraries/Ledger.sol";

/// @notice The unchecked flows, against the same sums in checked arithmetic, over the ranges of storage.
contract LedgerProofs {
    uint256 private constant TOP = type(uint96).max;

    /// @notice What left the vault funds tickets first and is cash for the rest; nothing wraps.
    function proveToPool(uint112 v, uint88 cash, uint88 amount, uint128 owed, uint128 paid) external pure {
        if (paid > owed) return;
        Context memory x = _context(v, cash, owed, paid);
        uint256 moved = Ledger.toPool(x, amount);
        assert(moved == (amount < v ? amount : v) && x.v + moved == v && x.net == int256(moved));
        assert(x.paidTotal + x.s.cash == uint256(paid) + cash + moved);
        assert(x.paidTotal <= owed && (x.s.cash == cash || x.paidTotal == owed));
    }

    function plantToPool(uint112 v, uint88 cash, uint88 amount, uint128 owed, uint128 paid) external pure {
        if (paid > owed) return;
        Context memory x = _context(v, cash, owed, paid);
        uint256 moved = Ledger.toPool(x, amount);
        assert(x.s.cash == cash + moved); // as if no ticket were open
    }

    /// @notice The pool pays no more than its cash, and the vault gets what it paid.
    function proveFromPool(uint112 v, uint96 cash, uint168 amount) external pure {
        Context memory x = _context(v, cash, 0, 0);
        uint256 moved = Ledger.fromPool(x, amount);
        assert(moved == (amount < cash ? amount : cash) && x.s.cash + moved == cash);
        assert(x.v == v + moved && x.net == -int256(moved));
    }

    function plantFromPool(uint112 v, uint96 cash, uint168 amount) external pure {
        Context memory x = _context(v, cash, 0, 0);
        uint256 moved = Ledger.fromPool(x, amount);
        assert(moved == amount && x.s.cash + moved == cash);
    }

    /// @notice The pool's counter stops at its end, whatever comes in.
    function proveInflowSaturates(uint96 cash, uint128 amount) external pure {
        Context memory x = _context(0, cash, 0, 0);
        Ledger.inflow(x, amount);
        uint256 sum = uint256(cash) + amount;
        assert(x.s.cash == (sum < TOP ? sum : TOP));
    }

    function plantInflowSaturates(uint96 cash, uint128 amount) external pure {
        Context memory x = _context(0, cash, 0, 0);
        Ledger.inflow(x, amount);
        assert(x.s.cash == uint256(cash) + amount);
    }

    /// @notice Pool, insurance and treasury get exactly the fee, at 40, 25 and 35 %.
    function provePayFee(uint112 v, uint80 fee, uint64 insured, uint64 treasury) external pure {
        Context memory x = _context(v, 0, 0, 0);
        (x.c.feePoolShare, x.c.feeInsuranceShare) = (0.4e18, 0.25e18);
        (x.s.insuranceDue, x.s.treasuryDue) = (insured, treasury);
        uint256 moved = Ledger.payFee(x, fee);
        assert(x.v + moved == v);
        assert(x.s.cash + x.s.insuranceDue + x.s.treasuryDue == uint256(insured) + treasury + moved);
    }

    function plantPayFee(uint112 v, uint80 fee, uint64 insured, uint64 treasury) external pure {
        Context memory x = _context(v, 0, 0, 0);
        (x.c.feePoolShare, x.c.feeInsuranceShare) = (0.4e18, 0.25e18);
        (x.s.insuranceDue, x.s.treasuryDue) = (insured, treasury);
        Ledger.payFee(x, fee);
        assert(x.s.cash + x.s.insuranceDue + x.s.treasuryDue == uint256(insured) + treasury + fee);
    }

    /// @notice All that the insurance's counter can't take is the pool's.
    function provePayInsurance(uint112 v, uint88 amount, uint64 insured) external pure {
        Context memory x = _context(v, 0, 0, 0);
        x.s.insuranceDue = insured;
        uint256 moved = Ledger.payInsurance(x, amount);
        assert(x.v + moved == v && x.s.insuranceDue + x.s.cash == insured + moved);
    }

    function plantPayInsurance(uint112 v, uint88 amount, uint64 insured) external pure {
        Context memory x = _context(v, 0, 0, 0);
        x.s.insuranceDue = insured;
        uint256 moved = Ledger.payInsurance(x, amount);
        assert(x.s.insuranceDue == insured + moved); // as if the counter had no end
    }

    /// @notice The sides' sums change by what the position changed by, across any flip.
    function proveMove(
        uint112 long,
        uint112 short,
        int112 from,
        int112 to,
        int128 b,
        int128 b2
    )
        external
        pure
    {
        if (from >= 0 ? uint112(from) > long : uint256(-int256(from)) > short) return;
        Context memory x = _context(0, 0, 0, 0);
        (x.s.sizeLong, x.s.sizeShort, x.p.size, x.p.basis) = (long, short, from, b);
        if (from < 0) x.s.basisShort = b;
        else x.s.basisLong = b;
        Ledger.move(x, to, b2);
        assert(x.p.size == to && x.p.basis == b2 && x.s.basisLong + x.s.basisShort == b2);
        (int256 was, int256 is_) = (from, to);
        assert(
            int256(x.s.sizeLong) - int256(uint256(long))
                == (is_ > 0 ? is_ : int256(0)) - (was > 0 ? was : int256(0))
        );
        assert(
            int256(x.s.sizeShort) - int256(uint256(short))
                == (was < 0 ? was : int256(0)) - (is_ < 0 ? is_ : int256(0))
        );
    }

    function plantMove(
        uint112 long,
        uint112 short,
        int112 from,
        int112 to,
        int128 b,
        int128 b2
    )
        external
        pure
    {
        if (from >= 0 ? uint112(from) > long : uint256(-int256(from)) > short) return;
        Context memory x = _context(0, 0, 0, 0);
        (x.s.sizeLong, x.s.sizeShort, x.p.size, x.p.basis) = (long, short, from, b);
        if (from < 0) x.s.basisShort = b;
        else x.s.basisLong = b;
        Ledger.move(x, to, b2);
        assert(x.s.basisLong == b2); // as if there were one side
    }

    /// @notice What is paid comes off the basis of the position and of its side alike.
    function proveCredit(int112 size, int128 basis, uint96 amount) external pure {
        Context memory x = _context(0, 0, 0, 0);
        (x.p.size, x.p.basis, x.c.unit) = (size, basis, 1e12);
        Ledger.credit(x, amount);
        int256 change = int256(uint256(amount) * 1e12);
        assert(x.p.basis == basis - change);
        assert(x.s.basisShort == (size < 0 ? -change : int256(0)));
        assert(x.s.basisLong == (size < 0 ? int256(0) : -change));
    }

    function plantCredit(int112 size, int128 basis, uint96 amount) external pure {
        Context memory x = _context(0, 0, 0, 0);
        (x.p.size, x.p.basis, x.c.unit) = (size, basis, 1e12);
        Ledger.debit(x, amount);
        assert(x.p.basis == basis - int256(uint256(amount) * 1e12));
    }

    /// @notice A share of a profit rounds down, of a loss up, and is no more than the whole.
    function proveShareOf(int96 claim, uint96 closed, uint96 whole) external pure {
        if (whole == 0 || closed > whole) return;
        int256 share = Ledger.shareOf(claim, closed, whole);
        unchecked {
            int256 rest = int256(claim) * int256(uint256(closed)) - share * int256(uint256(whole));
            assert(rest >= 0 && rest < int256(uint256(whole)));
        }
    }

    function plantShareOf(int96 claim, uint96 closed, uint96 whole) external pure {
        if (whole == 0 || closed > whole) return;
        int256 share = -Ledger.shareOf(-int256(claim), closed, whole); // rounds up
        unchecked {
            int256 rest = int256(claim) * int256(uint256(closed)) - share * int256(uint256(whole));
            assert(rest >= 0 && rest < int256(uint256(whole)));
        }
    }

    function _context(
        uint256 v,
        uint256 cash,
        uint256 owed,
        uint256 paid
    )
        private
        pure
        returns (Context memory x)
    {
        (x.v, x.s.cash, x.owedTotal, x.paidTotal, x.s.mode) = (v, cash, owed, paid, Mode.Normal);
    }
}
