"""A Context is laid out by hand: it is what Solidity lays out, whatever lay in memory before."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulkhead.chain.artifacts import Artifacts
from bulkhead.chain.binaries import ROOT
from bulkhead.chain.contract import Contract, deploy
from bulkhead.chain.rpc import Rpc

LEDGER = (ROOT / "contracts/libraries/Ledger.sol").read_text()
TYPES = (ROOT / "interfaces/Types.sol").read_text()
TABLE_WORDS = 32  # the one member that is not one word


@pytest.fixture(scope="module")
def harness(rpc: Rpc, artifacts: Artifacts, accounts: list[str]) -> Contract:
    return deploy(rpc, "ContextHarness", sender=accounts[0])


def members(text: str, struct: str) -> list[str]:
    found = re.search(rf"struct {struct} \{{(.*?)\n\}}", text, re.S)
    assert found is not None, f"no struct {struct}"
    return re.findall(r"^    ([\w\[\]]+) \w+;", found[1], re.M)


@pytest.mark.parametrize(
    ("constant", "text", "struct"),
    [
        ("CONTEXT_BYTES", LEDGER, "Context"),
        ("STATE_BYTES", TYPES, "State"),
        ("CONFIG_BYTES", TYPES, "Config"),
        ("POSITION_BYTES", TYPES, "Position"),
        ("UNDO_BYTES", LEDGER, "Undo"),
    ],
)
def test_blank__each_part__has_the_words_of_its_struct(
    constant: str, text: str, struct: str
) -> None:
    found = re.search(rf"constant {constant} = (\d+);", LEDGER)
    assert found is not None
    assert int(found[1]) == 32 * len(members(text, struct))


def test_blank__order_of_parts__is_that_of_the_structs() -> None:
    context, config = members(LEDGER, "Context"), members(TYPES, "Config")
    assert [*context[:3], context[-1]] == ["State", "Config", "Position", "Undo"]
    assert config[-1] == f"uint256[{TABLE_WORDS}]"
    assert f"TABLE_BYTES = {32 * TABLE_WORDS};" in LEDGER


def test_blank__memory_full_of_rubbish__is_solidity_s_own(harness: Contract) -> None:
    solidity, hand, solidity_gas, hand_gas = harness.empty()
    parts = (
        *members(LEDGER, "Context"),
        *members(TYPES, "State"),
        *members(TYPES, "Config"),
        *members(TYPES, "Position"),
        *members(LEDGER, "Undo"),
    )
    words = len(parts) - 5 + TABLE_WORDS  # four structs and the table are pointers
    assert hand == solidity == bytes(32 * words)
    assert hand_gas < solidity_gas - 1_000


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**64), counters=st.booleans())
def test_blank__loaded_over_rubbish__is_as_loaded_into_solidity_s_own(
    harness: Contract, seed: int, counters: bool
) -> None:
    harness.fill(seed)
    solidity, hand = harness.loaded(counters)
    assert hand == solidity
    assert hand.count(bytes(32)) < len(hand) // 64  # most words are not 0
