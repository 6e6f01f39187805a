"""Engine `revm`: the same bytecode in this process, thousands of calls a second.

pyrevm keeps slots warm from call to call, so it knows no gas; its transient storage outlives a call
and is cleared here after each; its checkpoints serve once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pyrevm import EVM, AccountInfo, BlockEnv, CfgEnv, Env

from bulkhead.chain.abi import address
from bulkhead.chain.artifacts import CREATE2_FACTORY
from bulkhead.chain.errors import ChainError, Reverted
from bulkhead.chain.rpc import GAS, Rpc
from bulkhead.chain.wire import Log, Receipt
from bulkhead.fuzz.engine import Answer

# The deterministic deployer that every chain has at CREATE2_FACTORY.
_FACTORY_CODE = bytes.fromhex(
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0"
    "3601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
)
_NOBODY = "0x" + "11" * 20
ROOMY_BYTES = 1 << 20
CHAIN_ID = 1  # as revm has it


class Revm:
    """An EVM in this process. Every call is a transaction of its own: transient storage ends."""

    name = "revm"

    def __init__(self, now: int, roomy: bool = False) -> None:
        """roomy: code may be larger, and transactions cost more, than on a chain."""
        self.gas = GAS * (20 if roomy else 1)
        config = CfgEnv(limit_contract_code_size=ROOMY_BYTES) if roomy else CfgEnv()
        self.evm = EVM(env=Env(cfg=config), spec_id="CANCUN")
        self.storage: Callable[[str, int], int] | None = self.evm.storage
        self.moment = 0
        self.height = 1
        self.calls = 0
        self.rpc: Rpc = _Client(self)
        self.set_time(now)
        self.evm.insert_account_info(CREATE2_FACTORY, AccountInfo(code=_FACTORY_CODE))

    def set_time(self, moment: int) -> None:
        """The time of the transactions from now on."""
        if moment != self.moment:
            self.height += 1
            self.moment = moment
            self.evm.set_block_env(BlockEnv(number=self.height, timestamp=moment))

    def _run(self, to: str, data: bytes, sender: str, static: bool) -> Answer:
        self.calls += 1
        evm = self.evm
        try:
            out = evm.message_call(
                caller=sender, to=to, calldata=data, gas=self.gas, is_static=static
            )
            return Answer(True, out)
        except RuntimeError as problem:
            return Answer(False, _revert_data(str(problem)))
        finally:
            evm.reset_transient_storage()

    def send(self, to: str, data: bytes, sender: str, asked: bool = True) -> Answer:
        """A transaction."""
        return self._run(to, data, sender, False)

    def pay(self, to: str, data: bytes, sender: str, value: int) -> Answer:
        """A transaction that brings ether."""
        evm = self.evm
        self.calls += 1
        evm.set_balance(sender, evm.get_balance(sender) + value)
        try:
            out = evm.message_call(caller=sender, to=to, calldata=data, value=value, gas=self.gas)
            return Answer(True, out)
        except RuntimeError as problem:
            return Answer(False, _revert_data(str(problem)))
        finally:
            evm.reset_transient_storage()

    def ether(self, who: str) -> int:
        """What an account holds (wei)."""
        return int(self.evm.get_balance(who))

    def view(self, to: str, data: bytes) -> Answer:
        """A call that changes nothing."""
        return self._run(to, data, _NOBODY, True)

    def logs(self) -> Sequence[Log]:
        """Events of the last call."""
        result = self.evm.result
        return tuple(
            Log(
                address=log.address.lower(),
                topics=tuple(bytes.fromhex(topic[2:]) for topic in log.topics),
                data=bytes(log.data[1]),
                index=place,
            )
            for place, log in enumerate(result.logs if result else ())
        )

    def snapshot(self) -> Any:
        """A checkpoint with its time."""
        return self.evm.snapshot(), self.moment

    def restore(self, point: Any) -> None:
        """Back to a checkpoint."""
        mark, moment = point
        self.evm.revert(mark)
        self.set_time(moment)

    @contextmanager
    def acting(self, who: str) -> Iterator[None]:
        """Puts a contract's code aside, for the EVM takes no transaction from an account with
        code; then undoes everything."""
        kept, point = self.evm.basic(who), self.snapshot()
        self.evm.insert_account_info(who, AccountInfo(nonce=kept.nonce))
        try:
            yield
        finally:
            self.restore(point)
            self.evm.insert_account_info(who, kept)

    def close(self) -> None:
        """Nothing to close."""


class _Client(Rpc):
    """What contract objects and the deployer use of a node, over the engine."""

    def __init__(self, engine: Revm) -> None:
        self.engine = engine

    def chain_id(self) -> int:
        """What signatures are bound to."""
        return CHAIN_ID

    def call(self, to: Any, data: bytes, *, sender: Any = None, **_: Any) -> bytes:
        """A view."""
        found = self.engine.view(address(to), data)
        if not found.ok:
            raise Reverted(found.data)
        return found.data

    def code(self, who: Any) -> bytes:
        """Runtime code."""
        found = self.engine.evm.get_code(address(who))
        return bytes(found).rstrip(b"\0") if found else b""

    def send(
        self, to: Any, data: bytes = b"", *, sender: Any, check: bool = True, **_: Any
    ) -> Receipt:
        """A transaction; always checked."""
        created = None
        if to is None:
            try:
                created = self.engine.evm.deploy(address(sender), data, gas=self.engine.gas).lower()
            except RuntimeError as problem:
                raise Reverted(_revert_data(str(problem)), message=str(problem)[:300]) from None
        else:
            found = self.engine.send(address(to), data, address(sender))
            if not found.ok:
                raise Reverted(found.data)
        return Receipt("0x", 1, 0, self.engine.height, created, tuple(self.engine.logs()))

    def close(self) -> None:
        """Nothing to close."""


def _revert_data(text: str) -> bytes:
    if text.startswith("Revert"):  # Revert { gas_used: 32390, output: 0x... }
        return bytes.fromhex(text[text.index("0x") + 2 : text.rindex(" }")])
    if "Transaction(" in text:  # never ran
        raise ChainError(f"the EVM refused a transaction: {text[:200]}")
    return b""  # it halted: out of gas, an invalid opcode
