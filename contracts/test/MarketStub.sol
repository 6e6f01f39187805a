// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILiquidityPool} from "@interfaces/ILiquidityPool.sol";
import {Config, Mode, State} from "@interfaces/Types.sol";

/// @notice As much of a market as its pool sees, all of it settable. For the pool's own tests only.
contract MarketStub {
    error Locked();
    error NotPool(address caller);

    ILiquidityPool public pool;
    int256 public value; // Wad; what nav() says
    uint256 public free; // token units
    bool public locked;
    uint256 public unit;
    uint256 public depositDelaySecs = 600;
    uint256 public redeemDelaySecs = 86_400;
    uint256 public dueAt;
    uint256 public schedules;
    State private _state;

    function setUp(ILiquidityPool pool_, uint256 unit_) external {
        (pool, unit) = (pool_, unit_);
    }

    function setValue(int256 value_, uint256 free_) external {
        (value, free) = (value_, free_);
    }

    function setCash(uint256 cash, uint256 insuranceDue, uint256 treasuryDue) external {
        (_state.cash, _state.insuranceDue, _state.treasuryDue) = (cash, insuranceDue, treasuryDue);
    }

    function setLocked(bool locked_) external {
        locked = locked_;
    }

    function setMode(Mode mode) external {
        _state.mode = mode;
    }

    function setDelays(uint256 depositSecs, uint256 redeemSecs) external {
        (depositDelaySecs, redeemDelaySecs) = (depositSecs, redeemSecs);
    }

    /// @notice Prices both kinds as a market would; gains and losses are `value` minus what was there before.
    function price(uint256 publishedAt) external returns (uint256 assetsIn, uint256 assetsOut) {
        locked = true;
        uint256 before = value > 0 ? uint256(value) : 0;
        assetsIn = pool.priceDeposits(publishedAt, (before + unit - 1) / unit);
        _state.cash += assetsIn;
        value += int256(assetsIn * unit);
        (assetsOut, dueAt) = pool.priceRedeems(publishedAt, value > 0 ? uint256(value) / unit : 0, free);
        _state.cash -= assetsOut;
        value -= int256(assetsOut * unit);
        locked = false;
    }

    function priceDeposits(uint256 publishedAt, uint256 navUp) external returns (uint256) {
        return pool.priceDeposits(publishedAt, navUp);
    }

    function priceRedeems(
        uint256 publishedAt,
        uint256 navDown,
        uint256 free_
    )
        external
        returns (uint256 assetsOut, uint256 nextDueAt)
    {
        return pool.priceRedeems(publishedAt, navDown, free_);
    }

    function pay(address to, uint256 amount) external returns (bool ok) {
        locked = true;
        ok = pool.pay(to, amount);
        locked = false;
    }

    function scheduleBucket(uint256 dueAt_) external {
        if (msg.sender != address(pool)) revert NotPool(msg.sender);
        dueAt = dueAt_;
        schedules += 1;
    }

    function nav() external view returns (int256) {
        if (locked) revert Locked();
        return value;
    }

    function state() external view returns (State memory) {
        return _state;
    }

    function config() external view returns (Config memory c) {
        (c.depositDelaySecs, c.redeemDelaySecs, c.unit) = (depositDelaySecs, redeemDelaySecs, unit);
    }
}
