"""The keeper's memory, in SQLite and PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import Engine

from bulkhead.errors import BadInput
from bulkhead.keeper.journal import UNDER_WAY, Entry, Journal, State
from bulkhead.keeper.store import Cursor, Row, Store, open_engine

MARKET = "31337:0x" + "aa" * 20
Database = Callable[[], Engine]


def row(id_: int, block: int = 5, size: int = -(2**127)) -> Row:
    return Row(id_, size, -(2**200), 2**127, 4, f"0x{id_:040x}", block)


def store(database: Database, depth: int = 10) -> Store:
    made = Store(database(), MARKET, depth)
    made.begin_at(Cursor(5, "0x05"), 1)
    return made


def test_apply__moves_checkpoint_and_rows_together(database: Database) -> None:
    held = store(database)
    rows = [row(id_) for id_ in range(1, 1_203)]
    assert held.apply(Cursor(5, "0x05"), Cursor(6, "0x06"), rows, [(6, 1), (6, 2), (6, 1)])
    assert list(held.rows()) == rows  # exact, whatever the size of the numbers
    assert held.cursor() == Cursor(6, "0x06")
    assert held.touched_after(5) == {1, 2}
    assert held.known_blocks() == [(6, "0x06"), (5, "0x05")]
    assert held.ids_of_vaults([row(7).vault, "0xnobody"]) == {row(7).vault: 7}
    assert held.count() == 1_202


def test_apply__checkpoint_moved_by_somebody_else__changes_nothing(database: Database) -> None:
    one, other = store(database), Store(database(), MARKET, 10)
    assert one.apply(Cursor(5, "0x05"), Cursor(6, "0x06"), [row(1)], [(6, 1)])
    assert not other.apply(Cursor(5, "0x05"), Cursor(7, "0x07"), [row(2)], [(7, 2)])
    assert [found.id for found in other.rows()] == [1]
    assert other.touched_after(0) == {1}
    assert other.cursor() == Cursor(6, "0x06")


def test_apply__rewind__forgets_the_undone_blocks_and_the_gone(database: Database) -> None:
    held = store(database)
    at = Cursor(5, "0x05")
    for number in (6, 7, 8):
        after = Cursor(number, f"0x0{number}")
        assert held.apply(at, after, [row(number, number)], [(number, number)])
        at = after
    back = Cursor(7, "0x77", rewinds=1)
    assert held.apply(at, back, [row(6, 7)], [(7, 6)], gone=[7, 8], fork=6)
    assert held.known_blocks() == [(7, "0x77"), (6, "0x06"), (5, "0x05")]
    assert [(found.id, found.block) for found in held.rows()] == [(6, 7)]
    assert held.touched_after(0) == {6}


def test_apply__old_blocks__are_forgotten(database: Database) -> None:
    held = store(database, depth=3)
    at = Cursor(5, "0x05")
    for number in range(6, 20):
        after = Cursor(number, f"0x{number:02}")
        held.apply(at, after, [], [(number, number)])
        at = after
    assert [number for number, _ in held.known_blocks()] == [19, 18, 17, 16]
    assert held.touched_after(0) == {16, 17, 18, 19}


def test_rows__since__only_what_changed(database: Database) -> None:
    held = store(database)
    held.apply(Cursor(5, "0x05"), Cursor(9, "0x09"), [row(1, 9)], [])
    held.fill([row(2, 5)])
    assert [found.id for found in held.rows(since=5)] == [1]


def test_snapshot__until_its_end__leaves_what_was_there(database: Database) -> None:
    """Pages overwrite; only the end forgets what is no more, and the blocks before it."""
    held = store(database)
    held.apply(Cursor(5, "0x05"), Cursor(6, "0x06"), [row(1), row(2), row(3)], [(6, 3)])
    held.fill([row(1, 9), row(2, 9)])
    assert held.cursor() == Cursor(6, "0x06")
    assert [found.id for found in held.rows()] == [1, 2, 3]
    held.begin_at(Cursor(9, "0x09", 77), 3)
    assert held.cursor() == Cursor(9, "0x09", 77)
    assert [(found.id, found.block) for found in held.rows()] == [(1, 9), (2, 9)]
    assert held.known_blocks() == [(9, "0x09")]
    assert held.touched_after(0) == set()


def test_markets__do_not_see_each_other(database: Database) -> None:
    held = store(database)
    other = Store(held.engine, "1:0x" + "bb" * 20, 10)
    held.fill([row(1)])
    assert other.cursor() is None
    assert list(other.rows()) == []
    other.begin_at(Cursor(9, "0x09"), 1)
    assert [found.id for found in held.rows()] == [1]
    assert held.cursor() == Cursor(5, "0x05")


def test_claim__one_keeper_at_a_time__until_released_or_expired(database: Database) -> None:
    held = store(database)
    assert held.claim([1, 2], "first", 60) == {1, 2}
    assert held.claim([2, 3], "second", 60) == {3}
    assert held.claim([1], "first", 60) == {1}
    assert held.claimed_by_others("second") == {1, 2}
    held.release([1, 3], "first")
    assert held.claim([1, 3], "second", -1) == {1, 3}
    assert held.claim([1, 3], "first", 60) == {1, 3}  # the second's had run out


def test_claim__many_at_once__each_position_has_one_winner(database: Database) -> None:
    engines = [database() for _ in range(4)]
    won: dict[int, set[int]] = {}

    def work(place: int) -> None:
        won[place] = Store(engines[place], MARKET).claim(range(60), f"keeper {place}", 60)

    threads = [Thread(target=work, args=(place,)) for place in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(id_ for ids in won.values() for id_ in ids) == list(range(60))


def entry(nonce: int, hash_: str, **more: object) -> Entry:
    made = Entry(
        hash_, nonce, "0xmarket", "liquidate", (1, 2), "0x" + "11" * 20, "ab", "0x02",
        10**6, 2**100, 1, 10**20, 5, State.SIGNED, float(nonce), 7,
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


def test_journal__keeps_every_bid_and_what_became_of_it(database: Database) -> None:
    held = Journal(database(), "1:0xkeeper")
    first, second = entry(3, "0xa"), entry(3, "0xb", sent_at=4.0)
    for one in (first, second, entry(4, "0xc", sent_at=9.0)):
        held.write(one)
    held.set(first, state=State.SENT)
    assert [one.hash for one in held.find(*UNDER_WAY)] == ["0xa", "0xb", "0xc"]
    held.mined(first, [first, second], block=9, block_hash="0x9", cost=2**90, reward=11)
    assert [one.hash for one in held.find(*UNDER_WAY)] == ["0xc"]
    assert {one.hash: one.state for one in held.of_nonce(3)} == {
        "0xa": State.MINED,
        "0xb": State.REPLACED,
    }
    assert (held.spent(0.0), held.spent(4.0)) == (2**90, 0)
    assert held.races(10) == (1, 1)
    assert Journal(held.engine, "1:0xother").find(*State) == []


@pytest.mark.parametrize(
    "url", ["mysql://somewhere/x", "nonsense", "sqlite:////no/such/folder/keeper.db"]
)
def test_open__what_can_not_be_used__is_bad_input(url: str) -> None:
    with pytest.raises(BadInput, match="database"):
        open_engine(url)


def test_open__password__is_not_shown() -> None:
    with pytest.raises(BadInput) as caught:
        open_engine("postgresql+psycopg://me:secret@127.0.0.1:1/none")
    assert "secret" not in str(caught.value)


def test_sqlite__is_a_file_that_survives(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'keeper.db'}"
    made = Store(open_engine(url), MARKET)
    made.fill([row(1)])
    made.begin_at(Cursor(5, "0x05"), 2)
    made.engine.dispose()
    assert list(Store(open_engine(url), MARKET).rows()) == [row(1)]
