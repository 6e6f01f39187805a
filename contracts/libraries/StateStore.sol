// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Mode, Position, State, Ticket} from "@interfaces/Types.sol";

/// @dev Everything a market stores. One struct, so that linked libraries work on the same layout.
struct MarketStorage {
    uint256[7] words; // State, packed; see StateStore
    uint256 ticketTotals; // owedTotal (128) | paidTotal (128), token units
    mapping(uint256 id => uint256[2]) positions; // see StateStore.loadPosition
    mapping(uint256 id => uint256) epochs;
    mapping(address owner => mapping(address delegate => uint256)) delegatesOfAll; // expiry
    mapping(uint256 id => mapping(uint256 epoch => mapping(address delegate => uint256))) delegates; // expiry
    // but for the order book's, token units
    mapping(uint256 id => mapping(uint256 epoch => mapping(address delegate => uint256))) locks;
    // all delegates' 128 | of these the order book's 128, token units
    mapping(uint256 id => mapping(uint256 epoch => uint256)) lockSums;
    mapping(uint256 ticketId => Ticket) tickets;
    uint256 nextTicketId;
    uint256 finalMark; // announced or fixed final price (Wad)
    uint256 finalAt; // when the announced price may be fixed (unix seconds)
    uint256 finalRatio; // what unfunded tickets get (Ray)
}

