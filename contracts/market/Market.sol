// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMarket} from "@interfaces/IMarket.sol";
import {
    Config,
    LiquidationResult,
    MarketParams,
    Position,
    Reason,
    State,
    Ticket
} from "@interfaces/Types.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {LibClone} from "solady/src/utils/LibClone.sol";
import {ConfigStore} from "../libraries/ConfigStore.sol";
import {Engine, Need} from "../libraries/Engine.sol";
import {Ledger} from "../libraries/Ledger.sol";
import {Lock} from "../libraries/Lock.sol";
import {MarketStorage, StateStore} from "../libraries/StateStore.sol";
import {Delegates} from "./Delegates.sol";
import {Deleveraging} from "./Deleveraging.sol";
import {Entry, Vaults} from "./Entry.sol";
import {Exits} from "./Exits.sol";
import {Governance} from "./Governance.sol";
import {Liquidating} from "./Liquidating.sol";
import {Ownership} from "./Ownership.sol";
import {Settlement} from "./Settlement.sol";
import {Trading} from "./Trading.sol";

/// @title Market
/// @notice See IMarket. State lives in one struct; pure stages plan, Engine pays and writes.
/// @custom:halt The guardian's `enterReduceOnly` stops everything that adds risk. Exits can't be halted.
contract Market is IMarket, AccessManaged {
    using SafeERC20 for IERC20;
    using StateStore for MarketStorage;
    using Delegates for MarketStorage;

    address public immutable TOKEN;
    address public immutable POOL;
    address public immutable FUND;
    address public immutable ORDER_BOOK;
    address public immutable VAULT_IMPLEMENTATION;
    bytes32 private immutable VAULT_INIT_HASH;

    MarketStorage private $;

    struct Addresses {
        address token;
        address pool;
        address fund;
        address orderBook;
        address vaultImplementation;
        address authority;
    }

    /// @param parts what the market works with; @param params checked as every later change is; @param
    /// initialVariance annualised (Wad)
    constructor(
        Addresses memory parts,
        MarketParams memory params,
        uint256 initialVariance
    )
        AccessManaged(parts.authority)
    {
        TOKEN = parts.token;
        POOL = parts.pool;
        FUND = parts.fund;
        ORDER_BOOK = parts.orderBook;
        VAULT_IMPLEMENTATION = parts.vaultImplementation;
        VAULT_INIT_HASH = LibClone.initCodeHash_PUSH0(parts.vaultImplementation);
        Governance.list(
            $,
            parts.token,
            parts.pool,
            parts.fund,
            parts.orderBook,
            parts.vaultImplementation,
            params,
            initialVariance
        );
    }

    /// @dev One action at a time. During the margin call of an id only that id is locked.
    modifier lock(uint256 id) {
        uint256 held = _enter(id);
        _;
        Lock.set(held);
    }

    /// @dev As `lock`, but not during a margin call either.
    modifier lockAll() {
        if (Lock.get() != 0) revert Locked();
        Lock.set(1);
        _;
        Lock.set(0);
    }

    /// @dev Not in the middle of an action. In a margin call all is written.
    modifier whole() {
        if (Lock.get() == 1) revert Locked();
        _;
    }

    // ---- open and trade

    function reserve(address owner_) external lock(type(uint256).max - 2) returns (uint256 id) {
        _checkPayee(owner_);
        return _reserve(owner_);
    }

    function open(
        uint256 id,
        int256 size,
        uint256 margin,
        uint256 priceLimit,
        uint256 deadline
    )
        external
        lock(id)
        returns (uint256)
    {
        if (id == 0) id = _reserve(msg.sender);
        Trading.open($, _vaults(), id, size, margin, priceLimit, deadline);
        return id;
    }

    function increase(uint256 id, int256 delta, uint256 priceLimit, uint256 deadline) external lock(id) {
        Trading.increase($, _vaults(), id, delta, priceLimit, deadline);
    }

    function decrease(uint256 id, int256 delta, uint256 priceLimit, uint256 deadline) external lock(id) {
        Exits.decrease($, _vaults(), id, delta, priceLimit, deadline);
    }

    function close(uint256 id, uint256 priceLimit, uint256 deadline) external lock(id) {
        Exits.close($, _vaults(), id, priceLimit, deadline);
    }

    function closeAndWithdraw(
        uint256 id,
        uint256 priceLimit,
        uint256 deadline,
        address to
    )
        external
        lock(id)
        returns (uint256)
    {
        _checkPayee(to);
        return Exits.closeAndWithdraw($, _vaults(), id, priceLimit, deadline, to);
    }

    // ---- margin

    function addMargin(uint256 id, uint256 amount) external {
        uint256 held = Lock.get();
        if (held == 1) revert Locked();
        Lock.set(1);
        _known(id);
        if (amount == 0) Engine.refuse(Reason.ZeroAmount, 0, 1);
        address vault = vaultOf(id);
        uint256 before = IERC20(TOKEN).balanceOf(vault);
        IERC20(TOKEN).safeTransferFrom(msg.sender, vault, amount);
        uint256 margin = IERC20(TOKEN).balanceOf(vault);
        if (margin - before != amount) revert WrongAmountReceived(margin - before, amount);
        emit MarginAdded(id, msg.sender, amount, margin);
        Lock.set(held);
    }

    function removeMargin(uint256 id, uint256 amount, address to) external {
        uint256 held = _enter(id);
        _checkPayee(to);
        if ($.isFlat(id)) Exits.removeFlat($, _vaults(), id, amount, to);
        else Exits.removeMargin($, _vaults(), id, amount, to, held == 0 ? Need.Must : Need.Called);
        Lock.set(held);
    }

    function settle(uint256 id) external lock(id) {
        Settlement.settle($, _vaults(), id);
    }

    function accrue() external lock(type(uint256).max - 2) {
        Settlement.accrue($);
    }

    // ---- liquidation

    function liquidate(uint256 id, address rewardTo) external lockAll returns (LiquidationResult) {
        _checkReceiver(rewardTo);
        return Liquidating.liquidate($, id, rewardTo, VAULT_INIT_HASH);
    }

    function liquidateMany(
        uint256[] calldata ids,
        address rewardTo
    )
        external
        lockAll
        returns (LiquidationResult[] memory)
    {
        _checkReceiver(rewardTo);
        return Liquidating.liquidateMany($, ids, rewardTo, VAULT_INIT_HASH);
    }

    function deleverage(uint256 id) external lock(id) {
        Deleveraging.deleverage($, id, vaultOf(id));
    }

    function setMarginCall(uint256 id, bool optIn) external lock(id) {
        Ownership.setMarginCall($, id, optIn);
    }

    // ---- ownership

    function transferPosition(uint256 id, address to) external lock(id) {
        _owned(id);
        _checkReceiver(to);
        Ownership.transfer($, id, to, vaultOf(id));
    }

    function setDelegate(uint256 id, address delegate, uint256 expiry) external lock(id) {
        if (id != 0) _owned(id);
        Ownership.setDelegate($, id, delegate, expiry, ORDER_BOOK);
    }

    function setLock(uint256 id, uint256 amount) external lock(id) {
        address owner_ = _known(id);
        bool raises = amount > $.lockOf(id, msg.sender, ORDER_BOOK);
        if (raises && !$.isDelegate(id, owner_, msg.sender)) revert NotAuthorised(id, msg.sender);
        $.setLock(id, msg.sender, ORDER_BOOK, amount);
    }

    function freeLock(uint256 id, address delegate) external lock(id) {
        Ownership.freeLock($, id, delegate, ORDER_BOOK);
    }

    function sweepForeign(uint256 id, address token, address to) external lock(id) {
        Ownership.sweepForeign($, id, token, to, vaultOf(id), VAULT_IMPLEMENTATION);
    }

    // ---- tickets and fees

    function drawTicket(uint256 ticketId, address to) external lock(type(uint256).max - 2) returns (uint256) {
        _checkPayee(to);
        return Settlement.drawTicket($, ticketId, to, POOL);
    }

    function sweepFees() external lock(type(uint256).max - 2) {
        Settlement.sweepFees($);
    }

    // ---- the end of a dead market

    function settleFinal(uint256 id) external lock(id) {
        Settlement.settleFinal($, id, vaultOf(id));
    }

    // ---- governance

    function setParams(MarketParams calldata) external restricted lockAll {
        Governance.setParams($, msg.data[4:], VAULT_IMPLEMENTATION);
    }

    function enterReduceOnly() external restricted lockAll {
        Governance.enterReduceOnly($);
    }

    function leaveReduceOnly() external restricted lockAll {
        Governance.leaveReduceOnly($);
    }

    function announceFinal(uint256 mark) external restricted lockAll {
        Settlement.announce($, mark);
    }

    function executeFinal() external lockAll {
        Settlement.execute($);
    }

    // ---- pool

    function scheduleBucket(uint256 dueAt) external {
        if (msg.sender != POOL) revert NotPool(msg.sender);
        Ownership.scheduleBucket($, dueAt);
    }

    // ---- views

    /// @dev As in memory, where each member is a word: what the ABI wants, without copying it.
    function state() external view returns (State memory) {
        State memory s = $.load();
        uint256 size = Ledger.STATE_BYTES;
        assembly ("memory-safe") {
            return(s, size)
        }
    }

    function heldMark() external view returns (uint256, uint256) {
        return $.heldMark();
    }

    /// @dev The store holds the words in the order of the answer.
    function config() external view returns (Config memory) {
        address store = $.configStore();
        uint256 size = ConfigStore.SIZE;
        assembly ("memory-safe") {
            let answer := mload(0x40)
            extcodecopy(store, answer, 1, size)
            return(answer, size)
        }
    }

    /// @dev As `config`, three words of it.
    function orderTerms() external view returns (bool, uint256, uint256) {
        address store = $.configStore();
        uint256 start = ConfigStore.ORDER_TERMS_AT;
        assembly ("memory-safe") {
            let answer := mload(0x40)
            extcodecopy(store, answer, start, 96)
            return(answer, 96)
        }
    }

    function position(uint256 id) external view returns (Position memory p) {
        p = $.loadPosition(id);
        if (p.size == 0) p.fundingEntry = 0;
    }

    function ticket(uint256 ticketId) external view returns (Ticket memory) {
        return $.tickets[ticketId];
    }

    function ticketTotals() external view returns (uint256, uint256, uint256, uint256) {
        uint256 w = $.ticketTotals;
        return (w >> 128, uint128(w), $.finalRatio, $.nextTicketId + 1);
    }

    function finalPrice() external view returns (uint256, uint256) {
        return ($.finalMark, $.finalAt);
    }

    function vaultOf(uint256 id) public view returns (address) {
        return LibClone.predictDeterministicAddress(VAULT_INIT_HASH, bytes32(id), address(this));
    }

    function ownerOf(uint256 id) external view returns (address) {
        return $.ownerOf(id);
    }

    function epochOf(uint256 id) external view returns (uint256) {
        return $.epochs[id];
    }

    function isAuthorised(uint256 id, address caller) external view returns (bool) {
        return $.authorised(id, $.ownerOf(id), caller);
    }

    function delegateExpiry(address owner_, uint256 id, address delegate) external view returns (uint256) {
        return id == 0 ? $.delegatesOfAll[owner_][delegate] : $.delegates[id][$.epochs[id]][delegate];
    }

    function lockOf(uint256 id, address delegate) external view returns (uint256) {
        return $.lockOf(id, delegate, ORDER_BOOK);
    }

    function lockedOf(uint256 id) external view returns (uint256) {
        return $.locked(id);
    }

    function nav() external view whole returns (int256) {
        return Settlement.nav($);
    }

    function freeLiquidity() external view whole returns (uint256) {
        return Settlement.freeLiquidity($);
    }

    function locked() external view returns (bool) {
        return Lock.get() != 0;
    }

    function calledId() external view returns (uint256) {
        uint256 held = Lock.get();
        return held > 2 ? held - 2 : 0;
    }

    // ---- internals

    /// @dev Takes the lock; returns what it was: 0, or 2 + the id that is being called.
    function _enter(uint256 id) private returns (uint256 held) {
        held = Lock.get();
        if (held == 1 || (held != 0 && held == id + 2)) revert Locked();
        Lock.set(1);
    }

    function _known(uint256 id) private view returns (address owner_) {
        owner_ = $.ownerOf(id);
        if (owner_ == address(0)) revert UnknownPosition(id);
    }

    function _owned(uint256 id) private view {
        if (_known(id) != msg.sender) revert NotAuthorised(id, msg.sender);
    }

    function _reserve(address owner_) private returns (uint256 id) {
        uint256 w = $.words[3];
        id = w >> 224;
        if (id == type(uint32).max) revert StateStore.DoesNotFit(id + 1, 32);
        $.words[3] = w + (1 << 224);
        $.positions[id][0] = uint160(owner_);
        emit PositionReserved(id, owner_, vaultOf(id));
    }

    function _vaults() private view returns (Vaults memory) {
        return Vaults(VAULT_INIT_HASH, VAULT_IMPLEMENTATION);
    }

    /// @dev Not zero, this market, its pool or its fund.
    function _checkPayee(address to) private view {
        if (to == address(0) || to == address(this) || to == POOL || to == FUND) {
            Engine.refuse(Reason.BadReceiver, int256(uint256(uint160(to))), 0);
        }
    }

    /// @dev As `_checkPayee`, and no vault of this market.
    function _checkReceiver(address to) private view {
        if (to == msg.sender) return;
        _checkPayee(to);
        if (to.code.length != 0 && to.codehash == Entry.vaultCodeHash(VAULT_IMPLEMENTATION)) {
            Engine.refuse(Reason.BadReceiver, int256(uint256(uint160(to))), 0);
        }
    }
}
