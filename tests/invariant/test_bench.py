"""The bench counts what workers do, and what processes do that have nothing in common."""

from __future__ import annotations

from bulkhead.fuzz import bench

SECONDS = 1.0


def test_workers_and_processes_apart_play_and_are_counted() -> None:
    for played in (bench.many, bench.apart):
        steps, used = played(2, SECONDS, 1)
        assert steps > 0
        assert 0 < used < 20 * SECONDS


def test_the_page_says_what_the_machine_gives() -> None:
    found = {
        **{f"{name}_calls_per_cpu_s": 1_000.0 for name in ("forge", "revm", "revm_same_laws")},
        "anvil_sim_calls_per_cpu_s": 900.0,
        "anvil_tx_per_cpu_s": 700,
        "anvil_tx_per_s": 600,
        "two_workers_ratio": 1.71,
        "two_workers_clock_ratio": 1.72,
        "two_processes_ratio": 1.73,
        "two_processes_clock_ratio": 1.74,
        "of_forge": {"revm": 2, "revm_same_laws": 2.1, "anvil_sim": 1.3},
        "rss_mb": [90.1, 90.2],
        "load": 0.1,
        "cores": 2,
    }
    page = "before\n<!-- bench-fuzz -->\nold\n<!-- end -->\nafter\n"
    text = bench.filled(page, found)
    assert "old" not in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    for said in ("1.71", "1.72", "1.73 and 1.74", "90.1 MB", "| 1.3 |", "600 by the clock"):
        assert said in text, said
    # Trials are in neither, so not all laws.
    for line in text.splitlines():
        if "eth_simulateV1" in line:
            assert "all laws" not in line
        if line.startswith("Mined"):
            assert "all laws but those of trials" in line


def test_memory_is_looked_at_six_times() -> None:
    held = bench.memory(2 * SECONDS, 1)
    assert len(held) == 6
    assert all(20 < each < 2_000 for each in held), held
