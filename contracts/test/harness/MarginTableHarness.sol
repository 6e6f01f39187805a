// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Config} from "@interfaces/Types.sol";
import {MarginTable} from "../../libraries/MarginTable.sol";

/// @notice MarginTable over arrays; `gas` is what the library used for all of them.
contract MarginTableHarness {
    function im(
        Config memory c,
        uint256[] calldata notional,
        uint256[] calldata mu
    )
        external
        view
        returns (uint256[] memory out, uint256 gas)
    {
        out = new uint256[](notional.length);
        for (uint256 i; i < notional.length; ++i) {
            (uint256 n, uint256 m) = (notional[i], mu[i]);
            uint256 before = gasleft();
            uint256 x = MarginTable.im(c, n, m);
            gas += before - gasleft();
            out[i] = x;
        }
    }

    function mm(
        Config memory c,
        uint256[] calldata notional,
        uint256[] calldata ramp
    )
        external
        view
        returns (uint256[] memory out, uint256 gas)
    {
        out = new uint256[](notional.length);
        for (uint256 i; i < notional.length; ++i) {
            (uint256 n, uint256 m) = (notional[i], ramp[i]);
            uint256 before = gasleft();
            uint256 x = MarginTable.mm(c, n, m);
            gas += before - gasleft();
            out[i] = x;
        }
    }

    function tm(
        Config memory c,
        uint256[] calldata notional,
        uint256[] calldata ramp
    )
        external
        view
        returns (uint256[] memory out, uint256 gas)
    {
        out = new uint256[](notional.length);
        for (uint256 i; i < notional.length; ++i) {
            (uint256 n, uint256 m) = (notional[i], ramp[i]);
            uint256 before = gasleft();
            uint256 x = MarginTable.tm(c, n, m);
            gas += before - gasleft();
            out[i] = x;
        }
    }
}
