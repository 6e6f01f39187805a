// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice Wad: 1e18 fixed point. Ray: 1e27 fixed point. Token units: the collateral token's own decimals.

/// @notice What a market lets people do.
enum Mode {
    Normal, // everything
    ReduceOnly, // no action that adds risk
    FinalAnnounced, // as ReduceOnly; a final price is waiting for its delay
    Final, // positions are settled at the final price, nothing else trades
    Settled // both sides are empty: tickets are paid pro rata, liquidity providers share the rest
}

/// @notice Why an action is refused. Previews return it; actions revert `Refused(reason, actual, limit)`
/// with it.
enum Reason {
    None, // 0 allowed
    DeadlinePassed, // 1 actual: block time; limit: deadline
    ZeroAmount, // 2 actual: 0; limit: 1
    NotFlat, // 3 actual: size; limit: 0
    IsFlat, // 4 actual: 0; limit: 1
    WrongDirection, // 5 actual: size change asked; limit: size
    WouldFlip, // 6 actual: size change asked; limit: size
    ModeForbids, // 7 actual: mode; limit: highest mode that allows it
    InGrace, // 8 actual: block time; limit: end of grace
    BlockIsLiquidationOnly, // 9 actual: block time; limit: block time + 1
    PriceLimit, // 10 actual: fill (Wad); limit: the caller's limit (Wad)
    NotionalTooSmall, // 11 actual: notional (Wad); limit: minNotional (Wad)
    SkewTooLarge, // 12 actual: abs(K) after (Wad); limit: maxSkew (Wad)
    OpenInterestTooLarge, // 13 actual: side notional after (Wad); limit: maxOpenInterest (Wad)
    UtilisationTooHigh, // 14 actual: side notional after (Wad); limit: maxUtilisation x NAV (Wad)
    MarginTooLow, // 15 actual: min(free margin, equity) (Wad); limit: initial margin (Wad)
    EquityTooLow, // 16 actual: equity after (Wad); limit: maintenance margin, or 0 for a close (Wad)
    AmountTooLarge, // 17 actual: amount asked; limit: what is free or still counts (token units)
    Healthy, // 18 actual: equity (Wad); limit: maintenance margin (Wad)
    Liquidatable, // 19 actual: equity (Wad); limit: maintenance margin (Wad)
    GasTooLow, // 20 actual: gas left; limit: gas needed
    FactorTooLow, // 21 actual: net trader claim (Wad); limit: adlStart x cash (Wad)
    // 22 actual: claim x side notional; limit: side claim x notional (both Wad, compared after scaling)
    NotAdlTarget,
    NothingToClose, // 23 actual: size that may be closed; limit: 1
    NothingLiquidated, // 24 actual: 0; limit: 1
    PriceBackwards, // 25 actual: publishedAt read; limit: publishedAt held
    PriceOutOfRange, // 26 actual: mark read (Wad); limit: lowest (1e9) or highest (2^96 - 1) mark
    SpreadTooWide, // 27 actual: spread (Wad); limit: maxSpread (Wad)
    NotDead, // 28 actual: seconds since the last accepted mark; limit: deadAfter
    TooEarly, // 29 actual: block time; limit: earliest time
    SizeTooLarge, // 30 actual: size asked for (signed) or side's sum (Wad); limit: largest that fits
    OrdersOnly, // 31 actual: the caller; limit: the order book, the only one that trades here (addresses)
    BadReceiver // 32 actual: the address; limit: 0
}

/// @notice What a position-changing event was about.
enum Action {
    Open,
    Increase,
    Decrease,
    Close,
    RemoveMargin,
    Settle,
    LiquidatePartial,
    LiquidateFull,
    MarginCallHealed,
    Deleverage,
    SettleFinal
}

/// @notice What `liquidateMany` did with an id.
enum LiquidationResult {
    Unknown, // no such position
    Flat, // nothing to liquidate
    Healthy, // equity >= maintenance margin
    InGrace, // equity > 0 while the market restarts
    LowGas, // too little gas left for its margin call
    Partial,
    Full,
    Healed // the owner's margin call restored it
}

