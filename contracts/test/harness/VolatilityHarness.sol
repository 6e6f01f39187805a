// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Config, State} from "@interfaces/Types.sol";
import {Volatility} from "../../libraries/Volatility.sol";
import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

/// @notice Volatility over arrays; `gas` is what the library used for all of them.
contract VolatilityHarness {
    function sample(
        Config memory c,
        State[] memory s,
        uint256[] memory mark,
        uint256[] memory publishedAt
    )
        external
        view
        returns (State[] memory, uint256 gas)
    {
        for (uint256 i; i < s.length; ++i) {
            (State memory t, uint256 m, uint256 moment) = (s[i], mark[i], publishedAt[i]);
            uint256 before = gasleft();
            Volatility.sample(t, c, FixedPointMathLib.lnWad(int256(m)), moment);
            gas += before - gasleft();
        }
        return (s, gas);
    }

    function advanceRamp(
        Config memory c,
        State[] memory s,
        uint256[] memory elapsed
    )
        external
        view
        returns (uint256[] memory target, uint256[] memory ramp, uint256 gas)
    {
        uint256 n = s.length;
        (target, ramp) = (new uint256[](n), new uint256[](n));
        for (uint256 i; i < n; ++i) {
            (State memory t, uint256 e) = (s[i], elapsed[i]);
            target[i] = Volatility.target(t, c);
            uint256 before = gasleft();
            Volatility.advanceRamp(t, c, e);
            gas += before - gasleft();
            ramp[i] = t.ramp;
        }
    }

    function muIm(
        Config memory c,
        State[] memory s,
        int256[] memory nav
    )
        external
        view
        returns (uint256[] memory out, uint256 gas)
    {
        out = new uint256[](s.length);
        for (uint256 i; i < s.length; ++i) {
            (State memory t, int256 worth) = (s[i], nav[i]);
            uint256 before = gasleft();
            uint256 x = Volatility.muIm(t, c, worth);
            gas += before - gasleft();
            out[i] = x;
        }
    }
}
