// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LiquidityPool} from "../../pool/LiquidityPool.sol";
import {IMarket} from "@interfaces/IMarket.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @notice Everything that can be seen of one market, in one call, as plain words. For fuzzing only.
/// @dev Answers are written one behind the other into free memory; nothing else is allocated meanwhile.
contract StateProbe {
    address public immutable MARKET;
    address public immutable POOL;
    address public immutable TOKEN;

    address[] private _holders;
    address[] private _providers;

    error ViewFailed(bytes4 what);

    /// @param holders whose tokens are counted @param providers whose shares and claims are
    constructor(IMarket market, LiquidityPool pool, address[] memory holders, address[] memory providers) {
        (MARKET, POOL, TOKEN) = (address(market), address(pool), market.TOKEN());
        (_holders, _providers) = (holders, providers);
    }

    /// @notice In this order: `state` (26 words), ticketTotals (4), finalPrice (2), nav, freeLiquidity, the
    /// pool's (8), a balance for each holder, five words for each provider, seven for each position (with its
    /// vault's balance), the balances of the next two vaults, four for each ticket.
    function look() external view returns (bytes memory out) {
        uint256 start;
        assembly {
            out := mload(0x40)
            start := add(out, 0x20)
        }
        uint256 at = _get(start, MARKET, IMarket.state.selector, 26);
        uint256 nextId;
        uint256 nextTicket;
        assembly {
            nextId := mload(add(start, 480)) // the 16th word of the state
        }
        at = _get(at, MARKET, IMarket.ticketTotals.selector, 4);
        assembly {
            nextTicket := mload(sub(at, 0x20))
        }
        at = _get(at, MARKET, IMarket.finalPrice.selector, 2);
        at = _get(at, MARKET, IMarket.nav.selector, 1);
        at = _get(at, MARKET, IMarket.freeLiquidity.selector, 1);
        at = _positions(_providersOf(_holdersOf(_pool(at))), nextId);
        for (uint256 number = 1; number < nextTicket; ++number) {
            at = _get(at, MARKET, IMarket.ticket.selector, number, 4);
        }
        assembly {
            mstore(out, sub(at, start))
            mstore(0x40, at)
        }
    }

    /// @notice Of the same words the pool's eight and the five for each provider.
    function lookAtPool() external view returns (bytes memory out) {
        uint256 start;
        assembly {
            out := mload(0x40)
            start := add(out, 0x20)
        }
        uint256 at = _providersOf(_pool(start));
        assembly {
            mstore(out, sub(at, start))
            mstore(0x40, at)
        }
    }

    function _pool(uint256 at) private view returns (uint256) {
        at = _get(at, POOL, IERC20.totalSupply.selector, 1);
        at = _get(at, POOL, LiquidityPool.redemptionReserve.selector, 1);
        at = _get(at, POOL, bytes4(keccak256("pendingDepositAssets()")), 1);
        at = _get(at, POOL, LiquidityPool.pendingRedeemShares.selector, 1);
        at = _get(at, POOL, bytes4(keccak256("nextDueAt()")), 1);
        at = _get(at, POOL, bytes4(keccak256("totalAssets()")), 1);
        at = _get(at, POOL, LiquidityPool.accounted.selector, 1);
        return _get(at, POOL, IERC20.balanceOf.selector, uint160(POOL), 1);
    }

    function _holdersOf(uint256 at) private view returns (uint256) {
        uint256 count = _holders.length;
        for (uint256 i; i < count; ++i) {
            at = _get(at, TOKEN, IERC20.balanceOf.selector, uint160(_holders[i]), 1);
        }
        return at;
    }

    function _providersOf(uint256 at) private view returns (uint256) {
        uint256 count = _providers.length;
        for (uint256 i; i < count; ++i) {
            uint256 who = uint160(_providers[i]);
            at = _get(at, POOL, IERC20.balanceOf.selector, who, 1);
            at = _get(at, POOL, bytes4(keccak256("maxDeposit(address)")), who, 1);
            at = _get(at, POOL, bytes4(keccak256("maxMint(address)")), who, 1);
            at = _get(at, POOL, bytes4(keccak256("maxWithdraw(address)")), who, 1);
            at = _get(at, POOL, bytes4(keccak256("maxRedeem(address)")), who, 1);
        }
        return at;
    }

    function _positions(uint256 at, uint256 nextId) private view returns (uint256) {
        for (uint256 id = 1; id < nextId + 2; ++id) {
            if (id < nextId) at = _get(at, MARKET, IMarket.position.selector, id, 6);
            _get(at, MARKET, IMarket.vaultOf.selector, id, 1);
            uint256 vault;
            assembly {
                vault := mload(at)
            }
            at = _get(at, TOKEN, IERC20.balanceOf.selector, vault, 1);
        }
        return at;
    }

    /// @dev The answer of a view goes to `at`; returns the end of it.
    function _get(uint256 at, address to, bytes4 what, uint256 words) private view returns (uint256 end) {
        bool ok;
        assembly {
            end := add(at, mul(words, 0x20))
            mstore(0, what)
            ok := staticcall(gas(), to, 0, 4, at, sub(end, at))
        }
        if (!ok) revert ViewFailed(what);
    }

    /// @dev The same with one argument.
    function _get(
        uint256 at,
        address to,
        bytes4 what,
        uint256 argument,
        uint256 words
    )
        private
        view
        returns (uint256 end)
    {
        bool ok;
        assembly {
            end := add(at, mul(words, 0x20))
            mstore(0, what)
            mstore(4, argument)
            ok := staticcall(gas(), to, 0, 0x24, at, sub(end, at))
        }
        if (!ok) revert ViewFailed(what);
    }
}
