"""Parts of a trade that crosses a skew of 0 may pay less in fees than the whole, and by how much.

The state machine's I-21 said they never do. Each rate is taken of the trade's average fill: at a
maker fee of 0 an increase that first balances the market and then unbalances it pays the taker's
rate on a fill that the first part's impact moved.
"""

from __future__ import annotations

import pytest

from bulkhead.fuzz.laws.base import Broken, execution, mixed, terms
from bulkhead.fuzz.laws.margin import i_21_parts
from bulkhead.fuzz.settings import dear
from bulkhead.model.wad import WAD

MARK = 2_000 * WAD
STATE = {"mark": MARK, "spread": 0, "funding_index": 0, "ramp": WAD, "size_short": 0}


@pytest.mark.parametrize("share", [1, 3, 5, 9])
def test_fees_of_parts_across_a_balanced_market(share: int) -> None:
    sold = -10 * WAD
    t = terms({**STATE, "size_long": -sold * share // 10}, dear(), 1)
    whole = execution(sold, t)[2]
    first = sold * share // 10
    after = t._replace(skew=t.skew + first)
    parts = [execution(first, t)[2], execution(sold - first, after)[2]]

    assert sum(parts) < whole
    i_21_parts(whole, parts, mixed(sold, t))
    with pytest.raises(Broken, match="I-21"):
        i_21_parts(whole, parts, 0)


def test_nothing_is_allowed_where_the_skew_keeps_its_sign() -> None:
    t = terms({**STATE, "size_long": 50 * WAD}, dear(), 1)
    assert mixed(WAD, t) == mixed(-WAD, t) == mixed(-50 * WAD, t) == 0
