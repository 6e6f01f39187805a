"""Who may do what: the roles of a market, given to people, and the deployer's taken away."""

from __future__ import annotations

from dataclasses import dataclass

from bulkhead.chain.contract import Contract
from bulkhead.deploy.steps import Deployer

ADMIN = 0
TIMELOCK = 1
GUARDIAN = 2
PUBLIC = 2**64 - 1

# What each role may call on the market. Everything else there is open to anyone.
FUNCTIONS: dict[int, tuple[str, ...]] = {
    TIMELOCK: ("setParams", "leaveReduceOnly", "announceFinal"),
    GUARDIAN: ("enterReduceOnly",),
}
LABELS = {TIMELOCK: "TIMELOCK", GUARDIAN: "GUARDIAN"}


@dataclass(frozen=True)
class People:
    """Addresses behind the roles. `delay` (seconds) holds for everything governance does."""

    governance: str
    guardian: str
    treasury: str
    delay: int


def selectors(market: Contract, role: int) -> list[bytes]:
    """The market's functions that a role may call."""
    return [market.__getattr__(name).method.selector for name in FUNCTIONS[role]]


def give(deployer: Deployer, authority: Contract, market: Contract, people: People) -> None:
    """Wire the roles, hand them over, and leave."""
    for role, label in LABELS.items():
        functions = selectors(market, role)
        deployer.call(f"name role {label}", authority.labelRole, role, label)
        deployer.call(
            f"let {label} call {', '.join(FUNCTIONS[role])}",
            authority.setTargetFunctionRole,
            market.address,
            functions,
            role,
        )
    deployer.call(
        "give TIMELOCK to governance",
        authority.grantRole,
        TIMELOCK,
        people.governance,
        people.delay,
    )
    deployer.call("give GUARDIAN", authority.grantRole, GUARDIAN, people.guardian, 0)
    deployer.call(
        "delay changes of the market's roles",
        authority.setTargetAdminDelay,
        market.address,
        people.delay,
    )
    deployer.call(
        "give ADMIN to governance", authority.grantRole, ADMIN, people.governance, people.delay
    )
    if people.governance.lower() != deployer.sender.lower():
        deployer.call("leave ADMIN", authority.renounceRole, ADMIN, deployer.sender)
