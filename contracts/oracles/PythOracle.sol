// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMarket} from "@interfaces/IMarket.sol";
import {IPriceOracle} from "@interfaces/IPriceOracle.sol";
import {IAggregatorV3} from "@interfaces/external/IAggregatorV3.sol";
import {IPyth} from "@pythnetwork/pyth-sdk-solidity/IPyth.sol";
import {PythStructs} from "@pythnetwork/pyth-sdk-solidity/PythStructs.sol";
import {Outages} from "./Outages.sol";

/// @title Price of a Pyth pull feed
/// @notice Keeps nothing: a price is what the Pyth contract holds, brought there by anyone with signed data,
///         through `update` or without this adapter. Relied upon: Pyth's guardians, who sign that data, and
///         the owner of the Pyth contract, who may upgrade it.
/// @custom:halt Nothing to halt: a market leaves it through the timelock, and stops trading while its price
/// is refused.
contract PythOracle is IPriceOracle {
    /// @param pyth the chain's Pyth contract
    /// @param priceId the feed's id
    /// @param maxAgeSecs oldest price that is accepted; a longer silence between two prices is an outage
    /// @param minDecimals least decimals (minus Pyth's exponent) that are believed
    /// @param maxDecimals most decimals that are believed, at most 36
    /// @param lowest price (Wad) at or below which it is refused
    /// @param highest price (Wad) at or above which it is refused
    /// @param confidenceWidth how many of Pyth's confidence intervals count on each side of the price (Wad),
    ///     1 to 100
    /// @param minSpread least full width that is reported (Wad)
    /// @param maxSpread widest full width that is accepted (Wad)
    /// @param sequencerFeed uptime feed of an L2's sequencer; zero: none. A price must be newer than a
    ///     restart
    struct Settings {
        address pyth;
        bytes32 priceId;
        uint256 maxAgeSecs;
        uint256 minDecimals;
        uint256 maxDecimals;
        uint256 lowest;
        uint256 highest;
        uint256 confidenceWidth;
        uint256 minSpread;
        uint256 maxSpread;
        address sequencerFeed;
    }

    /// @notice Less ether was sent than Pyth takes for this data (wei).
    error FeeTooLow(uint256 value, uint256 fee);
    /// @notice The sender does not take back what it sent beyond the fee (wei).
    error RefundRefused(uint256 value);

    /// @notice An outage was proven and handed to a market (unix seconds).
    event OutageProven(address indexed market, uint256 resumedAt);

    uint256 private constant WAD = 1e18;
    uint256 private constant MAX_DECIMALS = 36;
    /// @dev Pyth's clock may run ahead of the chain's by so much.
    uint256 private constant MAX_AHEAD_SECS = 5;
    uint256 private constant MAX_CONFIDENCE_WIDTH = 100e18;

    IPyth private immutable _PYTH;
    bytes32 private immutable _PRICE_ID;
    uint256 private immutable _MAX_AGE_SECS;
    uint256 private immutable _MIN_DECIMALS;
    uint256 private immutable _MAX_DECIMALS;
    uint256 private immutable _LOWEST;
    uint256 private immutable _HIGHEST;
    uint256 private immutable _CONFIDENCE_WIDTH;
    uint256 private immutable _MIN_SPREAD;
    uint256 private immutable _MAX_SPREAD;
    IAggregatorV3 private immutable _SEQUENCER_FEED;

    /// @dev End of the outage proven in this transaction (unix seconds).
    uint256 private transient _provenAt;

    constructor(Settings memory given) {
        if (given.pyth.code.length == 0) revert BadSetting("pyth", 0, 1);
        if (given.maxAgeSecs == 0) revert BadSetting("maxAgeSecs", 0, 1);
        if (given.maxDecimals > MAX_DECIMALS) {
            revert BadSetting("maxDecimals", given.maxDecimals, MAX_DECIMALS);
        }
        if (given.minDecimals > given.maxDecimals) {
            revert BadSetting("minDecimals", given.minDecimals, given.maxDecimals);
        }
        if (given.lowest == 0) revert BadSetting("lowest", 0, 1);
        if (given.highest <= given.lowest) revert BadSetting("highest", given.highest, given.lowest + 1);
        if (given.confidenceWidth < WAD) revert BadSetting("confidenceWidth", given.confidenceWidth, WAD);
        if (given.confidenceWidth > MAX_CONFIDENCE_WIDTH) {
            revert BadSetting("confidenceWidth", given.confidenceWidth, MAX_CONFIDENCE_WIDTH);
        }
        if (given.maxSpread >= WAD) revert BadSetting("maxSpread", given.maxSpread, WAD - 1);
        if (given.minSpread > given.maxSpread) {
            revert BadSetting("minSpread", given.minSpread, given.maxSpread);
        }
        _PYTH = IPyth(given.pyth);
        _PRICE_ID = given.priceId;
        _MAX_AGE_SECS = given.maxAgeSecs;
        _MIN_DECIMALS = given.minDecimals;
        _MAX_DECIMALS = given.maxDecimals;
        _LOWEST = given.lowest;
        _HIGHEST = given.highest;
        _CONFIDENCE_WIDTH = given.confidenceWidth;
        _MIN_SPREAD = given.minSpread;
        _MAX_SPREAD = given.maxSpread;
        _SEQUENCER_FEED = IAggregatorV3(given.sequencerFeed);
    }

    // ---- reading

    /// @inheritdoc IPriceOracle
    /// @dev A price that was never brought to this chain is Pyth's own error, passed on. `since` is not
    ///      needed: Pyth keeps no price before the last, so that an outage must be proven (`proveGap`). A
    ///      price at most 5 s ahead of the block counts as of the block; further ahead it is `PriceInvalid`.
    function read(uint256)
        external
        view
        returns (uint256 mark, uint256 spread, uint256 publishedAt, uint256 resumedAt)
    {
        if (address(_SEQUENCER_FEED) != address(0)) {
            resumedAt = Outages.sequencerUpSince(_SEQUENCER_FEED);
        }
        PythStructs.Price memory found = _PYTH.getPriceUnsafe(_PRICE_ID);
        publishedAt = found.publishTime;
        mark = _toWadDown(found);
        if (publishedAt > block.timestamp) {
            if (publishedAt - block.timestamp > MAX_AHEAD_SECS) revert PriceInvalid(found.price);
            publishedAt = block.timestamp;
        }
        if (block.timestamp - publishedAt > _MAX_AGE_SECS) {
            revert PriceStale(publishedAt, block.timestamp, _MAX_AGE_SECS);
        }
        if (publishedAt <= resumedAt) revert SequencerDown(resumedAt);
        if (mark <= _LOWEST || mark >= _HIGHEST) revert PriceOutOfBand(mark, _LOWEST, _HIGHEST);
        spread = _spreadUp(found);
        if (_provenAt > resumedAt) resumedAt = _provenAt;
    }

    /// @notice What it was deployed with.
    function settings() external view returns (Settings memory) {
        return Settings({
            pyth: address(_PYTH),
            priceId: _PRICE_ID,
            maxAgeSecs: _MAX_AGE_SECS,
            minDecimals: _MIN_DECIMALS,
            maxDecimals: _MAX_DECIMALS,
            lowest: _LOWEST,
            highest: _HIGHEST,
            confidenceWidth: _CONFIDENCE_WIDTH,
            minSpread: _MIN_SPREAD,
            maxSpread: _MAX_SPREAD,
            sequencerFeed: address(_SEQUENCER_FEED)
        });
    }

    /// @dev price x 10^(18 + exponent), rounded down: by less than 1e-18, and the same for both sides of
    ///      every trade. A price that is not positive, or whose exponent is out of its range, is none.
    function _toWadDown(PythStructs.Price memory found) private view returns (uint256) {
        int256 decimals = -int256(found.expo);
        if (found.price <= 0 || decimals < int256(_MIN_DECIMALS) || decimals > int256(_MAX_DECIMALS)) {
            revert PriceInvalid(found.price);
        }
        unchecked {
            // 2^63 x 10^18
            uint256 price = uint256(int256(found.price));
            uint256 places = uint256(decimals);
            return places <= 18 ? price * 10 ** (18 - places) : price / 10 ** (places - 18);
        }
    }

    /// @dev 2 conf width / price, rounded up: the trader pays, the pool gains.
    function _spreadUp(PythStructs.Price memory found) private view returns (uint256 spread) {
        unchecked {
            // 2 x 2^64 x 2^67
            uint256 price = uint256(int256(found.price));
            spread = (2 * uint256(found.conf) * _CONFIDENCE_WIDTH + price - 1) / price;
        }
        if (spread < _MIN_SPREAD) spread = _MIN_SPREAD;
        if (spread > _MAX_SPREAD) revert PriceTooUncertain(spread, _MAX_SPREAD);
    }

    // ---- pulling

    /// @inheritdoc IPriceOracle
    /// @dev Hands signed updates to Pyth with the fee it asks, and gives back what was sent beyond it. Data
    ///      of other feeds does no harm; Pyth ignores what is older than what it holds.
    function update(bytes[] calldata data) external payable {
        uint256 fee = _fee(data);
        _PYTH.updatePriceFeeds{value: fee}(data);
        _refund(fee);
    }

    /// @notice Proves an outage, and makes a market keep its end. Anyone; pays Pyth's fee as `update` does.
    /// @dev Pyth signs with each price the time of the one before it. The proof lives for one transaction.
    /// @param data signed updates, with the feed's first price after the outage
    /// @param resumedAt when that price was published (unix seconds)
    /// @param market whose oracle this is (directly or as one source of it)
    function proveGap(bytes[] calldata data, uint64 resumedAt, IMarket market) external payable {
        uint256 fee = _fee(data);
        if (resumedAt > block.timestamp || resumedAt <= _MAX_AGE_SECS) {
            revert NoGap(0, resumedAt, _MAX_AGE_SECS);
        }
        bytes32[] memory ids = new bytes32[](1);
        ids[0] = _PRICE_ID;
        // the one before it was published before `from`, so more than maxAge before `resumedAt`
        uint64 from = uint64(resumedAt - _MAX_AGE_SECS);
        (PythStructs.PriceFeed[] memory feeds,) =
            _PYTH.parsePriceFeedUpdatesWithConfig{value: fee}(data, ids, from, resumedAt, true, false, true);
        uint256 foundAt = feeds[0].price.publishTime;
        if (foundAt != resumedAt) revert NoGap(0, foundAt, _MAX_AGE_SECS);
        _provenAt = resumedAt;
        emit OutageProven(address(market), resumedAt);
        Outages.handTo(market, resumedAt);
        _refund(fee);
    }

    function _fee(bytes[] calldata data) private view returns (uint256 fee) {
        fee = _PYTH.getUpdateFee(data);
        if (msg.value < fee) revert FeeTooLow(msg.value, fee);
    }

    function _refund(uint256 fee) private {
        uint256 rest = msg.value - fee;
        if (rest == 0) return;
        (bool ok,) = msg.sender.call{value: rest}("");
        if (!ok) revert RefundRefused(rest);
    }
}
