"""The JSON record of a deployment: what was deployed where, from what, for whom."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from eth_hash.auto import keccak

from bulkhead import __version__
from bulkhead.chain.artifacts import Artifacts, default
from bulkhead.deploy.oracles import CONTRACTS
from bulkhead.deploy.params import abi
from bulkhead.deploy.system import CREATED, ORDER_BOOK, PERIPHERY, System
from bulkhead.errors import BadInput

SCHEMA = 1
PARTS = {
    "token": "TestToken",
    "oracle": "IPriceOracle",  # or the adapter of the market's kind: see `contracts`
    "authority": "Authority",
    "factory": "MarketFactory",
    **CREATED,
    **ORDER_BOOK,
    **PERIPHERY,
}


def contracts(adapter: str) -> dict[str, str]:
    """The contract of each part, with this adapter as oracle."""
    return {**PARTS, "oracle": adapter}


@dataclass(frozen=True)
class Part:
    """One deployed contract. `contract` is empty for what is not of this project (a real token)."""

    contract: str
    address: str
    code_hash: str


@dataclass(frozen=True)
class Record:
    """What `verify` needs to read a chain back. Large integers are text, for other readers."""

    schema: int
    bulkhead: str
    market: str
    chain_id: int
    block: int
    deployer: str
    people: dict[str, Any]
    feed: str
    parts: dict[str, Part]
    libraries: dict[str, str]
    params: dict[str, Any]
    steps: list[dict[str, Any]]

    def text(self) -> str:
        """As it is written."""
        return json.dumps(asdict(self), indent=2) + "\n"

    def address(self, part: str) -> str:
        """Where a part is."""
        return self.parts[part].address


def plain(value: Any) -> Any:
    """Bytes as hex, integers as text where a double can't hold them, structs as they are."""
    if isinstance(value, bytes):
        return (
            "0x" + value.hex()
            if len(value) <= 64
            else f"{len(value)} bytes 0x{keccak(value).hex()}"
        )
    if isinstance(value, bool) or not isinstance(value, int):
        if isinstance(value, dict):
            return {key: plain(part) for key, part in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(part) for part in value]
        return value
    return value if abs(value) < 2**53 else str(value)


def record_of(system: System, artifacts: Artifacts | None = None) -> Record:
    """The record of a system that was just deployed."""
    known = artifacts or default()
    created = {step.address for step in system.steps}
    parts = {}
    for name, contract in contracts(CONTRACTS[system.market_file.oracle.kind]).items():
        where = getattr(system, name).address
        foreign = name == "token" and where not in created
        code = system.rpc.code(where)
        parts[name] = Part("" if foreign else contract, where, "0x" + keccak(code).hex())
    libraries = {
        name: where
        for part in parts.values()
        if part.contract
        for name, where in known.libraries(part.contract).items()
    }
    return Record(
        schema=SCHEMA,
        bulkhead=__version__,
        market=system.market_file.name,
        chain_id=system.rpc.chain_id(),
        block=system.block,
        deployer=system.deployer,
        people=asdict(system.people),
        feed=system.feed,
        parts=parts,
        libraries=libraries,
        params=plain(abi(system.params)),
        steps=[{**asdict(step), "args": plain(step.args)} for step in system.steps],
    )


def write(record: Record, path: Path) -> None:
    """Save a record; folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(record.text(), encoding="utf-8")


def load(path: Path) -> Record:
    """Read a record; `BadInput` says what is wrong with the file."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput("record", path, "there is no such file") from None
    except (OSError, ValueError) as problem:
        raise BadInput("record", path, f"JSON is wanted: {problem}") from None
    names = {one.name for one in fields(Record)}
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        found = data.get("schema") if isinstance(data, dict) else "no record"
        raise BadInput(f"{path}, schema", found, f"{SCHEMA} is wanted")
    if set(data) != names:
        odd = ", ".join(sorted(set(data) ^ names))
        raise BadInput(str(path), odd, "a record has exactly the fields that `deploy` writes")
    try:
        parts = {name: Part(**part) for name, part in data.pop("parts").items()}
    except (AttributeError, TypeError) as problem:
        raise BadInput(f"{path}, parts", problem, "contract, address and code_hash each") from None
    missing = sorted(set(PARTS) - set(parts))
    if missing:
        raise BadInput(f"{path}, parts", ", ".join(missing), "every part must be there")
    if parts["oracle"].contract not in CONTRACTS.values():
        limit = f"one of {', '.join(CONTRACTS.values())}"
        raise BadInput(f"{path}, parts, oracle", parts["oracle"].contract, limit)
    return Record(parts=parts, **data)
