// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Figures, Place, Rules, VM} from "./Fuzzed.sol";
import {Position, State} from "@interfaces/Types.sol";

/// @notice What forge's fuzzer calls: people at one market. Refusals are the market's answer, no failure.
contract Handler {
    uint256 private constant MOST_IDS = 14;
    uint256 private constant WAD = 1e18;

    Place private _at;
    Rules private _rules;
    uint256 private _now;

    /// @notice Whether the last call changed something. @notice I-26 by the position it failed for; 0: held.
    bool public changed;
    uint256 public unfairly;

    constructor(Place memory place, Rules memory rules, uint256 moment) {
        (_at, _rules, _now) = (place, rules, moment);
    }

    modifier timed() {
        changed = false;
        VM.warp(_now);
        _;
    }

    // ---- trading

    function open(uint256 who, uint256 dollars, uint256 leverage, bool short) external timed {
        uint256 id = _at.market.state().nextId;
        address owner = _at.owners[who % _at.owners.length];
        if (id < MOST_IDS) id = 0;
        else id = _some(who);
        if (id != 0) owner = _at.market.ownerOf(id);
        dollars = (500 + dollars % 80_000) * WAD;
        uint256 margin = dollars / (1 + leverage % 30) / _at.unit;
        int256 size = _size(dollars, short);
        VM.prank(owner);
        try _at.market.open(id, size, margin, short ? 0 : type(uint256).max >> 1, type(uint40).max) {
            changed = true;
        } catch {}
    }

    function increase(uint256 which, uint256 dollars) external timed {
        (uint256 id, Position memory p) = _position(which);
        int256 delta = _size((1 + dollars % 30_000) * WAD, p.size < 0);
        VM.prank(p.owner);
        try _at.market.increase(id, delta, _limit(delta), type(uint40).max) {
            changed = true;
        } catch {}
    }

    function decrease(uint256 which, uint256 part) external timed {
        (uint256 id, Position memory p) = _position(which);
        int256 delta = -p.size * int256(1 + part % 100) / 101;
        VM.prank(p.owner);
        try _at.market.decrease(id, delta, _limit(delta), type(uint40).max) {
            changed = true;
        } catch {}
    }

    function close(uint256 which, bool out) external timed {
        (uint256 id, Position memory p) = _position(which);
        uint256 limit = _limit(-p.size);
        VM.prank(p.owner);
        if (out) {
            try _at.market.closeAndWithdraw(id, limit, type(uint40).max, p.owner) {
                changed = true;
            } catch {}
        } else {
            try _at.market.close(id, limit, type(uint40).max) {
                changed = true;
            } catch {}
        }
    }

    // ---- margin

    function addMargin(uint256 which, uint256 dollars) external timed {
        (uint256 id, Position memory p) = _position(which);
        VM.prank(p.owner);
        try _at.market.addMargin(id, (1 + dollars % 5_000) * WAD / _at.unit) {
            changed = true;
        } catch {}
    }

    function removeMargin(uint256 which, uint256 dollars) external timed {
        (uint256 id, Position memory p) = _position(which);
        VM.prank(p.owner);
        try _at.market.removeMargin(id, (1 + dollars % 2_000) * WAD / _at.unit, p.owner) {
            changed = true;
        } catch {}
    }

    function donate(uint256 which, uint256 amount) external timed {
        address to = _at.market.vaultOf(_some(which));
        VM.prank(_at.owners[which % _at.owners.length]);
        changed = _at.token.transfer(to, amount % 1_000e6);
    }

    function settle(uint256 which) external timed {
        try _at.market.settle(_some(which)) {
            changed = true;
        } catch {}
    }

    // ---- what ends positions

    /// @dev In a block of its own the mark is taken first, so that what a liquidation finds can be reckoned
    ///      beforehand (I-26).
    function liquidate(uint256 which) external timed {
        VM.warp(++_now);
        (uint256 id, Position memory p) = _position(which);
        try _at.market.accrue() {
            changed = true;
        } catch {}
        bool due = _ill(id, p);
        bool done;
        VM.prank(_at.others[0]);
        try _at.market.liquidate(id, _at.others[0]) {
            (done, changed) = (true, true);
        } catch {}
        if (done != due) unfairly = id;
    }

    // ---- the world

    function setPrice(uint256 permille) external timed {
        uint256 mark = _at.market.state().mark;
        permille = 940 + permille % 121;
        mark = mark * permille / 1_000;
        if (mark < 200e18 || mark > 20_000e18) mark = 2_000e18;
        _at.oracle.set(mark, 0, _now, 0);
    }

    function warp(uint256 secs) external timed {
        _now += 1 + secs % 1_000;
    }

    function accrue() external timed {
        try _at.market.accrue() {
            changed = true;
        } catch {}
    }

    // ---- liquidity

    function deposit(uint256 who, uint256 dollars, bool claim) external timed {
        address lp = _at.providers[who % _at.providers.length];
        uint256 amount = claim ? _at.pool.maxDeposit(lp) : (1 + dollars % 50_000) * WAD / _at.unit;
        VM.prank(lp);
        if (claim) {
            try _at.pool.deposit(amount, lp, lp) {
                changed = true;
            } catch {}
        } else {
            try _at.pool.requestDeposit(amount, lp, lp) {
                changed = true;
            } catch {}
        }
    }

    function redeem(uint256 who, uint256 part, bool claim) external timed {
        address lp = _at.providers[who % _at.providers.length];
        uint256 shares = claim ? _at.pool.maxRedeem(lp) : _at.pool.balanceOf(lp) * (1 + part % 40) / 100;
        VM.prank(lp);
        if (claim) {
            try _at.pool.redeem(shares, lp, lp) {
                changed = true;
            } catch {}
        } else {
            try _at.pool.requestRedeem(shares, lp, lp) {
                changed = true;
            } catch {}
        }
    }

    // ---- choices

    function _some(uint256 which) private view returns (uint256) {
        return 1 + which % (_at.market.state().nextId - 1);
    }

    function _position(uint256 which) private view returns (uint256 id, Position memory p) {
        id = _some(which);
        p = _at.market.position(id);
    }

    function _size(uint256 dollars, bool short) private view returns (int256 size) {
        size = int256(dollars * WAD / _at.market.state().mark);
        if (short) size = -size;
    }

    function _limit(int256 delta) private pure returns (uint256) {
        return delta > 0 ? type(uint256).max >> 1 : 0;
    }

    /// @dev Equity below the maintenance margin, at the price that favours the trader.
    function _ill(uint256 id, Position memory p) private view returns (bool) {
        State memory s = _at.market.state();
        p = _at.market.position(id);
        if (p.size == 0) return false;
        uint256 half = Figures.up(s.mark * s.spread, 2 * WAD);
        uint256 price = p.size > 0 ? s.mark + half : s.mark > half + 1 ? s.mark - half : 1;
        uint256 margin = _at.token.balanceOf(_at.market.vaultOf(id)) * _at.unit;
        int256 equity = int256(margin) + Figures.claim(p.size, p.basis, price, s.fundingIndex);
        return equity < int256(Figures.maintenance(p.size, price, s.ramp, _rules));
    }
}
