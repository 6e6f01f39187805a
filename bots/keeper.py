"""The keeper as a Silverback bot: the same watch, `decide` and act, one look a block.

    silverback run keeper --network ethereum:mainnet:node --account my-keeper

Settings are those of `bulkhead keeper run`, from `BULKHEAD_KEEPER_*` (a node that is not set there
is the network's). Silverback's signer signs where one is given, else the key that is set; with
neither it is a dry run.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from ape import chain
from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from silverback import SilverbackBot

from bulkhead.keeper.service import Keeper
from bulkhead.keeper.settings import CONFIG, load
from bulkhead.keeper.wallet import Signed

bot = SilverbackBot()


class ApeSigner:
    """An ape account, as the keeper's wallet wants its signer."""

    def __init__(self, account: Any) -> None:
        self.account = account
        self.address = str(account.address)

    def sign_transaction(self, fields: dict[str, Any]) -> Signed:
        """The signed bytes."""
        ecosystem = chain.provider.network.ecosystem
        wanted = {
            "type": fields["type"],
            "chain_id": fields["chainId"],
            "nonce": fields["nonce"],
            "receiver": to_checksum_address(fields["to"]),
            "data": HexBytes(fields["data"]),
            "value": 0,
            "gas": fields["gas"],
            "max_fee": fields["maxFeePerGas"],
            "max_priority_fee": fields["maxPriorityFeePerGas"],
            "sender": self.address,
        }
        signed = self.account.sign_transaction(ecosystem.create_transaction(**wanted))
        if signed is None:
            raise PermissionError(f"{self.address} did not sign")
        return Signed(bytes(signed.serialize_transaction()))


def _keeper() -> Keeper:
    file = os.environ.get(CONFIG)
    settings = load(Path(file) if file else None)
    if "node" not in settings.model_fields_set:
        node = str(getattr(chain.provider, "http_uri", None) or chain.provider.uri)
        settings = settings.model_copy(update={"node": node})
    return Keeper(settings, signer=ApeSigner(bot.signer) if bot.signer else None)


keeper = _keeper()
turn = asyncio.Lock()


@bot.on_(chain.blocks)
async def look(block: Any) -> dict[str, float]:
    """One look, and Silverback's own metrics of it."""
    async with turn:  # the keeper's connections belong to one look at a time
        looks = await asyncio.to_thread(keeper.look_safely)
    return {
        "actions": float(sum(len(one.decision.actions) for one in looks)),
        "sent": float(sum(len(one.sent) for one in looks)),
        "skipped": float(sum(len(one.skips) for one in looks)),
        "healthy": float(keeper.health.healthy),
    }


@bot.on_worker_shutdown()
def stop(_: Any) -> None:
    """Ends connections."""
    keeper.close()
