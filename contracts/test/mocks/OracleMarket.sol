// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPriceOracle} from "@interfaces/IPriceOracle.sol";
import {State} from "@interfaces/Types.sol";

/// @notice As much of a market as an oracle sees: it asks once per block time, and keeps the newest end of an
///         outage.
contract OracleMarket {
    IPriceOracle private immutable _ORACLE;

    uint256 private _publishedAt;
    uint256 private _acceptedAt;
    uint256 private _resumedAt;

    constructor(IPriceOracle oracle) {
        _ORACLE = oracle;
    }

    /// @notice Like a market's, it works without a valid price.
    function accrue() external {
        if (_acceptedAt == block.timestamp) return;
        try _ORACLE.read(_publishedAt) returns (uint256, uint256, uint256 publishedAt, uint256 resumedAt) {
            (_publishedAt, _acceptedAt) = (publishedAt, block.timestamp);
            if (resumedAt > _resumedAt) _resumedAt = resumedAt;
        } catch {}
    }

    function state() external view returns (State memory s) {
        (s.publishedAt, s.acceptedAt, s.resumedAt) = (_publishedAt, _acceptedAt, _resumedAt);
    }
}
