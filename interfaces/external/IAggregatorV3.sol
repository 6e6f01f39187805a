// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title What Bulkhead reads of a Chainlink feed
/// @notice Price feeds are read through their proxy; an L2's sequencer uptime feed answers the same calls.
interface IAggregatorV3 {
    /// @notice The newest round.
    /// @return roundId of a proxy: phase << 64 | the aggregator's own round; 0: there is none
    /// @return answer price in `decimals()`; uptime feed: 0 up, 1 down
    /// @return startedAt uptime feed: when the status last changed (unix seconds)
    /// @return updatedAt when the answer was written (unix seconds)
    /// @return answeredInRound deprecated by Chainlink, unused here
    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);

    /// @notice An older round; one that never was reverts or comes back as zeros, depending on the
    ///         aggregator.
    function getRoundData(uint80 roundId_)
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);

    /// @notice Decimals of `answer`.
    function decimals() external view returns (uint8);
}

/// @notice The proxy in front of a feed's aggregators.
interface IAggregatorProxy is IAggregatorV3 {
    /// @notice The aggregator it reads now; each replacement begins a new phase of round ids.
    function aggregator() external view returns (address);
}

/// @notice The answers an aggregator clamps to. Some have none.
interface IAggregatorBounds {
    function minAnswer() external view returns (int192);
    function maxAnswer() external view returns (int192);
}
