"""The built-in path: reproducible, and a crash whatever its length."""

from __future__ import annotations

import pytest

from bulkhead.errors import BadInput
from bulkhead.prices import crash


def test_crash__same_seed__gives_the_same_path() -> None:
    assert crash(7, 500) == crash(7, 500)
    assert crash(7, 500).answers != crash(8, 500).answers


@pytest.mark.parametrize("blocks", [20, 30, 101, 500, 2_000])
@pytest.mark.parametrize("seed", range(5))
def test_crash__any_length__falls_and_recovers(blocks: int, seed: int) -> None:
    path = crash(seed, blocks)
    assert len(path) == blocks
    lowest = min(path.answers)
    assert path.answers[0] == 2_500 * 10**8
    assert lowest < 0.78 * path.answers[0]  # about a third is lost
    assert path.answers.index(lowest) > blocks // 3
    assert path.answers[-1] > lowest * 1.02
    assert all(answer % 10**6 == 0 for answer in path.answers)  # cents


@pytest.mark.parametrize("blocks", [19, 100_001])
def test_crash__too_short_or_long__is_refused(blocks: int) -> None:
    with pytest.raises(BadInput, match=f"{blocks} is refused; 20 to 100000"):
        crash(1, blocks)
