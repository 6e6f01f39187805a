// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Config, State} from "@interfaces/Types.sol";
import {Liquidation, LiquidationTerms} from "../../libraries/Liquidation.sol";
import {PositionMath} from "../../libraries/PositionMath.sol";

/// @notice Liquidation over arrays; `gas` is what the library used for all of them.
contract LiquidationHarness {
    function solve(
        Config memory c,
        State[] memory s,
        int256[] memory size,
        int256[] memory equity
    )
        external
        view
        returns (
            LiquidationTerms[] memory terms,
            uint256[] memory closed,
            uint256 termsGas,
            uint256[] memory gas
        )
    {
        uint256 n = s.length;
        (terms, closed, gas) = (new LiquidationTerms[](n), new uint256[](n), new uint256[](n));
        for (uint256 i; i < n; ++i) {
            (State memory t, int256 signed, int256 worth) = (s[i], size[i], equity[i]);
            uint256 price = PositionMath.favourable(t, signed);
            uint256 before = gasleft();
            LiquidationTerms memory x;
            Liquidation.terms(x, t, c, signed, price, worth);
            termsGas += before - gasleft();
            terms[i] = x;
            before = gasleft();
            uint256 part = Liquidation.solve(t, c, signed, x);
            gas[i] = before - gasleft();
            closed[i] = part;
        }
    }

    function reward(
        Config memory c,
        uint256[] calldata notional
    )
        external
        pure
        returns (uint256[] memory out)
    {
        out = new uint256[](notional.length);
        for (uint256 i; i < notional.length; ++i) {
            out[i] = Liquidation.reward(c, notional[i]);
        }
    }
}
