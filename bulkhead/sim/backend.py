"""One interface over two worlds: the exact twin, and a chain that runs the contracts.

A block is a list of moves at one time. Whoever decides, decides from what the block before left
(`view`, `held`), as people on a chain do; so the same decisions can be played on both worlds, and
both must come to the same state, to the last unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bulkhead.model import volatility
from bulkhead.model.types import Config
from bulkhead.model.wad import WAD, ceil_div
from bulkhead.sim.moves import Move


@dataclass(frozen=True)
class View:
    """The market after a block. Wad, but token units where said; the funding rate is Ray."""

    time: int
    mark: int
    spread: int
    published_at: int
    resumed_at: int
    funding_index: int
    funding_rate: int
    variance: int
    ramp: int
    size_long: int
    size_short: int
    basis_long: int
    basis_short: int
    nav: int
    cash: int  # token units
    owed: int  # tickets, token units
    paid: int
    insurance: int  # the fund and its unswept share, token units
    supply: int  # pool shares

    @property
    def skew(self) -> int:
        """K, signed."""
        return self.size_long - self.size_short

    @property
    def net_claim(self) -> int:
        """What the pool owes all positions together."""
        claims = ceil_div(self.skew * (self.mark - self.funding_index), WAD)
        return claims - self.basis_long - self.basis_short

    def mu_im(self, cfg: Config) -> int:
        """The multiplier of the initial requirement."""
        larger = ceil_div(max(self.size_long, self.size_short) * self.mark, WAD)
        return volatility.mu_im(self.variance, self.ramp, larger, self.nav, cfg)


@dataclass(frozen=True)
class Held:
    """A position: signed size and basis (Wad), the vault's balance (token units)."""

    id: int
    size: int
    basis: int
    margin: int


@dataclass(frozen=True)
class Done:
    """What a move did. `error` is empty where it was allowed; events as (name, arguments)."""

    move: Move
    error: str
    value: Any
    events: tuple[tuple[str, dict[str, Any]], ...]


class Backend(Protocol):
    """A market that moves are made in. `accounts` hold tokens that `give` gave them."""

    accounts: Sequence[str]

    @property
    def cfg(self) -> Config:
        """The market's configuration."""

    def give(self, purses: dict[str, int]) -> None:
        """Tokens (token units) for accounts, and allowances for market and pool. Before the start.

        The key `fund` stands for the insurance fund.
        """

    def play(self, time: int, moves: Sequence[Move]) -> list[Done]:
        """One block with these moves in this order."""

    def view(self) -> View:
        """The market after the last block."""

    def held(self, ids: Sequence[int]) -> list[Held]:
        """Positions after the last block."""

    def shares(self, account: str) -> int:
        """Pool shares of an account."""

    def claimable(self, account: str) -> int:
        """Token units of a priced deposit that wait to be claimed as shares."""

    def balance(self, account: str) -> int:
        """Token units of an account."""

    def snapshot(self) -> dict[str, Any]:
        """Everything that both worlds must agree on, by name."""


def touched(done: Done) -> tuple[int, ...]:
    """Ids that a move may have changed."""
    name, args = done.move.name, done.move.args
    if name == "open":
        return (int(done.value),) if not done.error else ()
    if name == "liquidate_many":
        return tuple(args[0])
    return (args[0],) if name in _BY_ID else ()


_BY_ID = (
    *("increase", "decrease", "close", "close_and_withdraw", "add_margin", "remove_margin"),
    *("settle", "liquidate", "deleverage"),
)
