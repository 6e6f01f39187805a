"""Charts and pages: whole, safe, and needing nothing from outside."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import pytest

from bulkhead.report import Chart, Line, Mark, Page, draw, facts, table
from bulkhead.report.scale import number, value_axis

TIMES = list(range(1_700_000_000, 1_700_000_000 + 60 * 50, 60))


def chart(values: list[float], **more: object) -> Chart:
    return Chart("Title", "unit", TIMES[: len(values)], [Line("a<b", 1, values)], **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("values", [[], [1.0], [0.0] * 9, [5.0] * 9, [-1e-9, 1e12], [1, -3.0]])
def test_draw__odd_values__is_well_formed(values: list[float]) -> None:
    for zero in (False, True):
        ElementTree.fromstring(draw(chart(values, zero=zero)).replace("&nbsp;", " "))


def test_draw__names_and_tips__are_escaped() -> None:
    marks = [Mark(1, 2.0, 3.0, 4, True, '<script>alert("x")</script>')]
    text = draw(chart([1.0, 2.0], marks=marks))
    assert "<script" not in text
    assert "a&lt;b" in text


def test_draw__marks__are_all_there_large_ones_first() -> None:
    marks = [Mark(place, 1.0, float(place + 1), 3, False, "x") for place in range(5)]
    radii = re.findall(r'r="([\d.]+)"', draw(chart([1.0] * 9, marks=marks)))
    assert radii == ["5.0", "4.0", "3.0", "2.0", "1.0"]


def test_page__html__fetches_nothing() -> None:
    page = Page("T & Co", "s", [("a", facts([("!n", "v", "w")]))], [chart([1.0, 2.0])], [], "f")
    text = page.html()
    assert not re.search(r"(?:src|href)\s*=|url\(|@import|https?://", text)
    assert "T &amp; Co" in text
    assert 'class="bad"' in text


def test_page__text_in_data__can_not_end_the_script() -> None:
    lines = [Line("</script>", 1, [1.0])]
    text = Page("t", "s", [], [Chart("c", "", TIMES[:1], lines)], [], "").html()
    assert text.count("</script>") == 1


def test_table__numbers__are_aligned() -> None:
    text = table(["a", "b"], [["x", "1"]], numbers=(1,))
    assert "<td>x</td><td class=num>1</td>" in text


@pytest.mark.parametrize(
    ("low", "high", "zero"), [(0, 0, True), (5, 5, False), (-3, 7.5, True), (1e-6, 2e-6, False)]
)
def test_value_axis__any_span__holds_all_values(low: float, high: float, zero: bool) -> None:
    axis = value_axis([low, high], 200, 0, zero)
    assert axis.low <= low <= high <= axis.high
    assert 2 <= len(axis.ticks) <= 12
    assert not zero or axis.low <= 0 <= axis.high
    assert 0 <= axis.at(high) <= axis.at(low) <= 200


def test_number__people__read_it() -> None:
    assert number(1234.5) == "1,234" or number(1234.5) == "1,235"
    assert number(-0.0) == "0"
    assert number(-2.5) == "\u22122.5"
    assert number(0.00012, 6) == "0.00012"
