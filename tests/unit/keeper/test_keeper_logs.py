"""The log: one JSON object a line; each skip is said once, and again when it changes."""

from __future__ import annotations

import json
import logging

import pytest

from bulkhead.keeper.decide import Skip, Why
from bulkhead.keeper.logs import SkipLog, TextFormatter, configure


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_json__has_time_level_part_event_and_what_was_given(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure("json", "info")
    logging.getLogger("bulkhead.keeper.wallet").info("sent", extra={"hash": "0x1", "ids": (1, 2)})
    try:
        raise ValueError("no")
    except ValueError:
        logging.getLogger("bulkhead.keeper").exception("failed")
    sent, failed = lines(capsys)
    assert (sent["level"], sent["part"], sent["event"]) == ("info", "wallet", "sent")
    assert (sent["hash"], sent["ids"]) == ("0x1", [1, 2])
    assert str(sent["time"]).endswith("Z")
    assert "ValueError: no" in str(failed["trace"])


def test_text__is_one_readable_line() -> None:
    record = logging.LogRecord("bulkhead.keeper", logging.INFO, "", 0, "sent", (), None)
    record.hash = "0x1"
    assert TextFormatter().format(record).endswith("info    sent hash=0x1")


def test_skips__said_at_info_when_new_or_changed_else_at_debug(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure("json", "debug")
    log = SkipLog()
    poor = Skip("0xa", 7, Why.UNPROFITABLE, "reward 5")
    for skips in ([poor], [poor], [Skip("0xa", 7, Why.BUDGET, "none left")], [], [poor]):
        log.note("0xa", list(skips))
        log.note("0xb", [])
    said = [(line["level"], line["why"], line["detail"]) for line in lines(capsys)]
    assert said == [
        ("info", "unprofitable", "reward 5"),
        ("debug", "unprofitable", "reward 5"),
        ("info", "budget", "none left"),
        ("info", "unprofitable", "reward 5"),
    ]
