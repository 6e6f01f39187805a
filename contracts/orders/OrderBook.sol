// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMarket} from "@interfaces/IMarket.sol";
import {IOrderBook, Order, OrderKind, OrderReason, OrderState, OrderStatus} from "@interfaces/IOrderBook.sol";
import {Position, State} from "@interfaces/Types.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Answer, OrderRules} from "./OrderRules.sol";

/// @title OrderBook
/// @notice See IOrderBook.
/// @dev Keeps one word for each order, under its struct hash, and the fees of the placed ones. Margin lies in
///      the vaults, where the book can only hold it back. An order is ended before anything is traded or
///      paid, and whatever fails afterwards undoes that too.
///      A refund can't be made to fail by starving the token of gas: the caller keeps 1/64 of what the token
///      got, too little to note the refund down unless the token used millions.
/// @custom:halt Nothing to halt: it adds risk only where the market lets it; exits are never stopped.
contract OrderBook is IOrderBook, EIP712, Multicall, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using OrderRules for Order;
    using OrderRules for Answer;

    uint256 private constant RELEASE_SHARE = 4; // a quarter of the fee, for cleaning an expired order up

    address public immutable MARKET;
    address public immutable TOKEN;

    mapping(bytes32 orderHash => uint256) private _orders; // see OrderRules.pack
    mapping(address owner => mapping(bytes32 group => bytes32 orderHash)) public groupUsedBy;
    mapping(address owner => uint256) public refundOf; // token units

    /// @param market whose orders it keeps
    constructor(address market) EIP712("Bulkhead OrderBook", "1") {
        MARKET = market;
        TOKEN = IMarket(market).TOKEN();
    }

    // ---- placing

    /// @inheritdoc IOrderBook
    function place(Order calldata order) external nonReentrant returns (bytes32 orderHash) {
        uint256 id = _positionOf(order);
        _checkCaller(order.owner, id);
        orderHash = order.hash();
        _place(order, orderHash, id, msg.sender, 0);
    }

    /// @inheritdoc IOrderBook
    function placeSigned(
        Order calldata order,
        bytes calldata signature
    )
        external
        nonReentrant
        returns (bytes32 orderHash)
    {
        uint256 id = _positionOf(order);
        orderHash = order.hash();
        _checkSignature(order.owner, _hashTypedDataV4(orderHash), signature);
        _place(order, orderHash, id, order.owner, 0);
    }

    /// @inheritdoc IOrderBook
    function edit(
        Order calldata order,
        Order calldata edited
    )
        external
        nonReentrant
        returns (bytes32 orderHash)
    {
        bytes32 old = order.hash();
        OrderState memory s = _placed(old);
        uint256 id = s.positionId;
        _checkCaller(order.owner, id);
        if (edited.owner != order.owner) {
            OrderRules.refuse(OrderReason.WrongOwner, uint160(edited.owner), uint160(order.owner));
        }
        Answer memory x = _standing(order, s);
        if (_isVoid(x)) x.demand();
        uint256 wanted = _positionOf(edited);
        if (wanted != 0 && wanted != id) OrderRules.refuse(OrderReason.BadParent, id, wanted);
        _cancel(order, old, s);
        orderHash = edited.hash();
        _place(edited, orderHash, id, msg.sender, order.margin);
    }

    /// @dev The position an order names, by itself or by its parent; 0 for a new one.
    function _positionOf(Order calldata order) private view returns (uint256 id) {
        id = order.positionId;
        if (order.parent == 0) return id;
        OrderState memory up = _load(order.parent);
        if (up.status != OrderStatus.Placed && up.status != OrderStatus.Filled) {
            OrderRules.refuse(OrderReason.ParentNotFilled, uint256(up.status), uint256(OrderStatus.Filled));
        }
        if (id != 0 && id != up.positionId) OrderRules.refuse(OrderReason.BadParent, up.positionId, id);
        return up.positionId;
    }

    /// @dev `there` of its margin is in the vault already (token units).
    function _place(
        Order calldata order,
        bytes32 orderHash,
        uint256 id,
        address payer,
        uint256 there
    )
        private
    {
        OrderStatus status = _load(orderHash).status;
        if (status != OrderStatus.None) _refuseStatus(status, OrderStatus.None);
        order.checkShape(block.timestamp);
        IMarket market = IMarket(MARKET);
        bool fresh = id == 0;
        if (fresh) id = market.reserve(order.owner);
        OrderState memory s = OrderState(OrderStatus.Placed, block.timestamp, id, 0);
        Answer memory x = fresh ? _standingNew(order, s) : _standing(order, s);
        if (_isVoid(x) || x.reason != OrderReason.ParentNotFilled) x.demand();
        if (!market.isAuthorised(id, address(this))) {
            OrderRules.refuse(OrderReason.NotDelegate, uint160(address(this)), 0);
        }
        _orders[orderHash] = OrderRules.pack(s);
        uint256 margin = order.margin;
        if (margin != 0) {
            // before the token may call its payer, who may hand the position on
            market.setLock(id, (fresh ? 0 : market.lockOf(id, address(this))) + margin);
            if (margin > there) _take(payer, market.vaultOf(id), margin - there);
        }
        if (order.keeperFee != 0) _take(payer, address(this), order.keeperFee);
        emit OrderPlaced(orderHash, order.owner, id, order);
    }

    // ---- ending

    /// @inheritdoc IOrderBook
    function cancel(Order calldata order) external nonReentrant {
        bytes32 orderHash = order.hash();
        OrderState memory s = _load(orderHash);
        _checkCaller(order.owner, s.status == OrderStatus.None ? order.positionId : s.positionId);
        _cancel(order, orderHash, s);
    }

    /// @inheritdoc IOrderBook
    function cancelSigned(Order calldata order, bytes calldata signature) external nonReentrant {
        bytes32 orderHash = order.hash();
        _checkSignature(order.owner, cancelDigest(orderHash), signature);
        _cancel(order, orderHash, _load(orderHash));
    }

    /// @inheritdoc IOrderBook
    function release(Order calldata order, address feeTo) external nonReentrant {
        bytes32 orderHash = order.hash();
        OrderState memory s = _placed(orderHash);
        uint256 fee;
        Answer memory x = _acting(order, s);
        bool expired = x.reason == OrderReason.Expired;
        if (!_isVoid(x)) {
            if (!expired && !_keptBack(order, s, x)) {
                OrderRules.refuse(OrderReason.NotOver, block.timestamp, order.expiry);
            }
            fee = order.keeperFee / RELEASE_SHARE; // down: the owner gains
        }
        _end(order, orderHash, s, OrderStatus.Released);
        _pay(feeTo, fee);
        uint256 refund = order.keeperFee - fee;
        emit OrderReleased(orderHash, feeTo, fee, refund);
        _refund(order.owner, refund);
    }

    /// @inheritdoc IOrderBook
    function claimRefund(address to) external nonReentrant returns (uint256 paid) {
        paid = refundOf[msg.sender];
        if (paid == 0) return 0;
        refundOf[msg.sender] = 0;
        emit RefundClaimed(msg.sender, to, paid);
        _pay(to, paid);
    }

    /// @dev Placed or not; needs nothing of the oracle.
    function _cancel(Order calldata order, bytes32 orderHash, OrderState memory s) private {
        bool placed = s.status == OrderStatus.Placed;
        if (!placed && s.status != OrderStatus.None) _refuseStatus(s.status, OrderStatus.Placed);
        uint256 refund = placed ? order.keeperFee : 0;
        if (placed) _end(order, orderHash, s, OrderStatus.Cancelled);
        else _orders[orderHash] = uint256(OrderStatus.Cancelled);
        emit OrderCancelled(orderHash, refund);
        _refund(order.owner, refund);
    }

    /// @dev Its margin is free. In another epoch of the position no lock is the order's any more.
    function _end(Order calldata order, bytes32 orderHash, OrderState memory s, OrderStatus status) private {
        s.status = status;
        _orders[orderHash] = OrderRules.pack(s);
        if (order.margin != 0 && IMarket(MARKET).epochOf(s.positionId) == order.epoch) {
            _unlock(s.positionId, order.margin);
        }
    }

    /// @dev A lock can be lower than what was locked: whoever revoked the book freed it.
    function _unlock(uint256 id, uint256 margin) private {
        uint256 locked = IMarket(MARKET).lockOf(id, address(this));
        if (locked != 0) IMarket(MARKET).setLock(id, locked > margin ? locked - margin : 0);
    }

    // ---- filling

    /// @inheritdoc IOrderBook
    function execute(Order calldata order, address feeTo) external nonReentrant returns (int256 size) {
        return _execute(order, feeTo);
    }

    /// @inheritdoc IOrderBook
    function executeMany(
        Order[] calldata orders,
        address feeTo
    )
        external
        nonReentrant
        returns (int256[] memory sizes)
    {
        sizes = new int256[](orders.length);
        for (uint256 i; i < orders.length; ++i) {
            try this.executeOne(orders[i], feeTo) returns (int256 size) {
                sizes[i] = size;
            } catch {
                continue; // undone as a whole: nothing changed, nobody was paid
            }
        }
    }

    /// @notice One of `executeMany`. Only the book itself, which holds the guard.
    function executeOne(Order calldata order, address feeTo) external returns (int256 size) {
        if (msg.sender != address(this)) revert NotSelf(msg.sender);
        return _execute(order, feeTo);
    }

    /// @inheritdoc IOrderBook
    function advance(Order calldata order) external nonReentrant {
        bytes32 orderHash = order.hash();
        OrderState memory s = _placed(orderHash);
        if (order.kind != OrderKind.TrailingStop) OrderRules.refuse(OrderReason.BadTrigger, 0, 1);
        Answer memory x = _acting(order, s);
        x.demand();
        IMarket(MARKET).accrue();
        (uint256 mark, uint256 publishedAt) = IMarket(MARKET).heldMark();
        _timely(x, publishedAt);
        x.demand();
        if (!order.advances(s.best, mark)) OrderRules.refuse(OrderReason.NotAdvancing, mark, s.best);
        s.best = mark;
        _orders[orderHash] = OrderRules.pack(s);
        emit TrailAdvanced(orderHash, mark);
    }

    /// @dev Trades first and judges the block's mark afterwards: the market has taken it in by then. What the
    ///      mark forbids undoes the trade.
    function _execute(Order calldata order, address feeTo) private returns (int256 size) {
        bytes32 orderHash = order.hash();
        OrderState memory s = _placed(orderHash);
        Answer memory x = _acting(order, s);
        x.demand();
        size = x.size;
        s.status = OrderStatus.Filled;
        s.changedAt = block.timestamp;
        _orders[orderHash] = OrderRules.pack(s);
        if (order.group != 0) groupUsedBy[order.owner][order.group] = orderHash;
        _trade(order, s.positionId, size, x.flat);
        (uint256 mark, uint256 publishedAt) = IMarket(MARKET).heldMark();
        _due(order, s, x, mark, publishedAt);
        x.demand();
        if (order.margin != 0) _unlock(s.positionId, order.margin);
        emit OrderFilled(orderHash, s.positionId, feeTo, size, mark, order.keeperFee);
        _pay(feeTo, order.keeperFee);
    }

    /// @dev Whether an order is due at this block's mark and the market refuses it for what is its owner's to
    ///      change. Else who keeps it from filling could wait for the next mark and fill it at this one. Out
    ///      of gas, or refused for anything else, it is not kept back: no such answer is given then.
    function _keptBack(Order calldata order, OrderState memory s, Answer memory x) private returns (bool) {
        if (x.reason != OrderReason.None) return false;
        IMarket(MARKET).accrue();
        State memory m = IMarket(MARKET).state();
        if (m.acceptedAt != block.timestamp) return false; // no mark to be had: nothing fills now
        _due(order, s, x, m.mark, m.publishedAt);
        if (x.reason != OrderReason.None) return false;
        try this.attempt(order, s.positionId, x.size, x.flat) {
            return false; // it never returns
        } catch (bytes memory answer) {
            return OrderRules.isOwners(answer);
        }
    }

    /// @notice Trades and takes it back: its revert tells what the market says. Only the book itself, which
    /// holds the guard.
    function attempt(Order calldata order, uint256 id, int256 size, bool flat) external {
        if (msg.sender != address(this)) revert NotSelf(msg.sender);
        _trade(order, id, size, flat);
        OrderRules.refuse(OrderReason.None, 0, 0);
    }

    function _trade(Order calldata order, uint256 id, int256 size, bool flat) private {
        IMarket market = IMarket(MARKET);
        if (order.reduceOnly) market.decrease(id, size, order.priceLimit, order.expiry);
        else if (flat) market.open(id, size, 0, order.priceLimit, order.expiry);
        else market.increase(id, size, order.priceLimit, order.expiry);
    }

    // ---- rules

    /// @dev How a placed order stands that is not expired.
    function _acting(Order calldata order, OrderState memory s) private view returns (Answer memory x) {
        if (block.timestamp <= order.expiry) return _standing(order, s);
        x.no(OrderReason.Expired, block.timestamp, order.expiry);
    }

    /// @dev Whether an order can act on its position now, and if so with what.
    function _standing(Order calldata order, OrderState memory s) private view returns (Answer memory x) {
        Position memory p = IMarket(MARKET).position(s.positionId);
        if (p.owner != order.owner) x.no(OrderReason.WrongOwner, uint160(p.owner), uint160(order.owner));
        else _judge(order, s, IMarket(MARKET).epochOf(s.positionId), p.phase, p.size, x);
    }

    /// @dev The same on a position that was reserved just now.
    function _standingNew(Order calldata order, OrderState memory s) private view returns (Answer memory x) {
        _judge(order, s, 0, 0, 0, x);
    }

    /// @dev On a position of its owner's with this epoch, phase and size.
    function _judge(
        Order calldata order,
        OrderState memory s,
        uint256 epoch,
        uint256 phase,
        int256 size,
        Answer memory x
    )
        private
        view
    {
        x.flat = size == 0;
        x.start = s.changedAt;
        if (epoch != order.epoch) return x.no(OrderReason.WrongEpoch, epoch, order.epoch);
        if (order.group != 0 && groupUsedBy[order.owner][order.group] != 0) {
            return x.no(OrderReason.GroupUsed, 1, 0);
        }
        if (order.parent != 0) {
            OrderState memory up = _load(order.parent);
            if (up.status != OrderStatus.Filled) {
                return x.no(OrderReason.ParentNotFilled, uint256(up.status), uint256(OrderStatus.Filled));
            }
            if (up.changedAt > s.changedAt) x.start = up.changedAt;
        }
        if (phase != order.phase) x.no(OrderReason.WrongPhase, phase, order.phase);
        else order.trades(size, x);
    }

    /// @dev Whether what forbids an order forbids it for ever. A placed parent may still be filled.
    function _isVoid(Answer memory x) private pure returns (bool) {
        OrderReason reason = x.reason;
        if (reason == OrderReason.ParentNotFilled) return x.actual != int256(uint256(OrderStatus.Placed));
        return reason == OrderReason.WrongOwner || reason == OrderReason.WrongEpoch
            || reason == OrderReason.GroupUsed || reason == OrderReason.WrongPhase;
    }

    /// @dev Whether a mark fills an order that can act.
    function _due(
        Order calldata order,
        OrderState memory s,
        Answer memory x,
        uint256 mark,
        uint256 publishedAt
    )
        private
        view
    {
        _timely(x, publishedAt);
        if (x.reason == OrderReason.None) order.reached(s.best, mark, x);
    }

    function _timely(Answer memory x, uint256 publishedAt) private view {
        (, uint256 delay, uint256 window) = IMarket(MARKET).orderTerms();
        x.timely(publishedAt, delay, window, block.timestamp);
    }

    /// @dev The owner, or a delegate of the owner's: of the position while it is theirs, else of all.
    function _checkCaller(address owner, uint256 id) private view {
        if (msg.sender == owner) return;
        IMarket market = IMarket(MARKET);
        bool may = id != 0 && market.ownerOf(id) == owner
            ? market.isAuthorised(id, msg.sender)
            : block.timestamp <= market.delegateExpiry(owner, 0, msg.sender);
        if (!may) revert NotAuthorised(owner, msg.sender);
    }

    function _checkSignature(address owner, bytes32 digest, bytes calldata signature) private view {
        if (!SignatureChecker.isValidSignatureNowCalldata(owner, digest, signature)) {
            revert BadSignature(owner, digest);
        }
    }

    function _load(bytes32 orderHash) private view returns (OrderState memory) {
        return OrderRules.unpack(_orders[orderHash]);
    }

    function _placed(bytes32 orderHash) private view returns (OrderState memory s) {
        s = _load(orderHash);
        if (s.status != OrderStatus.Placed) _refuseStatus(s.status, OrderStatus.Placed);
    }

    function _refuseStatus(OrderStatus status, OrderStatus wanted) private pure {
        OrderRules.refuse(OrderReason.WrongStatus, uint256(status), uint256(wanted));
    }

    // ---- money

    /// @dev Exactly this much, or nothing.
    function _take(address from, address to, uint256 amount) private {
        uint256 before = IERC20(TOKEN).balanceOf(to);
        IERC20(TOKEN).safeTransferFrom(from, to, amount);
        uint256 held = IERC20(TOKEN).balanceOf(to);
        uint256 received = held > before ? held - before : 0;
        if (received != amount) revert WrongAmountReceived(received, amount);
    }

    function _pay(address to, uint256 amount) private {
        if (amount != 0 && !IERC20(TOKEN).trySafeTransfer(to, amount)) revert TransferRefused(to, amount);
    }

    /// @dev Waits for the owner where the token refuses it: nobody can be kept from ending an order.
    function _refund(address owner, uint256 amount) private {
        if (amount == 0 || IERC20(TOKEN).trySafeTransfer(owner, amount)) return;
        refundOf[owner] += amount;
        emit RefundKept(owner, amount);
    }

    // ---- views

    /// @inheritdoc IOrderBook
    function orderState(bytes32 orderHash) external view returns (OrderState memory) {
        return _load(orderHash);
    }

    /// @inheritdoc IOrderBook
    function hashOf(Order calldata order) external pure returns (bytes32) {
        return order.hash();
    }

    /// @inheritdoc IOrderBook
    function placeDigest(Order calldata order) external view returns (bytes32) {
        return _hashTypedDataV4(order.hash());
    }

    /// @inheritdoc IOrderBook
    function cancelDigest(bytes32 orderHash) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(OrderRules.CANCEL_TYPEHASH, orderHash)));
    }

    /// @inheritdoc IOrderBook
    function check(
        Order calldata order,
        uint256 mark,
        uint256 publishedAt
    )
        external
        view
        returns (OrderReason reason, int256 actual, int256 limit, int256 size)
    {
        OrderState memory s = _load(order.hash());
        Answer memory x;
        if (s.status == OrderStatus.Placed) {
            x = _acting(order, s);
            if (x.reason == OrderReason.None) _due(order, s, x, mark, publishedAt);
        } else {
            x.no(OrderReason.WrongStatus, uint256(s.status), uint256(OrderStatus.Placed));
        }
        return (x.reason, x.actual, x.limit, x.size);
    }
}
