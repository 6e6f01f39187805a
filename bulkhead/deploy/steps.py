"""Deploying one thing after another, with a note of each step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bulkhead.chain.artifacts import CREATE2_FACTORY, Artifacts, create2, default
from bulkhead.chain.contract import Contract, Function, at, creation
from bulkhead.chain.errors import ChainError, Reverted
from bulkhead.chain.rpc import Receipt, Rpc

GAS = 2**24  # the most that a transaction may have (EIP-7825)
_SALT = b"\0" * 32


@dataclass(frozen=True)
class Step:
    """One transaction of a deployment. `address` is what it created or called."""

    kind: str  # "library", "contract" or "call"
    name: str
    address: str
    args: tuple[Any, ...]
    gas_used: int
    transaction: str
    block: int


Notice = Callable[[Step], None]


def quiet(_: Step) -> None:
    """Nobody listens."""


class Deployer:
    """Sends the transactions of a deployment from one account and keeps what they did."""

    def __init__(
        self,
        rpc: Rpc,
        sender: str,
        *,
        artifacts: Artifacts | None = None,
        notice: Notice = quiet,
    ) -> None:
        self.rpc = rpc
        self.sender = sender
        self.artifacts = artifacts or default()
        self.notice = notice
        self.steps: list[Step] = []
        self.libraries: dict[str, str] = {}

    def _note(self, kind: str, name: str, where: str, args: tuple[Any, ...], r: Receipt) -> None:
        step = Step(kind, name, where, args, r.gas_used, r.hash, r.block)
        self.steps.append(step)
        self.notice(step)

    def _sent(self, receipt: Receipt) -> Receipt:
        if not receipt.ok:
            raise Reverted(self.rpc.revert_data(receipt.hash), receipt=receipt)
        return receipt

    def link(self, name: str) -> dict[str, str]:
        """Deploy the libraries of a contract that are not there yet; return their addresses."""
        found = self.artifacts.libraries(name)
        for library, where in found.items():
            self.libraries[library] = where
            if self.rpc.code(where):
                continue
            code = self.artifacts.get(library).link(found)
            self._note("library", library, where, (), self._through_factory(library, where, code))
        return found

    def at(self, name: str, where: str) -> Contract:
        """A contract (or interface) that is there already."""
        return at(self.rpc, name, where, sender=self.sender, artifacts=self.artifacts)

    def shared(self, name: str) -> Contract:
        """A contract without constructor arguments or state, through the CREATE2 factory: every
        market of a chain shares it, and it has the same address on all chains."""
        code = self.code(name)
        where = create2(code)
        if not self.rpc.code(where):
            self._note("contract", name, where, (), self._through_factory(name, where, code))
        return self.at(name, where)

    def _through_factory(self, name: str, where: str, code: bytes) -> Receipt:
        sent = self.rpc.send(
            CREATE2_FACTORY, _SALT + code, sender=self.sender, gas=GAS, check=False
        )
        self._sent(sent)
        if not self.rpc.code(where):
            raise ChainError(f"{name} did not deploy: is there a CREATE2 factory?")
        return sent

    def code(self, name: str) -> bytes:
        """Creation code of a contract, linked; its libraries are deployed first."""
        return self.artifacts.get(name).link(self.link(name))

    def create(self, name: str, *args: Any) -> Contract:
        """Deploy a contract with its libraries."""
        code = creation(self.artifacts.get(name), self.code(name), args)
        receipt = self._sent(self.rpc.send(None, code, sender=self.sender, gas=GAS, check=False))
        if receipt.contract is None:
            raise ChainError(f"{name} was mined without an address")
        self._note("contract", name, receipt.contract, args, receipt)
        return self.at(name, receipt.contract)

    def adopt(self, name: str, where: str, args: tuple[Any, ...]) -> None:
        """Note a contract that is there already, with what it was deployed with."""
        step = Step("adopted", name, where, args, 0, "", 0)
        self.steps.append(step)
        self.notice(step)

    def call(self, what: str, function: Function, *args: Any) -> Receipt:
        """Send a call."""
        receipt = self._sent(function.send(*args, sender=self.sender, gas=GAS, check=False))
        self._note("call", what, function.prepare(*args).to, args, receipt)
        return receipt

    @property
    def gas_used(self) -> int:
        """Gas of all steps."""
        return sum(step.gas_used for step in self.steps)
