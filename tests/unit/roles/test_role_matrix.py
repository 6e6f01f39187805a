"""I-40: every function of every contract, called by every role, does what the table says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from role_scene import ROLES, Scene
from role_table import GOVERNANCE, GUARDIAN, TABLE, Case

from bulkhead.chain.anvil import Anvil
from bulkhead.chain.artifacts import Artifacts, default
from bulkhead.chain.contract import Function, Method
from bulkhead.chain.errors import Reverted
from bulkhead.deploy.steps import Deployer


def functions(name: str) -> dict[str, Method]:
    """By name, or by signature where it is overloaded."""
    found = [Method(one) for one in default().get(name).abi if one["type"] == "function"]
    names = [method.name for method in found]
    return {one.name if names.count(one.name) == 1 else one.signature: one for one in found}


LIBRARY_VIEWS = {"nav", "freeLiquidity"}  # read the library's own empty storage
CELLS = [
    pytest.param(contract, name, id=f"{contract}.{name}")
    for contract, rows in TABLE.items()
    for name in rows
]


@pytest.fixture(scope="module")
def scene(artifacts: Artifacts) -> Iterator[Scene]:
    """One system on a chain of its own; tests undo what they do."""
    with Anvil() as chain:
        yield Scene(chain.rpc, chain.accounts)


def deployed(artifacts: Artifacts) -> tuple[set[str], set[str]]:
    """What has code and functions to call, outside contracts/test: contracts, linked libraries."""
    found = {
        one.name: one
        for one in artifacts.all()
        if one.source.startswith("contracts/") and not one.source.startswith("contracts/test/")
        if one.deployable and one.selectors
    }
    linked = {library for one in found.values() for library in one.links}
    return set(found) - linked, linked


def test_the_table_is_complete(artifacts: Artifacts, scene: Scene) -> None:
    """Every contract that there is to deploy, every function of its ABI."""
    contracts, _ = deployed(artifacts)
    assert set(TABLE) == contracts
    assert set(TABLE) == set(scene.contracts)
    for contract, rows in TABLE.items():
        assert set(rows) == set(functions(contract)), contract


def test_governance_takes_nothing() -> None:
    """What only governance and guardian may call lowers nothing that anybody has: the cells are
    checked for it one by one below."""
    governed = [
        (contract, name)
        for contract, rows in TABLE.items()
        for name, cases in rows.items()
        for case in cases
        if case.allowed and case.allowed <= GOVERNANCE | GUARDIAN | {"authority"}
    ]
    assert len(governed) >= 19
    for contract, name in governed:
        assert all(case.takes == () for case in TABLE[contract][name]), f"{contract}.{name}"


@pytest.mark.parametrize(("contract", "name"), CELLS)
def test_every_cell(scene: Scene, contract: str, name: str) -> None:
    method = functions(contract)[name]
    function = Function(scene.contracts[contract], method)
    for case in TABLE[contract][name]:
        with scene.w.branch() as branch:
            world, scene.w = scene.w, branch
            try:
                _check(scene, function, case)
            finally:
                scene.w = world


def _check(scene: Scene, function: Function, case: Case) -> None:
    case.scene(scene)
    if case.scheduled is not None:
        scene.schedule(*case.scheduled(scene), wait=case.waits)
    args = case.args(scene) if callable(case.args) else case.args
    before = scene.holdings()
    for role in ROLES:
        expected = "" if role in case.allowed else case.others.get(role, case.error)
        ok, said = _call(scene, function, case, args, role, before)
        what = f"{function.method.name}{args} by {role}"
        assert ok == (role in case.allowed), f"{what}: {said or 'did it'}"
        assert said == expected, f"{what}: {said}, not {expected}"


def _call(
    scene: Scene,
    function: Function,
    case: Case,
    args: tuple[object, ...],
    role: str,
    before: dict[str, int],
) -> tuple[bool, str]:
    """Really calls; where it worked, nobody has less but whom the table names."""
    if function.method.view:
        try:
            function.call(*args, sender=scene[role])
        except Reverted as refusal:
            return False, refusal.name
        return True, ""
    with scene.rpc.isolated():
        receipt = function.send(*args, sender=scene[role], gas=case.gas, check=False)
        if not receipt.ok:
            return False, Reverted(scene.rpc.revert_data(receipt.hash)).name
        after = scene.holdings()
    for key, had in before.items():
        if after[key] < had:
            named = key in case.takes or key.split()[-1] in case.takes
            assert named, f"{function.method.name} by {role}: {key} from {had} to {after[key]}"
    return True, ""


def test_libraries_refuse_direct_calls(artifacts: Artifacts, scene: Scene) -> None:
    """Linked code is the market's alone: called at its own address it does nothing."""
    hand = Deployer(scene.rpc, scene["deployer"])
    linked = hand.link("Market")
    assert set(linked) == deployed(artifacts)[1]
    for name, where in linked.items():
        for signature, selector in default().get(name).selectors.items():
            if signature.split("(")[0] in LIBRARY_VIEWS:
                continue
            data = bytes.fromhex(selector[2:]) + b"\0" * 32 * 60
            with pytest.raises(Reverted) as refusal:
                scene.rpc.call(where, data, sender=scene["attacker"])
            assert refusal.value.data == b"", f"{name}.{signature}: {refusal.value}"
