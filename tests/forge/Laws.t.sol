// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Figures, IOracle, Place, IPool, Rules, IToken, VM} from "./Fuzzed.sol";
import {Handler} from "./Handler.sol";
import {IMarket} from "@interfaces/IMarket.sol";
import {Position, State} from "@interfaces/Types.sol";

/// @notice The laws of docs/invariants.md that need no twin, for forge's invariant fuzzer. One function, so
///         that what they share is read once; nothing is read where the last call changed nothing.
contract LawsTest {
    uint256 private constant WAD = 1e18;
    uint256 private constant RAY = 1e27;

    struct Selectors {
        address addr;
        bytes4[] selectors;
    }

    struct Sums {
        uint256 long;
        uint256 short;
        int256 basisLong;
        int256 basisShort;
        int256 claims;
        uint256 tokens;
    }

    Handler private _handler;
    Place private _at;
    Rules private _rules;

    error Broken(string law, int256 found, int256 expected);

    function setUp() external {
        VM.loadAllocs(VM.envString("FUZZ_ALLOCS"));
        uint256 moment = VM.envUint("FUZZ_NOW");
        VM.warp(moment);
        _at.market = IMarket(VM.envAddress("FUZZ_MARKET"));
        _at.oracle = IOracle(VM.envAddress("FUZZ_ORACLE"));
        _at.pool = IPool(_at.market.POOL());
        _at.token = IToken(_at.market.TOKEN());
        _at.unit = _at.market.config().unit;
        _at.owners.push(VM.envAddress("FUZZ_ALICE")); // a key's address
        for (uint160 tag = 17; tag < 21; ++tag) {
            _at.owners.push(_who(tag));
        }
        for (uint160 tag = 22; tag < 24; ++tag) {
            _at.providers.push(_who(tag));
        }
        _at.others = [_who(21), _who(24), _who(25), _who(4)];
        _at.others.push(address(_at.market));
        _at.others.push(address(_at.pool));
        _at.others.push(_at.market.FUND());
        _rules = Figures.rules(_at.market);
        _handler = new Handler(_at, _rules, moment);
    }

    function targetContracts() external view returns (address[] memory found) {
        found = new address[](1);
        found[0] = address(_handler);
    }

    function targetSelectors() external view returns (Selectors[] memory found) {
        bytes4[14] memory names = [
            Handler.open.selector,
            Handler.increase.selector,
            Handler.decrease.selector,
            Handler.close.selector,
            Handler.addMargin.selector,
            Handler.removeMargin.selector,
            Handler.donate.selector,
            Handler.settle.selector,
            Handler.liquidate.selector,
            Handler.setPrice.selector,
            Handler.warp.selector,
            Handler.accrue.selector,
            Handler.deposit.selector,
            Handler.redeem.selector
        ];
        found = new Selectors[](1);
        found[0] = Selectors(address(_handler), new bytes4[](names.length));
        for (uint256 i; i < names.length; ++i) {
            found[0].selectors[i] = names[i];
        }
    }

    /// @notice I-02, I-04, I-05, I-06, I-07 (backing), I-16, I-32 (flat), I-37; I-26 from the handler.
    function invariantLaws() external view {
        if (_handler.unfairly() != 0) revert Broken("I-26", int256(_handler.unfairly()), 0);
        if (!_handler.changed()) return;
        State memory s = _at.market.state();
        Rules memory r = _rules;
        Sums memory sums = _walk(s);
        _same("I-05", int256(sums.long), int256(s.sizeLong));
        _same("I-05", int256(sums.short), int256(s.sizeShort));
        _same("I-05", sums.basisLong, s.basisLong);
        _same("I-05", sums.basisShort, s.basisShort);
        int256 skew = int256(s.sizeLong) - int256(s.sizeShort);
        int256 total = -Figures.down(-skew * (int256(s.mark) - s.fundingIndex), int256(WAD)) - s.basisLong
            - s.basisShort;
        _within("I-06", total, sums.claims, sums.claims + int256(s.nextId));
        (uint256 owed, uint256 paid,, uint256 nextTicket) = _at.market.ticketTotals();
        int256 exact = (int256(s.cash) - int256(owed - paid)) * int256(_at.unit) - sums.claims;
        exact -= int256(Figures.up(s.mark * Figures.potential(skew, r), WAD)) + _waiting(s, r);
        int256 nav = _at.market.nav();
        _within("I-04", nav, exact - int256(s.nextId) - 1, exact);
        uint256 drawn;
        for (uint256 i = 1; i < nextTicket; ++i) {
            drawn += _at.market.ticket(i).drawn;
        }
        int256 backed = int256(_at.pool.accounted() + paid - drawn);
        _within("I-07", int256(_at.token.balanceOf(address(_at.pool))), backed, type(int256).max);
        _same("I-02", int256(sums.tokens + _people()), int256(_at.token.totalSupply()));
        _same("I-37", int256(_at.pool.totalAssets()), nav < 0 ? int256(0) : nav / int256(_at.unit));
        uint256 claimable;
        for (uint256 i; i < _at.providers.length; ++i) {
            claimable += _at.pool.maxWithdraw(_at.providers[i]);
        }
        _within("I-37", int256(_at.pool.redemptionReserve()), int256(claimable), type(int256).max);
    }

    function _walk(State memory s) private view returns (Sums memory sums) {
        for (uint256 id = 1; id < s.nextId; ++id) {
            Position memory p = _at.market.position(id);
            if (p.size >= 0) {
                sums.long += uint256(p.size);
                sums.basisLong += p.basis;
            } else {
                sums.short += uint256(-p.size);
                sums.basisShort += p.basis;
            }
            if (p.size == 0 && p.basis != 0) revert Broken("I-16, I-32", p.basis, 0);
            sums.claims += Figures.claim(p.size, p.basis, s.mark, s.fundingIndex);
            sums.tokens += _at.token.balanceOf(_at.market.vaultOf(id));
        }
    }

    function _people() private view returns (uint256 tokens) {
        address[][3] memory groups = [_at.owners, _at.providers, _at.others];
        for (uint256 i; i < 3; ++i) {
            for (uint256 j; j < groups[i].length; ++j) {
                tokens += _at.token.balanceOf(groups[i][j]);
            }
        }
    }

    /// @dev Psi: funding that will flow back (Wad, up).
    function _waiting(State memory s, Rules memory r) private pure returns (int256) {
        uint256 square = uint256(s.fundingRate * s.fundingRate);
        uint256 size = Figures.up(Figures.up(square, RAY) * r.skewScale, 2 * r.maxVelocity);
        return int256(Figures.up(s.mark * size, WAD));
    }

    function _same(string memory law, int256 found, int256 expected) private pure {
        if (found != expected) revert Broken(law, found, expected);
    }

    function _within(string memory law, int256 found, int256 low, int256 high) private pure {
        if (found < low || found > high) revert Broken(law, found, found < low ? low : high);
    }

    function _who(uint160 tag) private pure returns (address) {
        return address(uint160(0xA0) << 152 | tag);
    }
}
