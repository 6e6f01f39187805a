// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMarginCallee} from "@interfaces/IMarginCallee.sol";
import {IMarket} from "@interfaces/IMarket.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @notice A contract that owns positions: does what a test tells it.
abstract contract OwnerContract is IMarginCallee {
    uint256 public calls; // margin calls that were not undone

    function run(address target, bytes calldata data) public payable returns (bytes memory answer) {
        bool ok;
        (ok, answer) = target.call{value: msg.value}(data);
        if (ok) return answer;
        assembly ("memory-safe") {
            revert(add(answer, 0x20), mload(answer))
        }
    }
}

/// @notice Ignores margin calls.
contract IdleOwner is OwnerContract {
    function onMarginCall(uint256, uint256) external {
        calls += 1;
    }
}

/// @notice Reverts on a margin call, and on receiving anything that calls it.
contract RevertingOwner is OwnerContract {
    error Never();

    function onMarginCall(uint256, uint256) external pure {
        revert Never();
    }
}

/// @notice Burns all gas it gets.
contract GasBurningOwner is OwnerContract {
    function onMarginCall(uint256, uint256) external pure {
        assembly ("memory-safe") {
            invalid()
        }
    }
}

/// @notice Answers with as much data as its gas pays for, as a result or as a revert.
contract ReturnBombOwner is OwnerContract {
    bool public immutable REVERTS;

    constructor(bool reverts) {
        REVERTS = reverts;
    }

    function onMarginCall(uint256, uint256) external view {
        bool reverts = REVERTS;
        assembly ("memory-safe") {
            if reverts { revert(0x80, 300000) }
            return(0x80, 300000)
        }
    }
}

/// @notice Makes a prepared call when it is called, and keeps what came of it.
contract ReentrantOwner is OwnerContract {
    address public target;
    bytes public data;
    bool public worked;
    bytes public answer;

    function arm(address target_, bytes calldata data_) external {
        (target, data) = (target_, data_);
    }

    function onMarginCall(uint256, uint256) external {
        calls += 1;
        (worked, answer) = target.call(data);
    }
}

/// @notice Does in a margin call what it was told to do in that market's calls, and goes on where that is
/// refused.
contract ActingOwner is OwnerContract {
    struct Act {
        address target;
        bytes data;
    }

    mapping(address market => Act[]) private _acts;

    function plan(address market, Act[] calldata acts) external {
        delete _acts[market];
        for (uint256 i; i < acts.length; ++i) {
            _acts[market].push(acts[i]);
        }
    }

    function onMarginCall(uint256, uint256) external {
        Act[] storage acts = _acts[msg.sender];
        for (uint256 i; i < acts.length; ++i) {
            (bool ok,) = acts[i].target.call(acts[i].data);
            if (ok) calls += 1;
        }
    }
}

/// @notice Tops its position up, with what it has and at most `most`.
contract HealingOwner is OwnerContract {
    using SafeERC20 for IERC20;

    uint256 public most = type(uint256).max;
    uint256 public lastShortfall;

    function setMost(uint256 most_) external {
        most = most_;
    }

    function onMarginCall(uint256 id, uint256 shortfall) external {
        calls += 1;
        lastShortfall = shortfall;
        IERC20 token = IERC20(IMarket(msg.sender).TOKEN());
        uint256 amount = shortfall < most ? shortfall : most;
        uint256 held = token.balanceOf(address(this));
        if (amount > held) amount = held;
        token.trySafeTransfer(IMarket(msg.sender).vaultOf(id), amount); // tokens that return nothing, too
    }
}
