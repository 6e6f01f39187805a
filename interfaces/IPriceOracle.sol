// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title A market's price source
/// @notice One adapter per source. It alone judges whether a price is usable; the market never averages or
/// guesses.
interface IPriceOracle {
    /// @notice The price is older than the adapter allows. All times in unix seconds.
    error PriceStale(uint256 publishedAt, uint256 now_, uint256 maxAgeSecs);
    /// @notice The source returned a price that can't be one (zero, negative, no round).
    error PriceInvalid(int256 answer);
    /// @notice The price is outside what the adapter accepts.
    error PriceOutOfBand(uint256 priceWad, uint256 lowestWad, uint256 highestWad);
    /// @notice The source is too unsure of its price.
    error PriceTooUncertain(uint256 spreadWad, uint256 maxSpreadWad);
    /// @notice The L2's sequencer is down.
    error SequencerDown(uint256 since);
    /// @notice Too few reporters agree.
    error QuorumNotMet(uint256 got, uint256 needed);
    /// @notice A setting of the adapter is out of its bounds. `name` is the setting's name, padded with
    /// zeros.
    error BadSetting(bytes32 name, uint256 actual, uint256 limit);
    /// @notice What was shown proves no outage. Unix seconds; previousAt is 0 where it is not known.
    error NoGap(uint256 previousAt, uint256 publishedAt, uint256 maxAgeSecs);
    /// @notice The market has not taken the proof: it has its mark of this block, or the price is refused.
    /// Unix seconds.
    error ProofNotTaken(uint256 marketResumedAt, uint256 provenAt);
    /// @notice The adapter needs no ether (wei).
    error EtherRefused(uint256 value);

    /// @notice The price as of now, or a revert with one of the errors above.
    /// @param since publishedAt the caller already holds; where the new price was published more than the
    /// adapter's maximum age
    ///        later, the adapter looks at the round before it to prove an outage (0: no such check)
    /// @return mark price (Wad)
    /// @return spread full width of the source's uncertainty relative to the mark (Wad)
    /// @return publishedAt when the source published it (unix seconds)
    /// @return resumedAt end of the last outage the adapter can prove (unix seconds); 0 if none
    function read(uint256 since)
        external
        view
        returns (uint256 mark, uint256 spread, uint256 publishedAt, uint256 resumedAt);

    /// @notice Hands the adapter data its source needs (pull oracles). Push adapters ignore it.
    /// @param data source specific
    function update(bytes[] calldata data) external payable;
}
