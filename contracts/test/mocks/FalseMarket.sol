// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A market that lies: every position is whose you like, and every vault is the thief's. When it is
/// traded with it calls somebody back.
contract FalseMarket {
    address public immutable TOKEN;
    address public immutable THIEF;
    address public ownerOfAll;
    address public target;
    bytes public payload;
    bool public calledBack;

    constructor(address token, address thief) {
        (TOKEN, THIEF) = (token, thief);
    }

    function setOwner(address owner_) external {
        ownerOfAll = owner_;
    }

    function setCall(address target_, bytes calldata payload_) external {
        (target, payload) = (target_, payload_);
    }

    function reserve(address) external pure returns (uint256) {
        return 1;
    }

    function ownerOf(uint256) external view returns (address) {
        return ownerOfAll;
    }

    function vaultOf(uint256) external view returns (address) {
        return THIEF;
    }

    function open(uint256 id, int256, uint256, uint256, uint256) external returns (uint256) {
        if (target != address(0)) (calledBack,) = target.call(payload);
        return id;
    }
}
