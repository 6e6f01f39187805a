"""Where a deployment goes: a node that signs by itself, or any network that ape knows."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import Any

from bulkhead.chain.abi import address, raw_bytes
from bulkhead.chain.binaries import find
from bulkhead.chain.errors import ChainError, Reverted, RpcError
from bulkhead.chain.rpc import GAS, Rpc
from bulkhead.errors import BadInput

_REVERT = re.compile(r"(0x[0-9a-f]{8})(?:: )?((?:[0-9a-f]{64})*)")
URLS = ("http://", "https://", "ipc://")


@dataclass(frozen=True)
class Network:
    """A connection, the address that a fork can be made from, and who signs."""

    rpc: Rpc
    url: str
    account: str


class ApeRpc(Rpc):
    """The same client over ape's provider, signing with an ape account where one is given."""

    def __init__(self, provider: Any, account: Any = None) -> None:
        """`provider` and `account` are ape's."""
        self.provider = provider
        self.account = account

    def request(self, method: str, *params: Any) -> Any:
        """Send one request and return its result."""
        from ape.exceptions import ApeException

        try:
            return self.provider.make_request(method, list(params))
        except ApeException as problem:
            raise _meant(problem, method) from problem

    def batch(self, requests: Iterable[tuple[str, Sequence[Any]]]) -> list[Any]:
        """One after the other: not every provider takes batches."""
        results: list[Any] = []
        for method, params in requests:
            try:
                results.append(self.request(method, *params))
            except RpcError as problem:
                results.append(problem)
        return results

    def submit(
        self, to: Any, data: bytes = b"", *, sender: Any, value: int = 0, gas: int = GAS
    ) -> str:
        """Sign with the ape account and send; the network estimates the gas."""
        from ape.exceptions import ApeException

        if self.account is None or address(sender) != self.account.address.lower():
            raise ChainError(f"{sender} can't sign here: give --account")
        fields: dict[str, Any] = {"data": data, "value": value}
        if to is not None:
            fields["receiver"] = self.provider.network.ecosystem.decode_address(address(to))
        transaction = self.provider.network.ecosystem.create_transaction(**fields)
        try:
            receipt = self.account.call(transaction)
        except ApeException as problem:
            raise _meant(problem, "sending") from problem
        sent: str = receipt.txn_hash
        return sent

    def close(self) -> None:
        """ape closes its own connections."""


def _meant(problem: Exception, doing: str) -> RpcError:
    """ape's error as one of ours: revert data stands in its text."""
    found = _REVERT.search(str(problem))
    if found is None:
        return RpcError(0, f"{doing}: {type(problem).__name__}: {problem}")
    return Reverted(raw_bytes("".join(found.groups(""))), message=str(problem))


def _signer(rpc: Rpc, account: str | None) -> str:
    """An account that the node itself signs for."""
    known = rpc.accounts()
    if account is None:
        if not known:
            raise BadInput("account", "nothing", "this node signs for nobody: use an ape network")
        return known[0]
    if account.isdigit() and int(account) < len(known):
        return known[int(account)]
    if account.lower() not in known:
        raise BadInput(
            "account", account, f"the node signs for {len(known)} accounts, not this one"
        )
    return account.lower()


def _ape_account(alias: str | None, signing: bool) -> Any:
    import ape

    if alias is None:
        if signing:
            raise BadInput("account", "nothing", "an alias of ape's accounts, or TEST::0")
        return None
    if alias.upper().startswith("TEST::"):
        return ape.accounts.test_accounts[int(alias.split("::")[1])]
    if alias not in list(ape.accounts.aliases):
        known = ", ".join(ape.accounts.aliases) or "none"
        raise BadInput("account", alias, f"ape knows: {known} (`ape accounts import`), TEST::0")
    return ape.accounts.load(alias)


@contextmanager
def connect(network: str, account: str | None = None, *, signing: bool = True) -> Iterator[Network]:
    """A node's address (http, https, ipc) or an ape network such as `ethereum:sepolia:node`."""
    if network.startswith(URLS):
        rpc = Rpc(network)
        try:
            rpc.chain_id()
        except (OSError, RpcError) as problem:
            raise BadInput("network", network, f"no node answers there: {problem}") from None
        yield Network(rpc, network, _signer(rpc, account) if signing else "")
        rpc.close()
        return
    with _ape_provider(network) as provider:
        found = _ape_account(account, signing)
        rpc = ApeRpc(provider, found)
        if signing and rpc.chain_id() != provider.chain_id:
            limit = f"ape would sign for chain {provider.chain_id}: give the node's address alone"
            raise BadInput("network", f"{network} is chain {rpc.chain_id()}", limit)
        url = str(getattr(provider, "http_uri", None) or provider.uri)
        yield Network(rpc, url, found.address.lower() if found else "")


@contextmanager
def _ape_provider(network: str) -> Iterator[Any]:
    """ape's provider of a network. Whatever ape prints goes to standard error: the other belongs
    to the command, and ape's traces keep the stream that they find when they are imported."""
    # ape looks for Anvil on PATH only.
    os.environ["PATH"] = f"{find('anvil')[0].parent}{os.pathsep}{os.environ.get('PATH', '')}"
    with redirect_stdout(sys.stderr):
        import ape
        import ape_ethereum  # noqa: F401
        from ape.exceptions import ApeException
        from ape.logging import LogLevel, logger

        logger.set_level(LogLevel.WARNING)
        try:
            context = ape.networks.parse_network_choice(network)
            provider = context.__enter__()
        except ApeException as problem:
            raise BadInput("network", network, f"ape says: {problem}") from None
    try:
        yield provider
    finally:
        context.__exit__(None, None, None)
