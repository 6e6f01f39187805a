// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAggregatorBounds, IAggregatorProxy, IAggregatorV3} from "@interfaces/external/IAggregatorV3.sol";

/// @notice An aggregator that costs what the one on mainnet costs to read: the slot with the newest round's
///         number, the slot of that round and, if `checked`, the caller's slot of an access list (which
///         mainnet's aggregators have in front). Anyone may push.
contract FeedAggregator is IAggregatorV3, IAggregatorBounds {
    error NoAccess();

    uint8 public immutable override decimals;
    int192 public immutable override minAnswer;
    int192 public immutable override maxAnswer;
    bool private immutable _checked;

    uint32 public latestRound;
    mapping(uint256 => uint256) private _transmissions; // answer << 64 | timestamp
    mapping(address => bool) private _access;

    constructor(uint8 decimals_, int192 minAnswer_, int192 maxAnswer_, bool checked) {
        decimals = decimals_;
        minAnswer = minAnswer_;
        maxAnswer = maxAnswer_;
        _checked = checked;
    }

    function push(int192 answer, uint256 updatedAt) external {
        set(++latestRound, answer, updatedAt);
    }

    /// @notice Writes any round; zeros make it one that never was.
    function set(uint32 round, int192 answer, uint256 updatedAt) public {
        _transmissions[round] = uint256(int256(answer)) << 64 | uint64(updatedAt);
    }

    /// @notice Says which round is the newest.
    function setLatest(uint32 round) external {
        latestRound = round;
    }

    function allow(address reader) external {
        _access[reader] = true;
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return _round(latestRound);
    }

    function getRoundData(uint80 roundId_) external view returns (uint80, int256, uint256, uint256, uint80) {
        return _round(uint32(roundId_));
    }

    function _round(uint32 round) private view returns (uint80, int256, uint256, uint256, uint80) {
        if (_checked && !_access[msg.sender]) revert NoAccess();
        uint256 found = _transmissions[round];
        uint256 writtenAt = uint64(found);
        return (round, int256(found) >> 64, writtenAt, writtenAt, round);
    }
}

    /// @notice A feed's proxy that costs what the one on mainnet costs to read: the access controller's slot,
    ///         then the slot of the present phase and its aggregator, or for an older round the slot of its
    ///         phase's aggregator. Anyone may set it.
    contract FeedProxy is IAggregatorProxy {
        error NoAccess();

        address public accessController;
        uint256 private _phase; // aggregator << 16 | id
        mapping(uint16 => FeedAggregator) public phaseAggregators;

        constructor(FeedAggregator aggregator_) {
            setAggregator(aggregator_);
        }

        modifier onlyWithAccess() {
            if (accessController != address(0)) revert NoAccess();
            _;
        }

        /// @notice Begins a new phase.
        function setAggregator(FeedAggregator aggregator_) public {
            uint16 id = phaseId() + 1;
            _phase = uint256(uint160(address(aggregator_))) << 16 | id;
            phaseAggregators[id] = aggregator_;
        }

        /// @notice Any address but zero makes every read revert.
        function setAccessController(address controller) external {
            accessController = controller;
        }

        function latestRoundData()
            external
            view
            onlyWithAccess
            returns (
                uint80 roundId,
                int256 answer,
                uint256 startedAt,
                uint256 updatedAt,
                uint80 answeredInRound
            )
        {
            uint256 phase = _phase;
            (roundId, answer, startedAt, updatedAt, answeredInRound) =
                IAggregatorV3(address(uint160(phase >> 16))).latestRoundData();
            (roundId, answeredInRound) = (_join(phase, roundId), _join(phase, answeredInRound));
        }

        function getRoundData(uint80 id)
            external
            view
            onlyWithAccess
            returns (
                uint80 roundId,
                int256 answer,
                uint256 startedAt,
                uint256 updatedAt,
                uint80 answeredInRound
            )
        {
            uint16 phase = uint16(id >> 64);
            (roundId, answer, startedAt, updatedAt, answeredInRound) =
                phaseAggregators[phase].getRoundData(uint64(id));
            (roundId, answeredInRound) = (_join(phase, roundId), _join(phase, answeredInRound));
        }

        function aggregator() public view returns (address) {
            return address(uint160(_phase >> 16));
        }

        function phaseId() public view returns (uint16) {
            return uint16(_phase);
        }

        function decimals() external view returns (uint8) {
            return IAggregatorV3(aggregator()).decimals();
        }

        function _join(uint256 phase, uint80 round) private pure returns (uint80) {
            return uint80(phase << 64 | round);
        }
    }

    /// @notice An L2's sequencer uptime feed (answer 0: up, 1: down), or any feed without a proxy that says
    ///         whatever it is told.
    contract SequencerFeed is IAggregatorV3 {
        uint8 public immutable override decimals;

        uint80 private _roundId = 1;
        int256 private _answer;
        uint256 private _startedAt;
        uint256 private _updatedAt;

        constructor(uint8 decimals_) {
            decimals = decimals_;
        }

        function set(uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt) external {
            (_roundId, _answer, _startedAt, _updatedAt) = (roundId, answer, startedAt, updatedAt);
        }

        function latestRoundData() public view returns (uint80, int256, uint256, uint256, uint80) {
            return (_roundId, _answer, _startedAt, _updatedAt, _roundId);
        }

        function getRoundData(uint80) external view returns (uint80, int256, uint256, uint256, uint80) {
            return latestRoundData();
        }
    }
