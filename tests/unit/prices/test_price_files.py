"""Price files: what is read, and what is refused with the line that is wrong."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from bulkhead.errors import BadInput, BadInputs
from bulkhead.prices import moment, read
from bulkhead.prices.path import PricePath

CANDLES = "unix_seconds,open,high,low,close,volume\n"
TICKS = "unix_seconds,price\n"


def write(folder: Path, text: str, name: str = "prices.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def candles(*closes: str, start: int = 1_000_000, step: int = 60) -> str:
    rows = [f"{start + step * i},{c},{c},{c},{c},1\n" for i, c in enumerate(closes)]
    return CANDLES + "".join(rows)


def test_read__candles__gives_the_close_exactly(tmp_path: Path) -> None:
    text = CANDLES + "60,1.5,3,1,2.12345678,9\n120,2,2.5,1.75,2,0\n"
    path = read(write(tmp_path, text))
    assert path.times == (60, 120)
    assert path.answers == (212_345_678, 200_000_000)
    assert path.wad(0) == 2_123_456_780_000_000_000


def test_read__ticks_gzipped__are_read(tmp_path: Path) -> None:
    file = tmp_path / "ticks.csv.gz"
    file.write_bytes(gzip.compress((TICKS + "1,2500\n61,2501.01\n").encode()))
    assert read(file).answers == (250_000_000_000, 250_101_000_000)


@pytest.mark.parametrize(
    ("row", "value", "limit"),
    [
        ("120,abc", "price 'abc'", "a plain number"),
        ("120,nan", "price 'nan'", "a plain number"),
        ("120,inf", "price 'inf'", "a plain number"),
        ("120,", "price ''", "a plain number"),
        ("120,0", "price 0", "at least 0.00000001"),
        ("120,-5", "price -5", "at least 0.00000001"),
        ("120,1e11", "price 1e11", "at most 1e10"),
        ("120,25000", "price 25000", "within 5 times the price before it, 2500"),
        ("120", "1 columns", "2 are wanted"),
        ("120,1,2", "3 columns", "2 are wanted"),
        ("12.5,2500", "unix_seconds '12.5'", "whole seconds"),
        ("9999999999999999,2500", "unix_seconds '9999999999999999'", "whole seconds"),
        ("60,2500", "unix_seconds 60", "after 60"),
        ("59,2500", "unix_seconds 59", "after 60"),
        ("", "an empty line", "a row is wanted"),
    ],
)
def test_read__garbage__is_refused_with_its_line(
    tmp_path: Path, row: str, value: str, limit: str
) -> None:
    with pytest.raises(BadInputs) as caught:
        read(write(tmp_path, f"{TICKS}60,2500\n{row}\n200,2500\n"))
    problem = caught.value.problems[0]
    assert (problem.what, problem.value) == ("line 3", value)
    assert limit in problem.limit


@pytest.mark.parametrize("row", ["2,1,1.5,2,5", "2,3,2.5,2,5", "1,3,2,2,5", "2,3,2,4,5"])
def test_read__candle_that_contradicts_itself__is_refused(tmp_path: Path, row: str) -> None:
    with pytest.raises(BadInputs, match=r"line 3: .*low <= open, close <= high"):
        read(write(tmp_path, f"{CANDLES}60,2,2,2,2,1\n120,{row}\n"))


def test_read__many_problems__names_twenty_and_counts_all(tmp_path: Path) -> None:
    text = TICKS + "1,2500\n" + "x,1\n" * 50
    with pytest.raises(BadInputs) as caught:
        read(write(tmp_path, text))
    assert caught.value.total == 50
    assert [p.what for p in caught.value.problems] == [f"line {n}" for n in range(3, 23)]
    assert "and 30 more" in str(caught.value)


@pytest.mark.parametrize("header", ["", "time,price\n", "unix_seconds,close\n", "1,2500\n"])
def test_read__unknown_header__is_refused(tmp_path: Path, header: str) -> None:
    with pytest.raises(BadInput, match=r"line 1: .*unix_seconds,price is wanted"):
        read(write(tmp_path, header + "1,2500\n2,2500\n"))


def test_read__gap__is_refused_inside_the_window_only(tmp_path: Path) -> None:
    rows = [*range(0, 3_000, 60), *range(10_000, 13_000, 60)]
    file = write(tmp_path, TICKS + "".join(f"{t},2500\n" for t in rows))
    with pytest.raises(BadInputs, match=r"line 52: a gap of 7060 s .*at most 300 s"):
        read(file)
    assert len(read(file, start="10000")) == 50
    assert len(read(file, max_gap=7_060)) == 100
    with pytest.raises(BadInputs, match="at most 7059 s"):
        read(file, max_gap=7_059)


def test_read__window__is_half_open(tmp_path: Path) -> None:
    file = write(tmp_path, candles(*["2500"] * 10))
    path = read(file, start="1000060", end="1000240")
    assert path.times == (1_000_060, 1_000_120, 1_000_180)


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        ("999999", None, "FROM: .* is in the file"),
        ("1000541", None, "FROM: .* is in the file"),
        (None, "1000601", "TO: .*where the file ends"),
        ("1000300", "1000300", "FROM: .*before TO"),
        ("1000301", "1000359", "0 rows"),
        ("yesterday", None, "FROM: 'yesterday'"),
        (None, "2021-13-01", "TO: '2021-13-01'"),
    ],
)
def test_read__window_outside_the_file__is_refused(
    tmp_path: Path, start: str | None, end: str | None, message: str
) -> None:
    file = write(tmp_path, candles(*["2500"] * 10))
    with pytest.raises(BadInput, match=message):
        read(file, start=start, end=end)


def test_read__missing_or_broken_file__is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no such file"):
        read(tmp_path / "none.csv")
    with pytest.raises(BadInput, match="can't be read"):
        read(write(tmp_path, "no gzip", "broken.csv.gz"))
    whole = gzip.compress(candles(*["2500"] * 500).encode())
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInput, match="can't be read"):
        read(cut)
    with pytest.raises(BadInput, match="1 rows"):
        read(write(tmp_path, candles("2500")))
    with pytest.raises(BadInput, match="at least 1 second"):
        read(write(tmp_path, candles("1", "1")), max_gap=0)


def test_moment__forms__mean_utc() -> None:
    assert moment("2021-05-19", "FROM") == 1_621_382_400
    assert moment("2021-05-19T12:30", "FROM") == 1_621_427_400
    assert moment("2021-05-19T14:30+02:00", "FROM") == 1_621_427_400
    assert moment(" 17 ", "FROM") == 17


def test_thinned__prices_within_a_block__keep_the_last() -> None:
    path = PricePath("x", (0, 5, 11, 12, 40), (1, 2, 3, 4, 5)).thinned(12)
    assert (path.times, path.answers) == ((0, 12, 40), (3, 4, 5))