/// @notice One row of the margin table. Marginal like income tax: the rates apply to the notional between
/// the row before and this one.
/// @param upperNotional end of the bracket (Wad quote); the last row's must be type(uint128).max
/// @param imRate initial margin rate (Wad)
/// @param mmRate maintenance margin rate (Wad), below imRate
struct Bracket {
    uint128 upperNotional;
    uint64 imRate;
    uint64 mmRate;
}

/// @notice Everything governance can set for a market. Rates and ratios in Wad, quote amounts in Wad of the
/// token's unit.
struct MarketParams {
    Bracket[] brackets; // 1 to 8 rows, rates not decreasing
    uint256 minNotional; // smallest position (quote Wad)
    uint256 takerFee; // on the part of a trade that grows abs(K)
    uint256 makerFee; // on the part that shrinks it
    uint256 feePoolShare; // of each trading fee
    uint256 feeInsuranceShare; // of each trading fee; the rest is the treasury's
    uint256 keeperRate; // k: liquidation reward per closed notional
    uint256 insuranceRate; // i: insurance share per closed notional
    uint256 rewardFloor; // smallest liquidation reward (quote Wad)
    uint256 rewardCap; // largest liquidation reward (quote Wad)
    uint256 buffer; // target margin = MM x (1 + buffer)
    uint256 deepRatio; // below deepRatio x MM a liquidation closes everything
    uint256 marginCallReward; // keeper's pay for a healed margin call (quote Wad)
    uint256 marginCallGas; // gas given to onMarginCall
    uint256 skewScale; // S: size at which the marginal impact would be 100 % (Wad)
    uint256 maxImpact; // m: clamp of the marginal impact (Wad)
    uint256 maxSkew; // largest abs(K) a risk-adding action may leave (Wad)
    uint256 maxVelocity; // change of the funding rate per second at full skew (Ray per second squared)
    uint256 maxRate; // largest abs(funding rate) (Ray per second)
    uint256 zScore; // z of the volatility multiplier (Wad)
    uint256 horizonSecs; // h: liquidation horizon
    uint256 tauSecs; // tau: decay time of the volatility average
    uint256 sampleIntervalSecs; // least time between two volatility samples
    uint256 muMax; // largest multiplier (Wad)
    uint256 rampPerHour; // how fast the multiplier of MM may rise (Wad per hour)
    uint256 depthKink; // u0: utilisation at which the depth multiplier starts (Wad)
    uint256 depthSlope; // a: depth multiplier at full utilisation, less one (Wad)
    uint256 maxOpenInterest; // per side (quote Wad)
    uint256 maxUtilisation; // per side, as a share of NAV (Wad)
    uint256 depositDelaySecs; // least wait of a deposit request
    uint256 redeemDelaySecs; // least wait of a redemption request
    uint256 pricingWaitSecs; // no bucket is priced this long after a large move
    uint256 reserveFactor; // share of both sides' notional that LPs must leave (Wad)
    uint256 adlStart; // factor above which positions may be deleveraged (Wad)
    uint256 adlTarget; // factor ADL brings it down to (Wad)
    uint256 deadAfterSecs; // without an accepted mark for this long a final price may be announced
    uint256 maxSpread; // widest spread that is accepted (full width, Wad)
    uint256 graceSecs; // after an outage or ReduceOnly
    uint256 delayedOnly; // 1: positions are traded through the order book alone; 0: by anyone authorised
    uint256 orderDelaySecs; // a mark fills an order if it was published later than this after its placing
    uint256 fillWindowSecs; // and as long as it is no older than this
    address oracle; // the market's IPriceOracle
    address treasury; // receives the treasury's share of fees
}

