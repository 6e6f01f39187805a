// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {OwnerContract} from "./HostileOwners.sol";

/// @notice A wallet that owns positions and answers for signatures as it is told.
contract SignerWallet is OwnerContract, IERC1271 {
    enum Manner {
        Reject,
        Accept, // of the digest that it was told
        BurnGas,
        Bomb // a long answer
    }

    error Never();

    Manner public manner;
    bytes32 public digest;

    function set(Manner manner_, bytes32 digest_) external {
        (manner, digest) = (manner_, digest_);
    }

    function isValidSignature(bytes32 hash, bytes calldata) external view returns (bytes4) {
        if (manner == Manner.Accept && hash == digest) return IERC1271.isValidSignature.selector;
        if (manner == Manner.BurnGas) {
            assembly ("memory-safe") {
                invalid()
            }
        }
        if (manner == Manner.Bomb) {
            assembly ("memory-safe") {
                return(0x80, 300000)
            }
        }
        return 0xffffffff;
    }

    function onMarginCall(uint256, uint256) external pure {
        revert Never();
    }
}
