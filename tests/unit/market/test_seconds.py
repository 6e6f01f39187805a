"""Time is seconds in every contract: an L2's block number may be L1's, or count what it likes."""

from __future__ import annotations

from bulkhead.chain.artifacts import Artifacts

BLOCKHASH, TIMESTAMP, NUMBER = 0x40, 0x42, 0x43


def opcodes(code: bytes) -> set[int]:
    """All opcodes of a code; what is pushed is data."""
    found, i = set(), 0
    while i < len(code):
        found.add(code[i])
        i += code[i] - 0x5E if 0x60 <= code[i] <= 0x7F else 1
    return found


def test_code__every_contract__counts_no_blocks(artifacts: Artifacts) -> None:
    found = {
        one.name: opcodes(one.link_runtime(artifacts.libraries(one.name)))
        for one in artifacts.all()
        if one.source.startswith("contracts/") and not one.source.startswith("contracts/test/")
        if one.runtime
    }
    reading = {name for name, codes in found.items() if codes & {BLOCKHASH, NUMBER}}
    assert reading == set()
    timed = {name for name, codes in found.items() if TIMESTAMP in codes}
    assert timed >= {"Trading", "Liquidating", "Settlement", "OrderBook", "Authority"}
    assert timed >= {"ChainlinkOracle", "PythOracle", "QuorumOracle", "MedianOracle"}
