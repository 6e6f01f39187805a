"""The project's client over pyrevm: the same contracts, thousands of calls a second."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pyrevm import EVM, AccountInfo, BlockEnv

from bulkhead.chain.abi import address
from bulkhead.chain.artifacts import CREATE2_FACTORY
from bulkhead.chain.errors import ChainError, Reverted
from bulkhead.chain.rpc import GAS, Rpc
from bulkhead.chain.wire import Log, Receipt

# The deterministic deployer that every chain has at CREATE2_FACTORY.
_FACTORY_CODE = bytes.fromhex(
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0"
    "3601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
)
_OUTPUT = re.compile(r"0x[0-9a-f]*", re.IGNORECASE)


class Revm(Rpc):
    """An EVM in this process. Every call is a transaction of its own: transient storage ends."""

    def __init__(self, now: int) -> None:
        self.evm = EVM(spec_id="CANCUN")
        self.moment = 0
        self.height = 1
        self.calls = 0
        self.at(now)
        self.evm.insert_account_info(CREATE2_FACTORY, AccountInfo(code=_FACTORY_CODE))

    def at(self, moment: int) -> None:
        """The time of the transactions from now on."""
        if moment != self.moment:
            self.height += 1
            self.moment = moment
            self.evm.set_block_env(BlockEnv(number=self.height, timestamp=moment))

    def run(self, to: str, data: bytes, sender: str, static: bool = False) -> tuple[bool, bytes]:
        """(success, return or revert data)."""
        self.calls += 1
        try:
            out = self.evm.message_call(
                caller=sender, to=to, calldata=data, gas=GAS, is_static=static
            )
            return True, bytes(out)
        except RuntimeError as problem:
            return False, _revert_data(str(problem))
        finally:
            self.evm.reset_transient_storage()

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Forgets what happens inside."""
        point, moment = self.evm.snapshot(), self.moment
        try:
            yield
        finally:
            self.evm.revert(point)
            self.at(moment)

    # ---- what Contract and Deployer use

    def call(self, to: Any, data: bytes, *, sender: Any = None, **_: Any) -> bytes:
        """A view."""
        ok, out = self.run(address(to), data, address(sender) if sender else "0x" + "11" * 20, True)
        if not ok:
            raise Reverted(out)
        return out

    def code(self, who: Any) -> bytes:
        """Runtime code."""
        found = self.evm.get_code(address(who))
        return bytes(found).rstrip(b"\0") if found else b""

    def send(self, to: Any, data: bytes = b"", *, sender: Any, check: bool = True, **_: Any) -> Any:
        """A transaction; always checked."""
        created = None
        if to is None:
            try:
                created = self.evm.deploy(address(sender), data, gas=GAS).lower()
            except RuntimeError as problem:
                raise Reverted(_revert_data(str(problem)), message=str(problem)[:300]) from None
        else:
            ok, out = self.run(address(to), data, address(sender))
            if not ok:
                raise Reverted(out)
        return Receipt("0x", 1, 0, self.height, created, self.logs())

    def logs(self) -> tuple[Log, ...]:
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

    def close(self) -> None:
        """Nothing to close."""


def _revert_data(text: str) -> bytes:
    found = _OUTPUT.search(text)
    if "Revert" not in text or found is None:
        if "Revert" not in text:
            raise ChainError(f"the EVM halted: {text[:200]}")
        return b""
    return bytes.fromhex(found.group(0)[2:])
