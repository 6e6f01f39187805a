"""Reading what gas costs now: base fee, tip, an L2's data fee, the native coin's price."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum

from eth_utils.address import is_hex_address

from bulkhead.chain.abi import codec
from bulkhead.chain.errors import RpcError
from bulkhead.errors import BadInput
from bulkhead.keeper.fees import GasPrice
from bulkhead.keeper.node import Head, NodeDown, NodeRpc
from bulkhead.model.wad import WAD, ceil_div

SAMPLE = bytes(range(1, 255))  # hardly compressible, as signatures and ids are
OPTIMISM_ORACLE = "0x420000000000000000000000000000000000000f"
GET_L1_FEE = bytes.fromhex("49948e0e")  # getL1Fee(bytes)
ARBITRUM_NODE = "0x00000000000000000000000000000000000000c8"
L1_COMPONENT = bytes.fromhex("77d488a2")  # gasEstimateL1Component(address,bool,bytes)
LATEST_ROUND = bytes.fromhex("feaf968c")  # latestRoundData()
DECIMALS = bytes.fromhex("313ce567")


class DataFee(StrEnum):
    """Whose L2 asks a fee for data on L1."""

    NONE = "none"
    OPTIMISM = "optimism"  # Optimism, Base and others of its stack
    ARBITRUM = "arbitrum"


@dataclass(frozen=True)
class NativePrice:
    """What the native coin is worth: the market's mark, a feed's answer, or a number (Wad)."""

    source: str

    def __post_init__(self) -> None:
        if self.source == "mark" or is_hex_address(self.source):
            return
        try:
            fine = self._number() > 0
        except (ArithmeticError, ValueError):
            fine = False
        if not fine:
            raise BadInput("native_price", self.source, "`mark`, a feed's address, or a number > 0")

    def _number(self) -> int:
        """Wad, up: the cost of gas is reckoned with it. Raises where it is none."""
        wad = Decimal(self.source) * WAD
        return int(wad.to_integral_value(ROUND_CEILING))

    def read(self, rpc: NodeRpc, mark: Callable[[], int]) -> int:
        """Quote Wad of one native coin."""
        if self.source == "mark":
            return mark()
        if not self.source.startswith("0x"):
            return self._number()
        answer = codec("uint80", "int256", "uint256", "uint256", "uint80").decode(
            rpc.call(self.source, LATEST_ROUND), 0
        )[1]
        (decimals,) = codec("uint8").decode(rpc.call(self.source, DECIMALS), 0)
        if answer <= 0:
            raise NodeDown(f"the native coin's feed {self.source} answers {answer}")
        return int(answer * WAD // 10**decimals)


def data_fee(rpc: NodeRpc, kind: DataFee) -> int:
    """Wei for each byte of a transaction, up."""
    if kind is DataFee.NONE:
        return 0
    if kind is DataFee.OPTIMISM:
        found = rpc.call(OPTIMISM_ORACLE, GET_L1_FEE + codec("bytes").encode((SAMPLE,)))
        (fee,) = codec("uint256").decode(found, 0)
        return ceil_div(fee, len(SAMPLE))
    body = codec("address", "bool", "bytes").encode((OPTIMISM_ORACLE, False, SAMPLE))
    found = rpc.call(ARBITRUM_NODE, L1_COMPONENT + body)
    gas, base, _ = codec("uint64", "uint256", "uint256").decode(found, 0)
    return ceil_div(gas * base, len(SAMPLE))


def gas_price(
    rpc: NodeRpc,
    head: Head,
    *,
    min_tip: int,
    max_tip: int,
    native: NativePrice,
    mark: Callable[[], int],
    fee: DataFee = DataFee.NONE,
) -> GasPrice:
    """The prices of the block after `head`: a base fee rises by at most an eighth. The node's word
    on tips counts within bounds."""
    try:
        tip = int(rpc.request("eth_maxPriorityFeePerGas"), 16)
    except RpcError as problem:
        if isinstance(problem, NodeDown):
            raise
        tip = 0  # the node does not offer it: the least that is set
    return GasPrice(
        base=ceil_div(head.base_fee * 9, 8),
        tip=min(max(tip, min_tip), max_tip),
        l1_per_byte=data_fee(rpc, fee),
        quote_per_native=native.read(rpc, mark),
        l1_in_gas=fee is DataFee.ARBITRUM,
    )
