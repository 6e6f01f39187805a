// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPriceOracle} from "@interfaces/IPriceOracle.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ECDSA} from "solady/src/utils/ECDSA.sol";
import {SSTORE2} from "solady/src/utils/SSTORE2.sol";

/// @title Price signed by a quorum of reporters
/// @notice Each reporter signs its own price for a common moment (EIP-712, bound to chain, contract and
///         feed); anyone brings the reports of at least a quorum here, and their median becomes the price if
///         a quorum of them agree with it. Relied upon: fewer than half of the quorum lie at a time, and
///         somebody brings reports at least every `maxAgeSecs`.
/// @custom:halt Nothing to halt: without reports the price goes stale; governance replaces reporters through
/// the timelock.
contract QuorumOracle is IPriceOracle, AccessManaged, EIP712 {
    /// @param feed name of the feed, as reporters sign it
    /// @param maxAgeSecs oldest price that is accepted; a longer silence between two prices is an outage
    /// @param lowest price (Wad) at or below which it is refused
    /// @param highest price (Wad) at or above which it is refused, below 2^88
    /// @param maxDeviation widest jump from the price before, relative to it (Wad, 0 to 1 exclusive); a wider
    ///     one waits until the next price confirms it
    /// @param maxDisagreement how far from the median a report still agrees with it, relative to it (Wad)
    /// @param spread full width reported with every price (Wad)
    struct Settings {
        bytes32 feed;
        uint256 maxAgeSecs;
        uint256 lowest;
        uint256 highest;
        uint256 maxDeviation;
        uint256 maxDisagreement;
        uint256 spread;
    }

    /// @param price Wad @param r first word of the signature @param vs second word of it (EIP-2098)
    struct Report {
        uint256 price;
        bytes32 r;
        bytes32 vs;
    }

    /// @notice Reports must come in strictly increasing order of their signers.
    error SignersUnordered(address before, address signer);
    /// @notice Who signed this is no reporter: nobody's signature, or one for another chain, contract, feed,
    /// price or time.
    error NotReporter(address signer);
    /// @notice The reports are not newer than the price that is held (unix seconds).
    error ReportNotNewer(uint256 publishedAt, uint256 heldAt);
    /// @notice The reports are of a time that has not come (unix seconds).
    error ReportFromFuture(uint256 publishedAt, uint256 now_);

    /// @notice A price was accepted: the median (Wad) of `reports`, of which `agreeing` agree with it.
    event PriceReported(uint256 indexed publishedAt, uint256 mark, uint256 reports, uint256 agreeing);
    /// @notice Who may report from now on, and how many of them must.
    event ReportersSet(address[] reporters, uint256 quorum);

    /// @notice What reporters sign: `Report(bytes32 feed,uint256 price,uint256 publishedAt)`.
    bytes32 public constant REPORT_TYPEHASH =
        keccak256("Report(bytes32 feed,uint256 price,uint256 publishedAt)");
    /// @notice Most reporters there can be.
    uint256 public constant MAX_REPORTERS = 32;

    uint256 private constant WAD = 1e18;

    bytes32 private immutable _FEED;
    uint256 private immutable _MAX_AGE_SECS;
    uint256 private immutable _LOWEST;
    uint256 private immutable _HIGHEST;
    uint256 private immutable _MAX_DEVIATION;
    uint256 private immutable _MAX_DISAGREEMENT;
    uint256 private immutable _SPREAD;

    uint256 private _price; // mark 88 | the one before it 88 | publishedAt 40 | resumedAt 40
    uint256 private _members; // SSTORE2 of the reporters 160 | quorum 96

    /// @param authority_ AccessManager; only its TIMELOCK may replace reporters
    constructor(
        Settings memory given,
        address[] memory reporters_,
        uint256 quorum,
        address authority_
    )
        AccessManaged(authority_)
        EIP712("Bulkhead QuorumOracle", "1")
    {
        if (given.maxAgeSecs == 0) revert BadSetting("maxAgeSecs", 0, 1);
        if (given.lowest == 0) revert BadSetting("lowest", 0, 1);
        if (given.highest <= given.lowest) revert BadSetting("highest", given.highest, given.lowest + 1);
        if (given.highest > type(uint88).max) revert BadSetting("highest", given.highest, type(uint88).max);
        if (given.maxDeviation == 0) revert BadSetting("maxDeviation", 0, 1);
        if (given.maxDeviation >= WAD) revert BadSetting("maxDeviation", given.maxDeviation, WAD - 1);
        if (given.maxDisagreement >= WAD) {
            revert BadSetting("maxDisagreement", given.maxDisagreement, WAD - 1);
        }
        if (given.spread >= WAD) revert BadSetting("spread", given.spread, WAD - 1);
        _FEED = given.feed;
        _MAX_AGE_SECS = given.maxAgeSecs;
        _LOWEST = given.lowest;
        _HIGHEST = given.highest;
        _MAX_DEVIATION = given.maxDeviation;
        _MAX_DISAGREEMENT = given.maxDisagreement;
        _SPREAD = given.spread;
        _setReporters(reporters_, quorum);
    }

    // ---- reading

    /// @inheritdoc IPriceOracle
    /// @dev `since` is not needed: an outage is noted when the price after it comes in.
    function read(uint256)
        external
        view
        returns (uint256 mark, uint256 spread, uint256 publishedAt, uint256 resumedAt)
    {
        uint256 previous;
        (mark, previous, publishedAt, resumedAt) = _held();
        if (mark == 0) revert PriceInvalid(0);
        if (block.timestamp - publishedAt > _MAX_AGE_SECS) {
            revert PriceStale(publishedAt, block.timestamp, _MAX_AGE_SECS);
        }
        unchecked {
            // below 2^88 x 2^60
            uint256 jump = mark > previous ? mark - previous : previous - mark;
            if (jump * WAD > previous * _MAX_DEVIATION) {
                uint256 width = previous * _MAX_DEVIATION / WAD;
                revert PriceOutOfBand(mark, previous - width, previous + width);
            }
        }
        spread = _SPREAD;
    }

    /// @notice The last price (Wad), the one before it (Wad; 0: none), when the last was published and when
    /// the last outage ended (unix seconds; 0: none). Whether it may be used, `read` says.
    function held()
        external
        view
        returns (uint256 mark, uint256 previous, uint256 publishedAt, uint256 resumedAt)
    {
        return _held();
    }

    /// @notice Who may report, in increasing order, and how many of them must.
    function reporters() public view returns (address[] memory members, uint256 quorum) {
        uint256 w = _members;
        members = abi.decode(SSTORE2.read(address(uint160(w))), (address[]));
        quorum = w >> 160;
    }

    /// @notice What it was deployed with.
    function settings() external view returns (Settings memory) {
        return Settings({
            feed: _FEED,
            maxAgeSecs: _MAX_AGE_SECS,
            lowest: _LOWEST,
            highest: _HIGHEST,
            maxDeviation: _MAX_DEVIATION,
            maxDisagreement: _MAX_DISAGREEMENT,
            spread: _SPREAD
        });
    }

    /// @notice What a reporter signs for a price (Wad) of a moment (unix seconds).
    function reportDigest(uint256 price, uint256 publishedAt) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(REPORT_TYPEHASH, _FEED, price, publishedAt)));
    }

    function _held() private view returns (uint256, uint256, uint256, uint256) {
        uint256 w = _price;
        return (uint88(w), uint88(w >> 88), uint40(w >> 176), w >> 216);
    }

    // ---- reporting

    /// @inheritdoc IPriceOracle
    /// @dev Anyone. Each element is `abi.encode(uint256 publishedAt, Report[] reports)`; reports are in
    ///      strictly increasing order of their signers. Old reports are refused, so that none can fill an
    ///      outage in afterwards.
    function update(bytes[] calldata data) external payable {
        if (msg.value != 0) revert EtherRefused(msg.value);
        for (uint256 i; i < data.length; ++i) {
            (uint256 publishedAt, Report[] memory reports) = abi.decode(data[i], (uint256, Report[]));
            _take(publishedAt, reports);
        }
    }

    function _take(uint256 publishedAt, Report[] memory reports) private {
        (uint256 before,, uint256 heldAt, uint256 resumedAt) = _held();
        if (publishedAt <= heldAt) revert ReportNotNewer(publishedAt, heldAt);
        if (publishedAt > block.timestamp) revert ReportFromFuture(publishedAt, block.timestamp);
        if (block.timestamp - publishedAt > _MAX_AGE_SECS) {
            revert PriceStale(publishedAt, block.timestamp, _MAX_AGE_SECS);
        }
        (address[] memory members, uint256 quorum) = reporters();
        if (reports.length < quorum) revert QuorumNotMet(reports.length, quorum);
        _checkSigners(members, reports, publishedAt);
        uint256[] memory prices = _sorted(reports);
        uint256 mark = _medianDown(prices);
        if (mark <= _LOWEST || mark >= _HIGHEST) revert PriceOutOfBand(mark, _LOWEST, _HIGHEST);
        uint256 agreeing = _agreeing(prices, mark);
        if (agreeing < quorum) revert QuorumNotMet(agreeing, quorum);
        if (heldAt != 0 && publishedAt > heldAt + _MAX_AGE_SECS) resumedAt = publishedAt;
        _price = mark | before << 88 | publishedAt << 176 | resumedAt << 216;
        emit PriceReported(publishedAt, mark, reports.length, agreeing);
    }

    /// @dev Both lists increase strictly, so that one walk over the reporters finds every signer.
    function _checkSigners(
        address[] memory members,
        Report[] memory reports,
        uint256 publishedAt
    )
        private
        view
    {
        uint256 next;
        address last;
        for (uint256 i; i < reports.length; ++i) {
            Report memory report = reports[i];
            // zero for what is no signature, which is no reporter
            address signer = ECDSA.tryRecover(reportDigest(report.price, publishedAt), report.r, report.vs);
            if (signer <= last && i != 0) revert SignersUnordered(last, signer);
            while (next < members.length && members[next] < signer) ++next;
            if (next == members.length || members[next] != signer) revert NotReporter(signer);
            last = signer;
        }
    }

    /// @dev By insertion: a few values.
    function _sorted(Report[] memory reports) private pure returns (uint256[] memory prices) {
        prices = new uint256[](reports.length);
        for (uint256 i; i < reports.length; ++i) {
            uint256 price = reports[i].price;
            uint256 place = i;
            for (; place != 0 && prices[place - 1] > price; --place) {
                prices[place] = prices[place - 1];
            }
            prices[place] = price;
        }
    }

    /// @dev Between two middle ones their mean, rounded down: by less than 1e-18, and the same for both sides
    ///      of every trade.
    function _medianDown(uint256[] memory prices) private pure returns (uint256) {
        uint256 upper = prices[prices.length / 2];
        if (prices.length % 2 == 1) return upper;
        uint256 lower = prices[prices.length / 2 - 1];
        return lower + (upper - lower) / 2;
    }

    /// @dev How many are within maxDisagreement of the median, rounded down: the strict side.
    function _agreeing(uint256[] memory prices, uint256 median) private view returns (uint256 count) {
        uint256 width = median * _MAX_DISAGREEMENT / WAD;
        for (uint256 i; i < prices.length; ++i) {
            uint256 price = prices[i];
            if ((price > median ? price - median : median - price) <= width) ++count;
        }
    }

    // ---- reporters

    /// @notice Replaces all reporters. Only the timelock. The price that is held stays.
    /// @param reporters_ strictly increasing, not zero, at most MAX_REPORTERS
    /// @param quorum how many must report and agree: more than half of them, at least 2
    function setReporters(address[] calldata reporters_, uint256 quorum) external restricted {
        _setReporters(reporters_, quorum);
    }

    function _setReporters(address[] memory reporters_, uint256 quorum) private {
        uint256 count = reporters_.length;
        if (count > MAX_REPORTERS) revert BadSetting("reporters", count, MAX_REPORTERS);
        address last;
        for (uint256 i; i < count; ++i) {
            if (reporters_[i] <= last) revert SignersUnordered(last, reporters_[i]);
            last = reporters_[i];
        }
        if (quorum > count) revert BadSetting("quorum", quorum, count);
        if (quorum < 2) revert BadSetting("quorum", quorum, 2);
        if (2 * quorum <= count) revert BadSetting("quorum", quorum, count / 2 + 1);
        _members = uint160(SSTORE2.write(abi.encode(reporters_))) | quorum << 160;
        emit ReportersSet(reporters_, quorum);
    }
}
