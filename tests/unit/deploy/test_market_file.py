"""Market files: every wrong field is named with its line, its value and the limit."""

from __future__ import annotations

from pathlib import Path

import pytest

from bulkhead.chain.binaries import ROOT
from bulkhead.deploy.params import abi, check_listing, read, to_params
from bulkhead.errors import BadInput, BadInputs

FILE = ROOT / "markets" / "eth-usd.yaml"
ORACLE, TREASURY = "0x" + "11" * 20, "0x" + "22" * 20


def changed(folder: Path, *changes: tuple[str, str]) -> Path:
    text = FILE.read_text()
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after, 1)
    path = folder / "market.yaml"
    path.write_text(text)
    return path


def test_read__eth_usd__gives_the_documented_integers() -> None:
    params = abi(to_params(read(FILE), oracle=ORACLE, treasury=TREASURY))
    assert params["brackets"][0] == {
        "upperNotional": 500_000 * 10**18,
        "imRate": 5 * 10**16,
        "mmRate": 25 * 10**15,
    }
    assert params["brackets"][-1]["upperNotional"] == 2**128 - 1
    assert params["takerFee"] == 5 * 10**14
    assert params["deepRatio"] == 2 * 10**18 // 3
    assert params["maxVelocity"] == 9 * 10**27 // 86_400**2
    assert params["maxRate"] == 5 * 10**23 // 3_600
    assert params["rampPerHour"] == 10**18
    assert params["redeemDelaySecs"] == 86_400
    assert (params["oracle"], params["treasury"]) == (ORACLE, TREASURY)


def test_read__eth_usd__every_number_has_a_reason() -> None:
    """A value's line, or a line above it, holds a comment."""
    commented = False
    for line in FILE.read_text().splitlines():
        stripped = line.strip()
        has_value = ": " in stripped.split("#")[0] or stripped.startswith("- {")
        if stripped.startswith("#"):
            commented = True
        elif has_value and any(character.isdigit() for character in stripped.split("#")[0]):
            assert commented or "#" in stripped, line
            commented = stripped.startswith("- {")  # rows of one table share their reason
        elif stripped.endswith(":") and not commented:
            commented = False


@pytest.mark.parametrize(
    ("kind", "said", "expected"),
    [
        ("chainlink", "", 1),  # the next round of a push feed is seen coming
        ("quorum", "", 0),
        ("chainlink", "off", 0),
        ("quorum", "on", 1),
    ],
)
def test_read__delayed_only__follows_the_file_or_the_kind_of_oracle(
    tmp_path: Path, kind: str, said: str, expected: int
) -> None:
    market = read(
        changed(tmp_path, ("  delayed_only: on", f"  delayed_only: {said}" if said else ""))
    )
    oracle = market.oracle.model_copy(update={"kind": kind})
    market = market.model_copy(update={"oracle": oracle})
    params = abi(to_params(market, oracle=ORACLE, treasury=TREASURY))
    assert params["delayedOnly"] == expected
    assert (params["orderDelaySecs"], params["fillWindowSecs"]) == (12, 24)


@pytest.mark.parametrize("price", [100, 2_500, 5_000, 15_000])
def test_check_listing__eth_usd__holds_at_any_likely_price(price: int) -> None:
    market = read(FILE)
    check_listing(market, to_params(market, oracle=ORACLE, treasury=TREASURY), price * 10**18)


def test_check_listing__price_where_funding_owes_too_much__is_refused() -> None:
    market = read(FILE)
    params = to_params(market, oracle=ORACLE, treasury=TREASURY)
    with pytest.raises(BadInput, match=r"maxVelocity at a first price of 16,000: .*allow 1000000"):
        check_listing(market, params, 16_000 * 10**18)


