"""A counterexample as a file: the setting, the steps, and what broke; read back to be replayed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bulkhead.errors import BadInput
from bulkhead.fuzz import form
from bulkhead.fuzz.ops import Op
from bulkhead.fuzz.stage import Setting
from bulkhead.fuzz.world import World
from bulkhead.model.types import Bracket, Params


def record(world: World, law: str, text: str, ops: Sequence[Op]) -> dict[str, Any]:
    """What is written. `ops` from the first one of the market's life."""
    names = world.stage.names()
    steps = [op.record(names) for op in ops]
    return {**unopened(world.setting, law, text), "steps": steps}


def unopened(setting: Setting, law: str, text: str) -> dict[str, Any]:
    """What is written where there is no world yet."""
    return {
        "version": form.VERSION,
        "law": law,
        "text": text,
        "setting": {
            "decimals": setting.decimals,
            "token": setting.token,
            "contracts": setting.contracts,
            "scale": setting.scale,
            "params": [asdict(params) for params in setting.params],
        },
        "steps": [],
    }


def write(found: Mapping[str, Any], folder: Path, name: str) -> Path:
    """Writes a record; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return path


def name(found: Mapping[str, Any], seed: int) -> str:
    """What its file is called: another finding of the same law has another name."""
    text = json.dumps(found, sort_keys=True)
    return f"{found['law']}-seed{seed}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def load(path: Path) -> dict[str, Any]:
    """Reads a record, refusing what is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise BadInput("counterexample", path, f"a file that can be read ({problem})") from None
    except (ValueError, RecursionError) as problem:
        raise BadInput("counterexample", path, f"JSON ({problem})") from None
    form.check(found, path)
    checked: dict[str, Any] = found
    return checked


def setting_of(found: Mapping[str, Any]) -> Setting:
    """The setting of a record that was loaded."""
    given = found["setting"]
    return Setting(
        decimals=given["decimals"],
        params=tuple(_params(fields) for fields in given["params"]),
        token=given["token"],
        contracts=given["contracts"],
        scale=given.get("scale", 1),
    )


def steps_of(found: Mapping[str, Any], world: World) -> list[Op]:
    """The steps of a record, in a world of its setting."""
    named = re.findall(r'"vault (\d+)', json.dumps(found["steps"]))
    for site in world.sites:  # vaults are named when they are known
        for id_ in {*map(int, named)}:
            site.vault(id_)
    addresses = {name: where for where, name in world.stage.names().items()}
    return [Op.read(step, addresses) for step in found["steps"]]


def _params(fields: Mapping[str, Any]) -> Params:
    rows = tuple(Bracket(**row) for row in fields["brackets"])
    return Params(**{**fields, "brackets": rows})
