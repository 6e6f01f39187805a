"""Models fitted to a history: plain moments and counts, nothing iterative, the same every time."""

from __future__ import annotations

import numpy as np

from bulkhead.errors import BadInput
from bulkhead.prices.models import YEAR, Floats, Gbm, Merton, Regimes
from bulkhead.prices.path import PricePath

FEWEST = 200  # returns
JUMP = 6.0  # a return beyond so many local standard deviations is a jump
LOCAL_SECS = 3_600  # what "local" means: the mean life of the average of squares
CALM, WILD = 0.60, 0.95  # quantiles of local volatility where the regimes part
MAD_TO_SIGMA = 1.4826


def returns_of(history: PricePath) -> tuple[Floats, int]:
    """Logarithmic returns over the usual step, and the step; those over a gap are left out."""
    gaps = np.diff(history.times)
    step = int(np.median(gaps))
    logs = np.diff(np.log(np.array(history.answers, dtype=np.float64)))
    usual: Floats = logs[gaps == step]
    if len(usual) < FEWEST:
        limit = f"at least {FEWEST} of the same step are wanted"
        raise BadInput(history.source, f"{len(usual)} returns over {step} s", limit)
    if float(usual.std()) == 0.0:
        raise BadInput(history.source, "a price that never moves", "nothing can be fitted to it")
    return usual, step


def local_sigma(returns: Floats, step: int, mean_life: float = LOCAL_SECS) -> Floats:
    """Volatility per year before each return: an exponential average of the squares."""
    decay = float(np.exp(-step / mean_life))
    average, found = float(np.mean(returns**2)), np.empty(len(returns))
    for place, square in enumerate(returns**2):
        found[place] = average
        average = average * decay + (1 - decay) * float(square)
    result: Floats = np.sqrt(found * YEAR / step)
    return result


def gbm(history: PricePath) -> Gbm:
    """Standard deviation of the returns. The drift stays 0: no history tells the next one's."""
    returns, step = returns_of(history)
    return Gbm(sigma=float(returns.std() * np.sqrt(YEAR / step)))


def merton(history: PricePath) -> Merton:
    """Returns beyond `JUMP` local deviations are jumps, the rest is the diffusion."""
    returns, step = returns_of(history)
    scale = local_sigma(returns, step) * np.sqrt(step / YEAR)
    robust = MAD_TO_SIGMA * float(np.median(np.abs(returns)))
    far = np.abs(returns) > JUMP * np.maximum(scale, robust)
    calm, hits = returns[~far], returns[far]
    years = len(returns) * step / YEAR
    return Merton(
        sigma=float(calm.std() * np.sqrt(YEAR / step)),
        jumps_per_year=len(hits) / years,
        jump_mean=float(hits.mean()) if len(hits) else 0.0,
        jump_sigma=float(hits.std()) if len(hits) else 0.0,
    )


def regimes(history: PricePath) -> Regimes:
    """Calm, usual and wild by local volatility; how often one followed another."""
    returns, step = returns_of(history)
    local = local_sigma(returns, step)
    state = np.digitize(local, np.quantile(local, (CALM, WILD)))
    sigmas = tuple(float(returns[state == one].std() * np.sqrt(YEAR / step)) for one in range(3))
    moves = np.zeros((3, 3))
    np.add.at(moves, (state[:-1], state[1:]), 1.0)
    rows = moves / moves.sum(axis=1, keepdims=True)
    return Regimes(sigmas, tuple(tuple(float(x) for x in row) for row in rows), step)
