// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice What makes an order due.
enum OrderKind {
    Market, // 0 nothing but its delay
    Limit, // 1 a buy: mark <= trigger, a sale: mark >= trigger. Reduce-only it is a take-profit
    Stop, // 2 a buy: mark >= trigger, a sale: mark <= trigger. Reduce-only it is a stop-loss
    TrailingStop // 3 a stop whose trigger follows the best mark at the distance `trail`. Reduce-only only
}

/// @notice Where an order stands. Only None and Placed lead anywhere.
enum OrderStatus {
    None, // never placed
    Placed,
    Filled,
    Cancelled, // by its owner, placed or not; also what an edit replaced
    Released // expired or void, and cleaned up by anybody
}

/// @notice Why an order is refused. Views return it; actions revert `OrderRefused(reason, actual, limit)`.
/// Numbers above 2^255 - 1 are told as that.
enum OrderReason {
    None, // 0 allowed
    WrongStatus, // 1 actual: status; limit: the status it takes
    Expired, // 2 actual: block time; limit: expiry
    NotOver, // 3 actual: block time; limit: expiry. Neither expired nor void nor kept from filling
    WrongOwner, // 4 actual: the position's owner (edit: the new order's); limit: the order's
    WrongEpoch, // 5 actual: the position's epoch; limit: the order's
    WrongPhase, // 6 actual: the position's phase; limit: the order's. It was opened or closed since
    GroupUsed, // 7 actual: 1; limit: 0. Another order of its group was filled
    ParentNotFilled, // 8 actual: the parent's status; limit: Filled
    WrongDirection, // 9 actual: the order's size; limit: the position's size
    NothingToReduce, // 10 actual: 0; limit: 1
    TooEarly, // 11 actual: publishedAt of the mark; limit: the first second that counts
    MarkTooOld, // 12 actual: block time; limit: publishedAt + fillWindowSecs
    TriggerNotReached, // 13 actual: mark; limit: trigger (Wad)
    NoTrigger, // 14 actual: 0; limit: 1. A trailing stop nobody has advanced, without a first trigger
    NotDelegate, // 15 actual: the book's address; limit: 0. The owner has not made the book a delegate
    NotAdvancing, // 16 actual: mark; limit: best mark so far (Wad)
    BadSize, // 17 actual: size; limit: largest, either way (Wad)
    BadTrigger, // 18 actual: trigger or trail; limit: largest; 1 where none was given, 0 where none fits
    BadMargin, // 19 actual: margin; limit: largest (0 for a reduce-only order)
    BadFee, // 20 actual: keeperFee; limit: largest
    BadExpiry, // 21 actual: expiry; limit: block time + 1, or the largest
    NotReduceOnly, // 22 actual: kind; limit: the highest kind that may add
    BadParent // 23 actual: the position of the parent, or of the order that is edited; limit: the order's
}

/// @notice An order, whole. The book keeps its hash; whoever acts on it hands it in again.
/// @dev Its EIP-712 struct hash is its identity: no two are alike because of `salt`, and each is placed at
/// most once for ever.
struct Order {
    address owner; // of the position; receives every refund
    uint256 positionId; // 0: a new position of the owner's, or the parent's, or that of the order it edits
    uint256 epoch; // of the position when it was made (a new one: 0)
    uint256 phase; // of the position while the order can act (a child of an opening order: one more)
    OrderKind kind;
    bool reduceOnly; // takes at most what is left, never adds, never flips
    int256 size; // change of size, signed (Wad), not 0, below 2^112 either way
    uint256 triggerPrice; // Wad, below 2^96; 0 for Market; TrailingStop: where it starts, 0 for nowhere
    uint256 trail; // TrailingStop: distance from the best mark (Wad, above 0, below 1); else 0
    uint256 priceLimit; // highest fill for a buy, lowest for a sale, spread included (Wad)
    uint256 margin; // from the payer into the position's vault, locked until the order ends (token units)
    uint256 keeperFee; // from the payer into the book (token units, below 2^128 as margin is)
    uint256 expiry; // last block time it fills
    bytes32 parent; // an order that must have been filled; its fill starts the delay. 0: none
    bytes32 group; // of its owner's: once one of a group is filled the others never are. 0: none
    uint256 salt; // any number, so that equal orders have hashes of their own
}

/// @notice What the book keeps of an order.
struct OrderState {
    OrderStatus status;
    uint256 changedAt; // block time it was placed; once Filled: block time of that
    uint256 positionId; // the position it acts on, reserved or known from the parent at its placing
    uint256 best; // TrailingStop: best mark since (Wad), 0 before the first
}

/// @title Orders of one market that nobody can front-run
/// @notice An order fills at the mark of the block that fills it, and only where that mark was published
/// strictly later than `orderDelaySecs` after the order was placed and no more than `fillWindowSecs` ago. So
/// nobody who places or edits an order has seen the price it fills at, and who keeps it from filling has seen
/// that for no longer than the window. A trigger says whether an order fills, never at what price.
/// @dev The book is a delegate of the owner's: `setDelegate(0, book, expiry)` at the market allows it all
///      positions. It can trade them and hold margin back, never take anything out. It holds fees alone.
///      An order without parent acts in the phase that its position is in when it is placed, and is void
///      once that is over. A child may be placed before its parent is filled; it then waits, whatever the
///      phase, and is void where the parent ends without a fill.
/// @custom:halt Nothing to halt: it adds risk only where the market lets it; exits are never stopped.
interface IOrderBook {
    /// @notice A rule was broken. What `actual` and `limit` are is said at each member of OrderReason.
    error OrderRefused(OrderReason reason, int256 actual, int256 limit);
    /// @notice The caller may not do this with an order of that owner's.
    error NotAuthorised(address owner, address caller);
    /// @notice This is no signature of the owner's (also where its contract does not accept it).
    error BadSignature(address owner, bytes32 digest);
    /// @notice The token moved another amount than asked. Token units.
    error WrongAmountReceived(uint256 received, uint256 asked);
    /// @notice The token refused a payment.
    error TransferRefused(address to, uint256 amount);
    /// @notice Only the book calls this, itself.
    error NotSelf(address caller);