/// @title Packing of a market's state
/// @notice Seven words, changed whole. What changes together lies together: cash with the funding that moves
///         it, what a mark brings, what only fees or a large move touch, and one word that is mostly read.
///         The counters are a word that most of what charges no fee need not touch.
/// @dev words[0] mark 96 | publishedAt 40 | acceptedAt 40 | accruedAt 40 | resumedAt 40
///      words[1] fundingIndex 88 | fundingRate 72 | cash 96
///      words[2] variance 80 | ramp 64 | lnSample 72 | sampledAt 40
///      words[3] sizeLong 112 | sizeShort 112 | nextId 32
///      words[4] basisLong 128 | basisShort 128
///      words[5] insuranceDue 80 | treasuryDue 80 | jumpAt 40 | free 56: the counters
///      words[6] configStore 160 | bucketDueAt 35 | mode 3 | renewed 1 | ticketsOpen 1 | spread 56
library StateStore {
    /// @notice A value does not fit its place in storage.
    error DoesNotFit(uint256 value, uint256 bits);

    uint256 internal constant SIDE_MAX = type(uint112).max;
    uint256 internal constant CASH_MAX = type(uint96).max;
    uint256 internal constant COUNTER_MAX = type(uint80).max;
    uint256 internal constant BUCKET_MAX = type(uint40).max >> 5; // a time until the year 3058
    uint256 internal constant FLAG_MARGIN_CALL = 1;
    uint256 internal constant FLAG_LOCKS = 2;
    uint256 internal constant FLAG_VAULT = 4;
    uint256 private constant OPENINGS_MAX = (1 << 14) - 1;
    uint256 private constant PHASE_MAX = (1 << 15) - 1;
    uint256 private constant ENTRY_LOW = (1 << 14) - 1;
    uint256 private constant SIZE_MASK = (1 << 113) - 1;

    function load(MarketStorage storage $) internal view returns (State memory s) {
        loadInto($, s);
        loadCounters($, s);
    }

    /// @dev All but the counters, which are 0 then, over `s`.
    function loadInto(MarketStorage storage $, State memory s) internal view {
        uint256 w = $.words[0];
        s.mark = uint96(w);
        s.publishedAt = uint40(w >> 96);
        s.acceptedAt = uint40(w >> 136);
        s.accruedAt = uint40(w >> 176);
        s.resumedAt = w >> 216;
        w = $.words[1];
        s.fundingIndex = int88(uint88(w));
        s.fundingRate = int72(uint72(w >> 88));
        s.cash = w >> 160;
        w = $.words[2];
        s.variance = uint80(w);
        s.ramp = uint64(w >> 80);
        s.lnSample = int72(uint72(w >> 144));
        s.sampledAt = w >> 216;
        w = $.words[3];
        s.sizeLong = uint112(w);
        s.sizeShort = uint112(w >> 112);
        s.nextId = w >> 224;
        w = $.words[4];
        s.basisLong = int128(uint128(w));
        s.basisShort = int256(w) >> 128;
        w = $.words[6];
        s.configStore = address(uint160(w));
        s.bucketDueAt = w >> 160 & BUCKET_MAX;
        s.mode = Mode(w >> 195 & 7);
        s.renewed = w >> 198 & 1 != 0;
        s.ticketsOpen = w >> 199 & 1 != 0;
        s.spread = w >> 200;
        s.insuranceDue = s.treasuryDue = s.jumpAt = 0;
    }

    /// @dev The counters and the time of the last large move, over `s`.
    function loadCounters(MarketStorage storage $, State memory s) internal view {
        uint256 w = $.words[5];
        s.insuranceDue = uint80(w);
        s.treasuryDue = uint80(w >> 80);
        s.jumpAt = uint40(w >> 160);
    }

    /// @dev Where the parameters are, alone.
    function configStore(MarketStorage storage $) internal view returns (address) {
        return address(uint160($.words[6]));
    }

    /// @dev mark and publishedAt alone.
    function heldMark(MarketStorage storage $) internal view returns (uint256, uint256) {
        uint256 w = $.words[0];
        return (uint96(w), uint40(w >> 96));
    }

    /// @dev Writes a state back. Every narrowing is checked; times are below 2^40 until the year 36,812.
    function save(MarketStorage storage $, State memory s) internal {
        $.words[5] = _u(s.insuranceDue, 80) | _u(s.treasuryDue, 80) << 80 | s.jumpAt << 160;
        _saveRest($, s);
    }

    /// @dev Writes back a state whose counters were not loaded: of them at most a large move is new.
    function saveUncounted(MarketStorage storage $, State memory s) internal {
        assert(s.insuranceDue | s.treasuryDue == 0);
        if (s.jumpAt != 0) $.words[5] = uint160($.words[5]) | s.jumpAt << 160;
        _saveRest($, s);
    }

    function _saveRest(MarketStorage storage $, State memory s) private {
        $.words[0] = _u(s.mark, 96) | s.publishedAt << 96 | s.acceptedAt << 136 | s.accruedAt << 176
            | s.resumedAt << 216;
        $.words[1] = _i(s.fundingIndex, 88) | _i(s.fundingRate, 72) << 88 | _u(s.cash, 96) << 160;
        $.words[2] =
            _u(s.variance, 80) | _u(s.ramp, 64) << 80 | _i(s.lnSample, 72) << 144 | s.sampledAt << 216;
        $.words[3] = _u(s.sizeLong, 112) | _u(s.sizeShort, 112) << 112 | _u(s.nextId, 32) << 224;
        $.words[4] = _i(s.basisLong, 128) | _i(s.basisShort, 128) << 128;
        $.words[6] = uint160(s.configStore) | _u(s.bucketDueAt, 35) << 160 | uint256(s.mode) << 195
            | (s.renewed ? uint256(1) << 198 : 0) | (s.ticketsOpen ? uint256(1) << 199 : 0) | _u(s.spread, 56)
            << 200;
    }

    /// @dev [0] owner 160 | openings 14 | fundingEntry's upper 74 | flags 8,
    ///      [1] size 113 | fundingEntry's lower 14 | free 1 | basis 128.
    ///      A position is opened one more time wherever it is stored with a size after none: phase is twice
    ///      the openings, less one while it is open. So closing, by whatever path, raises it without touching
    ///      the first word, and leaves nothing but a debt in the second. Flat, fundingEntry means nothing.
    function loadPosition(MarketStorage storage $, uint256 id) internal view returns (Position memory p) {
        loadPositionInto($, id, p);
    }

    /// @dev As `loadPosition`, over `p`.
    function loadPositionInto(MarketStorage storage $, uint256 id, Position memory p) internal view {
        uint256[2] storage slots = $.positions[id];
        uint256 head = slots[0];
        uint256 w = slots[1];
        p.owner = address(uint160(head));
        p.flags = head >> 248;
        p.basis = int256(w) >> 128;
        unchecked {
            int256 size = int256(w << 143) >> 143; // the lowest 113 bits, signed
            p.size = size;
            p.fundingEntry = int256(head << 8) >> 182 << 14 | int256(w >> 113 & ENTRY_LOW);
            p.phase = ((head >> 160 & OPENINGS_MAX) * 2 - (size == 0 ? 0 : 1)) & PHASE_MAX;
        }
    }

    /// @dev Whether a position has no size, known or not.
    function isFlat(MarketStorage storage $, uint256 id) internal view returns (bool) {
        return $.positions[id][1] & SIZE_MASK == 0;
    }

    function savePosition(MarketStorage storage $, uint256 id, Position memory p) internal {
        uint256[2] storage slots = $.positions[id];
        slots[0] = _head(p);
        int256 size = p.size;
        uint256 w = _i(p.basis, 128) << 128;
        unchecked {
            if (size != 0) {
                if (uint256(size) + (1 << 112) > SIZE_MASK) revert DoesNotFit(uint256(size), 113);
                w |= uint256(size) & SIZE_MASK | (uint256(p.fundingEntry) & ENTRY_LOW) << 113;
            }
        }
        slots[1] = w;
    }

    /// @dev A position's owner alone; zero where there is none of this id.
    function ownerOf(MarketStorage storage $, uint256 id) internal view returns (address) {
        return address(uint160($.positions[id][0]));
    }

    /// @dev One flag of a position alone.
    function setFlag(MarketStorage storage $, uint256 id, uint256 flag, bool on) internal {
        uint256 head = $.positions[id][0];
        uint256 bit = flag << 248;
        $.positions[id][0] = on ? head | bit : head & ~bit;
    }

    /// @dev Owner and flags alone, of a position as it was loaded.
    function savePositionHead(MarketStorage storage $, uint256 id, Position memory p) internal {
        $.positions[id][0] = _head(p);
    }

    function _head(Position memory p) private pure returns (uint256) {
        unchecked {
            uint256 openings = p.phase + (p.size == 0 ? 1 : 2) >> 1; // one more only where it opens now
            return uint160(p.owner) | (openings & OPENINGS_MAX) << 160 | _i(p.fundingEntry, 88) >> 14 << 174
                | p.flags << 248;
        }
    }

    function _u(uint256 value, uint256 bits) private pure returns (uint256) {
        if (value >> bits != 0) revert DoesNotFit(value, bits);
        return value;
    }

    /// @dev Two's complement in the low `bits`.
    function _i(int256 value, uint256 bits) private pure returns (uint256) {
        unchecked {
            uint256 shift = 256 - bits; // bits is a constant below 256
            if ((value << shift) >> shift != value) revert DoesNotFit(uint256(value), bits);
            return (uint256(value) << shift) >> shift;
        }
    }
}
