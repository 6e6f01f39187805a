// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    Action,
    Config,
    LiquidationResult,
    MarketParams,
    Mode,
    Position,
    Reason,
    State,
    Ticket
} from "./Types.sol";

/// @title An isolated-margin market
/// @notice The only writer of positions. Every position's collateral sits in a vault of its own; the vault's
/// balance is the margin.
///         Sizes, prices and quote values are Wad; token amounts are in the token's own decimals. Rounding
///         never favours the trader.
/// @custom:halt The guardian's `enterReduceOnly` stops everything that adds risk. Exits can't be halted.
interface IMarket {
    /// @notice An action's rule was broken. What `actual` and `limit` are is said at each member of Reason.
    error Refused(Reason reason, int256 actual, int256 limit);
    /// @notice No position has this id.
    error UnknownPosition(uint256 id);
    /// @notice The caller may not do this with this position.
    error NotAuthorised(uint256 id, address caller);
    /// @notice The market is in the middle of an action (or of a margin call of this id).
    error Locked();
    /// @notice The token moved another amount than asked (fee-on-transfer and rebasing tokens are not
    /// supported). Token units.
    error WrongAmountReceived(uint256 received, uint256 asked);
    /// @notice The token refused a payment.
    error TransferRefused(address to, uint256 amount);
    /// @notice The caller is not the market's pool.
    error NotPool(address caller);
    /// @notice A parameter is out of its bounds. `name` is the parameter's name, padded with zeros.
    error BadParameter(bytes32 name, uint256 actual, uint256 limit);
    /// @notice The ticket's owner is somebody else.
    error NotTicketOwner(uint256 ticketId, address caller);

    event PositionReserved(uint256 indexed id, address indexed owner, address vault);
    /// @notice The whole position after an action, and what the action cost.
    /// @param size after (Wad) @param basis after (Wad) @param margin the vault's balance after (token units)
    /// @param mark price the action was valued at (Wad)
    /// @param fill price it executed at (Wad; 0 where nothing traded)
    /// @param fundingPaid by the trader (token units, signed)
    /// @param fee charged (token units; liquidations: costs without the reward)
    /// @param payout from the vault to the keeper, or to the receiver that the owner named (token units): the
    ///        token's Transfer tells who it was
    event PositionChanged(
        uint256 indexed id,
        address indexed owner,
        Action indexed action,
        int256 size,
        int256 basis,
        uint256 margin,
        uint256 mark,
        uint256 fill,
        int256 fundingPaid,
        uint256 fee,
        uint256 payout
    );
    event MarginAdded(uint256 indexed id, address indexed from, uint256 amount, uint256 margin);
    event BadDebt(uint256 indexed id, uint256 amount, uint256 fromInsurance, uint256 fromPool);
    event TicketWritten(uint256 indexed ticketId, address indexed owner, uint256 indexed id, uint256 amount);
    event TicketPaid(uint256 indexed ticketId, address indexed to, uint256 amount);
    event PositionTransferred(uint256 indexed id, address indexed from, address indexed to, uint256 epoch);
    event DelegateSet(address indexed owner, uint256 indexed id, address indexed delegate, uint256 expiry);
    event LockSet(
        uint256 indexed id, uint256 indexed epoch, address indexed delegate, uint256 amount, uint256 total
    );
    event MarginCallSet(uint256 indexed id, bool optedIn);
    event FeesSwept(uint256 toInsurance, uint256 toTreasury);
    event ParamsSet(address configStore, uint256 ramp);
    event ModeSet(Mode mode);
    event FinalPriceAnnounced(uint256 mark, uint256 executableAt);
    event FinalPriceSet(uint256 mark);
    /// @notice What unfunded tickets get (Ray). Again, and higher, where a settled market collects late.
    event TicketsSettled(uint256 unfunded, uint256 finalRatio);

    // ---- open and trade

    // Where `delayedOnly` is on, the five actions that trade (open, increase, decrease, close and
    // closeAndWithdraw) refuse every caller but the order book (`OrdersOnly`). Nothing else is restricted:
    // margin goes in and out, and liquidation, deleveraging, settling and transfers work, as ever.

