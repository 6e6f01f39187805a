// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMarket} from "@interfaces/IMarket.sol";
import {Config} from "@interfaces/Types.sol";

/// @notice The cheatcodes that this harness needs of forge.
interface IVm {
    function prank(address sender) external;
    function warp(uint256 moment) external;
    function loadAllocs(string calldata path) external;
    function envString(string calldata name) external view returns (string memory);
    function envAddress(string calldata name) external view returns (address);
    function envUint(string calldata name) external view returns (uint256);
}

IVm constant VM = IVm(address(uint160(uint256(keccak256("hevm cheat code")))));

/// @notice What the handler and the laws use of the pool.
interface IPool {
    function requestDeposit(uint256 assets, address controller, address owner) external returns (uint256);
    function requestRedeem(uint256 shares, address controller, address owner) external returns (uint256);
    function deposit(uint256 assets, address receiver, address controller) external returns (uint256);
    function redeem(uint256 shares, address receiver, address controller) external returns (uint256);
    function maxDeposit(address controller) external view returns (uint256);
    function maxRedeem(address controller) external view returns (uint256);
    function maxWithdraw(address controller) external view returns (uint256);
    function balanceOf(address who) external view returns (uint256);
    function redemptionReserve() external view returns (uint256);
    function totalAssets() external view returns (uint256);
    function accounted() external view returns (uint256);
}

/// @notice What they use of the token.
interface IToken {
    function transfer(address to, uint256 amount) external returns (bool);
    function balanceOf(address who) external view returns (uint256);
    function totalSupply() external view returns (uint256);
}

/// @notice What they use of the oracle.
interface IOracle {
    function set(uint256 mark, uint256 spread, uint256 publishedAt, uint256 resumedAt) external;
}

/// @notice One market as `python -m bulkhead.fuzz.bench` left it, and who lives there.
struct Place {
    IMarket market;
    IPool pool;
    IToken token;
    IOracle oracle;
    address[] owners;
    address[] providers;
    address[] others; // who else holds tokens
    uint256 unit; // Wad per token unit
}

/// @notice The requirements' parameters, read once.
struct Rules {
    uint256 minNotional;
    uint256 skewScale;
    uint256 maxImpact;
    uint256 maxVelocity;
    uint256[] uppers;
    uint256[] mmRates;
}

/// @dev Rounding and formulas of docs/protocol.md, written down once more: not the contracts' own.
library Figures {
    uint256 internal constant WAD = 1e18;

    function up(uint256 a, uint256 b) internal pure returns (uint256) {
        return a == 0 ? 0 : (a - 1) / b + 1;
    }

    function down(int256 a, int256 b) internal pure returns (int256) {
        int256 q = a / b;
        return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
    }

    function abs(int256 a) internal pure returns (uint256) {
        return uint256(a < 0 ? -a : a);
    }

    /// @notice What the pool owes a position (Wad, down).
    function claim(int256 size, int256 basis, uint256 price, int256 index) internal pure returns (int256) {
        return down(size * (int256(price) - index), int256(WAD)) - basis;
    }

    /// @notice Phi, each part down (Wad).
    function potential(int256 skew, Rules memory r) internal pure returns (uint256) {
        uint256 size = abs(skew);
        uint256 knee = r.maxImpact * r.skewScale / WAD;
        uint256 inner = size < knee ? size : knee;
        return inner * inner / (2 * r.skewScale) + r.maxImpact * (size - inner) / WAD;
    }

    /// @notice Maintenance margin (Wad, up).
    function maintenance(
        int256 size,
        uint256 price,
        uint256 ramp,
        Rules memory r
    )
        internal
        pure
        returns (uint256)
    {
        uint256 n = up(abs(size) * price, WAD);
        if (n < r.minNotional) n = r.minNotional;
        uint256 total;
        uint256 below;
        for (uint256 i; i < r.uppers.length; ++i) {
            uint256 top = n < r.uppers[i] ? n : r.uppers[i];
            total += r.mmRates[i] * (top - below);
            if (n <= r.uppers[i]) break;
            below = r.uppers[i];
        }
        return up(total * ramp, WAD * WAD);
    }

    function rules(IMarket market) internal view returns (Rules memory r) {
        Config memory c = market.config();
        (r.minNotional, r.skewScale, r.maxImpact) = (c.minNotional, c.skewScale, c.maxImpact);
        r.maxVelocity = c.maxVelocity;
        r.uppers = new uint256[](c.bracketCount);
        r.mmRates = new uint256[](c.bracketCount);
        for (uint256 i; i < c.bracketCount; ++i) {
            r.uppers[i] = c.table[4 * i];
            r.mmRates[i] = uint128(c.table[4 * i + 1]);
        }
    }
}
