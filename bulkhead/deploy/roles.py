"""Who may do what: the roles of a market, given to people, and the deployer's taken away."""

from __future__ import annotations

from collections.abc import Sequence
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


REPORTERS = ("setReporters",)  # what TIMELOCK may call on a quorum adapter


def _let(
    deployer: Deployer, authority: Contract, target: Contract, role: int, names: Sequence[str]
) -> None:
    """A role may call these functions of a contract."""
    functions = [target.__getattr__(name).method.selector for name in names]
    where = target.address
    what = f"let {LABELS[role]} call {', '.join(names)}"
    deployer.call(what, authority.setTargetFunctionRole, where, functions, role)


def _hand_over(deployer: Deployer, authority: Contract, target: Contract, people: People) -> None:
    """Changes of the target's roles wait; governance is ADMIN; the deployer leaves."""
    delay = people.delay
    what = "delay changes of its roles"
    deployer.call(what, authority.setTargetAdminDelay, target.address, delay)
    what = "give ADMIN to governance"
    deployer.call(what, authority.grantRole, ADMIN, people.governance, delay)
    if people.governance.lower() != deployer.sender.lower():
        deployer.call("leave ADMIN", authority.renounceRole, ADMIN, deployer.sender)


def give_reporters(
    deployer: Deployer, authority: Contract, adapter: Contract, people: People
) -> None:
    """A quorum adapter's reporters are the timelock's; the deployer leaves."""
    deployer.call(f"name role {LABELS[TIMELOCK]}", authority.labelRole, TIMELOCK, LABELS[TIMELOCK])
    _let(deployer, authority, adapter, TIMELOCK, REPORTERS)
    what = "give TIMELOCK to governance"
    deployer.call(what, authority.grantRole, TIMELOCK, people.governance, people.delay)
    _hand_over(deployer, authority, adapter, people)


def give(deployer: Deployer, authority: Contract, market: Contract, people: People) -> None:
    """Wire the roles, hand them over, and leave."""
    for role, label in LABELS.items():
        deployer.call(f"name role {label}", authority.labelRole, role, label)
        _let(deployer, authority, market, role, FUNCTIONS[role])
    what = "give TIMELOCK to governance"
    deployer.call(what, authority.grantRole, TIMELOCK, people.governance, people.delay)
    deployer.call("give GUARDIAN", authority.grantRole, GUARDIAN, people.guardian, 0)
    _hand_over(deployer, authority, market, people)
