// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PositionVault} from "../../market/PositionVault.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {LibClone} from "solady/src/utils/LibClone.sol";

/// @notice Ways to keep each position's margin, side by side: what one open, one payment to the pool and one
///         to the owner cost. `first` says that the position has no escrow yet; a market knows it from its
///         flags.
abstract contract VaultDesign {
    using SafeERC20 for IERC20;

    IERC20 internal immutable TOKEN;
    address internal immutable POOL;

    constructor(IERC20 token, address pool) {
        TOKEN = token;
        POOL = pool;
    }

    function open(uint256 id, uint256 amount, bool first) external virtual {
        if (first) _create(id);
        TOKEN.safeTransferFrom(msg.sender, vaultOf(id), amount);
    }

    function vaultOf(uint256 id) public view virtual returns (address);

    function payPool(uint256 id, uint256 amount) external virtual;

    function payOwner(uint256 id, address to, uint256 amount) external virtual;

    function _create(uint256 id) internal virtual;
}

/// @notice What the market does: a plain minimal clone, everything immutable in the one implementation.
contract PlainClones is VaultDesign {
    address private immutable CODE;
    bytes32 private immutable INIT_HASH;

    constructor(IERC20 token, address pool) VaultDesign(token, pool) {
        CODE = address(new PositionVault(address(this), address(token), pool, 0));
        INIT_HASH = LibClone.initCodeHash_PUSH0(CODE);
    }

    function vaultOf(uint256 id) public view override returns (address) {
        return LibClone.predictDeterministicAddress(INIT_HASH, bytes32(id), address(this));
    }

    function payPool(uint256 id, uint256 amount) external override {
        PositionVault(vaultOf(id)).payPool(amount);
    }

    function payOwner(uint256 id, address to, uint256 amount) external override {
        PositionVault(vaultOf(id)).payOwner(to, amount);
    }

    function _create(uint256 id) internal override {
        LibClone.cloneDeterministic_PUSH0(CODE, bytes32(id));
    }
}

/// @notice A vault that reads market, token, pool and its id behind its own code.
contract ArgumentVault {
    using SafeERC20 for IERC20;

    error NotMarket(address caller);

    function payPool(uint256 amount) external returns (bool) {
        (IERC20 token, address pool) = _enter();
        return token.trySafeTransfer(pool, amount);
    }

    function payOwner(address to, uint256 amount) external returns (bool) {
        (IERC20 token,) = _enter();
        return token.trySafeTransfer(to, amount);
    }

    function _enter() private view returns (IERC20, address) {
        (address market, address token, address pool,) =
            abi.decode(LibClone.argsOnClone(address(this)), (address, address, address, uint256));
        if (msg.sender != market) revert NotMarket(msg.sender);
        return (IERC20(token), pool);
    }
}

/// @notice Clones that carry immutable arguments of their own.
contract ArgumentClones is VaultDesign {
    address private immutable CODE = address(new ArgumentVault());

    constructor(IERC20 token, address pool) VaultDesign(token, pool) {}

    function vaultOf(uint256 id) public view override returns (address) {
        bytes32 hash = LibClone.initCodeHash(CODE, _arguments(id));
        return LibClone.predictDeterministicAddress(hash, bytes32(id), address(this));
    }

    function payPool(uint256 id, uint256 amount) external override {
        ArgumentVault(vaultOf(id)).payPool(amount);
    }

    function payOwner(uint256 id, address to, uint256 amount) external override {
        ArgumentVault(vaultOf(id)).payOwner(to, amount);
    }

    function _create(uint256 id) internal override {
        LibClone.cloneDeterministic(CODE, _arguments(id), bytes32(id));
    }

    function _arguments(uint256 id) private view returns (bytes memory) {
        return abi.encode(address(this), TOKEN, POOL, id);
    }
}

/// @notice A whole contract for each position.
contract WholeContracts is VaultDesign {
    constructor(IERC20 token, address pool) VaultDesign(token, pool) {}

    function vaultOf(uint256 id) public view override returns (address) {
        bytes memory arguments = abi.encode(address(this), TOKEN, POOL, 0);
        bytes32 hash = keccak256(bytes.concat(type(PositionVault).creationCode, arguments));
        return LibClone.predictDeterministicAddress(hash, bytes32(id), address(this));
    }

    function payPool(uint256 id, uint256 amount) external override {
        PositionVault(vaultOf(id)).payPool(amount);
    }

    function payOwner(uint256 id, address to, uint256 amount) external override {
        PositionVault(vaultOf(id)).payOwner(to, amount);
    }

    function _create(uint256 id) internal override {
        new PositionVault{salt: bytes32(id)}(address(this), address(TOKEN), POOL, 0);
    }
}

/// @notice A contract without code that let the market take its tokens when it was created.
contract Approver {
    constructor(IERC20 token) {
        token.approve(msg.sender, type(uint256).max);
        assembly ("memory-safe") {
            return(0, 0)
        }
    }
}

/// @notice Empty contracts that only approve.
contract Approvers is VaultDesign {
    using SafeERC20 for IERC20;

    constructor(IERC20 token, address pool) VaultDesign(token, pool) {}

    function vaultOf(uint256 id) public view override returns (address) {
        bytes32 hash = keccak256(bytes.concat(type(Approver).creationCode, abi.encode(TOKEN)));
        return LibClone.predictDeterministicAddress(hash, bytes32(id), address(this));
    }

    function payPool(uint256 id, uint256 amount) external override {
        TOKEN.safeTransferFrom(vaultOf(id), POOL, amount);
    }

    function payOwner(uint256 id, address to, uint256 amount) external override {
        TOKEN.safeTransferFrom(vaultOf(id), to, amount);
    }

    function _create(uint256 id) internal override {
        new Approver{salt: bytes32(id)}(TOKEN);
    }
}

/// @notice One contract holds all tokens, a mapping says whose they are; the pool is a number in it too.
contract SharedLedger is VaultDesign {
    using SafeERC20 for IERC20;

    mapping(uint256 id => uint256) public balanceOf;
    uint256 public cash = 1;

    constructor(IERC20 token, address pool) VaultDesign(token, pool) {}

    function open(uint256 id, uint256 amount, bool) external override {
        balanceOf[id] += amount;
        TOKEN.safeTransferFrom(msg.sender, address(this), amount);
    }

    function vaultOf(uint256) public view override returns (address) {
        return address(this);
    }

    function payPool(uint256 id, uint256 amount) external override {
        balanceOf[id] -= amount;
        cash += amount;
    }

    function payOwner(uint256 id, address to, uint256 amount) external override {
        balanceOf[id] -= amount;
        TOKEN.safeTransfer(to, amount);
    }

    function _create(uint256) internal override {}
}
