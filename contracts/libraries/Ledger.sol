// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Config, Mode, Position, State} from "@interfaces/Types.sol";
import {PositionMath} from "./PositionMath.sol";
import {StateStore} from "./StateStore.sol";
import {WadMath} from "./WadMath.sol";
import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

/// @dev What a plan changes, to plan again when a token refuses.
struct Undo {
    uint256 v;
    uint256 cash;
    uint256 insuranceDue;
    uint256 treasuryDue;
    uint256 paidTotal;
    int256 size;
    int256 basis;
    int256 fundingEntry;
}

/// @dev One action in the making: what it read, what it will write, and the token flows so far.
struct Context {
    State s;
    Config c;
    Position p;
    uint256 id;
    address vault;
    uint256 v; // the vault's balance after the flows so far (token units)
    int256 net; // tokens from the vault to the pool so far (token units, signed)
    uint256 owedTotal; // tickets written and funded (token units); both 0 unless loaded
    uint256 paidTotal;
    bool ticketsLoaded; // whether the two above are the stored ones
    bool countersLoaded; // whether the state's counters are
    int256 fundingPaid; // by the trader (token units)
    uint256 fill; // price the action traded at (Wad)
    uint256 fee; // charged, without the keeper's reward (token units)
    uint256 due; // what the pool could not pay and owes by ticket (token units)
    uint256 deficit; // what the vault could not pay (token units)
    uint256 payout; // for the keeper, or to whom the owner says (token units)
    int256 entry; // the position's fundingEntry as stored (Wad)
    Undo undo; // for a plan that a token refuses
}

