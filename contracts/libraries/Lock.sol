// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title The market's one lock
/// @notice Transient, and at a fixed slot, so that linked libraries see the same one. 0: free. 1: in an
/// action. 2 + id: in the
///         margin call of that id, when everything but that id may be acted on.
library Lock {
    /// @dev keccak256("bulkhead.market.lock") - 1
    uint256 private constant SLOT = uint256(keccak256("bulkhead.market.lock")) - 1;

    function get() internal view returns (uint256 held) {
        uint256 slot = SLOT;
        assembly ("memory-safe") {
            held := tload(slot)
        }
    }

    function set(uint256 held) internal {
        uint256 slot = SLOT;
        assembly ("memory-safe") {
            tstore(slot, held)
        }
    }
}