    /// @notice Reserves a flat position for somebody. Anyone. Costs nobody margin.
    /// @param owner_ not zero, this market, its pool or its fund @return id the position
    function reserve(address owner_) external returns (uint256 id);

    /// @notice Opens a flat position. Owner or delegate. Margin comes from the caller.
    /// @param id a flat position, or 0 to reserve one for the caller
    /// @param size signed (Wad) @param margin token units @param priceLimit highest fill for a buy, lowest
    /// for a sale (Wad)
    /// @param deadline last block time
    function open(
        uint256 id,
        int256 size,
        uint256 margin,
        uint256 priceLimit,
        uint256 deadline
    )
        external
        returns (uint256);

    /// @notice Adds to a position. Owner or delegate. @param delta signed like the position (Wad)
    function increase(uint256 id, int256 delta, uint256 priceLimit, uint256 deadline) external;

    /// @notice Takes from a position, never flips it. Owner or delegate. @param delta signed against the
    /// position (Wad)
    function decrease(uint256 id, int256 delta, uint256 priceLimit, uint256 deadline) external;

    /// @notice Closes a position; proceeds stay in its vault. Owner or delegate.
    function close(uint256 id, uint256 priceLimit, uint256 deadline) external;

    /// @notice Closes and pays everything unlocked out. Owner only. @return paid token units
    function closeAndWithdraw(
        uint256 id,
        uint256 priceLimit,
        uint256 deadline,
        address to
    )
        external
        returns (uint256 paid);

    // ---- margin

    /// @notice Adds margin from the caller. Anyone, always. A plain transfer to the vault does the same.
    function addMargin(uint256 id, uint256 amount) external;

    /// @notice Pays margin out. Owner only. A flat position needs no price. In a margin call it works even
    /// in a block that took two marks. @param amount token units, at least 1
    function removeMargin(uint256 id, uint256 amount, address to) external;

    /// @notice Settles a position's funding. Anyone. While tickets are open it also collects a loss.
    function settle(uint256 id) external;

    /// @notice Accrues funding and, where the oracle has a valid mark, accepts it and prices due buckets.
    /// Anyone.
    function accrue() external;

    // ---- liquidation

    /// @notice Liquidates a position below maintenance margin. Anyone.
    /// @param rewardTo receives the reward; not a vault of this market, its pool, fund or itself
    function liquidate(uint256 id, address rewardTo) external returns (LiquidationResult);

    /// @notice Tries each id, skips what can't be liquidated. @return results one for each id
    function liquidateMany(
        uint256[] calldata ids,
        address rewardTo
    )
        external
        returns (LiquidationResult[] memory results);

    /// @notice Closes a profitable position when the pool's cash no longer covers the traders' claims.
    /// Anyone.
    function deleverage(uint256 id) external;

    /// @notice Opts a position in to (or out of) margin calls. Owner only; to opt in, only a contract.
    function setMarginCall(uint256 id, bool optIn) external;

    // ---- ownership

    /// @notice Hands a position over. Owner only; not while liquidatable. Clears its delegates, locks and
    /// opt-in.
    function transferPosition(uint256 id, address to) external;

    /// @notice Lets somebody trade a position (or, with id 0, all of the caller's). Owner only.
    /// @param expiry last block time it holds; 0 revokes and frees its locks on that id
    function setDelegate(uint256 id, address delegate, uint256 expiry) external;

    /// @notice Sets what the caller, a delegate, holds back from removal. Lowering is allowed after
    /// revocation too. All locks of an id together stay below 2^128.
    /// @param amount the new total of the caller's lock (token units)
    function setLock(uint256 id, uint256 amount) external;

    /// @notice Frees the lock of somebody who is no longer a delegate. Anyone.
    function freeLock(uint256 id, address delegate) external;

    /// @notice Sends a token that is not the collateral out of a vault. Owner only.
    function sweepForeign(uint256 id, address token, address to) external;