/// @title The token flows of one action
/// @notice Flows are booked here in order, on numbers; the market pays their sum once.
/// @dev Unchecked; ranges as in WadMath. Amounts come from fees, claims and funding (below 2^168) or from a
///      balance, a counter or cash they are bounded by first, so what is taken off is there, and no product
///      with a unit (2^60) or a share (2^60, both together at most 1e18) reaches 2^255.
///      owedTotal >= paidTotal < 2^128. StateStore checks every sum again before it is stored.
library Ledger {
    /// @dev The most of a vault's balance that counts (Wad). More may lie there and leave bit by bit; no sum
    ///      of what counts can overflow, whatever is sent to a vault.
    uint256 internal constant MARGIN_MAX = 1 << 112;

    /// @dev What the parts of a Context take (bytes).
    uint256 private constant CONTEXT_BYTES = 608;
    uint256 internal constant STATE_BYTES = 832;
    uint256 private constant CONFIG_BYTES = 1664; // with the pointer to its table, the last word
    uint256 private constant TABLE_BYTES = 1024;
    uint256 private constant POSITION_BYTES = 192;
    uint256 private constant UNDO_BYTES = 256;

    /// @dev An empty Context, as the one element of an array. All zeros, as Solidity would write them: word
    ///      by word, for 1,400 gas more than this one copy from beyond the calldata.
    function blank() internal pure returns (Context[] memory one) {
        assembly ("memory-safe") {
            one := mload(0x40)
            let x := add(one, 64)
            let s := add(x, CONTEXT_BYTES)
            let c := add(s, STATE_BYTES)
            let table := add(c, CONFIG_BYTES)
            let p := add(table, TABLE_BYTES)
            let undo := add(p, POSITION_BYTES)
            let end := add(undo, UNDO_BYTES)
            mstore(0x40, end)
            mstore(one, 1)
            mstore(add(one, 32), x)
            calldatacopy(x, calldatasize(), sub(end, x))
            mstore(x, s)
            mstore(add(x, 32), c)
            mstore(sub(table, 32), table)
            mstore(add(x, 64), p)
            mstore(sub(s, 32), undo)
        }
    }

    /// @dev The part of a vault's balance that counts (token units).
    function counted(Context memory x, uint256 balance) internal pure returns (uint256) {
        uint256 most = marginMax(x);
        return balance < most ? balance : most;
    }

    /// @dev MARGIN_MAX in token units, rounded down.
    function marginMax(Context memory x) internal pure returns (uint256) {
        unchecked {
            return MARGIN_MAX / x.c.unit; // 1 to 1e18
        }
    }

    /// @dev What came to the pool funds open tickets first, the rest is cash. After a final price all of it
    ///      is: all tickets rank alike. What the counter can't hold lies in the pool uncounted: no payment
    ///      reverts for it.
    function inflow(Context memory x, uint256 amount) internal pure {
        unchecked {
            uint256 open = x.owedTotal - x.paidTotal;
            if (open != 0 && x.s.mode < Mode.Final) {
                uint256 paid = amount < open ? amount : open;
                x.paidTotal += paid;
                amount -= paid;
            }
            // cash < 2^96, amounts are parts of balances that count or of deposits that fit: < 2^129
            uint256 cash = x.s.cash + amount;
            x.s.cash = cash < StateStore.CASH_MAX ? cash : StateStore.CASH_MAX;
        }
    }

    /// @dev Vault to pool, at most what the vault has. Returns what moved.
    function toPool(Context memory x, uint256 amount) internal pure returns (uint256) {
        unchecked {
            if (amount > x.v) amount = x.v;
            if (amount == 0) return 0;
            x.v -= amount;
            x.net += int256(amount);
            inflow(x, amount);
            return amount;
        }
    }

    /// @dev Pool to vault, at most the pool's cash. Returns what moved.
    function fromPool(Context memory x, uint256 amount) internal pure returns (uint256) {
        unchecked {
            if (amount > x.s.cash) amount = x.s.cash;
            x.s.cash -= amount;
            x.v += amount;
            x.net -= int256(amount);
            return amount;
        }
    }

    /// @dev A trading fee, at most what the vault has, split between pool, insurance and treasury. Returns
    /// what moved.
    ///      Shares round down; the treasury's is the remainder; what a full counter can't take is the pool's.
    function payFee(Context memory x, uint256 amount) internal pure returns (uint256) {
        unchecked {
            if (amount > x.v) amount = x.v;
            if (amount == 0) return 0;
            x.v -= amount;
            x.net += int256(amount);
            uint256 insurance = amount * x.c.feeInsuranceShare / 1e18;
            uint256 pool = amount * x.c.feePoolShare / 1e18;
            uint256 treasury = amount - insurance - pool;
            pool += _addInsurance(x, insurance);
            uint256 room = StateStore.COUNTER_MAX - x.s.treasuryDue;
            if (treasury > room) {
                pool += treasury - room;
                treasury = room;
            }
            x.s.treasuryDue += treasury;
            inflow(x, pool);
            return amount;
        }
    }

    /// @dev Vault to insurance, at most what the vault has. Returns what moved.
    function payInsurance(Context memory x, uint256 amount) internal pure returns (uint256) {
        unchecked {
            if (amount > x.v) amount = x.v;
            if (amount == 0) return 0;
            x.v -= amount;
            x.net += int256(amount);
            uint256 rest = _addInsurance(x, amount);
            if (rest != 0) inflow(x, rest);
            return amount;
        }
    }

    /// @dev Returns what the counter could not take.
    function _addInsurance(Context memory x, uint256 amount) private pure returns (uint256 rest) {
        unchecked {
            uint256 room = StateStore.COUNTER_MAX - x.s.insuranceDue;
            if (amount > room) {
                rest = amount - room;
                amount = room;
            }
            x.s.insuranceDue += amount;
        }
    }

    /// @dev Settles funding since the last touch, as far as the payer can pay; the rest stays in basis, so
    /// equity does not
    ///      change. Tokens round toward zero. A flat position pays what a refusing token kept back.
    function touch(Context memory x) internal pure {
        unchecked {
            Position memory p = x.p;
            uint256 unit = x.c.unit;
            if (p.size == 0) {
                if (p.basis <= 0) return;
                uint256 paid = toPool(x, WadMath.toTokensUp(uint256(p.basis), unit));
                int256 rest = p.basis - int256(paid * unit);
                move(x, 0, rest > 0 ? rest : int256(0));
                return;
            }
            int256 funding = p.size * (x.s.fundingIndex - p.fundingEntry) / 1e18; // 2^127 x 2^88
            p.fundingEntry = x.s.fundingIndex;
            if (funding > 0) {
                x.fundingPaid += int256(collect(x, -funding));
            } else if (funding < 0 && x.s.mode < Mode.Final) {
                uint256 got = fromPool(x, WadMath.toTokensDown(uint256(-funding), unit));
                x.fundingPaid -= int256(got);
                debit(x, got);
            }
        }
    }

    /// @dev A negative claim (Wad), vault to pool, rounded down, off the basis. Leaves the least reward of a
    ///      liquidation in the vault for who liquidates: equity does not change. Returns what moved.
    function collect(Context memory x, int256 claim) internal pure returns (uint256 paid) {
        unchecked {
            uint256 kept = WadMath.toTokensDown(x.c.rewardFloor, x.c.unit);
            if (claim >= 0 || x.v <= kept) return 0;
            paid = WadMath.toTokensDown(uint256(-claim), x.c.unit);
            if (paid > x.v - kept) paid = x.v - kept;
            credit(x, toPool(x, paid));
        }
    }

    /// @dev The position paid `amount` tokens of what it owes.
    function credit(Context memory x, uint256 amount) internal pure {
        unchecked {
            _book(x, -int256(amount * x.c.unit));
        }
    }

    /// @dev The position was paid `amount` tokens of its claim, or charged them.
    function debit(Context memory x, uint256 amount) internal pure {
        unchecked {
            _book(x, int256(amount * x.c.unit));
        }
    }

    /// @dev Adds to the basis of the position and of its side.
    function _book(Context memory x, int256 change) private pure {
        unchecked {
            if (change == 0) return;
            Position memory p = x.p;
            p.basis += change;
            if (p.size < 0) x.s.basisShort += change;
            else x.s.basisLong += change;
        }
    }

    /// @dev Gives the position a new size and basis, and the side sums with it.
    ///      A flat position's basis counts on the long side.
    function move(Context memory x, int256 size, int256 basis) internal pure {
        unchecked {
            // a side holds what its positions hold; save() checks the sums
            State memory s = x.s;
            Position memory p = x.p;
            if (p.size < 0) {
                s.sizeShort -= uint256(-p.size);
                s.basisShort -= p.basis;
            } else {
                s.sizeLong -= uint256(p.size);
                s.basisLong -= p.basis;
            }
            if (size < 0) {
                s.sizeShort += uint256(-size);
                s.basisShort += basis;
            } else {
                s.sizeLong += uint256(size);
                s.basisLong += basis;
            }
            p.size = size;
            p.basis = basis;
            if (size == 0) p.fundingEntry = x.entry; // means nothing then: its word is left alone
        }
    }

    /// @dev Margin plus claim at a price (Wad, signed, floored).
    function equity(Context memory x, uint256 price) internal pure returns (int256) {
        int256 claim = PositionMath.claim(x.p.size, x.p.basis, price, x.s.fundingIndex);
        return PositionMath.equity(x.v, x.c.unit, claim);
    }

    /// @dev floor(claim x closed / whole): a profit is paid rounded down, a loss is charged rounded up.
    function shareOf(int256 claim, uint256 closed, uint256 whole) internal pure returns (int256) {
        unchecked {
            // closed < 2^127
            if (WadMath.abs(claim) < 2 ** 128) {
                return WadMath.floorDiv(claim * int256(closed), int256(whole));
            }
            if (claim >= 0) return int256(FixedPointMathLib.fullMulDiv(uint256(claim), closed, whole));
            return -int256(FixedPointMathLib.fullMulDivUp(uint256(-claim), closed, whole));
        }
    }
}
