"""The constructor of the market model, its views, and what its actions share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bulkhead.model import acceptance, config, liquidating, margin, pricing, volatility
from bulkhead.model.core import Core, Result
from bulkhead.model.errors import Locked, ModelError, NotAuthorised
from bulkhead.model.pool import Pool
from bulkhead.model.types import (
    ZERO_ADDRESS,
    Address,
    Params,
    Position,
    Reading,
    State,
    Ticket,
)
from bulkhead.model.wad import WAD, ceil_div, ln_wad


def _address(tag: int) -> Address:
    return f"0x{0xB0 << 152 | tag:040x}"


MARKET, POOL, FUND, TOKEN, TIMELOCK, GUARDIAN, ORDER_BOOK = (_address(n) for n in range(1, 8))


_NOWHERE = Position(ZERO_ADDRESS)


class Undo(Exception):
    """Rolls a preview back."""


class Base:
    """State and views. Set `now` and `oracle` before each action."""

    def __init__(
        self,
        params: Params,
        decimals: int = 6,
        *,
        initial_mark: int,
        initial_variance: int = 0,
        now: int = 1_700_000_000,
        max_reward: int | None = None,
        market: Address = MARKET,
        pool: Address = POOL,
        fund: Address = FUND,
        order_book: Address = ORDER_BOOK,
        token: Address = TOKEN,
        timelock: Address = TIMELOCK,
        guardian: Address = GUARDIAN,
    ) -> None:
        unit = 10 ** (18 - decimals)
        config.check_addresses(params, market, pool, token)
        cfg = config.derive(
            params,
            token=token,
            pool=pool,
            fund=fund,
            order_book=order_book,
            decimals=decimals,
            max_reward=params.reward_cap // unit if max_reward is None else max_reward,
            initial_mark=initial_mark,
        )
        config.check_first_cap(cfg)
        self.core = Core(cfg, now, market, timelock)
        self.core.guardian = guardian
        self.pool = Pool(self.core)
        self.on_margin_call = self.core.on_margin_call  # owner -> callable(model, id, shortfall)
        self.core.state.__dict__.update(
            mark=initial_mark,
            accrued_at=now,
            sampled_at=now,
            variance=initial_variance,
            ramp=volatility.target(initial_variance, cfg),
            ln_sample=ln_wad(initial_mark),
        )

    # ---- the world around the market

    @property
    def now(self) -> int:
        """Block time."""
        return self.core.now

    @now.setter
    def now(self, value: int) -> None:
        self.core.now = value

    @property
    def oracle(self) -> Reading | ModelError:
        """What the oracle's read returns, or raises."""
        return self.core.oracle

    @oracle.setter
    def oracle(self, value: Any) -> None:
        self.core.oracle = value

    def balance(self, who: Address) -> int:
        """Token balance."""
        return self.core.balances.get(who, 0)

    def give(self, who: Address, amount: int) -> None:
        """Creates tokens (tests and simulations)."""
        self.core.balances[who] = self.balance(who) + amount

    def destroy(self, who: Address, amount: int) -> None:
        """What a token's issuer takes away from somebody: so much, or all that is there."""
        held = self.balance(who)
        self.core.balances.put(who, held - min(amount, held))

    def send(self, source: Address, to: Address, amount: int) -> bool:
        """A plain token transfer. Inside a margin call it is part of the transaction."""
        with self.core.transaction():
            done = self.core.transfer(source, to, amount)
        if self.core.depth == 0:
            self.core.payments.clear()
        return done

    def preview(self, action: str, *args: Any) -> Result | ModelError:
        """What an action would do, without doing it."""
        core = self.core
        target: Callable[..., Result] = getattr(self, action)

        outcome: Result | None = None
        try:
            with core.transaction():
                outcome = target(*args)
                raise Undo
        except Undo:
            assert outcome is not None
            return outcome
        except ModelError as error:
            return error

    # ---- views

    @property
    def state(self) -> State:
        """The raw state, as of the last accrual."""
        return self.core.state

    def position(self, id_: int) -> Position:
        """A position; of an unknown id the empty one."""
        return self.core.positions.get(id_, _NOWHERE)

    def ticket(self, number: int) -> Ticket:
        """A ticket; of an unknown number the empty one."""
        return self.core.tickets.get(number, Ticket(ZERO_ADDRESS, 0, 0))

    def margin(self, id_: int) -> int:
        """The vault's balance (token units)."""
        return self.core.balance_of(id_)

    def nav(self) -> int:
        """Net asset value of the pool at the held mark (Wad)."""
        return pricing.nav(self.core)

    def net_claim(self) -> int:
        """Total claim of the traders (Wad)."""
        return pricing.net_claim(self.core)

    def side_claim(self, sign: int) -> int:
        """Claim of one side (Wad)."""
        return pricing.side_claim(self.core, sign)

    def free_liquidity(self, nav: int | None = None) -> int:
        """What liquidity providers may take out now (token units). nav: if it is known."""
        return pricing.free_liquidity(self.core, nav)

    def claim(self, id_: int) -> int:
        """What the pool owes a position at the mark (Wad)."""
        return self.core.ledger(id_).claim(self.state.mark)

    def equity(self, id_: int) -> int:
        """Equity at the mark (Wad)."""
        return self.core.ledger(id_).equity(self.state.mark)

    def requirements(self, id_: int) -> tuple[int, int, int]:
        """(IM, MM, TM) at the mark; zeros if flat."""
        size, s, cfg = self.position(id_).size, self.state, self.core.cfg
        if size == 0:
            return 0, 0, 0
        n = ceil_div(abs(size) * s.mark, WAD)
        mu = pricing.im_multiplier(self.core)
        return margin.im(n, mu, cfg), margin.mm(n, s.ramp, cfg), margin.tm(n, s.ramp, cfg)

    def liquidatable(self, id_: int) -> bool:
        """Whether `liquidate` succeeds at the held state (a mark being accepted)."""
        return liquidating.judge(self.core, id_) is None

    def withdrawable(self, id_: int) -> int:
        """The most `remove_margin` allows at the held mark (token units)."""
        core, mark = self.core, self.state.mark
        books = core.ledger(id_)
        books.touch()
        free = max(0, books.vault - core.locked_of(id_))
        if books.size == 0:
            return free
        unit, need = core.cfg.unit, self.requirements(id_)[0]
        spare = min(free - ceil_div(need, unit), (books.equity(mark) - need) // unit)
        return max(0, spare)

    def in_grace(self) -> bool:
        """Whether an outage or ReduceOnly ended too short ago."""
        return acceptance.in_grace(self.core)

    def total_assets(self) -> int:
        """The pool's totalAssets (token units)."""
        return max(0, self.nav()) // self.core.cfg.unit

    # ---- what actions share

    def _reserve(self, owner: Address) -> int:
        core = self.core
        core.check_receiver(owner)
        number = core.state.next_id
        core.state.next_id += 1
        core.positions.put(number, Position(owner))
        core.vaults.put(core.vault(number), number)
        core.emit("PositionReserved", id=number, owner=owner, vault=core.vault(number))
        return number

    def _known(self, id_: int) -> Position:
        """A known position that is not in its margin call."""
        if id_ in self.core.calling:
            raise Locked
        return self.core.position(id_)

    def _owned(self, id_: int, caller: Address) -> Position:
        self._known(id_)
        return self.core.owned(id_, caller)

    def _authorised(self, id_: int, caller: Address) -> Position:
        held = self._known(id_)
        if not self.core.is_authorised(id_, caller):
            raise NotAuthorised(id_, caller)
        return held
