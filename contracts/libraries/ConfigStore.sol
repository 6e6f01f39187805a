// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Config} from "@interfaces/Types.sol";
import {SSTORE2} from "solady/src/utils/SSTORE2.sol";

/// @title Parameters as immutable code
/// @notice A Config is kept as the code of a contract that can't be called: reading all of it costs less
/// than three storage slots.
library ConfigStore {
    uint256 private constant SCALARS = 51; // words before `table`
    uint256 private constant TABLE = 32; // words of `table`
    uint256 internal constant SIZE = (SCALARS + TABLE) * 32; // bytes, behind the first
    uint256 internal constant ORDER_TERMS_AT = 1 + 44 * 32; // byte where the words from `delayedOnly` begin

    /// @dev Writes a Config as `SCALARS` words and the table behind them.
    function write(Config memory c) internal returns (address store) {
        bytes memory blob = new bytes(SIZE);
        uint256[TABLE] memory table = c.table;
        assembly ("memory-safe") {
            mcopy(add(blob, 32), c, mul(SCALARS, 32))
            mcopy(add(add(blob, 32), mul(SCALARS, 32)), table, mul(TABLE, 32))
        }
        return SSTORE2.write(blob);
    }

    /// @dev Reads a Config in place, over `c`. The first byte of the code is a STOP.
    function read(address store, Config memory c) internal view {
        uint256[TABLE] memory table = c.table;
        assembly ("memory-safe") {
            extcodecopy(store, c, 1, mul(SCALARS, 32))
            extcodecopy(store, table, add(1, mul(SCALARS, 32)), mul(TABLE, 32))
        }
    }
}
