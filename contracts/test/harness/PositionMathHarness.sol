// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Config, State} from "@interfaces/Types.sol";
import {PositionMath} from "../../libraries/PositionMath.sol";

/// @notice PositionMath over arrays; `gas` is what the library used for all of them.
contract PositionMathHarness {
    struct Position {
        int256 size;
        int256 basis;
        uint256 balance;
    }

    struct Value {
        uint256 price;
        uint256 notional;
        int256 claim;
        int256 equity;
    }

    struct Pool {
        int256 netClaim;
        int256 claimLong;
        int256 claimShort;
        uint256 notionalLong;
        uint256 notionalShort;
        int256 nav;
        uint256 free;
    }

    function value(
        Config memory c,
        State[] memory s,
        Position[] memory p
    )
        external
        view
        returns (Value[] memory out, uint256 gas)
    {
        out = new Value[](s.length);
        for (uint256 i; i < s.length; ++i) {
            (State memory t, Position memory q, Value memory v) = (s[i], p[i], out[i]);
            uint256 before = gasleft();
            v.price = PositionMath.favourable(t, q.size);
            v.notional = PositionMath.notional(q.size, v.price);
            v.claim = PositionMath.claim(q.size, q.basis, v.price, t.fundingIndex);
            v.equity = PositionMath.equity(q.balance, c.unit, v.claim);
            gas += before - gasleft();
        }
    }

    function pool(
        Config memory c,
        State[] memory s,
        uint256[] memory tickets
    )
        external
        view
        returns (Pool[] memory out, uint256 navGas, uint256 freeGas)
    {
        out = new Pool[](s.length);
        for (uint256 i; i < s.length; ++i) {
            (State memory t, uint256 open, Pool memory v) = (s[i], tickets[i], out[i]);
            v.netClaim = PositionMath.netClaim(t);
            v.claimLong = PositionMath.sideClaim(t, true);
            v.claimShort = PositionMath.sideClaim(t, false);
            v.notionalLong = PositionMath.sideNotional(t.sizeLong, t.mark);
            v.notionalShort = PositionMath.sideNotional(t.sizeShort, t.mark);
            uint256 before = gasleft();
            v.nav = PositionMath.nav(t, c, open);
            navGas += before - gasleft();
            before = gasleft();
            v.free = PositionMath.free(t, c, v.nav);
            freeGas += before - gasleft();
        }
    }
}
