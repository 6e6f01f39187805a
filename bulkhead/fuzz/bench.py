"""How fast the fuzzer is beside forge's, in one run: `make bench-fuzz`, `out/bench/fuzz.json`.

All on one core and in seconds of the processor, so that other work on the machine changes little; a
round measures each once, in turn, and the figures are the rounds' medians, those of forge's too:
what is measured within seconds has had the same machine. A call is one action of somebody with the
laws after it: what forge counts too. Setting up is outside the clock (forge's by
the difference of a long and a short run). `two_workers_ratio` is of steps in as many seconds of the
processor for each worker: what two cores of one's own give; `two_workers_clock_ratio` is by the
clock, which other work on the machine slows. `two_processes_ratio` and its clock's are the same of
two processes that have nothing in common: what the machine gives, whatever runs on it.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import re
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import truediv
from pathlib import Path
from typing import Any

from bulkhead.chain.artifacts import default
from bulkhead.chain.binaries import ROOT
from bulkhead.fuzz import forge, workers
from bulkhead.fuzz.judge import Bench
from bulkhead.fuzz.moves.decoder import Decoder
from bulkhead.fuzz.node import Node
from bulkhead.fuzz.ops import TRIAL
from bulkhead.fuzz.runner import PROFILES, Plan, Worker, stand_up
from bulkhead.fuzz.settings import FIXED
from bulkhead.fuzz.world import World

OUT = ROOT / "out" / "bench" / "fuzz.json"
PAGE = ROOT / "docs" / "fuzzing.md"
_PLACE = re.compile(r"(<!-- bench-fuzz -->\n).*?(<!-- end -->)", re.S)
BYTES = PROFILES["quick"].shape.skin  # of a sequence: about as long as forge's
SHORT, LONG = 5, 60  # sequences of forge's two runs


def cpu_secs(process: int | None = None) -> float:
    """Seconds of the processor that a process has used (none given: this one)."""
    if process is None:
        return time.process_time()
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def one_core() -> Iterator[None]:
    """Keeps this process, and what it starts, on one core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def blobs(seed: int) -> Iterator[bytes]:
    """Sequences without end."""
    dice = random.Random(seed)
    while True:
        yield dice.randbytes(BYTES)


def rate(world: World, seconds: float, seed: int, play: Callable[[World, bytes], None]) -> float:
    """Calls a second of the processor, the node's included."""
    node = world.engine.chain.pid if isinstance(world.engine, Node) else None

    def used() -> float:
        return cpu_secs() + (cpu_secs(node) if node else 0.0)

    began, steps = used(), world.tally.steps
    for blob in blobs(seed):
        with world.undone():
            play(world, blob)
        if used() - began >= seconds:
            break
    return (world.tally.steps - steps) / (used() - began)


def one_by_one(world: World, blob: bytes) -> None:
    """Each call alone, trials too."""
    for op in Decoder(world, blob).ops():
        world.play(op)
    world.finish()


def in_one_request(world: World, blob: bytes) -> None:
    """The whole sequence by `eth_simulateV1`, without trials, and without what needs the state
    between two calls."""
    world.play_all(Decoder(world, blob).ops())


def transactions(world: World, seconds: float, seed: int) -> tuple[float, float]:
    """Mined transactions a second by the clock, and of the processor; receipts and gas read, laws
    and twin on, but no trials."""
    assert isinstance(world.engine, Node)
    node = world.engine.chain.pid
    began, used, count = time.monotonic(), cpu_secs() + cpu_secs(node), 0
    for blob in blobs(seed):
        with world.undone():
            for op in Decoder(world, blob).ops():
                if op.name != TRIAL:
                    world.play(op)
                    count += len(world.last.requests) if world.last else 0
        if time.monotonic() - began >= seconds:
            break
    used = cpu_secs() + cpu_secs(node) - used
    return count / (time.monotonic() - began), count / used


def forge_rate(place: dict[str, str], seed: int) -> float:
    """Calls a second of the processor."""
    short, long = (forge.run(place, sequences, seed) for sequences in (SHORT, LONG))
    if short.law or long.law:
        raise forge.ForgeFailed(f"a law broke under forge: {short.law or long.law}")
    return (long.calls - short.calls) / (long.cpu_secs - short.cpu_secs)


