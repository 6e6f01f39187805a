"""Databases for the keeper's tests: a SQLite file, and a PostgreSQL where one is installed."""

from __future__ import annotations

import getpass
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from bulkhead.keeper import schema
from bulkhead.keeper.store import open_engine


def _server(folder: Path) -> tuple[list[str], int]:
    """Command that starts a PostgreSQL of its own, and its port."""
    initdb = shutil.which("initdb")
    postgres = shutil.which("postgres")
    if initdb is None or postgres is None:
        pytest.skip("no PostgreSQL is installed (initdb, postgres): SQLite alone is tested")
    before: list[str] = []
    if getpass.getuser() == "root":  # PostgreSQL refuses to run as root
        before = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        shutil.chown(folder, "nobody", "nogroup")
    data = folder / "data"
    made = [*before, initdb, "-D", str(data), "-U", "keeper", "-A", "trust", "--no-sync"]
    subprocess.run(made, check=True, capture_output=True, cwd=folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    start = ["-D", str(data), "-p", str(port), "-k", str(folder), "-F"]
    if shutil.which("setpriv"):  # ends with us, however we end
        before = [*(before or ["setpriv"]), "--pdeathsig=TERM"]
    return [*before, postgres, *start], port


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A server that lives as long as the tests."""
    folder = Path(tempfile.mkdtemp(prefix="keeper-pg-"))
    command, port = _server(folder)
    log = (folder / "log").open("wb")
    server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        for _ in range(200):
            with socket.socket() as link:
                link.settimeout(0.5)
                if link.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert server.poll() is None, (folder / "log").read_text()
            subprocess.run(["sleep", "0.05"], check=True)
        yield f"postgresql+psycopg://keeper@127.0.0.1:{port}/postgres"
    finally:
        server.terminate()
        server.wait(20)
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Engine]]:
    """Opens the same empty database, as often as asked."""
    url = f"sqlite:///{tmp_path / 'keeper.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    opened: list[Engine] = []

    def get() -> Engine:
        opened.append(open_engine(url))
        return opened[-1]

    first = get()
    yield get
    schema.metadata.drop_all(first)
    for engine in opened:
        engine.dispose()
