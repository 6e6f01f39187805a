// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPriceOracle} from "@interfaces/IPriceOracle.sol";

/// @notice An oracle that says what it is told, or fails as it is told. Anyone may tell it.
contract SettableOracle is IPriceOracle {
    enum Failure {
        None,
        Stale,
        Invalid,
        OutOfBand,
        TooUncertain,
        SequencerDown,
        QuorumNotMet,
        Bare, // a revert without data
        AllGas // burns all the gas it is given
    }

    uint256 public mark;
    uint256 public spread;
    uint256 public publishedAt;
    uint256 public resumedAt;
    Failure public failure;

    constructor(uint256 mark_) {
        (mark, publishedAt) = (mark_, block.timestamp);
    }

    /// @notice A new mark, published now.
    function setMark(uint256 mark_) external {
        (mark, publishedAt) = (mark_, block.timestamp);
    }

    function set(uint256 mark_, uint256 spread_, uint256 publishedAt_, uint256 resumedAt_) external {
        (mark, spread, publishedAt, resumedAt) = (mark_, spread_, publishedAt_, resumedAt_);
    }

    function setFailure(Failure failure_) external {
        failure = failure_;
    }

    function read(uint256) external view returns (uint256, uint256, uint256, uint256) {
        if (failure != Failure.None) _fail();
        return (mark, spread, publishedAt, resumedAt);
    }

    function update(bytes[] calldata) external payable {}

    function _fail() private view {
        if (failure == Failure.Stale) revert PriceStale(publishedAt, block.timestamp, 0);
        if (failure == Failure.Invalid) revert PriceInvalid(0);
        if (failure == Failure.OutOfBand) revert PriceOutOfBand(mark, mark, mark);
        if (failure == Failure.TooUncertain) revert PriceTooUncertain(spread, 0);
        if (failure == Failure.SequencerDown) revert SequencerDown(publishedAt);
        if (failure == Failure.QuorumNotMet) revert QuorumNotMet(0, 1);
        if (failure == Failure.AllGas) {
            assembly ("memory-safe") {
                invalid()
            }
        }
        revert();
    }
}
