"""One chain with one market for all of the keeper's stories; each is undone afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from gate import Gate
from keeper_databases import postgres_url
from keeper_stage import Stage, build

from bulkhead.chain.anvil import Anvil
from bulkhead.chain.artifacts import Artifacts
from bulkhead.keeper import schema
from bulkhead.keeper.store import open_engine


@pytest.fixture(scope="session")
def built(artifacts: Artifacts) -> Iterator[Stage]:
    """Made once."""
    with Anvil(accounts=12, history=None) as chain:
        yield build(chain)


@pytest.fixture
def stage(built: Stage) -> Iterator[Stage]:
    """As it was made, whatever the story before did."""
    snapshot = built.rpc.snapshot()
    built.answer = 2_000 * 10**8
    yield built
    built.rpc.automine(True)
    built.rpc.revert(snapshot)


@pytest.fixture
def gate(stage: Stage) -> Iterator[Gate]:
    """In front of the stage's node."""
    made = Gate(stage.url)
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of an empty database that several keepers can share."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'shared.db'}"
        return
    url: str = request.getfixturevalue("postgres_url")
    yield url
    engine = open_engine(url)
    schema.metadata.drop_all(engine)
    engine.dispose()


__all__ = ["built", "gate", "postgres_url", "shared", "stage"]
