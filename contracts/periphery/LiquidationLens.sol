// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILiquidationLens} from "@interfaces/ILiquidationLens.sol";
import {Preview} from "@interfaces/IPreviewLens.sol";
import {LiquidationResult, Reason} from "@interfaces/Types.sol";
import {DeleveragePlan, DeleverageTerms} from "../libraries/DeleveragePlan.sol";
import {Engine, Need} from "../libraries/Engine.sol";
import {Context, Ledger} from "../libraries/Ledger.sol";
import {Liquidation, LiquidationTerms} from "../libraries/Liquidation.sol";
import {LiquidationPlan} from "../libraries/LiquidationPlan.sol";
import {PositionMath} from "../libraries/PositionMath.sol";
import {StateStore} from "../libraries/StateStore.sol";
import {Verdict} from "../libraries/Trade.sol";
import {LensContext, Plan} from "./LensContext.sol";

/// @title LiquidationLens
/// @notice See ILiquidationLens.
/// @custom:halt Nothing to halt: views.
contract LiquidationLens is ILiquidationLens {
    using LensContext for Plan;
    using Ledger for Context;

    function previewLiquidate(address market, uint256 id) external view returns (Preview memory r) {
        Plan memory plan = LensContext.load(market);
        Context memory x = plan.x;
        plan.known(id);
        plan.checkNotFlat();
        if (!plan.stopped()) plan.accept(Need.Renew);
        uint256 closed;
        LiquidationResult result;
        if (!plan.stopped()) {
            uint256 price = PositionMath.favourable(x.s, x.p.size);
            LiquidationTerms memory t;
            Liquidation.terms(t, x.s, x.c, x.p.size, price, x.equity(price));
            if (t.equity >= int256(t.maintenance)) {
                result = LiquidationResult.Healthy;
                plan.verdict = Verdict(Reason.Healthy, t.equity, int256(t.maintenance));
            } else if (t.equity > 0 && Engine.inGrace(x)) {
                result = LiquidationResult.InGrace;
                plan.verdict = LensContext.grace(x);
            } else {
                closed = Liquidation.solve(x.s, x.c, x.p.size, t);
                bool full = closed == PositionMath.abs(x.p.size);
                result = full ? LiquidationResult.Full : LiquidationResult.Partial;
                x.p.flags &= ~StateStore.FLAG_MARGIN_CALL;
                LiquidationPlan.apply_(x, t, closed, true);
            }
        } else if (plan.verdict.reason == Reason.IsFlat) {
            result = LiquidationResult.Flat;
        }
        r = plan.result(closed);
        r.result = result;
    }

    function previewDeleverage(address market, uint256 id) external view returns (Preview memory) {
        Plan memory plan = LensContext.load(market);
        Context memory x = plan.x;
        plan.known(id);
        plan.checkNotFlat();
        if (!plan.stopped()) plan.accept(Need.Must);
        uint256 closed;
        if (!plan.stopped()) {
            DeleverageTerms memory t;
            (plan.verdict, t) = DeleveragePlan.terms(x);
            if (!plan.stopped()) {
                uint256 size = PositionMath.abs(x.p.size);
                plan.verdict = DeleveragePlan.apply_(x, t);
                closed = size - PositionMath.abs(x.p.size);
            }
        }
        return plan.result(closed);
    }
}
