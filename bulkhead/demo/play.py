"""One function from settings to a finished run."""

from __future__ import annotations

from bulkhead.demo.population import population
from bulkhead.demo.run import Progress, Run, play
from bulkhead.demo.settings import Settings
from bulkhead.demo.stage import local_chain, set_stage


def quiet(done: int, total: int, text: str) -> None:
    """Nobody watches."""


def run(settings: Settings, progress: Progress = quiet) -> Run:
    """Start a chain, set the stage, play, stop the chain."""
    with local_chain(settings) as chain:
        total = len(settings.path)
        stage = set_stage(settings, chain, lambda text: progress(0, total, text))
        crowd = population(settings.seed, stage.traders, total)
        return play(settings, stage, crowd, progress)
