"""Liquidity providers who may flee, and an attacker who knows the next price."""

from __future__ import annotations

from dataclasses import dataclass

from bulkhead.errors import BadInput
from bulkhead.model import margin
from bulkhead.model.types import Config
from bulkhead.model.wad import WAD, ceil_div
from bulkhead.sim.backend import Backend, Done, View
from bulkhead.sim.moves import FOREVER, Move


@dataclass(frozen=True)
class ProviderTerms:
    """A share of the liquidity, and the loss of the share price (of 1) at which it leaves."""

    share: float
    flees_at: float

    def __post_init__(self) -> None:
        for name, value in (("provider's share", self.share), ("flees at", self.flees_at)):
            if not 0 < value <= 1:
                raise BadInput(name, value, "above 0, at most 1")


@dataclass
class Provider:
    """One provider. Who has asked once cannot take it back."""

    terms: ProviderTerms
    account: str
    highest: float = 0.0
    asked: bool = False

    def decide(self, view: View, backend: Backend) -> Move | None:
        """Asks for everything back once the share price has fallen too far."""
        if self.asked or view.supply == 0:
            return None
        price = view.nav / view.supply
        self.highest = max(self.highest, price)
        if price > self.highest * (1 - self.terms.flees_at):
            return None
        self.asked = True
        args = (backend.shares(self.account), self.account, self.account)
        return Move(self.account, "request_redeem", args, "flees")


MOST_CAPITAL = 1e12  # quote units


@dataclass(frozen=True)
class AttackerTerms:
    """Trades against the feed's lag. `capital` in quote units; 0: there is none.

    `edge`: how much more than its costs the lag must be worth, as a share of notional.
    """

    capital: float = 0.0
    edge: float = 0.0005

    def __post_init__(self) -> None:
        if not 0 <= self.capital <= MOST_CAPITAL:
            raise BadInput("attacker's capital", self.capital, f"0 to {MOST_CAPITAL:.0f}")


@dataclass
class Attacker:
    """Sees the price that the feed has not sent yet; opens before it lands, closes after."""

    terms: AttackerTerms
    account: str
    id: int = 0
    size: int = 0
    opened_at_publication: int = 0
    trades: int = 0

    def decide(self, answer_mark: int, view: View, cfg: Config) -> Move | None:
        """`answer_mark`: the price outside (Wad)."""
        if self.terms.capital == 0:
            return None
        if self.size:
            if view.published_at <= self.opened_at_publication:
                return None
            limit = 0 if self.size > 0 else 2**128
            args = (self.id, limit, FOREVER, self.account)
            return Move(self.account, "close_and_withdraw", args, "attacks")
        lag = answer_mark / view.mark - 1
        costs = (2 * cfg.taker_fee + view.spread) / WAD
        if abs(lag) < costs + self.terms.edge:
            return None
        return self._open(1 if lag > 0 else -1, abs(lag) - costs, view, cfg)

    def _open(self, side: int, gain: float, view: View, cfg: Config) -> Move | None:
        """As much as its capital carries and as the impact leaves worth it."""
        # Opening and closing a size out of a balanced pool costs size/S of impact.
        by_impact = gain * cfg.skew_scale / WAD * view.mark / WAD
        room = max(0, cfg.max_skew - side * view.skew) * view.mark / WAD / WAD
        notional = int(min(by_impact, room, 20 * self.terms.capital)) * WAD
        while notional >= 2 * cfg.min_notional:
            least = margin.im(notional, view.mu_im(cfg), cfg) * 105 // 100
            asked = least + int(costs_of(cfg) * notional)
            if asked <= self.terms.capital * WAD:
                size, limit = side * (notional * WAD // view.mark), 2**128 if side > 0 else 0
                args = (self.id, size, ceil_div(asked, cfg.unit), limit, FOREVER)
                return Move(self.account, "open", args, "attacks")
            notional = notional * 3 // 4
        return None

    def remember(self, done: Done, view: View) -> None:
        """Keep the position in mind."""
        if done.error:
            return
        if done.move.name == "open":
            self.id, self.size = int(done.value), done.move.args[1]
            self.opened_at_publication = view.published_at
            self.trades += 1
        else:
            self.size = 0


def costs_of(cfg: Config) -> float:
    """Fee, widest spread and highest impact of one trade, as a share of notional."""
    return (cfg.taker_fee + cfg.max_spread + cfg.max_impact) / WAD
