"""Random cases with a bias to the edges, and the way to ask a library about thousands at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

from bulkhead.chain.contract import Contract
from bulkhead.model import margin, volatility
from bulkhead.model.types import UNBOUNDED, ZERO_ADDRESS, Bracket, Config, Mode, State, as_abi

WAD = 10**18
DECIMALS = (0, 2, 6, 8, 18)
MARK_MIN, MARK_MAX = 10**9, 2**96 - 1
SIZE_MAX = 2**112 - 1
RATE_MAX = 2**71 - 1
INDEX_MAX = 2**87 - 1
RAMP_MAX = 2**64 - 1
SPREAD_MAX = 2**56 - 1
NOBODY = ZERO_ADDRESS


def pick(rng: Random, low: int, high: int, near: Iterable[int] = ()) -> int:
    """An integer of [low, high]: often an end, a neighbour of a point in `near`, or small."""
    kind = rng.random()
    points = [low, high, *(p for p in near if low <= p <= high)]
    if kind < 0.35:
        return max(low, min(high, rng.choice(points) + rng.choice((-2, -1, 0, 0, 1, 2))))
    if kind < 0.75:
        start = low if low > 0 or high <= 0 else 0
        value = start + (1 << rng.randint(0, max(1, (high - start).bit_length()))) - 1
        value += rng.randint(0, max(1, abs(value)))
        return max(low, min(high, -value if low < 0 and rng.random() < 0.5 else value))
    return rng.randint(low, high)


def brackets(rng: Random, rows: int, first: int, wild: bool) -> tuple[Bracket, ...]:
    """A table with rates that do not decrease; uppers rise; the last row has no end."""
    uppers = [first]
    while len(uppers) < rows:
        uppers.append(min(uppers[-1] * rng.randint(2, 9) + rng.randint(0, 10**18), 2**126))
    uppers = sorted(set(uppers))[:rows]
    rows = len(uppers)
    mms = sorted(rng.randint(1 if wild else 15 * WAD // 1000, WAD // 5) for _ in range(rows))
    extra = sorted(rng.randint(1, WAD // 5) for _ in range(rows))
    ims = [mm + e for mm, e in zip(mms, extra, strict=True)]
    uppers[-1] = UNBOUNDED
    return tuple(Bracket(u, i, m) for u, i, m in zip(uppers, ims, mms, strict=True))


def config(rng: Random, wild: bool = False) -> Config:
    """Parameters a listing accepts; `wild` ones keep only the ranges the libraries rely on."""
    unit = 10 ** (18 - rng.choice(DECIMALS))
    least = 1_000 * WAD if not wild else max(1, pick(rng, 1, 2**100))
    table = margin.rows(brackets(rng, rng.randint(1, 8), least * rng.randint(2, 500), wild))
    mm_1 = table[0].mm_rate
    scale = pick(rng, 10**15, 2**100) if wild else rng.randint(10**4, 10**7) * WAD
    floor = rng.randint(0, least * mm_1 // WAD // 5)
    buffer = rng.randint(0, WAD) if wild else rng.randint(WAD // 5, WAD)
    kink = rng.randint(0, WAD - 1)
    horizon = rng.randint(1, 86_400)
    z_score = rng.randint(0, 10 * WAD)
    return Config(
        token=NOBODY,
        pool=NOBODY,
        fund=NOBODY,
        order_book=NOBODY,
        oracle=NOBODY,
        treasury=NOBODY,
        unit=unit,
        max_reward=2**96,
        initial_mark=WAD,
        table=table,
        vol_factor=volatility.factor(z_score, horizon, mm_1),
        min_notional=least,
        taker_fee=rng.randint(0, WAD // (20 if wild else 1000)),
        maker_fee=rng.randint(0, WAD // (20 if wild else 1000)),
        fee_pool_share=WAD // 2,
        fee_insurance_share=WAD // 4,
        keeper_rate=rng.choice((0, 1, rng.randint(1, mm_1 // 4 + 1), rng.randint(1, mm_1 + 1)))
        if wild
        else rng.choice((0, rng.randint(1, mm_1 // 6))),
        insurance_rate=rng.randint(0, mm_1 // (1 if wild else 4)),
        reward_floor=floor,
        reward_cap=floor + pick(rng, 0, 10**7 * WAD),
        buffer=buffer,
        deep_ratio=rng.choice((0, 2 * WAD // 3, rng.randint(0, WAD))),
        margin_call_reward=floor,
        margin_call_gas=400_000,
        skew_scale=scale,
        max_impact=rng.randint(0, WAD - 1) if wild else rng.randint(0, mm_1 // 6),
        max_skew=scale,
        max_velocity=pick(rng, 1, 10**24) if wild else rng.randint(10**15, 10**20),
        max_rate=pick(rng, 0, RATE_MAX) if wild else rng.randint(10**17, 10**21),
        z_score=z_score,
        horizon_secs=horizon,
        tau_secs=rng.choice((1, 3600, rng.randint(1, 10**7))),
        sample_interval_secs=rng.choice((1, 60, rng.randint(1, 10**5))),
        mu_max=rng.choice((WAD, 3 * WAD, rng.randint(WAD, RAMP_MAX))),
        ramp_per_hour=rng.choice((0, WAD, rng.randint(0, 2 * WAD))),
        depth_kink=kink,
        depth_slope=rng.choice((0, WAD, rng.randint(0, RAMP_MAX))),
        max_open_interest=pick(rng, 0, 2**127),
        max_utilisation=pick(rng, 1, 10 * WAD, (WAD,)),
        deposit_delay_secs=600,
        redeem_delay_secs=86_400,
        pricing_wait_secs=600,
        reserve_factor=rng.randint(0, 2 * WAD),
        adl_start=85 * WAD // 100,
        adl_target=rng.randint(1, WAD),
        dead_after_secs=259_200,
        max_spread=WAD // 200,
        grace_secs=900,
        delayed_only=0,
        order_delay_secs=12,
        fill_window_secs=600,
    )


def state(rng: Random, cfg: Config, wild: bool = False) -> State:
    """Any state that fits the storage; a tame one looks like a market that trades."""
    knee = cfg.max_impact * cfg.skew_scale // WAD
    if wild:
        mark = pick(rng, MARK_MIN, MARK_MAX)
        long = pick(rng, 0, SIZE_MAX)
        index = pick(rng, -INDEX_MAX, INDEX_MAX, (mark,))
        bases = [pick(rng, -(2**127), 2**127 - 1) for _ in range(2)]
    else:
        mark = pick(rng, 10**14, 10**24)
        long = pick(rng, 0, 4 * cfg.skew_scale)
        index = rng.randint(-mark, mark)
        bases = [rng.randint(-(10**28), 10**28) for _ in range(2)]
    # the skew sits on a knot of the potential or of the velocity as often as not
    knots = (long, long - knee, long + knee, long - cfg.skew_scale, long + cfg.skew_scale)
    short = pick(rng, 0, SIZE_MAX if wild else 4 * cfg.skew_scale, knots)
    at = rng.randint(10**9, 2**33)
    return State(
        mark=mark,
        published_at=at,
        accepted_at=at,
        accrued_at=at,
        funding_index=index,
        funding_rate=pick(rng, -cfg.max_rate, cfg.max_rate),
        sampled_at=at,
        spread=pick(rng, 0, SPREAD_MAX if wild else WAD // 200),
        variance=pick(rng, 0, 2**80 - 1),
        ramp=pick(rng, 1 if wild else WAD // 2, RAMP_MAX if wild else 4 * WAD, (WAD,)),
        ln_sample=pick(rng, -(2**71), 2**71 - 1) if wild else rng.randint(-9 * WAD, 14 * WAD),
        size_long=long,
        size_short=short,
        basis_long=bases[0],
        basis_short=bases[1],
        cash=pick(rng, 0, 2**96 - 1),
        mode=rng.choice(list(Mode)) if wild else Mode.NORMAL,
    )


def abi_config(cfg: Config) -> dict[str, Any]:
    """A Config as the ABI wants it."""
    flat = [
        word
        for row in cfg.table
        for word in (row.upper, row.im_rate << 128 | row.mm_rate, row.d_im, row.d_mm)
    ]
    table = {"bracketCount": len(cfg.table), "table": flat + [0] * (32 - len(flat))}
    return {**as_abi(cfg), **table}


def abi_state(value: State) -> dict[str, Any]:
    """A State as the ABI wants it."""
    return {**as_abi(value), "configStore": NOBODY, "ticketsOpen": False}


def ask(harness: Contract, function: str, cfg: Config, *columns: Sequence[Any]) -> Any:
    """One call for all cases; columns of states are converted."""
    sent = [
        [abi_state(v) for v in column] if column and isinstance(column[0], State) else column
        for column in columns
    ]
    target = harness.__getattr__(function)
    data = target.encode(abi_config(cfg), *sent)
    return target.decode(harness._rpc.call(harness.address, data))
