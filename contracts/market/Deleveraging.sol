// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMarket} from "@interfaces/IMarket.sol";
import {Action, Reason} from "@interfaces/Types.sol";
import {Engine, Need} from "../libraries/Engine.sol";
import {DeleveragePlan, DeleverageTerms} from "../libraries/DeleveragePlan.sol";
import {Context, Ledger} from "../libraries/Ledger.sol";
import {MarketStorage, StateStore} from "../libraries/StateStore.sol";
import {Verdict} from "../libraries/Trade.sol";

/// @title Auto-deleveraging
/// @notice When the pool's cash hardly covers what it owes the traders, profitable positions are closed at
/// the mark, without fee.
///         Factor = net trader claim / cash. Linked into the market; works on its storage, under its lock.
library Deleveraging {
    using StateStore for MarketStorage;
    using Engine for MarketStorage;

    function deleverage(MarketStorage storage $, uint256 id, address vault) external {
        if ($.positions[id][0] == 0) revert IMarket.UnknownPosition(id);
        Context memory x = Ledger.blank()[0];
        $.load(x);
        $.loadPosition(x, id, vault);
        if (x.p.size == 0) revert IMarket.Refused(Reason.IsFlat, 0, 1);
        $.accept(x, Need.Must);
        (Verdict memory verdict, DeleverageTerms memory t) = DeleveragePlan.terms(x);
        Engine.demand(verdict);
        Engine.mark(x);
        Engine.demand(DeleveragePlan.apply_(x, t));
        if (!Engine.pay(x)) {
            // a vault that can't be paid is deleveraged all the same: nothing moves, its profit waits
            Engine.rewind(x);
            x.s.cash = 0;
            DeleveragePlan.apply_(x, t);
            x.s.cash = x.undo.cash;
        }
        $.finish(x, Action.Deleverage);
        $.save(x);
    }
}
