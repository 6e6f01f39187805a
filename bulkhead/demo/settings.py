"""What a demo run is asked for, checked before anything starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bulkhead.chain.binaries import ROOT
from bulkhead.demo.population import MAX_POSITIONS
from bulkhead.deploy.params import DIRECT
from bulkhead.deploy.params import read as read_market
from bulkhead.deploy.schema import MarketFile
from bulkhead.errors import BadInput
from bulkhead.prices import PricePath, crash
from bulkhead.prices import read as read_prices

MARKET = ROOT / "markets" / "eth-usd.yaml"
OUT = ROOT / "out" / "demo"
POSITIONS = 200
BLOCKS = 500
SEED = 7
MIN_STEPS = 20
MAX_SEED = 2**63


@dataclass(frozen=True)
class Settings:
    """One run: the market, the prices, the crowd, and where the report goes."""

    market: MarketFile
    market_path: Path
    path: PricePath
    positions: int
    seed: int
    out: Path


def _bounded(name: str, value: int, low: int, high: int) -> int:
    if not low <= value <= high:
        raise BadInput(name, value, f"{low} to {high}")
    return value


def prices_of(
    prices: Path | None,
    blocks: int | None,
    seed: int,
    start: str | None,
    end: str | None,
    max_gap: int | None,
) -> PricePath:
    """The built-in crash, or a window of a file; `blocks` cuts it after so many prices."""
    if prices is None:
        for name, value in (("--from", start), ("--to", end), ("--max-gap", max_gap)):
            if value is not None:
                raise BadInput(name, value, "it is for price files: give --prices too")
        return crash(seed, BLOCKS if blocks is None else blocks)
    path = read_prices(prices, start, end, max_gap).thinned()
    if blocks is not None:
        path = path.first(_bounded("blocks", blocks, MIN_STEPS, len(path)))
    if len(path) < MIN_STEPS:
        raise BadInput(path.source, f"{len(path)} prices", f"at least {MIN_STEPS} are wanted")
    return path


def settings(
    *,
    prices: Path | None = None,
    start: str | None = None,
    end: str | None = None,
    max_gap: int | None = None,
    positions: int = POSITIONS,
    blocks: int | None = None,
    seed: int = SEED,
    market: Path = MARKET,
    out: Path = OUT,
) -> Settings:
    """Everything read and checked; raises `BadInput` before a chain is started."""
    _bounded("positions", positions, 1, MAX_POSITIONS)
    _bounded("seed", seed, 0, MAX_SEED)
    path = prices_of(prices, blocks, seed, start, end, max_gap)
    return Settings(read_market(market, DIRECT), market, path, positions, seed, out)
