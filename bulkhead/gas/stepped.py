"""A client under which a block is finished before anything else happens."""

from __future__ import annotations

from bulkhead.chain.rpc import Receipt, Rpc


class Stepped(Rpc):
    """A client that mines each transaction itself and waits for its block.

    When Anvil mines by itself, a receipt can be there before its block is finished; to take a
    snapshot back in between leaves parts of the block behind.
    """

    last: Receipt  # of the transaction sent last

    def __init__(self, url: str) -> None:
        super().__init__(url)
        super().automine(False)

    def automine(self, on: bool) -> None:
        """Stays off."""

    def wait(self, transaction: str, timeout: float = 30.0) -> Receipt:
        """Mine, then fetch the receipt."""
        self.mine()
        self.last = super().wait(transaction, timeout)
        return self.last
