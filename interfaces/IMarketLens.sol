// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Reason, State} from "./Types.sol";

/// @notice A position with its health, at the mark an action in this block would use.
/// @dev Liquidation looks at the favourable price, everything else at the mark. Quote values and prices are
/// Wad.
struct PositionView {
    uint256 id;
    address owner;
    address vault;
    uint256 flags; // as in Position
    uint256 epoch;
    int256 size;
    int256 basis;
    int256 fundingEntry;
    uint256 margin; // token units
    uint256 locks; // token units that delegates hold back
    uint256 entryPrice; // mean price paid, charges included; 0 if flat or below 0
    uint256 notional; // at the mark
    int256 equity; // at the mark
    uint256 im; // initial margin at the mark
    uint256 favourablePrice; // the price a liquidation would use
    int256 favourableEquity; // equity there
    uint256 mm; // maintenance margin there
    uint256 tm; // what a partial liquidation restores, there
    int256 marginRatio; // equity over notional
    bool liquidatable; // below mm, and neither grace nor a missing mark protects it
    uint256 liquidationPrice; // last mark at which it can be liquidated, spread and funding as now; 0: none
    int256 driftPerDay; // change of that price by a day's funding at the present rate
}

/// @notice A market at the mark an action in this block would use. Quote values Wad.
struct MarketView {
    State state; // bucketDueAt as stored
    bool fresh; // there is a mark for this block
    Reason priceReason; // why not, as the market would say it
    bytes priceFailure; // why not, as the oracle said it
    int256 nav;
    uint256 freeLiquidity; // token units
    int256 netClaim; // what the pool owes all traders together
    int256 longClaim;
    int256 shortClaim;
    uint256 fundingLiability; // Psi
    uint256 openTickets; // token units
    uint256 notionalLong;
    uint256 notionalShort;
    uint256 capacity; // per side: min(maxOpenInterest, maxUtilisation x NAV)
    uint256 utilisation; // larger side over capacity (Wad); the maximum where there is none
    uint256 roomLong; // what may still be opened
    uint256 roomShort;
    int256 skew; // K (Wad)
    uint256 muVol; // multipliers (Wad)
    uint256 muDepth;
    uint256 muIm;
    uint256 muMm;
    int256 fundingPerDay; // change of the index at the present rate
    int256 fundingVelocity; // change of the rate per second (Ray)
    uint256 adlFactor; // net claim over cash (Wad); the maximum where there is no cash
    bool adlActive; // factor above adlStart
    uint256 graceEnd; // unix seconds
    bool inGrace;
}

/// @title Views of a market
/// @notice Stateless, for any market of this project. Everything comes from the market's own pure stages, on
/// the mark that an action in this block would have: the one held, else the oracle's, taken virtually.
///         All revert with `Locked` while the market is in the middle of an action.
/// @custom:halt Nothing to halt: views.
interface IMarketLens {
    // ---- positions

    /// @notice Positions of the ids from `from` up to, without, `to`; `to` 0 or too high means all.
    function positions(
        address market,
        uint256 from,
        uint256 to
    )
        external
        view
        returns (PositionView[] memory views);

    /// @notice One view for each id; an unknown id has owner 0.
    function positionsOf(
        address market,
        uint256[] calldata ids
    )
        external
        view
        returns (PositionView[] memory views);

    /// @notice Ids in [from, to) that `liquidate` would accept now.
    function liquidatable(address market, uint256 from, uint256 to) external view returns (uint256[] memory);

    /// @notice Last mark (Wad) at which a position can be liquidated, 0 if none, and its drift by a day's
    /// funding at the present rate (Wad, signed).
    /// @dev For longs the highest mark, for shorts the lowest, with spread, ramp and funding as now.
    function liquidationPrice(
        address market,
        uint256 id
    )
        external
        view
        returns (uint256 price, int256 driftPerDay);

    /// @notice For each given mark the notional (Wad, at that mark) of the positions in [from, to) that would
    /// be below their maintenance margin there, spread, ramp and funding as now.
    function liquidatableNotional(
        address market,
        uint256 from,
        uint256 to,
        uint256[] calldata prices
    )
        external
        view
        returns (uint256[] memory longs, uint256[] memory shorts);

    // ---- market

    function marketView(address market) external view returns (MarketView memory);
}
