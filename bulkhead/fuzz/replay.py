"""A saved counterexample, played on a real node; and the plain script of what was sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bulkhead.chain.abi import AbiError
from bulkhead.chain.errors import Reverted
from bulkhead.commands import BROKEN, OK, Console
from bulkhead.errors import BadInput
from bulkhead.fuzz import counterexample, script
from bulkhead.fuzz.form import HARNESS
from bulkhead.fuzz.judge import Bench, Judge
from bulkhead.fuzz.laws.base import Broken
from bulkhead.fuzz.laws.catalogue import LAWS
from bulkhead.fuzz.node import Node
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.people import START
from bulkhead.fuzz.report import HarnessFailed
from bulkhead.fuzz.runner import artifacts_in
from bulkhead.fuzz.shrink import play
from bulkhead.fuzz.stage import Setting
from bulkhead.fuzz.world import World
from bulkhead.model.errors import ModelError


def replay(path: Path, *, folder: Path | None, roomy: bool, out: Path, console: Console) -> int:
    """Exit code 1 where a law breaks (again), 0 where all hold."""
    found = counterexample.load(path)
    setting = counterexample.setting_of(found)
    node = Node(START, roomy)
    try:
        transcript = script.Transcript(node)
        world = _stood_up(node, setting, folder, path)

        def told_ops() -> Iterator[Op]:
            for op in counterexample.steps_of(found, world):
                transcript.chapter(op.told(world.stage.names()))
                yield op

        try:
            broken = play(world, told_ops())
        except Exception as problem:  # as when it was saved, perhaps
            line = f"{path}: {type(problem).__name__}: {problem}"
            raise HarnessFailed(line) from problem
        told = str(broken) if broken else "every law held"
        file = out / f"{path.stem}.py"
        written = script.write(transcript, world, file, found, told)
    finally:
        node.close()
    result = {
        "verdict": "broken" if broken else "held",
        "law": broken.law if broken else None,
        "text": broken.text if broken else None,
        "was": found["law"],
        "story": world.story,
        "script": str(written),
    }
    if not console.json:
        for place, line in enumerate(world.story, 1):
            console.say(f"  {place:>3}. {line}")
        if broken:
            console.complain(f"{broken.law} is broken: {LAWS[broken.law]}\n  {broken.text}")
        else:
            was = "the harness failed" if found["law"] == HARNESS else f"{found['law']} was broken"
            console.say(f"every law held; {was} when this was saved")
        console.say(f"as a plain script: {written}")
    console.result(result)
    return BROKEN if broken else OK


def _stood_up(node: Node, setting: Setting, folder: Path | None, path: Path) -> World:
    """The record's market; a setting that contracts or model refuse is bad input."""
    try:
        return World(node, setting, Judge(Bench()), artifacts_in(folder))
    except (Reverted, ModelError, AbiError, Broken) as problem:
        wanted = (
            "a record whose market can be stood up, with --artifacts and --roomy as in the run "
            f"that found it ({str(problem)[:160]})"
        )
        raise BadInput("counterexample", path, wanted) from problem
