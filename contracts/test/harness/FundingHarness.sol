// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Config, State} from "@interfaces/Types.sol";
import {Funding} from "../../libraries/Funding.sol";

/// @notice Funding over arrays; `gas` is what the library used for all of them.
contract FundingHarness {
    function accrue(
        Config memory c,
        State[] memory s,
        uint256[] memory now_
    )
        external
        view
        returns (State[] memory, uint256 gas)
    {
        for (uint256 i; i < s.length; ++i) {
            (State memory t, uint256 moment) = (s[i], now_[i]);
            uint256 before = gasleft();
            Funding.accrue(t, c, moment);
            gas += before - gasleft();
        }
        return (s, gas);
    }

    function psi(Config memory c, State[] memory s)
        external
        view
        returns (uint256[] memory out, uint256 gas)
    {
        out = new uint256[](s.length);
        for (uint256 i; i < s.length; ++i) {
            State memory t = s[i];
            uint256 before = gasleft();
            uint256 x = Funding.psi(t, c);
            gas += before - gasleft();
            out[i] = x;
        }
    }
}
