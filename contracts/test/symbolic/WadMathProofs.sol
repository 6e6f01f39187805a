// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {WadMath} from "../../libraries/WadMath.sol";

/// @notice Rounding and casts. The width of an argument is the bound of the proof.
contract WadMathProofs {
    int256 private constant WAD = 1e18;

    /// @notice q b <= a < (q + 1) b.
    function proveDivDown(uint128 a, uint128 b) external pure {
        unchecked {
            if (b == 0) return;
            uint256 q = WadMath.divDown(a, b);
            assert(q * b <= a && a - q * b < b);
        }
    }

    function plantDivDown(uint128 a, uint128 b) external pure {
        unchecked {
            if (b == 0) return;
            uint256 q = WadMath.divUp(a, b);
            assert(q * b <= a && a - q * b < b);
        }
    }

    /// @notice (q - 1) b < a <= q b.
    function proveDivUp(uint128 a, uint128 b) external pure {
        unchecked {
            if (b == 0) return;
            uint256 q = WadMath.divUp(a, b);
            assert(q * b >= a && q * b < uint256(a) + b);
        }
    }

    function plantDivUp(uint128 a, uint128 b) external pure {
        unchecked {
            if (b == 0) return;
            uint256 q = WadMath.divDown(a, b);
            assert(q * b >= a && q * b < uint256(a) + b);
        }
    }

    /// @notice divUp is divDown, or one more: for every pair of words.
    function proveDivUpNeverWraps(uint256 a, uint256 b) external pure {
        unchecked {
            if (b == 0) return;
            (uint256 down, uint256 up) = (WadMath.divDown(a, b), WadMath.divUp(a, b));
            assert(up == down || (up > down && up - down == 1));
        }
    }

    function plantDivUpNeverWraps(uint256 a, uint256 b) external pure {
        unchecked {
            if (b == 0) return;
            (uint256 down, uint256 up) = (WadMath.divDown(a, b), (a + b - 1) / b);
            assert(up == down || (up > down && up - down == 1));
        }
    }

    /// @notice Toward minus infinity, whatever the signs.
    function proveFloorDiv(int16 a, int16 b) external pure {
        unchecked {
            if (b == 0) return;
            int256 rest = int256(a) - WadMath.floorDiv(a, b) * b;
            assert(b > 0 ? rest >= 0 && rest < b : rest <= 0 && rest > b);
        }
    }

    function plantFloorDiv(int16 a, int16 b) external pure {
        unchecked {
            if (b == 0) return;
            int256 rest = int256(a) - WadMath.ceilDiv(a, b) * b;
            assert(b > 0 ? rest >= 0 && rest < b : rest <= 0 && rest > b);
        }
    }

    /// @notice Toward plus infinity, whatever the signs.
    function proveCeilDiv(int16 a, int16 b) external pure {
        unchecked {
            if (b == 0) return;
            int256 over = WadMath.ceilDiv(a, b) * b - int256(a);
            assert(b > 0 ? over >= 0 && over < b : over <= 0 && over > b);
        }
    }

    function plantCeilDiv(int16 a, int16 b) external pure {
        unchecked {
            if (b == 0) return;
            int256 over = WadMath.floorDiv(a, b) * b - int256(a);
            assert(b > 0 ? over >= 0 && over < b : over <= 0 && over > b);
        }
    }

    /// @notice q 1e18 <= a b < (q + 1) 1e18.
    function proveMulWadDown(uint128 a, uint128 b) external pure {
        unchecked {
            uint256 product = uint256(a) * b;
            uint256 q = WadMath.mulWadDown(a, b);
            assert(q * 1e18 <= product && product - q * 1e18 < 1e18);
        }
    }

    function plantMulWadDown(uint128 a, uint128 b) external pure {
        unchecked {
            uint256 product = uint256(a) * b;
            uint256 q = WadMath.mulWadUp(a, b);
            assert(q * 1e18 <= product && product - q * 1e18 < 1e18);
        }
    }

    /// @notice (q - 1) 1e18 < a b <= q 1e18.
    function proveMulWadUp(uint120 a, uint120 b) external pure {
        unchecked {
            uint256 product = uint256(a) * b;
            uint256 q = WadMath.mulWadUp(a, b);
            assert(q * 1e18 >= product && q * 1e18 - product < 1e18);
        }
    }

    function plantMulWadUp(uint120 a, uint120 b) external pure {
        unchecked {
            uint256 product = uint256(a) * b;
            uint256 q = WadMath.mulWadDown(a, b);
            assert(q * 1e18 >= product && q * 1e18 - product < 1e18);
        }
    }

    /// @notice Down for profits and losses alike.
    function proveSmulFloor(int48 a, int48 b) external pure {
        unchecked {
            int256 rest = int256(a) * b - WadMath.smulFloor(a, b) * WAD;
            assert(rest >= 0 && rest < WAD);
        }
    }

    function plantSmulFloor(int48 a, int48 b) external pure {
        unchecked {
            int256 rest = int256(a) * b - int256(a) * b / WAD * WAD;
            assert(rest >= 0 && rest < WAD);
        }
    }

    /// @notice Up for profits and losses alike.
    function proveSmulCeil(int48 a, int48 b) external pure {
        unchecked {
            int256 over = WadMath.smulCeil(a, b) * WAD - int256(a) * b;
            assert(over >= 0 && over < WAD);
        }
    }

    function plantSmulCeil(int48 a, int48 b) external pure {
        unchecked {
            int256 over = int256(a) * b / WAD * WAD - int256(a) * b;
            assert(over >= 0 && over < WAD);
        }
    }

    /// @notice What one rounds down, the other rounds up on the other side: for 128 bits.
    function proveSmulMirrors(int128 a, int128 b) external pure {
        unchecked {
            assert(WadMath.smulCeil(a, b) == -WadMath.smulFloor(-int256(a), b));
        }
    }

    function plantSmulMirrors(int128 a, int128 b) external pure {
        unchecked {
            assert(WadMath.smulFloor(a, b) == -WadMath.smulFloor(-int256(a), b));
        }
    }

    /// @notice Two parts cost what the whole does, or a unit more, never less: whatever signs they have.
    function proveSmulCeilOfParts(uint96 a, int112 b, int112 c) external pure {
        _parts(int256(uint256(a)), b, c, 0);
    }

    function plantSmulCeilOfParts(uint96 a, int112 b, int112 c) external pure {
        _parts(int256(uint256(a)), b, c, 1);
    }

    /// @notice For all words; the minimum gives 2^255.
    function proveAbs(int256 a) external pure {
        uint256 b = WadMath.abs(a);
        if (a >= 0) assert(b == uint256(a));
        else if (a == type(int256).min) assert(b == 1 << 255);
        else assert(b == uint256(-a));
    }

    function plantAbs(int256 a) external pure {
        uint256 b = WadMath.abs(a);
        assert(b == uint256(a));
    }

    function _parts(int256 a, int256 b, int256 c, int256 least) private pure {
        int256 over = WadMath.smulCeil(a, b) + WadMath.smulCeil(a, c) - WadMath.smulCeil(a, b + c);
        assert(over >= least && over <= 1);
    }
}
