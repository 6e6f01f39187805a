// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {WadMath} from "../../libraries/WadMath.sol";

/// @notice WadMath over arrays.
contract WadMathHarness {
    function signed(
        int256[] calldata a,
        int256[] calldata b
    )
        external
        pure
        returns (int256[] memory floorDiv, int256[] memory ceilDiv, uint256[] memory abs)
    {
        uint256 n = a.length;
        (floorDiv, ceilDiv, abs) = (new int256[](n), new int256[](n), new uint256[](n));
        for (uint256 i; i < n; ++i) {
            floorDiv[i] = WadMath.floorDiv(a[i], b[i]);
            ceilDiv[i] = WadMath.ceilDiv(a[i], b[i]);
            abs[i] = WadMath.abs(a[i]);
        }
    }

    function signedProducts(
        int256[] calldata a,
        int256[] calldata b
    )
        external
        pure
        returns (int256[] memory down, int256[] memory up)
    {
        uint256 n = a.length;
        (down, up) = (new int256[](n), new int256[](n));
        for (uint256 i; i < n; ++i) {
            down[i] = WadMath.smulFloor(a[i], b[i]);
            up[i] = WadMath.smulCeil(a[i], b[i]);
        }
    }

    function quotients(
        uint256[] calldata a,
        uint256[] calldata b
    )
        external
        pure
        returns (uint256[] memory down, uint256[] memory up)
    {
        uint256 n = a.length;
        (down, up) = (new uint256[](n), new uint256[](n));
        for (uint256 i; i < n; ++i) {
            down[i] = WadMath.toTokensDown(a[i], b[i]);
            up[i] = WadMath.toTokensUp(a[i], b[i]);
        }
    }

    function products(
        uint256[] calldata a,
        uint256[] calldata b
    )
        external
        pure
        returns (uint256[] memory down, uint256[] memory up)
    {
        uint256 n = a.length;
        (down, up) = (new uint256[](n), new uint256[](n));
        for (uint256 i; i < n; ++i) {
            down[i] = WadMath.mulWadDown(a[i], b[i]);
            up[i] = WadMath.mulWadUp(a[i], b[i]);
        }
    }
}
