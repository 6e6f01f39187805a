"""`bulkhead fuzz`."""

from __future__ import annotations

import os
from pathlib import Path

import click
from click.core import ParameterSource

from bulkhead.commands import BROKEN, FAILED, OK, Console, as_json, writable
from bulkhead.errors import BadInput
from bulkhead.fuzz.laws.catalogue import ELSEWHERE, LAWS
from bulkhead.processes import Stop, interruptible

OUT = Path("out/fuzz")
ARTIFACTS = "BULKHEAD_ARTIFACTS"
PROFILES = ("quick", "ci", "nightly", "deep")
# What says how sequences are drawn, by click's names: a counterexample has its own.
DRAWING = {
    **{name: f"--{name}" for name in ("engine", "profile", "minutes", "seconds", "seed")},
    "laws": "--law",
    "workers": "--workers",
    "shrink": "--shrink/--no-shrink",
}
HELP = f"""Attack a market: random sequences of everything that anybody can do, under every law.

Each call is played on the real contracts and on an exact twin. The twin foretells success or the
reason of a refusal; the laws (docs/invariants.md) are checked from what the chain shows. Decimals,
parameters, tokens and hostile owners are drawn per run; prices, margins and sizes are solved so
that checks land on equality and a unit to either side.

A broken law ends the run: its sequence is cut down to the fewest steps, told as a story, and saved
to {OUT}/ as a file for --replay and as a script that needs nothing but Python and Anvil.

\b
Examples:
  bulkhead fuzz                                   fifteen seconds
  bulkhead fuzz --profile nightly --workers 2     an hour, long and short sequences
  bulkhead fuzz --engine anvil --law I-26         one law, real transactions
  bulkhead fuzz --replay {OUT}/I-26-seed1-0f3a9c21.json
                           a saved counterexample, on Anvil

--replay plays what was saved as it was, on Anvil, under all laws: with it only --artifacts,
--roomy, --out and --json may be given.

--artifacts (or {ARTIFACTS}) names a folder of compiled contracts to attack instead of this
project's: mutants, for instance.

Exit codes: 0 every law held, 1 a law was broken, or one that --law asks for was never checked (or a
profile that must reach every bucket of the logical coverage and check every law did not), 2 bad
input, 3 anything else: stopped by Ctrl-C or SIGTERM (the tables tell what was played), or the
harness itself failed (what it played is saved).
"""


@click.command(help=HELP)
@click.option(
    "--engine",
    type=click.Choice(("revm", "anvil")),
    default="revm",
    show_default=True,
    help="An EVM in this process, or real transactions on Anvil.",
)
@click.option(
    "--profile",
    type=click.Choice(PROFILES),
    default="quick",
    show_default=True,
    help="How long, how varied, and what must be reached.",
)
@click.option("--minutes", type=float, help="How long, in minutes. [default: the profile's]")
@click.option("--seconds", type=float, help="How long, in seconds.")
@click.option(
    "--seed",
    type=int,
    default=1,
    show_default=True,
    help="Random seed of everything that is drawn.",
)
@click.option("--law", "laws", multiple=True, help="Only this law; may be given again.")
@click.option(
    "--workers",
    type=int,
    default=1,
    show_default=True,
    help="Processes that share the seed's sequences: the same ones, whatever their number.",
)
@click.option(
    "--shrink/--no-shrink", default=True, help="Cut a counterexample down to the fewest steps."
)
@click.option("--artifacts", type=click.Path(path_type=Path), help="Folder of compiled contracts.")
@click.option("--roomy", is_flag=True, help="Code may be larger than chains take.")
@click.option("--out", type=click.Path(path_type=Path), default=OUT, help="Folder of findings.")
@click.option("--replay", type=click.Path(path_type=Path), help="Play a saved counterexample.")
@as_json
def fuzz(
    engine: str,
    profile: str,
    minutes: float | None,
    seconds: float | None,
    seed: int,
    laws: tuple[str, ...],
    workers: int,
    shrink: bool,
    artifacts: Path | None,
    roomy: bool,
    out: Path,
    replay: Path | None,
    json_: bool,
) -> int:
    """Thin: check, run, print."""
    if replay is not None:
        _alone(click.get_current_context())
    for name in laws:
        if name not in LAWS:
            raise BadInput("--law", name, f"one of {', '.join(LAWS)}")
        if ELSEWHERE.get(name, engine) != engine:
            limit = f"only --engine {ELSEWHERE[name]} shows anything of it"
            raise BadInput("--law", name, limit)
    if not 1 <= workers <= 256:
        raise BadInput("--workers", workers, "1 to 256")
    for option, value in (("--minutes", minutes), ("--seconds", seconds)):
        if value is not None and not 0 < value <= 10**6:
            raise BadInput(option, value, "above 0, at most a million")
    if minutes is not None and seconds is not None:
        raise BadInput("--seconds", seconds, "only without --minutes")
    folder = artifacts or (Path(os.environ[ARTIFACTS]) if os.environ.get(ARTIFACTS) else None)
    if folder is not None and not (folder / "Market.json").is_file():
        raise BadInput("--artifacts", folder, "a folder with compiled contracts (Market.json)")
    writable("--out", out)
    from bulkhead.chain.compile import ensure  # late: --help must be fast
    from bulkhead.fuzz import show
    from bulkhead.fuzz import workers as crew
    from bulkhead.fuzz.replay import replay as again
    from bulkhead.fuzz.report import HarnessFailed
    from bulkhead.fuzz.runner import PROFILES as PLANS
    from bulkhead.fuzz.runner import Plan

    console = Console(json_)
    if folder is None:
        ensure()
    if replay is not None:
        with interruptible():
            return again(replay, folder=folder, roomy=roomy, out=out, console=console)
    chosen = PLANS[profile]
    length = seconds or 60 * (minutes or chosen.minutes)
    plan = Plan(
        engine=engine,
        seconds=length,
        seed=seed,
        shape=chosen.shape,
        drawn=chosen.drawn,
        only=laws,
        workers=workers,
        shrink=shrink,
        artifacts=folder,
        roomy=roomy,
    )
    stop = Stop()
    try:
        with interruptible(stop), show.progress(console, plan) as tell:
            report, failure = crew.run(plan, tell, stop)
    except HarnessFailed as problem:
        show.crashed(console, plan, problem, out)
        return FAILED
    asked = not stop.asked and (chosen.full or bool(laws))
    missing = report.missing() if asked and not laws else []
    unchecked = report.unchecked(engine, laws) if asked else []
    said = show.verdict(
        console, plan, report, failure, out, (missing, unchecked), stopped=stop.asked
    )
    return {show.HELD: OK, show.STOPPED: FAILED}.get(said, BROKEN)


def _alone(context: click.Context) -> None:
    """Refuses beside --replay what would say how to draw."""
    for name, option in DRAWING.items():
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise BadInput(option, context.params[name], "only without --replay")
