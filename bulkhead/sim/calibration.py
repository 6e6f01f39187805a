"""Numbers fitted to data: how the feed behaves, what gas costs, how prices move.

`bulkhead calibrate` makes them; `calibrated.json` beside this file holds the default ones, with the
command and the hashes of the files they were made from.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from bulkhead.errors import BadInput
from bulkhead.prices import fit
from bulkhead.prices.models import Floats, Gbm, Merton, Regimes
from bulkhead.prices.path import PricePath
from bulkhead.sim.columns import Source, read_columns, source
from bulkhead.sim.gas import GasTerms
from bulkhead.sim.oracle import OracleTerms

NAME = "calibrated.json"
TOLERANCE = 300  # seconds around the heartbeat that are its own scatter
BIN = 0.00025  # width of the bins in which the deviation threshold is looked for
FEWEST_ROUNDS = 100
FEWEST_GAS = 50
BLOCK = 12
WEI_PER_GWEI = 1e9
GAS_COLUMN = "gas_price_p60_wei"


@dataclass(frozen=True)
class Calibration:
    """Everything fitted, and from what."""

    oracle: OracleTerms
    gas: GasTerms
    gbm: Gbm
    merton: Merton
    regimes: Regimes
    sources: tuple[Source, ...]
    command: str

    def record(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def feed_terms(path: Path) -> tuple[OracleTerms, Source]:
    """Heartbeat: the commonest gap. Threshold: the commonest move of the rounds off the heartbeat.

    Latency: a gap at the heartbeat is off by the difference of two latencies; the positive half of
    the difference of two exponentials has the mean of one. What every round has alike can't be
    seen in the rounds: `OracleTerms.latency` adds one block.
    """
    columns = read_columns(path, ("unix_seconds", "answer"))
    times = np.array([int(value) for value in columns["unix_seconds"]], dtype=np.int64)
    answers = np.array([float(value) for value in columns["answer"]])
    last = np.append(np.diff(times) > 0, True)  # of rounds in one second the last one counts
    times, answers = times[last], answers[last]
    if len(times) < FEWEST_ROUNDS:
        raise BadInput(str(path), f"{len(times)} rounds", f"at least {FEWEST_ROUNDS} are wanted")
    gaps = np.diff(times)
    moves = np.abs(np.diff(answers) / answers[:-1])
    kinds, counts = np.unique(gaps, return_counts=True)
    heartbeat = int(kinds[np.argmax(counts)])
    off = moves[gaps < heartbeat - TOLERANCE]
    if len(off) == 0:
        raise BadInput(str(path), f"every gap is about {heartbeat} s", "no threshold shows in it")
    bins, edges = np.histogram(off, bins=np.arange(BIN, max(float(off.max()), BIN) + 2 * BIN, BIN))
    late = gaps[(gaps >= heartbeat) & (gaps <= heartbeat + TOLERANCE)] - heartbeat
    terms = OracleTerms(
        heartbeat=heartbeat,
        deviation=round(float(edges[np.argmax(bins)]), 6),
        latency_mean=round(float(late.mean()), 2),
        block=BLOCK,
    )
    return terms, source(path, len(columns["unix_seconds"]))


def gas_terms(gas: Path, prices: Path) -> tuple[GasTerms, tuple[Source, Source]]:
    """A line through ln(gwei) over local volatility, and what it leaves."""
    columns = read_columns(gas, ("unix_seconds", GAS_COLUMN))
    quotes = read_columns(prices, ("unix_seconds", "close"))
    if columns["unix_seconds"] != quotes["unix_seconds"]:
        raise BadInput(str(gas), "other moments", f"the same as {prices.name} are wanted")
    if len(columns["unix_seconds"]) < FEWEST_GAS:
        raise BadInput(str(gas), f"{len(columns['unix_seconds'])} rows", f"at least {FEWEST_GAS}")
    step = int(columns["unix_seconds"][1] - columns["unix_seconds"][0])
    gwei = np.array([float(value) for value in columns[GAS_COLUMN][1:]]) / WEI_PER_GWEI
    returns = np.diff(np.log(np.array([float(value) for value in quotes["close"]])))
    terms = _line(np.log(gwei), fit.local_sigma(returns, step), step, float(gwei.max()))
    rows = len(columns["unix_seconds"])
    return terms, (source(gas, rows), source(prices, rows))


def _line(logs: Floats, sigma: Floats, step: int, most: float) -> GasTerms:
    design = np.column_stack((np.ones_like(sigma), sigma))
    (base, slope), *_ = np.linalg.lstsq(design, logs, rcond=None)
    rest = logs - design @ np.array([base, slope])
    kept = max(0.0, float(np.corrcoef(rest[1:], rest[:-1])[0, 1]))
    return GasTerms(
        base=round(float(base), 4),
        slope=round(float(slope), 4),
        noise=round(float(rest.std()), 4),
        memory=round(kept ** (3_600 / step), 4),
        most=round(most, 1),
    )


def calibrate(
    *, history: PricePath, history_file: Path, rounds: Path, gas: Path, gas_prices: Path
) -> Calibration:
    """Everything from four files. The command names files, not folders: those are the caller's."""
    oracle, of_rounds = feed_terms(rounds)
    costs, of_gas = gas_terms(gas, gas_prices)
    return Calibration(
        oracle=oracle,
        gas=costs,
        gbm=fit.gbm(history),
        merton=fit.merton(history),
        regimes=fit.regimes(history),
        sources=(source(history_file, len(history)), of_rounds, *of_gas),
        command=(
            f"bulkhead calibrate --prices {history_file.name} --rounds {rounds.name} "
            f"--gas {gas.name} --gas-prices {gas_prices.name}"
        ),
    )


def default() -> Calibration:
    """The numbers that the repository holds."""
    return parse(json.loads(resources.files("bulkhead.sim").joinpath(NAME).read_text("utf-8")))


def load(path: Path) -> Calibration:
    """Numbers that `bulkhead calibrate --out` wrote."""
    try:
        return parse(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise BadInput("calibration", path, "there is no such file") from None
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise BadInput("calibration", path, f"it can't be used: {problem}") from None


def parse(record: dict[str, Any]) -> Calibration:
    """The other way round."""
    regimes = record["regimes"]
    return Calibration(
        oracle=OracleTerms(**{**record["oracle"], "outages": ()}),
        gas=GasTerms(**record["gas"]),
        gbm=Gbm(**record["gbm"]),
        merton=Merton(**record["merton"]),
        regimes=Regimes(
            tuple(regimes["sigmas"]),
            tuple(tuple(row) for row in regimes["moves"]),
            regimes["step_secs"],
        ),
        sources=tuple(Source(**one) for one in record["sources"]),
        command=record["command"],
    )
