// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TestToken} from "./TestToken.sol";

/// @notice Returns nothing, as USDT does.
contract NoReturnToken is TestToken {
    constructor(uint8 decimals_) TestToken(decimals_) {}

    function transfer(address to, uint256 amount) public override returns (bool) {
        super.transfer(to, amount);
        assembly ("memory-safe") {
            return(0, 0)
        }
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        super.transferFrom(from, to, amount);
        assembly ("memory-safe") {
            return(0, 0)
        }
    }

    function approve(address spender, uint256 amount) public override returns (bool) {
        super.approve(spender, amount);
        assembly ("memory-safe") {
            return(0, 0)
        }
    }
}

/// @notice Refuses by returning false, or says true and moves nothing.
contract FalseReturnToken is TestToken {
    enum Manner {
        Honest,
        Refuse,
        Lie
    }

    Manner public manner;

    constructor(uint8 decimals_) TestToken(decimals_) {}

    function setManner(Manner manner_) external {
        manner = manner_;
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        return manner == Manner.Honest ? super.transfer(to, amount) : manner == Manner.Lie;
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        return manner == Manner.Honest ? super.transferFrom(from, to, amount) : manner == Manner.Lie;
    }
}

/// @notice Refuses to pay to, or take from, whom it lists.
contract BlacklistToken is TestToken {
    error Listed(address who);

    mapping(address who => bool) public blockedIn;
    mapping(address who => bool) public blockedOut;

    constructor(uint8 decimals_) TestToken(decimals_) {}

    function setBlocked(address who, bool in_, bool out) external {
        (blockedIn[who], blockedOut[who]) = (in_, out);
    }

    /// @notice Takes so much from somebody, or all there is, as USDT's issuer does from whom it listed.
    function destroy(address who, uint256 amount) external {
        uint256 held = balanceOf(who);
        super._update(who, address(0), amount < held ? amount : held);
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (blockedOut[from]) revert Listed(from);
        if (blockedIn[to]) revert Listed(to);
        super._update(from, to, amount);
    }
}

/// @notice Burns a part of every transfer.
contract FeeToken is TestToken {
    uint256 public feeBps;

    constructor(uint8 decimals_) TestToken(decimals_) {}

    function setFee(uint256 feeBps_) external {
        feeBps = feeBps_;
    }

    function _update(address from, address to, uint256 amount) internal override {
        uint256 fee = from == address(0) || to == address(0) ? 0 : (amount * feeBps) / 1e4;
        if (fee > 0) super._update(from, address(0), fee);
        super._update(from, to, amount - fee);
    }
}

/// @notice Every balance is a number of shares times an index that anyone sets.
contract RebasingToken is TestToken {
    uint256 public index = 1e18;

    constructor(uint8 decimals_) TestToken(decimals_) {}

    function rebase(uint256 indexWad) external {
        index = indexWad;
    }

    function balanceOf(address who) public view override returns (uint256) {
        return (super.balanceOf(who) * index) / 1e18;
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, (amount * 1e18) / index);
    }
}

/// @notice Whom a hooked token tells of a transfer.
interface ITransferHook {
    function onTokens(address from, address to, uint256 amount) external;
}

/// @notice Calls the hooks of payer (before) and receiver (after), as ERC-777 does.
contract HookToken is TestToken {
    mapping(address who => ITransferHook) public hookOf;

    constructor(uint8 decimals_) TestToken(decimals_) {}

    function setHook(address who, ITransferHook hook) external {
        hookOf[who] = hook;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (address(hookOf[from]) != address(0)) hookOf[from].onTokens(from, to, amount);
        super._update(from, to, amount);
        if (address(hookOf[to]) != address(0)) hookOf[to].onTokens(from, to, amount);
    }
}

/// @notice Acts for a test, and makes one prepared call in the middle of a transfer.
contract ReentrantActor is ITransferHook {
    address public target;
    bytes public data;
    bool public called;
    bool public worked;
    bytes public answer;

    function arm(address target_, bytes calldata data_) external {
        (target, data, called) = (target_, data_, false);
    }

    function run(address target_, bytes calldata data_) external returns (bytes memory answer_) {
        bool ok;
        (ok, answer_) = target_.call(data_);
        if (ok) return answer_;
        assembly ("memory-safe") {
            revert(add(answer_, 0x20), mload(answer_))
        }
    }

    function onTokens(address, address, uint256) external {
        if (target == address(0) || called) return;
        called = true;
        (worked, answer) = target.call(data);
    }
}

/// @notice Uses up the gas of every transfer that it hears of, but for what a test lets it leave.
contract GasBurningReceiver is ITransferHook {
    uint256 public leave = type(uint256).max;

    function setLeave(uint256 leave_) external {
        leave = leave_;
    }

    function onTokens(address, address, uint256) external view {
        uint256 rest = leave;
        while (gasleft() > rest) {}
    }
}

/// @notice Anyone pauses it.
contract PausableToken is TestToken {
    error Paused();

    bool public paused;

    constructor(uint8 decimals_) TestToken(decimals_) {}

    function setPaused(bool paused_) external {
        paused = paused_;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (paused) revert Paused();
        super._update(from, to, amount);
    }
}

/// @notice Refuses to change an allowance that is not zero.
contract ApproveZeroToken is TestToken {
    error AllowanceNotZero();

    constructor(uint8 decimals_) TestToken(decimals_) {}

    function approve(address spender, uint256 amount) public override returns (bool) {
        if (amount > 0 && allowance(msg.sender, spender) > 0) revert AllowanceNotZero();
        return super.approve(spender, amount);
    }
}

/// @notice Answers transfers with a million bytes, as a result or as a revert.
contract ReturnBombToken is TestToken {
    enum Bomb {
        None,
        Result,
        Revert
    }

    Bomb public bomb;

    constructor(uint8 decimals_) TestToken(decimals_) {}

    function setBomb(Bomb bomb_) external {
        bomb = bomb_;
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        if (bomb == Bomb.None) return super.transfer(to, amount);
        bool reverts = bomb == Bomb.Revert;
        assembly ("memory-safe") {
            if reverts { revert(0x80, 1000000) }
            return(0x80, 1000000)
        }
    }
}

/// @notice Balances that can't be read.
contract BlindToken is TestToken {
    error Blind();

    bool public blind;

    constructor(uint8 decimals_) TestToken(decimals_) {}

    function setBlind(bool blind_) external {
        blind = blind_;
    }

    function balanceOf(address who) public view override returns (uint256) {
        if (blind) revert Blind();
        return super.balanceOf(who);
    }
}

/// @notice A second address of another token: moves the caller's balance there.
contract DoubleEntryToken is TestToken {
    TestToken public immutable OTHER;

    constructor(TestToken other) TestToken(other.decimals()) {
        OTHER = other;
    }

    function balanceOf(address who) public view override returns (uint256) {
        return OTHER.balanceOf(who);
    }

    /// @dev `OTHER` must be an `AliasedToken` that trusts this one.
    function transfer(address to, uint256 amount) public override returns (bool) {
        AliasedToken(address(OTHER)).move(msg.sender, to, amount);
        return true;
    }
}

/// @notice A token that a second address may move.
contract AliasedToken is TestToken {
    error NotAlias();

    address public aliasAddress;

    constructor(uint8 decimals_) TestToken(decimals_) {}

    function setAlias(address alias_) external {
        aliasAddress = alias_;
    }

    function move(address from, address to, uint256 amount) external {
        if (msg.sender != aliasAddress) revert NotAlias();
        _transfer(from, to, amount);
    }
}
