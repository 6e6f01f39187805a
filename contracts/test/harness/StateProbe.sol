// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LiquidityPool} from "../../pool/LiquidityPool.sol";
import {IMarket} from "@interfaces/IMarket.sol";
import {Position, Ticket} from "@interfaces/Types.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @notice Everything that can be seen of one market, in one call, as plain words. For fuzzing only.
contract StateProbe {
    IMarket public immutable MARKET;
    LiquidityPool public immutable POOL;
    IERC20 public immutable TOKEN;

    address[] private _holders;
    address[] private _providers;

    /// @param holders whose tokens are counted @param providers whose shares and claims are
    constructor(IMarket market, LiquidityPool pool, address[] memory holders, address[] memory providers) {
        (MARKET, POOL, TOKEN) = (market, pool, IERC20(market.TOKEN()));
        (_holders, _providers) = (holders, providers);
    }

    /// @notice In this order: `state` (26 words), ticketTotals (4), finalPrice (2), nav, freeLiquidity, the
    /// pool's (8), a balance for each holder, five words for each provider, six for each position (with its
    /// vault's balance), the balances of the next two vaults, four for each ticket.
    function look() external view returns (bytes memory) {
        bytes memory state = abi.encode(MARKET.state());
        (uint256 owed, uint256 paid, uint256 ratio, uint256 nextTicket) = MARKET.ticketTotals();
        return bytes.concat(
            state,
            abi.encode(owed, paid, ratio, nextTicket),
            _market(),
            _pool(),
            _people(),
            _positions(MARKET.state().nextId),
            _tickets(nextTicket)
        );
    }

    function _market() private view returns (bytes memory) {
        (uint256 mark, uint256 executableAt) = MARKET.finalPrice();
        return abi.encode(mark, executableAt, MARKET.nav(), MARKET.freeLiquidity());
    }

    function _pool() private view returns (bytes memory) {
        return abi.encode(
            POOL.totalSupply(),
            POOL.redemptionReserve(),
            POOL.pendingDepositAssets(),
            POOL.pendingRedeemShares(),
            POOL.nextDueAt(),
            POOL.totalAssets(),
            POOL.accounted(),
            POOL.balanceOf(address(POOL))
        );
    }

    function _people() private view returns (bytes memory out) {
        for (uint256 i; i < _holders.length; ++i) {
            out = bytes.concat(out, abi.encode(TOKEN.balanceOf(_holders[i])));
        }
        for (uint256 i; i < _providers.length; ++i) {
            address who = _providers[i];
            out = bytes.concat(
                out,
                abi.encode(
                    POOL.balanceOf(who),
                    POOL.maxDeposit(who),
                    POOL.maxMint(who),
                    POOL.maxWithdraw(who),
                    POOL.maxRedeem(who)
                )
            );
        }
    }

    function _positions(uint256 nextId) private view returns (bytes memory out) {
        for (uint256 id = 1; id < nextId; ++id) {
            Position memory p = MARKET.position(id);
            out = bytes.concat(
                out,
                abi.encode(p.owner, p.fundingEntry, p.flags, p.size, p.basis),
                abi.encode(TOKEN.balanceOf(MARKET.vaultOf(id)))
            );
        }
        for (uint256 id = nextId; id < nextId + 2; ++id) {
            out = bytes.concat(out, abi.encode(TOKEN.balanceOf(MARKET.vaultOf(id))));
        }
    }

    function _tickets(uint256 nextTicket) private view returns (bytes memory out) {
        for (uint256 number = 1; number < nextTicket; ++number) {
            Ticket memory t = MARKET.ticket(number);
            out = bytes.concat(out, abi.encode(t.owner, t.start, t.amount, t.drawn));
        }
    }
}
