// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @notice A token of any decimals that anyone mints, with EIP-2612.
contract PermitToken is ERC20Permit {
    uint8 private immutable _DECIMALS;

    constructor(uint8 decimals_) ERC20("Test dollar", "TUSD") ERC20Permit("Test dollar") {
        _DECIMALS = decimals_;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function decimals() public view override returns (uint8) {
        return _DECIMALS;
    }
}
