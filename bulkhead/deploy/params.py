"""Market files: read, checked field by field and as a whole, turned into `MarketParams`.

Everything that the contracts would refuse at listing is refused here first, with the field's line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bulkhead.deploy.bounds import broken_rules, plain
from bulkhead.deploy.schema import MarketFile
from bulkhead.deploy.yamlfile import Place, load
from bulkhead.errors import BadInput, BadInputs
from bulkhead.model.config import check_first_cap, validate
from bulkhead.model.errors import BadParameter
from bulkhead.model.types import Bracket, Params, as_abi

# Changes to a file for what trades without an order book: demo, simulation, measurements.
DIRECT = {"orders.delayed_only": "off"}
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
    "literal_error": "chainlink, pyth, quorum or median is wanted",
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


def _set(document: Any, name: str, value: str) -> None:
    """Changes one field of a document; `margin.brackets.0.initial` is in the first row."""
    *groups, last = name.split(".")
    for part in groups:
        document = document[int(part)] if isinstance(document, list) else document[part]
    document[int(last) if isinstance(document, list) else last] = value


def read(path: Path, changes: Mapping[str, str] | None = None) -> MarketFile:
    """A market file, checked; `BadInputs` names every field that is wrong.

    `changes` replace fields by their dotted names, before anything is checked.
    """
    document, lines = load(path)
    if not isinstance(document, dict):
        raise BadInput(str(path), "no fields", "a market file has fields such as `margin:`")
    for name, value in (changes or {}).items():
        try:
            _set(document, name, value)
        except (KeyError, IndexError, TypeError, ValueError):
            raise BadInput("parameter", name, f"no such field is in {path}") from None
    context = {unit: document.get(unit) for unit in ("base", "quote")}
    try:
        market = MarketFile.model_validate(document, context=context)
    except ValidationError as problem:
        raise _refuse(path, lines, list(_problems(problem, document))) from None
    rules = [(rule.place, rule.value, rule.limit) for rule in broken_rules(market)]
    if rules:
        raise _refuse(path, lines, rules)
    return market


def to_params(market: MarketFile, *, oracle: str, treasury: str) -> Params:
    """The parameters that the contracts take, in their own scales."""
    rows = market.margin.brackets
    return Params(
        brackets=tuple(Bracket(row.up_to, row.initial, row.maintenance) for row in rows),
        **_risk_terms(market),
        **_slow_terms(market),
        max_spread=market.oracle.max_spread,
        grace_secs=market.oracle.grace,
        delayed_only=int(_delayed_only(market)),
        order_delay_secs=market.orders.delay,
        fill_window_secs=market.orders.fill_window,
        oracle=oracle.lower(),
        treasury=treasury.lower(),
    )


def _delayed_only(market: MarketFile) -> bool:
    """As the file says; else on for a push feed, whose next round others see coming."""
    said = market.orders.delayed_only
    return market.oracle.kind == "chainlink" if said is None else said


def _risk_terms(market: MarketFile) -> dict[str, int]:
    """Fees, liquidation, impact and funding."""
    fees, liq, impact = market.fees, market.liquidation, market.impact
    return {
        "min_notional": market.margin.min_notional,
        "taker_fee": fees.taker,
        "maker_fee": fees.maker,
        "fee_pool_share": fees.pool_share,
        "fee_insurance_share": fees.insurance_share,
        "keeper_rate": liq.keeper_rate,
        "insurance_rate": liq.insurance_rate,
        "reward_floor": liq.reward_floor,
        "reward_cap": liq.reward_cap,
        "buffer": liq.buffer,
        "deep_ratio": liq.deep_ratio,
        "margin_call_reward": liq.margin_call_reward,
        "margin_call_gas": liq.margin_call_gas,
        "skew_scale": impact.skew_scale,
        "max_impact": impact.max_impact,
        "max_skew": impact.max_skew,
        "max_velocity": market.funding.max_velocity,
        "max_rate": market.funding.max_rate,
    }


def _slow_terms(market: MarketFile) -> dict[str, int]:
    """Multiplier and pool."""
    x, p = market.multiplier, market.pool
    return {
        "z_score": x.z_score,
        "horizon_secs": x.horizon,
        "tau_secs": x.tau,
        "sample_interval_secs": x.sample_interval,
        "mu_max": x.mu_max,
        "ramp_per_hour": x.ramp,
        "depth_kink": x.depth_kink,
        "depth_slope": x.depth_slope,
        "max_open_interest": p.max_open_interest,
        "max_utilisation": p.max_utilisation,
        "deposit_delay_secs": p.deposit_delay,
        "redeem_delay_secs": p.redeem_delay,
        "pricing_wait_secs": p.pricing_wait,
        "reserve_factor": p.reserve_factor,
        "adl_start": p.adl_start,
        "adl_target": p.adl_target,
        "dead_after_secs": p.dead_after,
    }


def check_listing(market: MarketFile, params: Params, mark: int) -> None:
    """Refuse what the contracts would refuse at this first mark (Wad), bounds and all."""
    try:
        validate(params, mark, params.reward_cap)
        check_first_cap(params)
    except BadParameter as problem:
        name, actual, limit = problem.args
        where = f"{market.name}, {name} at a first price of {plain(mark)}"
        raise BadInput(where, actual, f"the contracts allow {limit}") from None


def abi(params: Params) -> dict[str, Any]:
    """`MarketParams` by field name, as the contracts' ABI has it."""
    found = as_abi(params)
    found["brackets"] = [as_abi(row) for row in params.brackets]
    return found
