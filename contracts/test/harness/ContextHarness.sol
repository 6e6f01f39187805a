// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Mode} from "@interfaces/Types.sol";
import {SSTORE2} from "solady/src/utils/SSTORE2.sol";
import {ConfigStore} from "../../libraries/ConfigStore.sol";
import {Engine} from "../../libraries/Engine.sol";
import {Context, Ledger} from "../../libraries/Ledger.sol";
import {MarketStorage, StateStore} from "../../libraries/StateStore.sol";

/// @notice A Context laid out by hand beside one laid out by Solidity, in memory full of rubbish.
contract ContextHarness {
    using StateStore for MarketStorage;
    using Engine for MarketStorage;

    uint256 private constant RUBBISH_WORDS = 400;

    MarketStorage private $;

    /// @notice Every stored word at random, the mode among its five.
    function fill(uint256 seed) external {
        for (uint256 i; i < 7; ++i) {
            $.words[i] = uint256(keccak256(abi.encode(seed, i)));
        }
        bytes memory blob = new bytes(ConfigStore.SIZE);
        for (uint256 i = 1; i <= ConfigStore.SIZE / 32; ++i) {
            bytes32 word = keccak256(abi.encode(seed, 100 + i));
            assembly ("memory-safe") {
                mstore(add(blob, mul(i, 32)), word)
            }
        }
        uint256 kept = $.words[6] & ~(uint256(7) << 195 | uint256(type(uint160).max));
        $.words[6] = kept | uint160(SSTORE2.write(blob)) | seed % (uint256(Mode.Settled) + 1) << 195;
        $.ticketTotals = uint256(keccak256(abi.encode(seed, 200)));
        $.positions[1] =
            [uint256(keccak256(abi.encode(seed, 201))), uint256(keccak256(abi.encode(seed, 202)))];
    }

    /// @notice Both empty, encoded, and what each cost in clean memory beyond what is allocated.
    function empty()
        external
        view
        returns (bytes memory solidity, bytes memory hand, uint256 solidityGas, uint256 handGas)
    {
        (handGas, solidityGas) = (_handGas(), _solidityGas());
        Context memory x;
        solidity = abi.encode(x);
        _soil();
        hand = abi.encode(Ledger.blank()[0]);
    }

    /// @notice Both loaded as actions load them, with a position and its undo, encoded.
    function loaded(bool counters) external view returns (bytes memory solidity, bytes memory hand) {
        Context memory x;
        solidity = _loaded(x, counters);
        _soil();
        hand = _loaded(Ledger.blank()[0], counters);
    }

    function _loaded(Context memory x, bool counters) private view returns (bytes memory) {
        if (counters) $.load(x);
        else $.loadUncounted(x);
        $.loadStored(x, 1);
        x.v = type(uint256).max;
        Engine.mark(x);
        return abi.encode(x);
    }

    function _solidityGas() private view returns (uint256 gas) {
        gas = gasleft();
        Context memory x;
        gas -= gasleft();
        assert(x.id == 0);
    }

    function _handGas() private view returns (uint256 gas) {
        gas = gasleft();
        Context memory x = Ledger.blank()[0];
        gas -= gasleft();
        assert(x.id == 0);
    }

    /// @dev Past what is allocated.
    function _soil() private pure {
        assembly ("memory-safe") {
            let at := mload(0x40)
            for { let i := 0 } lt(i, RUBBISH_WORDS) { i := add(i, 1) } {
                mstore(add(at, mul(i, 32)), not(i))
            }
        }
    }
}