    // ---- tickets and fees

    /// @notice Draws what a ticket may draw. Its owner only. @return paid token units
    function drawTicket(uint256 ticketId, address to) external returns (uint256 paid);

    /// @notice Sends the waiting fee shares to insurance fund and treasury. Anyone. A receiver that refuses
    /// goes without.
    function sweepFees() external;

    // ---- the end of a dead market

    /// @notice Pays a position out at the final price. Anyone.
    function settleFinal(uint256 id) external;

    // ---- governance (AccessManager)

    /// @notice Sets all parameters; `delayedOnly` only where the order book is deployed. Timelock.
    function setParams(MarketParams calldata params) external;
    /// @notice Stops everything that adds risk. Guardian.
    function enterReduceOnly() external;
    /// @notice Ends ReduceOnly; grace follows. Timelock.
    function leaveReduceOnly() external;
    /// @notice Announces the final price of a market without an accepted mark for deadAfter. Timelock.
    function announceFinal(uint256 mark) external;
    /// @notice Fixes the announced price, deadAfter seconds after its announcement, unless a valid mark
    /// came. Anyone.
    function executeFinal() external;

    // ---- pool

    /// @notice The pool's next due moment. Only the pool.
    function scheduleBucket(uint256 dueAt) external;

    // ---- views

    /// @notice The market's raw state, as of its last accrual.
    function state() external view returns (State memory);
    /// @notice The mark of the last acceptance (Wad), and when it was published.
    function heldMark() external view returns (uint256 mark, uint256 publishedAt);
    function config() external view returns (Config memory);
    /// @notice How orders are filled here, of the parameters.
    /// @return delayedOnly whether positions are traded through the order book alone
    /// @return orderDelaySecs a mark fills an order if it was published later than this after its placing
    /// @return fillWindowSecs and as long as it is no older than this
    function orderTerms()
        external
        view
        returns (bool delayedOnly, uint256 orderDelaySecs, uint256 fillWindowSecs);
    function position(uint256 id) external view returns (Position memory);
    function ticket(uint256 ticketId) external view returns (Ticket memory);
    /// @notice owedTotal, paidTotal (token units), finalRatio (Ray), next ticket id.
    function ticketTotals()
        external
        view
        returns (uint256 owedTotal, uint256 paidTotal, uint256 finalRatio, uint256 nextTicketId);
    /// @notice Announced or fixed final price (Wad) and when it may be executed.
    function finalPrice() external view returns (uint256 mark, uint256 executableAt);
    function vaultOf(uint256 id) external view returns (address);
    function ownerOf(uint256 id) external view returns (address);
    function epochOf(uint256 id) external view returns (uint256);
    /// @notice Whether somebody may trade a position now (owner or delegate).
    function isAuthorised(uint256 id, address caller) external view returns (bool);
    /// @notice Expiry of a delegate: id 0 for one of all positions of `owner_`, else for that id's present
    /// epoch.
    function delegateExpiry(address owner_, uint256 id, address delegate) external view returns (uint256);
    function lockOf(uint256 id, address delegate) external view returns (uint256);
    /// @notice Sum of an id's locks in its present epoch (token units).
    function lockedOf(uint256 id) external view returns (uint256);
    /// @notice Net asset value of the pool at the held mark (Wad, signed). Reverts in the middle of an
    /// action, not in a margin call.
    function nav() external view returns (int256);
    /// @notice What LPs may take out now (token units). Reverts in the middle of an action, not in a margin
    /// call.
    function freeLiquidity() external view returns (uint256);
    /// @notice Whether the market is in the middle of an action or of a margin call.
    function locked() external view returns (bool);
    /// @notice The id whose owner is being called, 0 if none is.
    function calledId() external view returns (uint256);
    function TOKEN() external view returns (address);
    function POOL() external view returns (address);
    function FUND() external view returns (address);
    /// @notice Where the market's orders are; its code comes after the market's.
    function ORDER_BOOK() external view returns (address);
    function VAULT_IMPLEMENTATION() external view returns (address);
}
