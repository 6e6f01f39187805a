// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMarket} from "@interfaces/IMarket.sol";
import {IPriceOracle} from "@interfaces/IPriceOracle.sol";
import {IAggregatorV3} from "@interfaces/external/IAggregatorV3.sol";

/// @title Outages: an L2's sequencer, and handing a proof to a market
/// @notice Shared by the adapters.
library Outages {
    /// @dev The moment the sequencer came back (unix seconds). Reverts where it is down; startedAt 0 is a
    ///      feed without its first status.
    function sequencerUpSince(IAggregatorV3 feed) internal view returns (uint256) {
        (, int256 status, uint256 startedAt,,) = feed.latestRoundData();
        if (status != 0 || startedAt == 0) revert IPriceOracle.SequencerDown(startedAt);
        return startedAt;
    }

    /// @dev Lets a market read the adapter, which shows the proof in this transaction, and demands that it
    ///      kept it. What a foreign `market` does meanwhile sees nothing but the truth.
    function handTo(IMarket market, uint256 resumedAt) internal {
        market.accrue();
        uint256 kept = market.state().resumedAt;
        if (kept < resumedAt) revert IPriceOracle.ProofNotTaken(kept, resumedAt);
    }
}
