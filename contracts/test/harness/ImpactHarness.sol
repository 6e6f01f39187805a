// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Config, State} from "@interfaces/Types.sol";
import {Impact} from "../../libraries/Impact.sol";

/// @notice Impact over arrays; `gas` is what the library used for all of them.
contract ImpactHarness {
    function phi(
        Config memory c,
        int256[] calldata k
    )
        external
        view
        returns (uint256[] memory out, uint256 gas)
    {
        out = new uint256[](k.length);
        for (uint256 i; i < k.length; ++i) {
            uint256 before = gasleft();
            uint256 potential = Impact.phi(k[i], c);
            gas += before - gasleft();
            out[i] = potential;
        }
    }

    function quote(
        Config memory c,
        State[] memory s,
        int256[] memory delta
    )
        external
        view
        returns (int256[] memory basis, uint256[] memory fill, uint256[] memory fee, uint256 gas)
    {
        uint256 n = s.length;
        (basis, fill, fee) = (new int256[](n), new uint256[](n), new uint256[](n));
        for (uint256 i; i < n; ++i) {
            (State memory t, int256 d) = (s[i], delta[i]);
            uint256 before = gasleft();
            (int256 x, uint256 y, uint256 z) = Impact.quote(t, c, d);
            gas += before - gasleft();
            (basis[i], fill[i], fee[i]) = (x, y, z);
        }
    }

    function closeCost(
        Config memory c,
        State[] memory s,
        int256[] memory size
    )
        external
        view
        returns (uint256[] memory out, uint256 gas)
    {
        uint256 n = s.length;
        out = new uint256[](n);
        for (uint256 i; i < n; ++i) {
            (State memory t, int256 d) = (s[i], size[i]);
            uint256 before = gasleft();
            uint256 x = Impact.closeCost(t, c, d);
            gas += before - gasleft();
            out[i] = x;
        }
    }
}
