"""Contracts as Python objects over the raw client.

market = deploy(rpc, "Market", config, sender=admin)     # links and deploys libraries first
market.equityOf(7)                                       # a view: calls and decodes
receipt = market.open(0, size, margin, sender=trader)    # anything else: sends and waits
market.open.call(0, size, margin, sender=trader)         # what it would return
market.open.encode(0, size, margin)                      # calldata
events(receipt, "PositionOpened")[0].id                  # decoded events
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from eth_hash.auto import keccak

from bulkhead.chain.abi import AbiError, JsonAbi, address, parameters
from bulkhead.chain.artifacts import CREATE2_FACTORY, Artifact, Artifacts, default
from bulkhead.chain.decode import Event, Registry, events, registry, signature
from bulkhead.chain.errors import ChainError, Reverted
from bulkhead.chain.rpc import GAS, ZERO, Call, Receipt, Rpc
from bulkhead.chain.wire import BlockId

__all__ = [
    "Contract",
    "Event",
    "Function",
    "Method",
    "Registry",
    "at",
    "creation",
    "deploy",
    "deploy_libraries",
    "events",
    "group",
    "registry",
    "signature",
]


class Method:
    """One function of an ABI: encodes its arguments and decodes its results."""

    def __init__(self, entry: JsonAbi) -> None:
        self.name: str = entry["name"]
        self.signature = signature(entry)
        self.selector = keccak(self.signature.encode())[:4]
        self.view = entry.get("stateMutability") in ("view", "pure")
        self.names = [item.get("name", "") for item in entry["inputs"]]
        self._inputs = parameters(entry["inputs"])
        self._outputs = parameters(entry.get("outputs", ()), self.name)
        self._single = len(entry.get("outputs", ())) == 1

    def encode(self, args: Sequence[Any], named: dict[str, Any] | None = None) -> bytes:
        """Calldata."""
        if named:
            try:
                args = [*args, *(named[name] for name in self.names[len(args) :])]
            except KeyError as problem:
                raise AbiError(f"{self.signature}: {problem} is missing") from None
        try:
            return self.selector + self._inputs.encode(args)
        except AbiError as problem:
            raise AbiError(f"{self.signature}: {problem}") from None

    def decode(self, data: bytes) -> Any:
        """A single result as it is, several as a (named) tuple, none as None."""
        if not self._outputs.parts:
            return None
        if not data:
            raise AbiError(f"{self.signature} returned nothing: is there code at this address?")
        values = self._outputs.decode(data, 0)
        return values[0] if self._single else values


class Function:
    """A method bound to a contract; calling it reads, or sends, as the ABI says."""

    __slots__ = ("_contract", "method")

    def __init__(self, contract: Contract, method: Method) -> None:
        self._contract = contract
        self.method = method

    def __call__(self, *args: Any, **named: Any) -> Any:
        return self.call(*args, **named) if self.method.view else self.send(*args, **named)

    def encode(self, *args: Any, **named: Any) -> bytes:
        """Calldata."""
        return self.method.encode(args, named)

    def call(
        self,
        *args: Any,
        sender: Any = None,
        value: int = 0,
        block: BlockId = "latest",
        **named: Any,
    ) -> Any:
        """Call without a transaction and decode the result."""
        target = self._contract
        data = self.method.encode(args, named)
        who = sender if sender is not None else target._sender
        return self.method.decode(
            target._rpc.call(target.address, data, sender=who, value=value, block=block)
        )

    def send(
        self,
        *args: Any,
        sender: Any = None,
        value: int = 0,
        gas: int = GAS,
        check: bool = True,
        **named: Any,
    ) -> Receipt:
        """Send a transaction and wait for it; raises `Reverted` unless `check` is off."""
        target = self._contract
        who = sender if sender is not None else target._sender
        if who is None:
            raise ChainError(f"{self.method.name}: no sender given")
        data = self.method.encode(args, named)
        return target._rpc.send(target.address, data, sender=who, value=value, gas=gas, check=check)

    def prepare(
        self, *args: Any, sender: Any = None, value: int = 0, gas: int | None = None, **named: Any
    ) -> Call:
        """The same call for `Rpc.simulate` and `Rpc.send_all`."""
        who = sender if sender is not None else self._contract._sender
        data = self.method.encode(args, named)
        return Call(self._contract.address, data, who or ZERO, value, gas)

    def decode(self, data: bytes) -> Any:
        """Decode a result, of a simulation for instance."""
        return self.method.decode(data)


@lru_cache(maxsize=256)
def _methods(artifacts: Artifacts, name: str) -> dict[str, list[Method]]:
    return group(artifacts.get(name).abi)


def group(abi: Iterable[JsonAbi]) -> dict[str, list[Method]]:
    """Methods of an ABI by name and by signature."""
    found: dict[str, list[Method]] = {}
    for entry in abi:
        if entry["type"] == "function":
            method = Method(entry)
            found.setdefault(method.name, []).append(method)
            found[method.signature] = [method]
    return found


class Contract:
    """A deployed contract. `contract.fn(...)`; an overload by `contract["fn(uint256)"](...)`."""

    def __init__(
        self, rpc: Rpc, where: Any, methods: dict[str, list[Method]], sender: Any = None
    ) -> None:
        self.address = address(where)
        self._rpc = rpc
        self._methods = methods
        self._sender = sender

    def __getattr__(self, name: str) -> Function:
        if name.startswith("__") or name not in self._methods:
            raise AttributeError(f"the contract has no function {name}")
        overloads = self._methods[name]
        if len(overloads) > 1:
            options = ", ".join(method.signature for method in overloads)
            raise AttributeError(f'{name} is overloaded: use contract["..."] with one of {options}')
        bound = Function(self, overloads[0])
        self.__dict__[name] = bound
        return bound

    def __getitem__(self, signature: str) -> Function:
        return Function(self, self._methods[signature][0])

    def as_(self, sender: Any) -> Contract:
        """The same contract with a default sender."""
        return Contract(self._rpc, self.address, self._methods, sender)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Contract) and other.address == self.address

    def __hash__(self) -> int:
        return hash(self.address)

    def __repr__(self) -> str:
        return f"<Contract {self.address}>"


def at(
    rpc: Rpc, name: str, where: Any, *, sender: Any = None, artifacts: Artifacts | None = None
) -> Contract:
    """A contract (or interface) of this project at an address."""
    return Contract(rpc, where, _methods(artifacts or default(), name), sender)


def deploy_libraries(
    rpc: Rpc, name: str, *, sender: Any, artifacts: Artifacts | None = None
) -> dict[str, str]:
    """Deploy the libraries a contract links to, where they are not there yet."""
    known = artifacts or default()
    found = known.libraries(name)
    for library, where in found.items():
        if not rpc.code(where):
            code = known.get(library).link(found)
            rpc.send(CREATE2_FACTORY, b"\0" * 32 + code, sender=sender)
            if not rpc.code(where):
                raise ChainError(f"{library} did not deploy: is there a CREATE2 factory?")
    return found


def creation(artifact: Artifact, code: bytes, args: Sequence[Any]) -> bytes:
    """Creation code with the constructor's arguments."""
    for entry in artifact.abi:
        if entry["type"] == "constructor":
            return code + parameters(entry["inputs"]).encode(args)
    if args:
        raise AbiError(f"{artifact.name} has no constructor arguments")
    return code


def deploy(
    rpc: Rpc,
    name: str,
    *args: Any,
    sender: Any,
    value: int = 0,
    gas: int = GAS,
    libraries: dict[str, str] | None = None,
    artifacts: Artifacts | None = None,
) -> Contract:
    """Deploy a contract by name, with its libraries where they are not given."""
    known = artifacts or default()
    artifact = known.get(name)
    links = libraries
    if links is None:
        links = deploy_libraries(rpc, name, sender=sender, artifacts=known)
    code = creation(artifact, artifact.link(links), args)
    receipt = rpc.send(None, code, sender=sender, value=value, gas=gas, check=False)
    if not receipt.ok or receipt.contract is None:
        raise Reverted(rpc.revert_data(receipt.hash), receipt=receipt)
    return Contract(rpc, receipt.contract, _methods(known, name), sender)