    event OrderPlaced(
        bytes32 indexed orderHash, address indexed owner, uint256 indexed positionId, Order order
    );
    /// @param keeper who received the fee @param size what was traded, signed (Wad) @param mark of the block
    /// (Wad) @param fee to the keeper (token units)
    event OrderFilled(
        bytes32 indexed orderHash,
        uint256 indexed positionId,
        address indexed keeper,
        int256 size,
        uint256 mark,
        uint256 fee
    );
    /// @param refund to the owner (token units)
    event OrderCancelled(bytes32 indexed orderHash, uint256 refund);
    /// @param keeper who received the fee @param fee for cleaning up (token units) @param refund to the owner
    /// (token units)
    event OrderReleased(bytes32 indexed orderHash, address indexed keeper, uint256 fee, uint256 refund);
    event TrailAdvanced(bytes32 indexed orderHash, uint256 best);
    /// @notice The token refused a refund; it waits for `claimRefund`. Token units.
    event RefundKept(address indexed owner, uint256 amount);
    /// @notice All that waited for `owner` was paid out. Token units.
    event RefundClaimed(address indexed owner, address indexed to, uint256 amount);

    // ---- owners

    /// @notice Places an order. Owner or delegate of the position; the caller pays margin and keeperFee.
    /// Refused where it could never fill: expired, void, or against what its position allows.
    /// @return orderHash its identity
    function place(Order calldata order) external returns (bytes32 orderHash);

    /// @notice Places an order that its owner signed (EIP-712; contracts by ERC-1271). Anyone; the owner
    /// pays.
    function placeSigned(Order calldata order, bytes calldata signature) external returns (bytes32 orderHash);

    /// @notice Ends an order, placed or not, for ever. Owner or delegate; needs no price. The fee goes back,
    /// the margin stays in the vault, free. Not one that is filled, cancelled or released.
    function cancel(Order calldata order) external;

    /// @notice As `cancel`, by the owner's signature of `Cancel(bytes32 orderHash)`. Anyone.
    function cancelSigned(Order calldata order, bytes calldata signature) external;

    /// @notice Cancels `order` and places `edited` in one step. The delay starts anew. Owner or delegate.
    /// @dev Both are one owner's and one position's; `order` is placed and not void. The owner gets the old
    ///      fee back, the caller pays the new order's fee and what it has more of margin; what it has less
    ///      stays in the vault, free. Children of `order` are void then.
    function edit(Order calldata order, Order calldata edited) external returns (bytes32 orderHash);

    /// @notice Pays a refund out that the token refused once. @return paid token units, 0 where none waits
    function claimRefund(address to) external returns (uint256 paid);

    // ---- anyone

    /// @notice Fills an order that is due. @param feeTo receives the keeper's fee @return size traded (Wad)
    function execute(Order calldata order, address feeTo) external returns (int256 size);

    /// @notice Tries each, skips what can't be filled. @return sizes traded (Wad), 0 for the skipped
    function executeMany(Order[] calldata orders, address feeTo) external returns (int256[] memory sizes);

    /// @notice Ends an order that expired; or can never fill again (its position has another owner, was
    /// closed or opened since, its group is used, its parent has ended without a fill); or is kept from
    /// filling: due at this block's mark, and refused by the market for its margin (MarginTooLow,
    /// EquityTooLow), for what it leaves of the position (NotionalTooSmall) or because the book is no
    /// delegate. Anyone. A quarter of the fee, rounded down, goes to `feeTo`, nothing of one that can never
    /// fill; everything else goes back to the owner.
    function release(Order calldata order, address feeTo) external;

    /// @notice Brings a trailing stop's best mark up to date with a mark that could fill it. Anyone.
    function advance(Order calldata order) external;

    // ---- views

    /// @notice What the book keeps of an order.
    function orderState(bytes32 orderHash) external view returns (OrderState memory);
    /// @notice What an owner's group was used by, 0 if by none.
    function groupUsedBy(address owner, bytes32 group) external view returns (bytes32 orderHash);
    /// @notice Refunds that wait for `claimRefund` (token units).
    function refundOf(address owner) external view returns (uint256);
    /// @notice The order's EIP-712 struct hash: its identity.
    function hashOf(Order calldata order) external view returns (bytes32);
    /// @notice What an owner signs to place an order.
    function placeDigest(Order calldata order) external view returns (bytes32);
    /// @notice What an owner signs to cancel one.
    function cancelDigest(bytes32 orderHash) external view returns (bytes32);
    /// @notice Whether a placed order would pass at this mark, before the market's own rules.
    /// @param mark Wad @param publishedAt of that mark
    /// @return reason None if it would
    /// @return actual as said at the reason
    /// @return limit as said at the reason
    /// @return size that would be traded (Wad; 0 where it can't be told)
    function check(
        Order calldata order,
        uint256 mark,
        uint256 publishedAt
    )
        external
        view
        returns (OrderReason reason, int256 actual, int256 limit, int256 size);
    function MARKET() external view returns (address);
    function TOKEN() external view returns (address);
}
