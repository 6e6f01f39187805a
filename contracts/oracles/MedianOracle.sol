// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPriceOracle} from "@interfaces/IPriceOracle.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {LibCall} from "solady/src/utils/LibCall.sol";

/// @title Median of several adapters, with a breaker
/// @notice A source that reverts, lies about time or gives no usable number is left out; a price needs
///         `minSources` that agree. How far they may differ depends on what the price is for: up to
///         `riskTolerance` everything works; up to `exitTolerance` the price comes with an outage that ends
///         now, so that a market is in grace: one may leave and lower one's risk, and only what is worth
///         nothing is liquidated; beyond it there is no price. Relied upon: fewer than `minSources` of the
///         sources lie in the same direction.
/// @custom:halt Nothing to halt: a market leaves it through the timelock, and stops trading while its price
/// is refused.
contract MedianOracle is IPriceOracle, ReentrancyGuardTransient {
    /// @param sources two to five adapters, each once
    /// @param minSources how many must answer and agree: more than half of them, at least 2
    /// @param riskTolerance widest distance from the median (Wad) at which risk may be added
    /// @param exitTolerance widest distance from the median (Wad) at which there is a price at all
    /// @param sourceGas most gas that one source may use
    struct Settings {
        address[] sources;
        uint256 minSources;
        uint256 riskTolerance;
        uint256 exitTolerance;
        uint256 sourceGas;
    }

    /// @notice A source is no contract, or there twice.
    error BadSource(uint256 place, address source);
    /// @notice There is no source of this number.
    error UnknownSource(uint256 source, uint256 count);
    /// @notice Too little gas is left to ask a source: it would look dead for want of gas.
    error GasTooLow(uint256 left, uint256 needed);
    /// @notice The sources agree well enough for everything: there is nothing to note (Wad).
    error NoDisagreement(uint256 distance, uint256 riskTolerance);
    /// @notice The sender does not take back the ether that no source needed (wei).
    error RefundRefused(uint256 value);

    /// @notice The sources that answered differed by more than is fit to add risk at (unix seconds).
    event DisagreementNoted(uint256 notedAt);

    uint256 private constant WAD = 1e18;
    uint256 private constant MAX_SOURCES = 5;
    uint256 private constant MARK_MIN = 1e9; // what a market accepts
    uint256 private constant MARK_MAX = type(uint96).max;
    uint16 private constant ANSWER_BYTES = 128;
    uint256 private constant CALL_GAS = 5_000; // the call itself, a cold account included
    // fields of an answer
    uint256 private constant MARK = 0;
    uint256 private constant SPREAD = 1;
    uint256 private constant PUBLISHED_AT = 2;
    uint256 private constant RESUMED_AT = 3;

    address private immutable _SOURCE_0;
    address private immutable _SOURCE_1;
    address private immutable _SOURCE_2;
    address private immutable _SOURCE_3;
    address private immutable _SOURCE_4;
    uint256 private immutable _COUNT;
    uint256 private immutable _MIN_SOURCES;
    uint256 private immutable _RISK_TOLERANCE;
    uint256 private immutable _EXIT_TOLERANCE;
    uint256 private immutable _SOURCE_GAS;

    uint256 private _disagreedAt; // unix seconds

    constructor(Settings memory given) {
        uint256 count = given.sources.length;
        if (count > MAX_SOURCES) revert BadSetting("sources", count, MAX_SOURCES);
        for (uint256 i; i < count; ++i) {
            address source = given.sources[i];
            if (source.code.length == 0) revert BadSource(i, source);
            for (uint256 j; j < i; ++j) {
                if (source == given.sources[j]) revert BadSource(i, source);
            }
        }
        if (given.minSources > count) revert BadSetting("minSources", given.minSources, count);
        if (given.minSources < 2) revert BadSetting("minSources", given.minSources, 2);
        if (2 * given.minSources <= count) revert BadSetting("minSources", given.minSources, count / 2 + 1);
        if (given.exitTolerance >= WAD) revert BadSetting("exitTolerance", given.exitTolerance, WAD - 1);
        if (given.riskTolerance > given.exitTolerance) {
            revert BadSetting("riskTolerance", given.riskTolerance, given.exitTolerance);
        }
        if (given.sourceGas < 50_000) revert BadSetting("sourceGas", given.sourceGas, 50_000);
        if (given.sourceGas > 1_000_000) revert BadSetting("sourceGas", given.sourceGas, 1_000_000);
        _SOURCE_0 = given.sources[0];
        _SOURCE_1 = given.sources[1];
        _SOURCE_2 = count > 2 ? given.sources[2] : address(0);
        _SOURCE_3 = count > 3 ? given.sources[3] : address(0);
        _SOURCE_4 = count > 4 ? given.sources[4] : address(0);
        _COUNT = count;
        _MIN_SOURCES = given.minSources;
        _RISK_TOLERANCE = given.riskTolerance;
        _EXIT_TOLERANCE = given.exitTolerance;
        _SOURCE_GAS = given.sourceGas;
    }

    /// @dev Only what a source gives back while it is updated.
    receive() external payable {
        if (!_reentrancyGuardEntered()) revert EtherRefused(msg.value);
    }

    // ---- reading

    /// @inheritdoc IPriceOracle
    /// @dev The price is the middle one; between two middle ones their mean, with a spread so much wider that
    ///      both lie within half of it: else a source that answers beside one other would set the price.
    ///      publishedAt is a moment such that the price lies between prices published then or later: the
    ///      older of the middle ones' times, or the newest that more than half of the sources have reached.
    ///      Where that is before `since` and a source has reached `since`, it is `since`: when a fast source
    ///      leaves the middle, time stands still and does not go back. The outage is one of all but
    ///      `minSources - 1` sources.
    function read(uint256 since)
        external
        view
        returns (uint256 mark, uint256 spread, uint256 publishedAt, uint256 resumedAt)
    {
        uint256[4][] memory found = _askEnough(since);
        uint256 count = found.length;
        uint256[4] memory lower = found[(count - 1) / 2]; // the same as upper if count is odd
        uint256[4] memory upper = found[count / 2];
        mark = (lower[MARK] + upper[MARK]) / 2; // down: the same for both sides of every trade
        uint256 distance = _distanceUp(found);
        if (distance > _EXIT_TOLERANCE) revert PriceTooUncertain(distance, _EXIT_TOLERANCE);
        // of two middle ones the wider, and the gap between the middle marks, up: the trader pays
        spread = _sorted(found, SPREAD)[count / 2] + _ratioUp(2 * (upper[MARK] - mark), mark);
        uint256[] memory times = _sorted(found, PUBLISHED_AT);
        bool upperLater = upper[PUBLISHED_AT] > lower[PUBLISHED_AT];
        publishedAt = _greater(times[(count - 1) / 2], (upperLater ? lower : upper)[PUBLISHED_AT]);
        if (publishedAt < since && since <= times[count - 1]) publishedAt = since;
        resumedAt =
            distance > _RISK_TOLERANCE ? block.timestamp : _sorted(found, RESUMED_AT)[_MIN_SOURCES - 1];
        resumedAt = _greater(resumedAt, _disagreedAt);
    }

    /// @notice When sources were last noted to disagree (unix seconds; 0: never).
    function disagreedAt() external view returns (uint256) {
        return _disagreedAt;
    }

    /// @notice What it was deployed with.
    function settings() external view returns (Settings memory) {
        address[] memory sources = new address[](_COUNT);
        for (uint256 i; i < _COUNT; ++i) {
            sources[i] = _source(i);
        }
        return Settings({
            sources: sources,
            minSources: _MIN_SOURCES,
            riskTolerance: _RISK_TOLERANCE,
            exitTolerance: _EXIT_TOLERANCE,
            sourceGas: _SOURCE_GAS
        });
    }

    function _source(uint256 place) private view returns (address) {
        if (place == 0) return _SOURCE_0;
        if (place == 1) return _SOURCE_1;
        if (place == 2) return _SOURCE_2;
        if (place == 3) return _SOURCE_3;
        return _SOURCE_4;
    }

    /// @dev At least minSources answers, or none.
    function _askEnough(uint256 since) private view returns (uint256[4][] memory found) {
        found = _ask(since);
        if (found.length < _MIN_SOURCES) revert QuorumNotMet(found.length, _MIN_SOURCES);
    }

    /// @dev Usable answers in order of their marks. A source that burns its gas or returns a flood stops
    ///      nothing; nor can a caller silence one by giving little gas: at least sourceGas must be there.
    function _ask(uint256 since) private view returns (uint256[4][] memory found) {
        found = new uint256[4][](_COUNT);
        bytes memory call_ = abi.encodeCall(IPriceOracle.read, (since));
        uint256 needed = _SOURCE_GAS * 64 / 63 + CALL_GAS;
        uint256 count;
        for (uint256 i; i < _COUNT; ++i) {
            if (gasleft() < needed) revert GasTooLow(gasleft(), needed);
            (bool ok,, bytes memory data) =
                LibCall.tryStaticCall(_source(i), _SOURCE_GAS, ANSWER_BYTES, call_);
            if (!ok || data.length < ANSWER_BYTES) continue;
            uint256[4] memory answer = abi.decode(data, (uint256[4]));
            if (!_usable(answer)) continue;
            uint256 place = count++;
            for (; place != 0 && found[place - 1][MARK] > answer[MARK]; --place) {
                found[place] = found[place - 1];
            }
            found[place] = answer;
        }
        assembly ("memory-safe") {
            mstore(found, count) // at most _COUNT
        }
    }

    function _usable(uint256[4] memory answer) private view returns (bool) {
        return answer[MARK] >= MARK_MIN && answer[MARK] <= MARK_MAX && answer[SPREAD] < WAD
            && answer[PUBLISHED_AT] <= block.timestamp;
    }

    /// @dev The distance from the middle mark; of two middle ones the wider.
    function _distanceUp(uint256[4][] memory found) private view returns (uint256 distance) {
        uint256 count = found.length;
        distance = _distanceFromUp(found, found[count / 2][MARK]);
        if (count % 2 == 1) return distance;
        return _greater(distance, _distanceFromUp(found, found[count / 2 - 1][MARK]));
    }

    /// @dev How far from the mark the minSources closest to it are, relative to it, rounded up: the strict
    ///      side.
    function _distanceFromUp(uint256[4][] memory found, uint256 mark) private view returns (uint256) {
        uint256[4][] memory distances = new uint256[4][](found.length);
        for (uint256 i; i < found.length; ++i) {
            uint256 other = found[i][MARK];
            distances[i][MARK] = other > mark ? other - mark : mark - other;
        }
        return _ratioUp(_sorted(distances, MARK)[_MIN_SOURCES - 1], mark);
    }

    /// @dev part / whole (Wad), rounded up; part below 2^97.
    function _ratioUp(uint256 part, uint256 whole) private pure returns (uint256) {
        return (part * WAD + whole - 1) / whole;
    }

    /// @dev One field of all answers in increasing order, by insertion: at most five.
    function _sorted(uint256[4][] memory found, uint256 field)
        private
        pure
        returns (uint256[] memory values)
    {
        values = new uint256[](found.length);
        for (uint256 i; i < found.length; ++i) {
            uint256 value = found[i][field];
            uint256 place = i;
            for (; place != 0 && values[place - 1] > value; --place) {
                values[place] = values[place - 1];
            }
            values[place] = value;
        }
    }

    function _greater(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a : b;
    }

    // ---- disagreement

    /// @notice Notes that the sources differ by more than riskTolerance now, so that grace follows where no
    ///         market could see it: a market that reads while the sources disagree needs no note. Anyone.
    /// @dev Silence is no disagreement: pull sources are stale between two updates, and whoever calls this
    ///      chooses when. A source's outage is proven at that source.
    function noteDisagreement() external {
        uint256[4][] memory found = _askEnough(0);
        uint256 distance = _distanceUp(found);
        if (distance <= _RISK_TOLERANCE) revert NoDisagreement(distance, _RISK_TOLERANCE);
        _disagreedAt = block.timestamp;
        emit DisagreementNoted(block.timestamp);
    }

    // ---- updating the sources

    /// @inheritdoc IPriceOracle
    /// @dev Each element is `abi.encode(uint256 source, uint256 value, bytes[] data)`: data for the source of
    ///      that number, with so much ether (wei). What is left over goes back to the sender.
    function update(bytes[] calldata data) external payable nonReentrant {
        for (uint256 i; i < data.length; ++i) {
            (uint256 place, uint256 value, bytes[] memory inner) =
                abi.decode(data[i], (uint256, uint256, bytes[]));
            if (place >= _COUNT) revert UnknownSource(place, _COUNT);
            IPriceOracle(_source(place)).update{value: value}(inner);
        }
        uint256 rest = address(this).balance;
        if (rest == 0) return;
        (bool ok,) = msg.sender.call{value: rest}("");
        if (!ok) revert RefundRefused(rest);
    }
}
