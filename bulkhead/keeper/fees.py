"""What a transaction costs and what to bid for its place. Pure integers: wei, gas, Wad quote."""

from __future__ import annotations

from dataclasses import dataclass

from bulkhead.model.wad import WAD, ceil_div

BUMP_PERCENT = 13  # nodes want at least 10 more (geth) or 12.5 (others) on both fees to replace
TRANSFER_GAS = 21_000
HEAD_BYTES = 130  # of a signed transaction without its calldata


@dataclass(frozen=True)
class Fees:
    """EIP-1559 fees of one transaction (wei per gas)."""

    most: int  # maxFeePerGas
    tip: int  # maxPriorityFeePerGas

    def bumped(self) -> Fees:
        """The least that replaces a transaction with these fees."""
        most, tip = (ceil_div(one * (100 + BUMP_PERCENT), 100) + 1 for one in (self.most, self.tip))
        return Fees(most, tip)


@dataclass(frozen=True)
class GasPrice:
    """The moment's prices."""

    base: int  # next block's base fee (wei per gas)
    tip: int  # what gets in at all (wei per gas)
    l1_per_byte: int = 0  # data fee of an L2 (wei per byte of the signed transaction); 0 on L1
    quote_per_native: int = WAD  # price of the native coin (Wad quote)
    l1_in_gas: bool = False  # the data fee is charged as gas (Arbitrum): estimates contain it

    def l1(self, size: int) -> int:
        """Data fee of calldata of so many bytes (wei)."""
        return self.l1_per_byte * (size + HEAD_BYTES) if self.l1_per_byte else 0

    def quote(self, wei: int) -> int:
        """Wei in Wad quote, up."""
        return ceil_div(wei * self.quote_per_native, WAD)


@dataclass(frozen=True)
class Caps:
    """Bounds of what is bid."""

    max_fee: int  # highest maxFeePerGas (wei per gas)
    max_tip: int  # highest maxPriorityFeePerGas (wei per gas)
    tip_share: int  # of the profit that a bid may give away (Wad)


def bid(profit: int, gas: int, price: GasPrice, caps: Caps) -> Fees:
    """Fees for work that leaves `profit` (Wad quote) at the base fee alone. Others want it too, so
    a share of it is bid. Two base fees leave room for six full blocks."""
    share = max(0, profit) * caps.tip_share // WAD  # down: never gives away more
    offer = share * WAD // price.quote_per_native // gas if price.quote_per_native else 0
    tip = max(price.tip, min(offer, caps.max_tip))
    return Fees(2 * price.base + tip, tip)


def bump(fees: Fees, price: GasPrice, caps: Caps) -> Fees | None:
    """Fees that replace these and suit the present base fee; None where a cap forbids it."""
    least = fees.bumped()
    tip = max(least.tip, price.tip)
    most = max(least.most, 2 * price.base + tip)
    if most > caps.max_fee or tip > max(caps.max_tip, price.tip):
        return None
    return Fees(most, tip)
