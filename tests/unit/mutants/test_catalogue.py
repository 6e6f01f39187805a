"""The mutants by hand: each is still there to be made, and says what it breaks."""

from __future__ import annotations

from pathlib import Path

import pytest

from bulkhead.errors import BadInput
from bulkhead.fuzz.laws.catalogue import LAWS
from bulkhead.mutants.build import compile_all, units
from bulkhead.mutants.mutant import Mutant, catalogue, load
from bulkhead.mutants.weave import place_all, weave

AREAS = {
    *("access", "accounting", "deleveraging", "funding", "liquidation", "margin", "oracle"),
    *(
        "factory",
        "feed",
        "orders",
        "pool",
        "rounding",
        "settlement",
        "vault",
        "waterfall",
        "neutral",
    ),
}


def test_every_mutant_applies_once_to_a_whole_piece_of_code() -> None:
    trees = units(catalogue())
    placed = place_all(trees, catalogue())
    for name, mutants in placed.items():
        woven = weave(trees[name], mutants)
        assert all(woven.count(f"== {each.mutant.switch}") == 1 for each in mutants)


def test_there_are_enough_of_each_kind() -> None:
    assert {mutant.area for mutant in catalogue()} == AREAS
    assert sum(mutant.semantic for mutant in catalogue()) >= 60
    assert sum(mutant.neutral for mutant in catalogue()) >= 10


def test_each_says_what_it_breaks_and_which_law_should_notice() -> None:
    for mutant in catalogue():
        assert mutant.breaks, mutant.id
        assert mutant.find != mutant.replace, mutant.id
        if mutant.neutral:
            assert not mutant.law, mutant.id
            assert not mutant.equivalent, mutant.id
        else:
            assert bool(mutant.equivalent) != (mutant.law in LAWS), mutant.id


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ('[[mutant]]\nid = "A"\ncolour = "red"\n', "known fields only"),
        (
            '[[mutant]]\nid="A"\nfile="f"\nfind="a"\nreplace="b"\nbreaks="c"\n' * 2,
            "an id that no other has",
        ),
    ],
)
def test_a_wrong_catalogue_is_refused(tmp_path, rows: str, said: str) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "area.toml").write_text(rows)
    with pytest.raises(BadInput, match=said):
        load(tmp_path)


def test_a_mutant_that_no_woven_contract_contains_is_refused(tmp_path: Path) -> None:
    """Linked, it would be the project's own code, and would survive."""
    lens = Mutant("LEN-1", "lens", "contracts/periphery/OrderLens.sol", "margin == 0", "true", "-")
    with pytest.raises(BadInput, match=r"LEN-1.*OrderLens.*a file of Market, "):
        compile_all([lens], tmp_path)
    assert not any(tmp_path.iterdir())
