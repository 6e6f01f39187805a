// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMarket} from "@interfaces/IMarket.sol";
import {IPositionVault} from "@interfaces/IPositionVault.sol";
import {IPriceOracle} from "@interfaces/IPriceOracle.sol";
import {Config, MarketParams, Mode, Reason, State} from "@interfaces/Types.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {Acceptance} from "../libraries/Acceptance.sol";
import {ConfigStore} from "../libraries/ConfigStore.sol";
import {Engine} from "../libraries/Engine.sol";
import {Funding} from "../libraries/Funding.sol";
import {Context, Ledger} from "../libraries/Ledger.sol";
import {PositionMath} from "../libraries/PositionMath.sol";
import {MarketStorage, StateStore} from "../libraries/StateStore.sol";
import {Volatility} from "../libraries/Volatility.sol";
import {Entry} from "./Entry.sol";
import {Parameters} from "./Parameters.sol";
import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

/// @title Listing, parameters and modes
/// @notice Linked into the market; works on its storage. The market checks who may call.
library Governance {
    using StateStore for MarketStorage;
    using Engine for MarketStorage;

    /// @dev First parameters and first mark. Nothing was accepted yet: publishedAt and acceptedAt start at 0.
    function list(
        MarketStorage storage $,
        address token,
        address pool,
        address fund,
        address orderBook,
        address vaultImplementation,
        MarketParams memory params,
        uint256 initialVariance
    )
        external
    {
        uint256 decimals = IERC20Metadata(token).decimals();
        if (decimals > 18) revert IMarket.BadParameter("decimals", decimals, 18);
        _checkAddresses(params, token, pool, vaultImplementation);
        if (initialVariance > type(uint80).max) {
            revert IMarket.BadParameter("initialVariance", initialVariance, type(uint80).max);
        }
        Config memory fixed_;
        (fixed_.token, fixed_.pool, fixed_.fund, fixed_.orderBook) = (token, pool, fund, orderBook);
        fixed_.unit = 10 ** (18 - decimals);
        fixed_.maxReward = IPositionVault(vaultImplementation).MAX_REWARD();
        (fixed_.initialMark,,,) = IPriceOracle(params.oracle).read(0);
        uint256 mark = fixed_.initialMark;
        if (mark < Acceptance.MARK_MIN) {
            revert IMarket.BadParameter("initialMark", mark, Acceptance.MARK_MIN);
        }
        if (mark > Acceptance.MARK_MAX) {
            revert IMarket.BadParameter("initialMark", mark, Acceptance.MARK_MAX);
        }
        Config memory c = Parameters.derive(params, fixed_);
        Parameters.checkFirstCap(c);
        State memory s;
        s.mark = mark;
        s.accruedAt = s.sampledAt = block.timestamp;
        s.lnSample = FixedPointMathLib.lnWad(int256(mark));
        s.variance = initialVariance;
        s.ramp = Volatility.target(s, c);
        s.nextId = 1;
        s.configStore = ConfigStore.write(c);
        $.save(s);
        emit IMarket.ParamsSet(s.configStore, s.ramp);
    }

    /// @dev Accrues with the old parameters, then takes the new ones so that nobody's MM steps up.
    /// @param encoded MarketParams, as the market was given them
    function setParams(
        MarketStorage storage $,
        bytes calldata encoded,
        address vaultImplementation
    )
        external
    {
        MarketParams memory params = abi.decode(encoded, (MarketParams));
        Context memory x = Ledger.blank()[0];
        $.load(x);
        State memory s = x.s;
        if (s.mode >= Mode.Final) _refuse(s.mode, Mode.FinalAnnounced);
        _checkAddresses(params, x.c.token, x.c.pool, vaultImplementation);
        Funding.accrue(s, x.c, block.timestamp);
        Config memory c = Parameters.derive(params, x.c);
        Parameters.checkImpactChange(x.c, c, PositionMath.abs(int256(s.sizeLong) - int256(s.sizeShort)));
        // exits wait for nothing that is not there
        if (c.delayedOnly != 0 && c.orderBook.code.length == 0) {
            revert IMarket.BadParameter("delayedOnly", c.delayedOnly, 0);
        }
        uint256 r0 = Parameters.relief(x.c, c);
        uint256 left = r0 * (s.ramp < 1e18 ? s.ramp : 1e18) / 1e18 * uint128(c.table[1]) / 1e18;
        uint256 costs = Parameters.exitCosts(c);
        if (left <= costs) revert IMarket.BadParameter("mmRate", left, costs);
        int256 bound = int256(c.maxRate);
        if (s.fundingRate > bound) s.fundingRate = bound;
        if (s.fundingRate < -bound) s.fundingRate = -bound;
        s.ramp = s.ramp * r0 / 1e18;
        s.configStore = ConfigStore.write(c);
        $.save(s);
        emit IMarket.ParamsSet(s.configStore, s.ramp);
    }

    function enterReduceOnly(MarketStorage storage $) external {
        State memory s = $.load();
        if (s.mode != Mode.Normal) _refuse(s.mode, Mode.Normal);
        _setMode($, s, Mode.ReduceOnly);
    }

    /// @dev Grace follows, as after an outage.
    function leaveReduceOnly(MarketStorage storage $) external {
        State memory s = $.load();
        if (s.mode != Mode.ReduceOnly) _refuse(s.mode, Mode.ReduceOnly);
        s.resumedAt = block.timestamp;
        _setMode($, s, Mode.Normal);
    }

    /// @dev The oracle has code; the treasury is somebody who can use tokens that nobody else counts. A vault
    /// is known by
    ///      its code, so only one that is deployed.
    function _checkAddresses(
        MarketParams memory params,
        address token,
        address pool,
        address vaultImplementation
    )
        private
        view
    {
        if (params.oracle.code.length == 0) revert IMarket.BadParameter("oracle", 0, 1);
        address to = params.treasury;
        if (to == address(0)) revert IMarket.BadParameter("treasury", 0, 1);
        if (
            to == address(this) || to == pool || to == token || to == vaultImplementation
                || to.codehash == Entry.vaultCodeHash(vaultImplementation)
        ) revert IMarket.BadParameter("treasury", uint160(to), 0);
    }

    function _setMode(MarketStorage storage $, State memory s, Mode mode) private {
        s.mode = mode;
        $.save(s);
        emit IMarket.ModeSet(mode);
    }

    function _refuse(Mode mode, Mode limit) private pure {
        revert IMarket.Refused(Reason.ModeForbids, int256(uint256(mode)), int256(uint256(limit)));
    }
}
