"""Who may call what: every function of every contract that is deployed.

A case is arguments that succeed for `allowed`; everybody else gets `error`, or what `others` says
for a role. `takes` is what may have less afterwards: a position's or a person's holdings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from market_world import ANY, SOON, WAD
from role_scene import CONTRACTS, MAX, ROLES, Scene

from bulkhead.model.order_types import Order

ANYONE = frozenset(ROLES)
NOBODY: frozenset[str] = frozenset()
ZERO = "0x" + "0" * 40
Args = tuple[Any, ...]


@dataclass(frozen=True)
class Case:
    """Arguments, who may, and what the others are told."""

    args: Args | Callable[[Scene], Args] = ()
    allowed: frozenset[str] = ANYONE
    error: str = ""
    others: Mapping[str, str] = field(default_factory=dict)
    scene: Callable[[Scene], None] = Scene.usual
    scheduled: Callable[[Scene], tuple[str, bytes]] | None = None  # a governance call, delay over
    waits: bool = True  # for the delay
    takes: tuple[str, ...] = ()
    gas: int = 15_000_000


def only(*roles: str) -> frozenset[str]:
    return frozenset(roles)


# No contract of ours ever lets anyone take its tokens.
NO_ALLOWANCE = dict.fromkeys(CONTRACTS, "ERC20InsufficientAllowance")
PAYERS = frozenset(ROLES) - frozenset(CONTRACTS)
OWNER, TRADERS = only("owner"), only("owner", "delegate")
GOVERNANCE, GUARDIAN, MARKET = only("governance"), only("guardian"), only("market")
LP, PROVIDERS = only("lp"), only("lp", "operator")
STRANGER, UNMANAGED = "NotAuthorised", "AccessManagedUnauthorized"
UNADMITTED = "AccessManagerUnauthorizedAccount"
DOWN, UP = ANY[-1], ANY[1]


def of_market(name: str, *args: Any) -> Callable[[Scene], tuple[str, bytes]]:
    """A call of the market that governance schedules."""
    return lambda s: (s["market"], getattr(s.w.market, name).encode(*args))


def of_quorum(s: Scene, name: str, *args: Any) -> tuple[str, bytes]:
    """A call of the quorum adapter that governance schedules."""
    oracle = s.contracts["QuorumOracle"]
    return oracle.address, getattr(oracle, name).encode(*args)


def set_params(s: Scene) -> tuple[str, bytes]:
    return s["market"], s.w.market.setParams.encode(s.params())


def governed(name: str, *args: Any, **more: Any) -> Case:
    """A function of the market that only governance calls, after its delay."""
    return Case(
        args, GOVERNANCE, UNMANAGED, scheduled=more.pop("scheduled", of_market(name, *args)), **more
    )


def admin(name: str, args: Callable[[Scene], Args]) -> Case:
    """A function of the Authority that only governance calls, after its delay."""
    return Case(
        args,
        GOVERNANCE,
        UNADMITTED,
        scheduled=lambda s: (s["authority"], getattr(s.w.authority, name).encode(*args(s))),
    )


def views(**args: Args | Callable[[Scene], Args]) -> dict[str, tuple[Case, ...]]:
    """Anyone reads them."""
    return {name: (Case(given),) for name, given in args.items()}


def as_arguments(signed: tuple[Order, bytes]) -> Args:
    """An order and its signature."""
    order, signature = signed
    return order.as_tuple(), signature


TABLE: dict[str, dict[str, tuple[Case, ...]]] = {
    "Market": {
        "reserve": (Case(lambda s: (s["attacker"],)),),
        "open": (
            Case((2, 20 * WAD, 0, UP, SOON), TRADERS, STRANGER, takes=("2",)),
            Case((0, 20 * WAD, 9_000 * 10**6, UP, SOON), PAYERS, others=NO_ALLOWANCE),
        ),
        "increase": (Case((1, WAD, UP, SOON), TRADERS, STRANGER, takes=("1",)),),
        "decrease": (Case((1, -WAD, DOWN, SOON), TRADERS, STRANGER, takes=("1",)),),
        "close": (Case((1, DOWN, SOON), TRADERS, STRANGER, takes=("1",)),),
        "closeAndWithdraw": (
            Case(lambda s: (1, DOWN, SOON, s["owner"]), OWNER, STRANGER, takes=("1",)),
        ),
        "addMargin": (Case((1, 5), PAYERS, others=NO_ALLOWANCE),),
        "removeMargin": (
            Case(lambda s: (1, 5, s["owner"]), OWNER, STRANGER, takes=("1",)),
            Case(lambda s: (2, 5, s["owner"]), OWNER, STRANGER, takes=("2",)),
        ),
        "settle": (Case((1,), takes=("1",)),),
        "accrue": (Case(),),
        "liquidate": (Case(lambda s: (3, s["keeper"]), takes=("3",)),),
        "liquidateMany": (Case(lambda s: ((3, 1), s["keeper"]), takes=("3",)),),
        "deleverage": (Case((1,), scene=Scene.rich, takes=("claim 1",)),),
        "setMarginCall": (Case((1, False), OWNER, STRANGER),),
        "transferPosition": (Case(lambda s: (1, s["attacker"]), OWNER, STRANGER),),
        "setDelegate": (
            Case(lambda s: (1, s["attacker"], SOON), OWNER, STRANGER),
            Case(lambda s: (0, s["attacker"], SOON)),  # for one's own positions
        ),
        "setLock": (Case((1, 7), only("delegate"), STRANGER),),
        "freeLock": (
            Case(lambda s: (1, s.gone)),
            Case(lambda s: (1, s["delegate"]), NOBODY, STRANGER),  # a live one keeps its lock
        ),
        "sweepForeign": (Case(lambda s: (1, s.foreign, s["owner"]), OWNER, STRANGER),),
        "drawTicket": (
            Case(
                lambda s: (1, s["owner"]),
                OWNER,
                "NotTicketOwner",
                scene=Scene.owed,
                takes=("ticket 1",),
            ),
        ),
        "sweepFees": (Case(),),
        "settleFinal": (Case((1,), scene=Scene.final, takes=("1",)),),
        # Values all positions anew, as every mark does; takes nothing out of any vault.
        "executeFinal": (Case(scene=Scene.ripe, takes=("claim 1", "claim 3")),),
        "setParams": (Case(lambda s: (s.params(),), GOVERNANCE, UNMANAGED, scheduled=set_params),),
        "leaveReduceOnly": (governed("leaveReduceOnly", scene=Scene.reduced),),
        "announceFinal": (governed("announceFinal", 1_900 * WAD, scene=Scene.dead),),
        "enterReduceOnly": (Case((), GUARDIAN, UNMANAGED),),
        "setAuthority": (Case(lambda s: (s.w.factory,), only("authority"), UNMANAGED),),
        "scheduleBucket": (Case((2**39,), only("pool"), "NotPool"),),
        **views(
            TOKEN=(),
            POOL=(),
            FUND=(),
            ORDER_BOOK=(),
            VAULT_IMPLEMENTATION=(),
            authority=(),
            isConsumingScheduledOp=(),
            state=(),
            config=(),
            orderTerms=(),
            heldMark=(),
            position=(1,),
            ticket=(1,),
            ticketTotals=(),
            finalPrice=(),
            vaultOf=(1,),
            ownerOf=(1,),
            epochOf=(1,),
            isAuthorised=lambda s: (1, s["delegate"]),
            delegateExpiry=lambda s: (s["owner"], 0, s["delegate"]),
            lockOf=lambda s: (1, s.gone),
            lockedOf=(1,),
            nav=(),
            freeLiquidity=(),
            locked=(),
            calledId=(),
        ),
    },
    "LiquidityPool": {
        "requestDeposit": (Case(lambda s: (5, s["lp"], s["lp"]), PROVIDERS, "NotAllowed"),),
        "requestRedeem": (
            Case(
                lambda s: (5, s["lp"], s["lp"]),
                PROVIDERS,
                "ERC20InsufficientAllowance",
                takes=("lp",),
            ),
        ),
        "deposit(uint256,address,address)": (
            Case(lambda s: (5, s["lp"], s["lp"]), PROVIDERS, "NotAllowed", takes=("lp",)),
        ),
        "mint(uint256,address,address)": (
            Case(lambda s: (5, s["lp"], s["lp"]), PROVIDERS, "NotAllowed", takes=("lp",)),
        ),
        "redeem": (
            Case(lambda s: (5_000, s["lp"], s["lp"]), PROVIDERS, "NotAllowed", takes=("lp",)),
        ),
        "withdraw": (
            Case(lambda s: (5, s["lp"], s["lp"]), PROVIDERS, "NotAllowed", takes=("lp",)),
        ),
        "refundDeposit": (
            Case(lambda s: (s["lp"], s["lp"]), PROVIDERS, "NotAllowed", scene=Scene.settled),
        ),
        "deposit(uint256,address)": (
            Case(lambda s: (5, s["lp"]), LP, "ERC4626ExceededMaxDeposit", takes=("lp",)),
        ),
        "mint(uint256,address)": (
            Case(lambda s: (5, s["lp"]), LP, "ERC4626ExceededMaxMint", takes=("lp",)),
        ),
        "setOperator": (Case(lambda s: (s["attacker"], True)),),
        "transfer": (
            # The pool holds what was priced and not claimed; it has no code that transfers it away.
            Case(
                lambda s: (s["attacker"], 5),
                only("lp", "pool"),
                "ERC20InsufficientBalance",
                takes=("lp",),
            ),
        ),
        "transferFrom": (
            Case(
                lambda s: (s["lp"], s["attacker"], 5),
                only("operator"),  # has the provider's allowance here
                "ERC20InsufficientAllowance",
                takes=("lp",),
            ),
        ),
        "approve": (Case(lambda s: (s["attacker"], 5)),),
        "permit": (Case(lambda s: s.permit(s.w.pool, s["attacker"], 5)),),
        "pay": (Case(lambda s: (s["owner"], 5), MARKET, "NotMarket"),),
        "priceDeposits": (Case((2**39, 10**12), MARKET, "NotMarket"),),
        "priceRedeems": (Case((2**39, 10**12, 10**9), MARKET, "NotMarket", takes=("supply lp",)),),
        **{
            name: (Case((5,), NOBODY, "NoPreview"),)
            for name in ("previewDeposit", "previewMint", "previewRedeem", "previewWithdraw")
        },
        **views(
            DOMAIN_SEPARATOR=(),
            MARKET=(),
            accounted=(),
            allowance=lambda s: (s["lp"], s["operator"]),
            asset=(),
            balanceOf=lambda s: (s["lp"],),
            claimableDepositRequest=lambda s: (1, s["lp"]),
            claimableRedeemRequest=lambda s: (1, s["lp"]),
            convertToAssets=(10**9,),
            convertToShares=(10**9,),
            decimals=(),
            depositBuckets=(),
            eip712Domain=(),
            isOperator=lambda s: (s["lp"], s["operator"]),
            maxDeposit=lambda s: (s["lp"],),
            maxMint=lambda s: (s["lp"],),
            maxRedeem=lambda s: (s["lp"],),
            maxWithdraw=lambda s: (s["lp"],),
            name=(),
            nextDueAt=(),
            nonces=lambda s: (s["lp"],),
            pendingDepositAssets=(),
            pendingDepositRequest=lambda s: (2, s["lp"]),
            pendingRedeemRequest=lambda s: (2, s["lp"]),
            pendingRedeemShares=(),
            previewPriceDeposits=(2**39, 10**12),
            previewPriceRedeems=(2**39, 10**12, 10**9, 0),
            redeemBuckets=(),
            redemptionReserve=(),
            share=(),
            supportsInterface=(b"\x01\xff\xc9\xa7",),
            symbol=(),
            totalAssets=(),
            totalSupply=(),
        ),
    },
    "InsuranceFund": {
        "cover": (Case((5,), MARKET, "NotMarket"),),
        **views(MARKET=(), POOL=(), TOKEN=()),
    },
    "PositionVault": {
        "payPool": (Case((5,), MARKET, "NotMarket", takes=("2",)),),
        "payReward": (Case(lambda s: (s["keeper"], 5), MARKET, "NotMarket", takes=("2",)),),
        "payOwner": (Case(lambda s: (s["owner"], 5), MARKET, "NotMarket", takes=("2",)),),
        "payRewardAndPool": (
            Case(lambda s: (s["keeper"], 5, 6), MARKET, "NotMarket", takes=("2",)),
        ),
        "payPoolAndOwner": (Case(lambda s: (5, s["owner"], 6), MARKET, "NotMarket", takes=("2",)),),
        "sweep": (Case(lambda s: (s.foreign, s["owner"]), MARKET, "NotMarket"),),
        **views(MARKET=(), POOL=(), TOKEN=(), MAX_REWARD=()),
    },
    "MarketFactory": {
        "createMarket": (
            Case(lambda s: (*s.codes, s.w.token, s.w.authority, s.params(), 0), gas=60_000_000),
        ),
        "createOrderBook": (Case(lambda s: (2, s.w.book_code)),),
        **views(
            marketCount=(),
            marketOf=(1,),
            MARKET_CODE_HASH=(),
            POOL_CODE_HASH=(),
            FUND_CODE_HASH=(),
            VAULT_CODE_HASH=(),
            ORDER_BOOK_CODE_HASH=(),
        ),
    },
    "Authority": {
        "labelRole": (admin("labelRole", lambda s: (5, "X")),),
        "grantRole": (admin("grantRole", lambda s: (2, s["attacker"], 0)),),
        "revokeRole": (admin("revokeRole", lambda s: (2, s["guardian"])),),
        "setRoleAdmin": (admin("setRoleAdmin", lambda s: (5, 1)),),
        "setRoleGuardian": (admin("setRoleGuardian", lambda s: (5, 1)),),
        "setGrantDelay": (admin("setGrantDelay", lambda s: (5, 10)),),
        "setTargetFunctionRole": (
            admin(
                "setTargetFunctionRole",
                lambda s: (s["market"], (s.selector("enterReduceOnly"),), 5),
            ),
        ),
        "setTargetAdminDelay": (admin("setTargetAdminDelay", lambda s: (s["market"], 10**6)),),
        "setTargetClosed": (admin("setTargetClosed", lambda s: (s["market"], True)),),
        "updateAuthority": (admin("updateAuthority", lambda s: (s["market"], s.w.factory)),),
        "renounceRole": (
            Case(lambda s: (2, s["guardian"]), GUARDIAN, "AccessManagerBadConfirmation"),
        ),
        "schedule": (
            Case(lambda s: (*set_params(s), 0), GOVERNANCE, "AccessManagerUnauthorizedCall"),
        ),
        "execute": (
            Case(set_params, GOVERNANCE, "AccessManagerUnauthorizedCall", scheduled=set_params),
        ),
        "cancel": (
            Case(
                lambda s: (s["governance"], *set_params(s)),
                GOVERNANCE,
                "AccessManagerUnauthorizedCancel",
                scheduled=set_params,
                waits=False,
            ),
        ),
        # Only a contract in the middle of a restricted call of its own is let through.
        "consumeScheduledOp": (
            Case(
                lambda s: (s["governance"], set_params(s)[1]),
                NOBODY,
                "",
                {"market": "AccessManagerUnauthorizedConsume"},
                scheduled=set_params,
            ),
        ),
        "multicall": (
            Case(
                lambda s: ((s.w.authority.setTargetClosed.encode(s["market"], True),),),
                GOVERNANCE,
                UNADMITTED,
                scheduled=lambda s: (
                    s["authority"],
                    s.w.authority.setTargetClosed.encode(s["market"], True),
                ),
            ),
        ),
        **views(
            ADMIN_ROLE=(),
            PUBLIC_ROLE=(),
            canCall=lambda s: (s["governance"], s["market"], s.selector("setParams")),
            expiration=(),
            getAccess=lambda s: (1, s["governance"]),
            getNonce=(b"\0" * 32,),
            getRoleAdmin=(1,),
            getRoleGrantDelay=(1,),
            getRoleGuardian=(1,),
            getSchedule=(b"\0" * 32,),
            getTargetAdminDelay=lambda s: (s["market"],),
            getTargetFunctionRole=lambda s: (s["market"], s.selector("setParams")),
            hasRole=lambda s: (1, s["governance"]),
            hashOperation=lambda s: (s["governance"], s["market"], b"abcd"),
            isTargetClosed=lambda s: (s["market"],),
            minSetback=(),
        ),
    },
    "ChainlinkOracle": {
        "update": (Case(((),)),),
        "proveGap": (Case(lambda s: (s.round, s.taker)),),
        **views(LOOK_BACK=(), read=(0,), settings=()),
    },
    "PythOracle": {
        "update": (Case(((),)),),
        "proveGap": (Case(lambda s: (*s.gap, s.pyth_taker)),),
        **views(read=(0,), settings=()),
    },
    "QuorumOracle": {
        "update": (Case(((),)),),
        "setReporters": (
            Case(
                lambda s: (s.reporters, 2),
                GOVERNANCE,
                UNMANAGED,
                scheduled=lambda s: of_quorum(s, "setReporters", s.reporters, 2),
            ),
        ),
        "setAuthority": (Case(lambda s: (s["authority"],), only("authority"), UNMANAGED),),
        **views(
            MAX_REPORTERS=(),
            REPORT_TYPEHASH=(),
            authority=(),
            eip712Domain=(),
            held=(),
            isConsumingScheduledOp=(),
            read=(0,),
            reportDigest=(WAD, 1),
            reporters=(),
            settings=(),
        ),
    },
    "MedianOracle": {
        "update": (Case(((),)),),
        "noteDisagreement": (Case(),),
        **views(disagreedAt=(), read=(0,), settings=()),
    },
    "OrderBook": {
        "place": (Case(lambda s: (s.order().as_tuple(),), TRADERS, STRANGER),),
        "placeSigned": (Case(lambda s: as_arguments(s.signed())),),
        "cancel": (Case(lambda s: (s.exit.as_tuple(),), TRADERS, STRANGER),),
        "cancelSigned": (Case(lambda s: as_arguments(s.signed_cancel())),),
        "edit": (Case(lambda s: (s.exit.as_tuple(), s.order().as_tuple()), TRADERS, STRANGER),),
        "claimRefund": (Case(lambda s: (s["attacker"],)),),
        "execute": (Case(lambda s: (s.exit.as_tuple(), s["keeper"]), takes=("1",)),),
        "executeMany": (Case(lambda s: ((s.exit.as_tuple(),), s["keeper"]), takes=("1",)),),
        "executeOne": (Case(lambda s: (s.exit.as_tuple(), s["keeper"]), NOBODY, "NotSelf"),),
        "attempt": (Case(lambda s: (s.exit.as_tuple(), 1, 1, False), NOBODY, "NotSelf"),),
        "release": (Case(lambda s: (s.late.as_tuple(), s["keeper"])),),
        "advance": (Case(lambda s: (s.trail.as_tuple(),)),),
        "multicall": (
            Case(lambda s: ((s.book.cancel.encode(s.exit.as_tuple()),),), TRADERS, STRANGER),
        ),
        **views(
            MARKET=(),
            TOKEN=(),
            cancelDigest=(b"\0" * 32,),
            check=lambda s: (s.exit.as_tuple(), WAD, 0),
            eip712Domain=(),
            groupUsedBy=lambda s: (s["owner"], b"\0" * 32),
            hashOf=lambda s: (s.exit.as_tuple(),),
            orderState=(b"\0" * 32,),
            placeDigest=lambda s: (s.exit.as_tuple(),),
            refundOf=lambda s: (s["owner"],),
        ),
    },
    "Router": {
        "multicall": (
            Case(
                lambda s: ((s.router.topUp.encode(s["market"], 1, 5),),),
                PAYERS,
                others=NO_ALLOWANCE,
            ),
        ),
        "selfPermit": (
            Case(
                lambda s: (s.w.token, MAX, SOON, 27, b"\0" * 32, b"\0" * 32),
                PAYERS,
                others=dict.fromkeys(CONTRACTS, "PermitFailed"),
            ),
        ),
        "topUp": (Case(lambda s: (s["market"], 1, 5), PAYERS, others=NO_ALLOWANCE),),
        "open": (
            Case(
                lambda s: (s["market"], 2, 20 * WAD, 0, UP, SOON), OWNER, "NotOwner", takes=("2",)
            ),
        ),
        "increase": (
            Case(lambda s: (s["market"], 1, WAD, UP, SOON), OWNER, "NotOwner", takes=("1",)),
        ),
        "decrease": (
            Case(lambda s: (s["market"], 1, -WAD, DOWN, SOON), OWNER, "NotOwner", takes=("1",)),
        ),
        "close": (Case(lambda s: (s["market"], 1, DOWN, SOON), OWNER, "NotOwner", takes=("1",)),),
    },
    "MarketLens": views(
        positions=lambda s: (s["market"], 1, 4),
        positionsOf=lambda s: (s["market"], (1, 3)),
        liquidatable=lambda s: (s["market"], 1, 4),
        liquidationPrice=lambda s: (s["market"], 1),
        liquidatableNotional=lambda s: (s["market"], 1, 4, (10**21,)),
        marketView=lambda s: (s["market"],),
    ),
    "PreviewLens": views(
        previewOpen=lambda s: (s["market"], 2, s["owner"], 20 * WAD, 0, UP, SOON),
        previewIncrease=lambda s: (s["market"], 1, s["owner"], WAD, UP, SOON),
        previewDecrease=lambda s: (s["market"], 1, s["owner"], -WAD, DOWN, SOON),
        previewClose=lambda s: (s["market"], 1, s["owner"], DOWN, SOON),
        previewRemoveMargin=lambda s: (s["market"], 1, s["owner"], 5),
        previewSettle=lambda s: (s["market"], 1),
    ),
    "LiquidationLens": views(
        previewLiquidate=lambda s: (s["market"], 3),
        previewDeleverage=lambda s: (s["market"], 1),
    ),
    "OrderLens": views(
        previewOrder=lambda s: (s.book.address, s.exit.as_tuple()),
    ),
}
