"""Market files: read, checked field by field and as a whole, turned into `MarketParams`.

Everything that the contracts would refuse at listing is refused here first, with the field's line.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bulkhead.deploy.bounds import broken_rules
from bulkhead.deploy.schema import MarketFile
from bulkhead.deploy.yamlfile import Place, load
from bulkhead.errors import BadInput, BadInputs

_LIMITS = {
    "missing": "this field is wanted",
    "extra_forbidden": "no such field is known",
    "string_pattern_mismatch": "it does not have the form wanted",
    "too_long": "there are too many rows (8 at most)",
    "too_short": "at least one row is wanted",
    "model_type": "fields are wanted here",
    "dict_type": "fields are wanted here",
    "list_type": "a list is wanted here",
    "string_type": "one value is wanted",
}


def _dotted(place: Place) -> str:
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "the file"


def _value(document: Any, place: Place) -> Any:
    for part in place:
        try:
            document = document[part]
        except (KeyError, IndexError, TypeError):
            return "nothing"
    return "a group" if isinstance(document, (dict, list)) else repr(document)


def _problems(problem: ValidationError, document: Any) -> Iterator[tuple[Place, Any, str]]:
    for error in problem.errors():
        place = tuple(part for part in error["loc"] if part != "[key]")
        cause = (error.get("ctx") or {}).get("error")
        limit = str(cause) if cause else _LIMITS.get(error["type"], error["msg"])
        yield place, _value(document, place), limit


def _refuse(
    path: Path, lines: dict[Place, int], problems: list[tuple[Place, Any, str]]
) -> BadInputs:
    named = []
    for place, value, limit in problems:
        near = place
        while near not in lines:
            near = near[:-1]
        named.append(BadInput(f"line {lines[near]}, {_dotted(place)}", value, limit))
    return BadInputs(str(path), named)


def read(path: Path) -> MarketFile:
    """A market file, checked; `BadInputs` names every field that is wrong."""
    document, lines = load(path)
    if not isinstance(document, dict):
        raise BadInput(str(path), "no fields", "a market file has fields such as `margin:`")
    context = {unit: document.get(unit) for unit in ("base", "quote")}
    try:
        market = MarketFile.model_validate(document, context=context)
    except ValidationError as problem:
        raise _refuse(path, lines, list(_problems(problem, document))) from None
    rules = [(rule.place, rule.value, rule.limit) for rule in broken_rules(market)]
    if rules:
        raise _refuse(path, lines, rules)
    return market


def market_params(market: MarketFile, *, oracle: str, treasury: str) -> dict[str, Any]:
    """The contracts' `MarketParams` by field name."""
    m, f, liq, i = market.margin, market.fees, market.liquidation, market.impact
    return {
        "brackets": [
            {"upperNotional": row.up_to, "imRate": row.initial, "mmRate": row.maintenance}
            for row in m.brackets
        ],
        "minNotional": m.min_notional,
        "takerFee": f.taker,
        "makerFee": f.maker,
        "feePoolShare": f.pool_share,
        "feeInsuranceShare": f.insurance_share,
        "keeperRate": liq.keeper_rate,
        "insuranceRate": liq.insurance_rate,
        "rewardFloor": liq.reward_floor,
        "rewardCap": liq.reward_cap,
        "buffer": liq.buffer,
        "deepRatio": liq.deep_ratio,
        "marginCallReward": liq.margin_call_reward,
        "marginCallGas": liq.margin_call_gas,
        "skewScale": i.skew_scale,
        "maxImpact": i.max_impact,
        "maxSkew": i.max_skew,
        "maxVelocity": market.funding.max_velocity,
        "maxRate": market.funding.max_rate,
        **_slow_params(market),
        "maxSpread": market.oracle.max_spread,
        "graceSecs": market.oracle.grace,
        "oracle": oracle,
        "treasury": treasury,
    }


def _slow_params(market: MarketFile) -> dict[str, int]:
    """Multiplier and pool."""
    x, p = market.multiplier, market.pool
    return {
        "zScore": x.z_score,
        "horizonSecs": x.horizon,
        "tauSecs": x.tau,
        "sampleIntervalSecs": x.sample_interval,
        "muMax": x.mu_max,
        "rampPerHour": x.ramp,
        "depthKink": x.depth_kink,
        "depthSlope": x.depth_slope,
        "maxOpenInterest": p.max_open_interest,
        "maxUtilisation": p.max_utilisation,
        "depositDelaySecs": p.deposit_delay,
        "redeemDelaySecs": p.redeem_delay,
        "pricingWaitSecs": p.pricing_wait,
        "reserveFactor": p.reserve_factor,
        "adlStart": p.adl_start,
        "adlTarget": p.adl_target,
        "deadAfterSecs": p.dead_after,
    }
