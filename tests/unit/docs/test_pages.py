"""README, SECURITY and docs: no link, path, command or module in them leads nowhere."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from bulkhead.chain.binaries import ROOT

PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.*)$", page.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@each_page
def test_links__relative__lead_to_a_file_and_a_heading(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


@each_page
def test_commands__of_make_and_python__exist(page: Path) -> None:
    text = page.read_text()
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"(?:`|^ {4})make ([a-z][a-z-]*)", text, re.M)) <= targets
    for module in re.findall(r"python -m (bulkhead[\w.]*)", text):
        assert importlib.util.find_spec(module), module


@each_page
def test_decisions__each__are_in_the_index(page: Path) -> None:
    if page.parent.name == "decisions" and page.name != "README.md":
        assert f"({page.name})" in (page.parent / "README.md").read_text()


def test_readme__tree__names_what_is_there() -> None:
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 150
    folder = Path()
    for line in text.splitlines():
        cell = line.strip("| ").split(" | ")[0]
        if not line.startswith("| ") or "`" not in cell:
            continue
        names = re.findall(r"`([\w./-]+)`", cell)
        if not cell.startswith("&emsp;"):
            folder = ROOT / names[0]
        for name in names:
            near = folder if cell.startswith("&emsp;") else ROOT
            assert (near / name).exists() or (ROOT / "bulkhead" / name).exists(), name