def many(count: int, seconds: float, seed: int) -> tuple[int, float]:
    """Steps that so many workers make in the same time by the clock, and seconds of the processor
    that each used for them, with what this process did for all of them. Worlds stand already."""
    first = _stood_up(count, seconds, seed)
    before = os.times()
    report, failure = workers.forked(first, lambda report: None)
    after = os.times()
    first.close()
    if failure:
        raise AssertionError(f"{failure.law}: {failure.text}")
    own, theirs = (sum(after[at : at + 2]) - sum(before[at : at + 2]) for at in (0, 2))
    return report.steps, own + theirs / count


def apart(count: int, seconds: float, seed: int) -> tuple[int, float]:
    """The same of processes that have nothing in common but their start."""
    context = multiprocessing.get_context("spawn")
    start, out = context.Barrier(count), context.SimpleQueue()
    args = (start, out, count, seconds, seed)
    processes = [
        context.Process(target=_alone, args=(number, *args), daemon=True) for number in range(count)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        raise AssertionError("a process of the bench failed: see above")
    found = [out.get() for _ in processes]
    return sum(steps for steps, _ in found), sum(used for _, used in found) / count


def _alone(number: int, start: Any, out: Any, count: int, seconds: float, seed: int) -> None:
    try:
        worker = _stood_up(count, seconds, seed)
        start.wait()
    except BaseException:
        start.abort()  # nobody waits for it
        raise
    worker.begin(number)
    began = time.process_time()
    failure = worker.run(lambda report: None)
    if failure:
        raise AssertionError(f"{failure.law}: {failure.text}")
    out.put((worker.report().steps, time.process_time() - began))


def _stood_up(count: int, seconds: float, seed: int) -> Worker:
    """A worker of so many, whose worlds stand and who counts from here."""
    shape = PROFILES["quick"].shape
    worker = Worker(Plan("revm", seconds, seed, shape, drawn=0, workers=count))
    failure = worker.prepare()
    if failure:
        raise AssertionError(f"{failure.law}: {failure.text}")
    worker.begin(0)
    return worker


def memory(seconds: float, seed: int) -> list[float]:
    """Memory after each sixth of a run (MB)."""
    worker = _stood_up(1, seconds, seed)
    failure = worker.run(lambda report: None)
    worker.close()
    if failure:
        raise AssertionError(f"{failure.law}: {failure.text}")
    return worker.report().memory_mb


def measure(seconds: float, rounds: int, seed: int) -> dict[str, Any]:
    """All figures. `seconds` of each measurement."""
    forge.build()
    found: dict[str, list[float]] = {}

    def note(name: str, value: float) -> None:
        found.setdefault(name, []).append(value)

    with one_core():
        worlds = {
            name: stand_up(engine, FIXED[0], Bench(laws), default())
            for name, engine, laws in (
                ("revm", "revm", ()),
                ("same", "revm", forge.LAWS),
                ("anvil", "anvil", ()),
                ("mined", "anvil", ()),
            )
        }
        place = forge.write_state(worlds["anvil"], forge.FOLDER / "allocs.json")
        for turn in range(seed, seed + rounds):
            note("forge_calls_per_cpu_s", forge_rate(place, turn))
            note("revm_calls_per_cpu_s", rate(worlds["revm"], seconds, turn, one_by_one))
            note("revm_same_laws_calls_per_cpu_s", rate(worlds["same"], seconds, turn, one_by_one))
            sims = rate(worlds["anvil"], seconds, turn, in_one_request)
            note("anvil_sim_calls_per_cpu_s", sims)
            mined = transactions(worlds["mined"], seconds, turn)
            note("anvil_tx_per_s", mined[0])
            note("anvil_tx_per_cpu_s", mined[1])
        for world in worlds.values():
            world.engine.close()
        held = memory(6 * seconds, seed)
    for turn in range(seed, seed + max(1, rounds // 2)):
        for name, played in (("workers", many), ("processes", apart)):
            (alone, used), (both, each) = (played(count, 5 * seconds, turn) for count in (1, 2))
            note(f"two_{name}_ratio", both / each / (alone / used))
            note(f"two_{name}_clock_ratio", both / alone)
    medians = {name: statistics.median(values) for name, values in found.items()}
    compared = {
        name: round(
            statistics.median(
                map(truediv, found[f"{name}_calls_per_cpu_s"], found["forge_calls_per_cpu_s"])
            ),
            2,
        )
        for name in ("revm", "revm_same_laws", "anvil_sim")
    }
    return {
        **{name: round(value, 2 if value < 10 else 0) for name, value in medians.items()},
        "of_forge": compared,
        "rss_mb": held,
        "forge_laws": forge.LAWS,
        "rounds": rounds,
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 1),
        "seed": seed,
    }


def filled(page: str, found: dict[str, Any]) -> str:
    """The page with this run's figures."""
    of = found["of_forge"]
    rows = [
        ("forge, nine laws", f"{found['forge_calls_per_cpu_s']:,.0f}", "1"),
        ("revm, all laws and the twin", f"{found['revm_calls_per_cpu_s']:,.0f}", of["revm"]),
        (
            "revm, the same nine laws and the twin",
            f"{found['revm_same_laws_calls_per_cpu_s']:,.0f}",
            of["revm_same_laws"],
        ),
        (
            "anvil by `eth_simulateV1`, laws of single calls and the twin, the node's time too",
            f"{found['anvil_sim_calls_per_cpu_s']:,.0f}",
            of["anvil_sim"],
        ),
    ]
    lines = ["| | calls a second of the processor | of forge's |", "|---|---:|---:|"]
    lines += [f"| {name} | {value} | {share} |" for name, value, share in rows]
    mined, clock = found["anvil_tx_per_cpu_s"], found["anvil_tx_per_s"]
    held = found["rss_mb"]
    load, cores = found["load"], found["cores"]
    ratio, by_clock = found["two_workers_ratio"], found["two_workers_clock_ratio"]
    most, clock_most = found["two_processes_ratio"], found["two_processes_clock_ratio"]
    lines += [
        "",
        "Mined transactions with receipts, gas, twin, and all laws but those of trials:",
        f"{mined:,.0f} a second of the processor, {clock:,.0f} by the clock",
        f"(load {load} on {cores} cores). Two workers make",
        f"{ratio} times the steps of one in as many seconds of the processor each,",
        f"{by_clock} times by that clock; two processes that have nothing in common reach",
        f"{most} and {clock_most} on this machine. Memory over a run: {held[0]} MB after a sixth",
        f"of it, {held[-1]} MB at its end.",
    ]
    if "bugs_per_cpu_minute" in found:
        rates, kills = found["bugs_per_cpu_minute"], found["found"]
        lines += [
            "",
            f"{len(found['mutants'])} mutants from all over the catalogue, "
            f"{found['budget_cpu_s']:g} seconds of the processor for each on either side:",
            "",
            "| | found | found a minute of the processor |",
            "|---|---:|---:|",
            *(f"| {name} | {kills[name]} | {rates[name]} |" for name in ("revm", "forge")),
        ]
    text = "\n".join(lines)
    return _PLACE.sub(lambda place: f"{place.group(1)}{text}\n{place.group(2)}", page)


def main() -> None:
    """`python -m bulkhead.fuzz.bench`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--bugs", type=int, default=0, help="mutants to find, on both sides")
    parser.add_argument("--budget", type=float, default=5.0, help="CPU-seconds for each mutant")
    parser.add_argument("--page", type=Path, default=PAGE, help="whose figures are filled in")
    given = parser.parse_args()
    page = given.page.read_text(encoding="utf-8")  # before minutes of measuring
    given.out.parent.mkdir(parents=True, exist_ok=True)
    found = measure(given.seconds, given.rounds, given.seed)
    if given.bugs:
        from bulkhead.mutants.beside import bugs, table  # late: they parse the catalogue
        from bulkhead.mutants.run import by_hand

        woven = by_hand()  # compiles: on all cores
        with one_core():
            found |= bugs(woven, given.bugs, given.budget, given.seed)
        print(table(found))
    given.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    given.page.write_text(filled(page, found), encoding="utf-8")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
