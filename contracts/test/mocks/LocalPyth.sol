// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MockPyth} from "@pythnetwork/pyth-sdk-solidity/MockPyth.sol";

/// @notice The SDK's own mock, unchanged: it takes update data in the SDK's format, checks its fee and times,
///         but no signatures.
contract LocalPyth is MockPyth {
    constructor(uint256 validTimePeriod, uint256 singleUpdateFee)
        MockPyth(validTimePeriod, singleUpdateFee)
    {}
}
