"""Price models: reproducible, with the moments they were asked for, and fitted back from paths."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkhead.errors import BadInput
from bulkhead.prices import PricePath, fit
from bulkhead.prices.models import Bootstrap, Gbm, Merton, Model, Regimes, path

HISTORY = path(Gbm(0.9), np.random.default_rng(5), start=2_000, time=0, steps=4_000, step=60)
SWITCH = Regimes((0.4, 3.0), ((0.99, 0.01), (0.05, 0.95)), 60)
MODELS: list[Model] = [
    Gbm(0.8),
    Merton(0.8, 500, -0.02, 0.01),
    SWITCH,
    Bootstrap(HISTORY, 30),
]


def drawn(model: Model, seed: int, steps: int = 1_000, step: int = 60) -> PricePath:
    return path(
        model, np.random.default_rng(seed), start=2_000.0, time=1_000, steps=steps, step=step
    )


def logs(of: PricePath) -> np.ndarray:
    return np.diff(np.log(np.array(of.answers, dtype=float)))


@pytest.mark.parametrize("model", MODELS, ids=lambda one: type(one).__name__)
def test_path__same_generator__gives_the_same_prices(model: Model) -> None:
    assert drawn(model, 1) == drawn(model, 1)
    assert drawn(model, 1).answers != drawn(model, 2).answers


@pytest.mark.parametrize("model", MODELS, ids=lambda one: type(one).__name__)
@given(seed=st.integers(0, 2**32), steps=st.integers(2, 200))
def test_path__any_length__is_a_valid_path(model: Model, seed: int, steps: int) -> None:
    found = drawn(model, seed, steps)
    assert len(found) == steps
    assert found.answers[0] == 2_000 * 10**8
    assert all(b - a == 60 for a, b in pairwise(found.times))


def test_gbm__many_steps__has_its_volatility() -> None:
    found = fit.gbm(drawn(Gbm(0.8), 3, 20_000))
    assert found.sigma == pytest.approx(0.8, rel=0.02)


def test_gbm__drift__moves_the_logarithm() -> None:
    found = drawn(Gbm(0.01, drift=50.0), 3, 20_000)
    expected = 50.0 * found.duration / 31_536_000
    assert float(logs(found).sum()) == pytest.approx(expected, rel=0.01)


def test_merton__fitted_back__finds_its_jumps() -> None:
    model = Merton(0.6, 1_000, -0.03, 0.005)
    found = fit.merton(drawn(model, 4, 60_000))
    assert found.sigma == pytest.approx(0.6, rel=0.03)
    assert found.jumps_per_year == pytest.approx(1_000, rel=0.25)
    assert found.jump_mean == pytest.approx(-0.03, rel=0.1)


def test_regimes__long_path__spends_its_time_as_the_chain_does() -> None:
    assert SWITCH.stationary()[1] == pytest.approx(1 / 6, abs=1e-9)
    expected = (0.4**2 * 5 / 6 + 3.0**2 / 6) ** 0.5
    assert fit.gbm(drawn(SWITCH, 6, 60_000)).sigma == pytest.approx(expected, rel=0.1)


def test_regimes__fitted_back__order_their_volatilities() -> None:
    slow = Regimes((0.4, 3.0), ((0.9995, 0.0005), (0.0025, 0.9975)), 60)
    found = fit.regimes(drawn(slow, 6, 60_000))
    assert found.sigmas[0] < found.sigmas[1] < found.sigmas[2]
    assert [sum(row) for row in found.moves] == pytest.approx([1.0] * 3)
    assert found.sigmas[2] > 2 > 0.6 > found.sigmas[0]


def test_bootstrap__every_stretch__is_one_of_the_history() -> None:
    known = np.round(logs(HISTORY), 7)
    first = np.round(logs(drawn(Bootstrap(HISTORY, 10), 8, 11)), 7)
    windows = np.lib.stride_tricks.sliding_window_view(known, 10)
    # Prices are rounded to the cent, so the returns differ by as much.
    assert np.min(np.max(np.abs(windows - first), axis=1)) < 2e-5


def test_bootstrap__a_gap_in_the_history__is_in_no_path() -> None:
    """The return over the gap, a doubling, is never drawn; each other one may be."""
    prices = [*range(1_000, 1_050), *range(2_100, 2_150)]
    times = [*range(0, 3_000, 60), *range(9_000, 12_000, 60)]
    holed = PricePath("holed", tuple(times), tuple(one * 10**8 for one in prices))
    found = drawn(Bootstrap(holed, 10), 3, 2_000)
    assert logs(found).max() < 0.0011
    starts = Bootstrap(holed, 10)._starts()
    assert starts.tolist() == [*range(40), *range(50, 90)]
    with pytest.raises(BadInput, match="no stretch of 50 returns"):
        Bootstrap(holed, 50)


@pytest.mark.parametrize("block", [0, 4_000])
def test_bootstrap__impossible_block__is_refused(block: int) -> None:
    with pytest.raises(BadInput, match=f"{block} is refused; 1 to 3999"):
        Bootstrap(HISTORY, block)


def test_bootstrap__another_step__is_refused() -> None:
    with pytest.raises(BadInput, match="60 s, as the history has it"):
        drawn(Bootstrap(HISTORY, 10), 1, step=30)


@pytest.mark.parametrize(("steps", "step"), [(1, 60), (2_000_000, 60), (10, 0)])
def test_path__impossible_shape__is_refused(steps: int, step: int) -> None:
    with pytest.raises(BadInput):
        drawn(Gbm(0.5), 1, steps, step)


def test_fit__too_little_or_no_movement__is_refused() -> None:
    with pytest.raises(BadInput, match="at least 200"):
        fit.gbm(HISTORY.first(100))
    flat = PricePath("flat", tuple(range(0, 30_000, 60)), (10**11,) * 500)
    with pytest.raises(BadInput, match="never moves"):
        fit.merton(flat)