@pytest.mark.parametrize(
    ("before", "after", "field", "message"),
    [
        ("taker: 5 bp", "taker: 5 bpp", "fees.taker", "'5 bpp' is refused; unit 'bpp'"),
        ("taker: 5 bp", "taker: [5 bp]", "fees.taker", "one value is wanted"),
        ("taker: 5 bp", "taker: 120 %", "fees.taker", "at most 100 %"),
        ("maker: 2 bp", "maker: 6 bp", "fees.maker", "at most taker"),
        ("decimals: 6", "decimals: 19", "token.decimals", "'19' is refused; at most 18"),
        (
            "max_skew: 4,000",
            "max_skew: 4,001",
            "impact.max_skew",
            "4,001 is refused; at most 4,000",
        ),
        ("max_impact: 0.5 %", "max_impact: 100 %", "impact.max_impact", "below 1"),
        ("redeem_delay: 24 h", "redeem_delay: 59 min", "pool.redeem_delay", "at least 1 h"),
        ("adl_start: 0.85", "adl_start: 0.79", "pool.adl_start", "at least 0.8"),
        ("adl_target: 0.70", "adl_target: 0.85", "pool.adl_target", "below adl_start, 85 %"),
        ("reserve_factor: 0.3", "reserve_factor: 0.09", "pool.reserve_factor", "at least 0.1"),
        ("ramp: 1 / h", "ramp: 2.1 / h", "multiplier.ramp", "at most 2 / h"),
        ("mu_max: 3", "mu_max: 0.9", "multiplier.mu_max", "at least 1"),
        ("timelock_delay: 2 days", "timelock_delay: 47 h", "authority.timelock_delay", "2 days"),
        ("reward_floor: 5 USD", "reward_floor: 5.01 USD", "liquidation.reward_floor", "at most 5"),
        ("min_notional: 1,000 USD", "min_notional: 3 USD", "margin.min_notional", "is 0.1 or more"),
        ("reward_cap: 1,000 USD", "reward_cap: 4 USD", "liquidation.reward_cap", "at least"),
        ("reward_cap: 1,000 USD", "reward_cap: 50,001 USD", "liquidation.reward_cap", "at most"),
        ("call_reward: 5 USD", "call_reward: 6 USD", "liquidation.margin_call_reward", "at most"),
        ("max_rate: 0.05 %", "max_rate: 2.6 %", "funding.max_rate", "at most 2.5 % / h"),
        ("insurance_share: 20 %", "insurance_share: 31 %", "fees.insurance_share", "at most 30 %"),
        ("maintenance: 2.5 %", "maintenance: 1.8 %", "margin.brackets[0].maintenance", "1.8 %"),
        ("maintenance: 4 %", "maintenance: 8 %", "margin.brackets[1].maintenance", "below the"),
        ("up_to: 2M", "up_to: 500k", "margin.brackets[1].up_to", "above 500,000"),
        ("up_to: unlimited", "up_to: 9M USD", "margin.brackets[3].up_to", "must be unlimited"),
        ("max_spread: 0.5 %", "max_spread: 4 bp", "oracle.spread", "at most max_spread"),
        ("grace: 15 min", "mercy: 15 min", "oracle.mercy", "no such field"),
        ("delayed_only: on", "delayed_only: 1", "orders.delayed_only", "on or off is wanted"),
        ("delay: 12 s", "delay: 61 min", "orders.delay", "at most 1 h"),
        ("fill_window: 24 s", "fill_window: 23 s", "orders.fill_window", "at least 24 s"),
        ("fill_window: 24 s", "fill_window: 25 h", "orders.fill_window", "at most 1 day"),
        ("dead_after: 3 days", "dead_after: 71 h", "pool.dead_after", "at least 3 days"),
        ('token: "0xA0b', 'token: "0xQ0b', "networks.1.token", "does not have the form"),
    ],
)
def test_read__one_wrong_field__is_named(
    tmp_path: Path, before: str, after: str, field: str, message: str
) -> None:
    path = changed(tmp_path, (before, after))
    line = FILE.read_text().split(before)[0].count("\n") + 1
    with pytest.raises(BadInputs) as caught:
        read(path)
    problem = next(p for p in caught.value.problems if p.what.endswith(f", {field}"))
    assert message in str(problem)
    if field != "oracle.spread":  # its own line stayed as it was
        assert problem.what.startswith(f"line {line}, ")


def test_read__several_wrong_fields__are_all_named(tmp_path: Path) -> None:
    path = changed(tmp_path, ("taker: 5 bp", "taker: x"), ("tau: 1 h", "tau: 0 s"))
    with pytest.raises(BadInputs) as caught:
        read(path)
    fields = [record["what"].split(", ")[1] for record in caught.value.records()]
    assert fields == ["fees.taker", "multiplier.tau"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1", "YAML is wanted"),
        ("- 1", "has fields"),
        ("", "has fields"),
        ("name: x\nname: y", "line 2: name is refused; each field stands once"),
    ],
)
def test_read__no_market_file__is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "market.yaml"
    path.write_text(text)
    with pytest.raises(BadInput, match=message):
        read(path)


def test_read__missing_file__is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no such file"):
        read(tmp_path / "none.yaml")
