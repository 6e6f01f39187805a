"""What all commands share: JSON or a terminal, progress that is plain where nobody watches."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import click
import rich.console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bulkhead.errors import BadInput, BulkheadError

OK, BROKEN, BAD_INPUT, FAILED = 0, 1, 2, 3  # exit codes
F = TypeVar("F", bound=Callable[..., Any])
PLAIN_EVERY_SECS = 5.0
PLAIN_WIDTH = 110


def as_json(command: F) -> F:
    """Adds --json."""
    return click.option("--json", "json_", is_flag=True, help="Print one JSON document only.")(
        command
    )


def _report(problem: Exception, code: int, kind: str, json_: bool) -> int:
    records = problem.records() if isinstance(problem, BadInput) else []
    print(f"{kind}: {problem}", file=sys.stderr)
    _document(kind, str(problem), records, json_)
    return code


def _misused(problem: click.ClickException, json_: bool) -> int:
    """What click refuses before a command begins: its own words, and the same document."""
    problem.show()
    what = "usage"
    if isinstance(problem, click.NoSuchOption):
        what = problem.option_name
    elif isinstance(problem, click.BadParameter) and problem.param is not None:
        what = problem.param.opts[0]
    limit = problem.format_message()
    records = [{"what": what, "value": "", "limit": limit}]  # click's words have the value
    _document("bad input", limit, records, json_)
    return BAD_INPUT


def _document(kind: str, message: str, problems: list[dict[str, str]], json_: bool) -> None:
    if json_:
        print(json.dumps({"error": kind, "message": message, "problems": problems}, indent=2))


def outcome(action: Callable[[], Any], json_: bool) -> int:
    """Run a command; say what went wrong, and return the exit code."""
    try:
        result = action()
        return result if isinstance(result, int) else OK
    except click.exceptions.Exit as problem:
        return problem.exit_code
    except click.Abort:
        print("stopped", file=sys.stderr)
        return FAILED
    except click.ClickException as problem:
        return _misused(problem, json_)
    except BadInput as problem:
        return _report(problem, BAD_INPUT, "bad input", json_)
    except BulkheadError as problem:
        return _report(problem, FAILED, "failed", json_)


def writable(option: str, path: Path, *, folder: bool = True) -> Path:
    """Where results will go: `BadInput`, before any work, where nothing can be written there.
    What is made to try it is taken away again."""
    target = path if folder else path.parent
    made: list[Path] = []
    try:
        if path.exists() and path.is_dir() != folder:
            raise BadInput(option, path, f"it is {'no' if folder else 'a'} folder")
        made += [each for each in (target, *target.parents) if not each.exists()]
        parent = made[-1].parent if made else target
        if not parent.is_dir():
            raise BadInput(option, path, f"{parent} is no folder")
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=target):
            pass
    except OSError as problem:
        why = problem.strerror or str(problem)
        raise BadInput(option, path, f"nothing can be written to {target}: {why}") from None
    finally:
        for each in made:
            with suppress(OSError):
                each.rmdir()
    return path


def for_ape(command: click.Command) -> click.Command:
    """The same command for `ape run`, which would drop its exit code."""
    inner = command.callback

    def callback(**given: Any) -> None:
        assert inner is not None
        click.get_current_context().exit(outcome(lambda: inner(**given), bool(given.get("json_"))))

    return click.Command(command.name, callback=callback, params=command.params, help=command.help)


class Console:
    """Results on standard output, everything else on standard error."""

    def __init__(self, json_: bool) -> None:
        self.json = json_
        self._errors = rich.console.Console(stderr=True, highlight=False)
        wide = None if sys.stdout.isatty() else PLAIN_WIDTH
        self._out = rich.console.Console(highlight=False, width=wide)

    def say(self, text: str) -> None:
        """For people; nothing with --json."""
        if not self.json:
            self._out.print(text, markup=False, soft_wrap=True)

    def complain(self, text: str) -> None:
        """Something is wrong."""
        self._errors.print(text, style="bold red", markup=False, soft_wrap=True)

    def result(self, record: Any, *tables: Table) -> None:
        """The record with --json, the tables without."""
        if self.json:
            print(json.dumps(record, indent=2))
            return
        for table in tables:
            self.show(table)

    def show(self, table: Table) -> None:
        """A table for people."""
        self._out.print(table)

    @contextmanager
    def progress(self, name: str) -> Iterator[Callable[[int, int, str], None]]:
        """A bar in a terminal, a line now and then elsewhere."""
        if self._errors.is_terminal:
            columns = (
                TextColumn("{task.fields[title]}"),
                BarColumn(bar_width=28),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.description}"),
            )
            with Progress(*columns, console=self._errors, transient=True) as bar:
                task = bar.add_task("", title=name)
                yield lambda done, total, text: bar.update(
                    task, completed=done, total=total, description=text
                )
            return
        last = [0.0]

        def plain(done: int, total: int, text: str) -> None:
            now = time.monotonic()
            if done == total or now - last[0] >= PLAIN_EVERY_SECS:
                last[0] = now
                print(f"{name} {done}/{total} {text}", file=sys.stderr, flush=True)

        yield plain