/// @notice `MarketParams` as the market keeps them: one immutable blob of flat words, with what follows from
/// them.
/// @dev `table` holds four words per bracket: upperNotional (Wad), imRate << 128 | mmRate (Wad), dIm, dMm
/// (both 1e36 scale):
///      IM(N) = ceil((imRate x N - dIm) / 1e18), MM(N) = ceil((mmRate x N - dMm) / 1e18).
struct Config {
    address token;
    address pool;
    address fund;
    address orderBook;
    uint256 unit; // Wad per token unit: 10^(18 - decimals)
    uint256 maxReward; // immutable bound of every reward that a vault pays (token units)
    uint256 initialMark; // mark at listing (Wad)
    uint256 minNotional;
    uint256 takerFee;
    uint256 makerFee;
    uint256 feePoolShare;
    uint256 feeInsuranceShare;
    uint256 keeperRate;
    uint256 insuranceRate;
    uint256 rewardFloor;
    uint256 rewardCap;
    uint256 buffer;
    uint256 deepRatio;
    uint256 marginCallReward;
    uint256 marginCallGas;
    uint256 skewScale;
    uint256 maxImpact;
    uint256 maxSkew;
    uint256 maxVelocity;
    uint256 maxRate;
    uint256 zScore;
    uint256 horizonSecs;
    uint256 tauSecs;
    uint256 sampleIntervalSecs;
    uint256 muMax;
    uint256 rampPerHour;
    uint256 depthKink;
    uint256 depthSlope;
    uint256 maxOpenInterest;
    uint256 maxUtilisation;
    uint256 depositDelaySecs;
    uint256 redeemDelaySecs;
    uint256 pricingWaitSecs;
    uint256 reserveFactor;
    uint256 adlStart;
    uint256 adlTarget;
    uint256 deadAfterSecs;
    uint256 maxSpread;
    uint256 graceSecs;
    uint256 delayedOnly;
    uint256 orderDelaySecs;
    uint256 fillWindowSecs;
    address oracle;
    address treasury;
    uint256 volFactor; // z x sqrt(h in years) / mm_1 (Wad, rounded up)
    uint256 bracketCount;
    uint256[32] table;
}

/// @notice The whole accrual state of a market, unpacked. Token amounts in token units, everything else in
/// Wad but the rate.
struct State {
    uint256 mark; // accepted mark price (Wad)
    uint256 publishedAt; // when the oracle says it was published
    uint256 acceptedAt; // block time of its acceptance
    uint256 accruedAt; // up to when funding and the ramp have run
    uint256 resumedAt; // end of the last outage or ReduceOnly
    int256 fundingIndex; // F: quote per unit of size (Wad); longs pay when it rises
    int256 fundingRate; // per second (Ray)
    uint256 sampledAt; // publishedAt of the last volatility sample
    uint256 spread; // full width, relative to the mark (Wad)
    uint256 variance; // annualised variance of the mark (Wad)
    uint256 ramp; // multiplier of MM (Wad)
    int256 lnSample; // natural logarithm of the last sampled mark (Wad)
    bool renewed; // a second mark was accepted in block acceptedAt: liquidation only
    uint256 sizeLong; // sum of long sizes (Wad)
    uint256 sizeShort; // sum of short sizes, counted positive (Wad)
    uint256 nextId; // the next position id
    int256 basisLong; // sum of basis over long and flat positions (Wad)
    int256 basisShort; // sum of basis over short positions (Wad)
    uint256 cash; // the pool's own tokens (token units)
    uint256 insuranceDue; // fee share waiting to be swept to the insurance fund (token units)
    uint256 treasuryDue; // fee share waiting to be swept to the treasury (token units)
    address configStore; // code that holds the Config
    uint256 bucketDueAt; // earliest moment a pool bucket is due; 0: none
    uint256 jumpAt; // block time of the last mark that moved by more than mm_1
    Mode mode;
    bool ticketsOpen; // some ticket is not fully funded
}

/// @notice A position as stored.
struct Position {
    address owner;
    int256 fundingEntry; // F at the last touch (Wad); 0 while flat
    uint256 flags; // bit 0: margin call opted in; bit 1: has locks; bit 2: vault deployed
    int256 size; // > 0 long, < 0 short (Wad)
    int256 basis; // (Wad)
    uint256 phase; // how often it was opened and became flat, modulo 2^15: even while flat, odd while open
}

/// @notice What the pool still owes somebody.
struct Ticket {
    address owner;
    uint128 start; // owedTotal when it was written (token units)
    uint128 amount; // (token units)
    uint128 drawn; // (token units)
}
