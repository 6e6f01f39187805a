"""YAML as plain text values, with the line of every field for error messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from bulkhead.errors import BadInput

Place = tuple[str | int, ...]


def _text(node: yaml.ScalarNode) -> str | None:
    return None if node.tag == "tag:yaml.org,2002:null" else str(node.value)


def _build(node: yaml.Node, place: Place, lines: dict[Place, int], source: str) -> Any:
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.ScalarNode):
        return _text(node)
    if isinstance(node, yaml.SequenceNode):
        return [_build(one, (*place, at), lines, source) for at, one in enumerate(node.value)]
    found: dict[str, Any] = {}
    for key, value in node.value:
        name = str(key.value)
        line = key.start_mark.line + 1
        if name in found:
            raise BadInput(f"{source}, line {line}", name, "each field stands once")
        found[name] = _build(value, (*place, name), lines, source)
        lines[(*place, name)] = line
    return found


def load(path: Path) -> tuple[Any, dict[Place, int]]:
    """The document, every scalar as it is written, and the line of each field.

    Numbers stay text: `0.3` is read as a decimal later, never as a binary fraction.
    """
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except FileNotFoundError:
        raise BadInput("market file", path, "there is no such file") from None
    except (OSError, UnicodeDecodeError) as problem:
        raise BadInput("market file", path, f"it can't be read: {problem}") from None
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        where = f"{path}, line {mark.line + 1}" if mark else str(path)
        raise BadInput(where, getattr(problem, "problem", problem), "YAML is wanted") from None
    lines: dict[Place, int] = {}
    return (None if node is None else _build(node, (), lines, str(path))), lines
