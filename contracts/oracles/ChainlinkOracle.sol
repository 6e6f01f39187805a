// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMarket} from "@interfaces/IMarket.sol";
import {IPriceOracle} from "@interfaces/IPriceOracle.sol";
import {IAggregatorBounds, IAggregatorProxy, IAggregatorV3} from "@interfaces/external/IAggregatorV3.sol";
import {Outages} from "./Outages.sol";

/// @title Price of a Chainlink push feed
/// @notice Keeps nothing: every price is judged by the feed's own rounds, so nobody can leave a false state
///         behind. Relied upon: the feed's owner, who may replace the aggregator; rounds of one phase are
///         written in order of time. The aggregator's own answer bounds are compared at deployment only:
///         compare them again when its phase changes.
/// @custom:halt Nothing to halt: a market leaves it through the timelock, and stops trading while its price
/// is refused.
contract ChainlinkOracle is IPriceOracle {
    /// @param feed the feed's proxy
    /// @param maxAgeSecs oldest price that is accepted; a longer silence between two rounds is an outage
    /// @param minAnswer price (in the feed's decimals) at or below which it is refused; not below the
    ///     aggregator's own
    /// @param maxAnswer price (in the feed's decimals) at or above which it is refused; not above the
    ///     aggregator's own
    /// @param maxDeviation widest jump from the round before, relative to it (Wad); wider ones wait for the
    ///     next round. 0: any
    /// @param spread full width reported with every price (Wad)
    /// @param sequencerFeed uptime feed of an L2's sequencer; zero: none
    /// @param sequencerGraceSecs how long after a restart a round from before it is still refused; the feed
    ///        has this long to publish a new one. A feed that needs none is within its deviation threshold by
    ///        then
    struct Settings {
        address feed;
        uint256 maxAgeSecs;
        uint256 minAnswer;
        uint256 maxAnswer;
        uint256 maxDeviation;
        uint256 spread;
        address sequencerFeed;
        uint256 sequencerGraceSecs;
    }

    /// @notice An outage was proven and handed to a market.
    event GapProven(address indexed market, uint80 roundId, uint256 previousAt, uint256 resumedAt);

    uint256 private constant WAD = 1e18;
    uint256 private constant MAX_DECIMALS = 27;
    uint256 private constant HIGHEST = uint256(int256(type(int192).max));

    /// @notice How many rounds `read` looks back after a silence. The first round after an outage may be
    ///         refused for its jump: the second must still see it. One more would cost every idle market
    ///         6,000 gas; older outages are proven.
    uint256 public constant LOOK_BACK = 2;

    IAggregatorV3 private immutable _FEED;
    uint256 private immutable _MAX_AGE_SECS;
    uint256 private immutable _MIN_ANSWER;
    uint256 private immutable _MAX_ANSWER;
    uint256 private immutable _MAX_DEVIATION;
    uint256 private immutable _SPREAD;
    IAggregatorV3 private immutable _SEQUENCER_FEED;
    uint256 private immutable _SEQUENCER_GRACE_SECS;
    uint256 private immutable _MULTIPLIER; // price (Wad) = answer x _MULTIPLIER / _DIVISOR, one of which is 1
    uint256 private immutable _DIVISOR;

    /// @dev End of the outage proven in this transaction (unix seconds). A stored one would cost each read
    ///      2,100 gas more.
    uint256 private transient _provenAt;

    constructor(Settings memory given) {
        if (given.feed.code.length == 0) revert BadSetting("feed", 0, 1);
        uint256 decimals = IAggregatorV3(given.feed).decimals();
        if (decimals > MAX_DECIMALS) revert BadSetting("decimals", decimals, MAX_DECIMALS);
        if (given.maxAgeSecs == 0) revert BadSetting("maxAgeSecs", 0, 1);
        if (given.maxDeviation >= WAD) revert BadSetting("maxDeviation", given.maxDeviation, WAD - 1);
        if (given.spread >= WAD) revert BadSetting("spread", given.spread, WAD - 1);
        if (given.sequencerFeed == address(0) && given.sequencerGraceSecs != 0) {
            revert BadSetting("sequencerGraceSecs", given.sequencerGraceSecs, 0);
        }
        _FEED = IAggregatorV3(given.feed);
        _MAX_AGE_SECS = given.maxAgeSecs;
        _MIN_ANSWER = given.minAnswer;
        _MAX_ANSWER = given.maxAnswer;
        _MAX_DEVIATION = given.maxDeviation;
        _SPREAD = given.spread;
        _SEQUENCER_FEED = IAggregatorV3(given.sequencerFeed);
        _SEQUENCER_GRACE_SECS = given.sequencerGraceSecs;
        _MULTIPLIER = decimals < 18 ? 10 ** (18 - decimals) : 1;
        _DIVISOR = decimals > 18 ? 10 ** (decimals - 18) : 1;
        _checkBounds(given.feed, given.minAnswer, given.maxAnswer, _DIVISOR);
    }

    /// @dev The operator's bounds must be such that the aggregator's clamp shows as one of them (an answer
    ///      stuck at its floor is refused), and every answer between them is at least 1 in Wad and fits.
    function _checkBounds(address feed, uint256 min, uint256 max, uint256 divisor) private view {
        (uint256 lowest, uint256 highest) = _aggregatorBounds(feed);
        if (lowest < divisor) lowest = divisor;
        if (min < lowest) revert BadSetting("minAnswer", min, lowest);
        if (max > highest) revert BadSetting("maxAnswer", max, highest);
        if (max <= min) revert BadSetting("maxAnswer", max, min + 1);
    }

    /// @dev 0 and the highest answer where the feed shows no aggregator, or the aggregator no bounds.
    function _aggregatorBounds(address feed) private view returns (uint256 lowest, uint256 highest) {
        highest = HIGHEST;
        address aggregator = feed;
        try IAggregatorProxy(feed).aggregator() returns (address found) {
            if (found.code.length != 0) aggregator = found;
        } catch {}
        try IAggregatorBounds(aggregator).minAnswer() returns (int192 bound) {
            if (bound > 0) lowest = uint256(int256(bound));
        } catch {}
        try IAggregatorBounds(aggregator).maxAnswer() returns (int192 bound) {
            highest = bound > 0 ? uint256(int256(bound)) : 0;
        } catch {}
    }

    // ---- reading

    /// @inheritdoc IPriceOracle
    /// @dev Where the feed itself reverts, its revert is passed on.
    function read(uint256 since)
        external
        view
        returns (uint256 mark, uint256 spread, uint256 publishedAt, uint256 resumedAt)
    {
        if (address(_SEQUENCER_FEED) != address(0)) {
            resumedAt = Outages.sequencerUpSince(_SEQUENCER_FEED);
        }
        uint80 roundId;
        int256 answer;
        (roundId, answer,, publishedAt,) = _FEED.latestRoundData();
        if (roundId == 0 || !_inBand(answer)) _refuse(roundId, answer);
        unchecked {
            // a moment in the future wraps to an age beyond any maximum
            if (block.timestamp - publishedAt > _MAX_AGE_SECS) _refuseAge(answer, publishedAt);
        }
        // Written before the sequencer stopped: the feed gets its time to catch up.
        if (publishedAt <= resumedAt && block.timestamp < resumedAt + _SEQUENCER_GRACE_SECS) {
            revert SequencerDown(resumedAt);
        }
        if (_MAX_DEVIATION != 0) _requireConfirmed(roundId, uint256(answer));
        if (publishedAt > since + _MAX_AGE_SECS && since != 0) {
            resumedAt = _later(resumedAt, _outageEnd(roundId, publishedAt));
        }
        return (_toWadDown(uint256(answer)), _SPREAD, publishedAt, _later(resumedAt, _provenAt));
    }

    /// @notice What it was deployed with.
    function settings() external view returns (Settings memory) {
        return Settings({
            feed: address(_FEED),
            maxAgeSecs: _MAX_AGE_SECS,
            minAnswer: _MIN_ANSWER,
            maxAnswer: _MAX_ANSWER,
            maxDeviation: _MAX_DEVIATION,
            spread: _SPREAD,
            sequencerFeed: address(_SEQUENCER_FEED),
            sequencerGraceSecs: _SEQUENCER_GRACE_SECS
        });
    }

    /// @dev minAnswer < answer < maxAnswer, and so > 0.
    function _inBand(int256 answer) private view returns (bool) {
        return answer > int256(_MIN_ANSWER) && answer < int256(_MAX_ANSWER);
    }

    function _refuse(uint80 roundId, int256 answer) private view {
        if (roundId == 0 || answer <= 0) revert PriceInvalid(answer);
        // an answer beyond 192 bits is shown as the highest that fits
        uint256 shown = uint256(answer) > HIGHEST ? HIGHEST : uint256(answer);
        revert PriceOutOfBand(_toWadDown(shown), _toWadDown(_MIN_ANSWER), _toWadDown(_MAX_ANSWER));
    }

    function _refuseAge(int256 answer, uint256 publishedAt) private view {
        if (publishedAt > block.timestamp) revert PriceInvalid(answer);
        revert PriceStale(publishedAt, block.timestamp, _MAX_AGE_SECS);
    }

    /// @dev Within maxDeviation of the round before. A round that is missing or refused itself confirms
    ///      nothing.
    function _requireConfirmed(uint80 roundId, uint256 answer) private view {
        (int256 before,) = _roundBefore(roundId);
        if (!_inBand(before)) revert PriceOutOfBand(_toWadDown(answer), 0, 0);
        uint256 previous = uint256(before);
        uint256 jump = answer > previous ? answer - previous : previous - answer;
        // jump / previous > maxDeviation; answers are below 2^191, so nothing overflows
        if (jump * WAD > previous * _MAX_DEVIATION) {
            uint256 centre = _toWadDown(previous);
            uint256 width = previous * _MAX_DEVIATION / WAD * _MULTIPLIER / _DIVISOR;
            revert PriceOutOfBand(_toWadDown(answer), centre - width, centre + width);
        }
    }

    /// @dev End of the newest outage that the last LOOK_BACK rounds show, 0 if none. A round was the end of
    ///      an outage if the one before it is older by more than maxAge, refused, or not to be had. The
    ///      caller's mark is older than the first of them by more than maxAge, so neither can end before it.
    ///      Gas can't be used to hide a round: 1/63 of what a starved getRoundData had is too little to go on
    ///      with.
    function _outageEnd(uint80 roundId, uint256 updatedAt) private view returns (uint256) {
        for (uint256 i; i < LOOK_BACK; ++i) {
            (int256 answer, uint256 previousAt) = _roundBefore(roundId);
            if (!_inBand(answer) || updatedAt > previousAt + _MAX_AGE_SECS) return updatedAt;
            updatedAt = previousAt;
            --roundId;
        }
        return 0;
    }

    /// @dev Zeros where the phase has no such round: the last round of the phase before is not to be had
    ///      cheaply.
    function _roundBefore(uint80 roundId) private view returns (int256 answer, uint256 updatedAt) {
        if (uint64(roundId) <= 1) return (0, 0);
        try _FEED.getRoundData(roundId - 1) returns (
            uint80, int256 answer_, uint256, uint256 updatedAt_, uint80
        ) {
            return (answer_, updatedAt_);
        } catch {
            return (0, 0);
        }
    }

    /// @dev answer x 10^(18 - decimals), rounded down: by less than 1e-18, and the same for both sides of
    ///      every trade.
    function _toWadDown(uint256 answer) private view returns (uint256) {
        unchecked {
            return answer * _MULTIPLIER / _DIVISOR; // at most 2^191 x 10^18
        }
    }

    function _later(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a : b;
    }

    // ---- proving an outage

    /// @notice Proves an outage that `read` no longer finds by itself, and makes a market keep its end.
    ///         Anyone.
    /// @dev The proof lives for one transaction, in which the market reads this adapter; what a foreign
    ///      `market` does meanwhile sees nothing but the truth. Only the present phase counts: a replaced
    ///      aggregator's silence is no outage.
    /// @param roundId the first round after the outage @param market whose oracle this is (directly or as one
    ///     source of it)
    function proveGap(uint80 roundId, IMarket market) external {
        (uint256 previousAt, uint256 resumedAt) = _gap(roundId);
        _provenAt = resumedAt;
        emit GapProven(address(market), roundId, previousAt, resumedAt);
        Outages.handTo(market, resumedAt);
    }

    /// @dev Both rounds must exist, be in the present phase and not in the future, and be more than maxAge
    ///      apart.
    function _gap(uint80 roundId) private view returns (uint256 previousAt, uint256 resumedAt) {
        (uint80 latest,,,,) = _FEED.latestRoundData();
        if (roundId <= latest && roundId >> 64 == latest >> 64) {
            (,,, resumedAt,) = _FEED.getRoundData(roundId);
            (, previousAt) = _roundBefore(roundId);
        }
        bool proven =
            previousAt != 0 && resumedAt > previousAt + _MAX_AGE_SECS && resumedAt <= block.timestamp;
        if (!proven) revert NoGap(previousAt, resumedAt, _MAX_AGE_SECS);
    }

    // ---- pushing

    /// @inheritdoc IPriceOracle
    /// @dev The feed is pushed by its own reporters: nothing to do.
    function update(bytes[] calldata) external payable {
        if (msg.value != 0) revert EtherRefused(msg.value);
    }
}
