"""Who takes part: the same addresses on every engine, and names for them."""

from __future__ import annotations

from bulkhead.model.wad import WAD

START = 1_800_000_000
PRICE = 2_000 * WAD
FOREVER = 2**40
DELAY = 3_600  # of the timelock, seconds
PURSE = 10**8  # dollars of everybody
ANY_BUY = 2**255  # a limit that never binds


def _who(tag: int) -> str:
    return f"0x{0xA0 << 152 | tag:040x}"


NOBODY = "0x" + "0" * 40
DEPLOYER, GOVERNANCE, GUARDIAN, TREASURY = (_who(tag) for tag in range(1, 5))
# Alice signs orders: her address is that of the key.
ALICE_KEY, ALICE = f"0x{0xA11C:064x}", "0xee4811b9462956c9c3535e79c08776d769ca9f3a"
BOB, CAROL, DAVE, EVE, KEEPER, LP, LP2 = (_who(tag) for tag in range(17, 24))
OPERATOR, DELEGATE = _who(24), _who(25)
OWNERS = (ALICE, BOB, CAROL, DAVE, EVE)  # Eve is the hostile one
PROVIDERS = (LP, LP2)
USERS = (*OWNERS, KEEPER, *PROVIDERS, OPERATOR, DELEGATE)
NAMES = {
    **dict(zip(OWNERS, ("alice", "bob", "carol", "dave", "eve"), strict=True)),
    KEEPER: "keeper",
    LP: "lp",
    LP2: "lp2",
    OPERATOR: "operator",
    DELEGATE: "delegate",
    DEPLOYER: "deployer",
    GOVERNANCE: "gov",
    GUARDIAN: "guard",
    TREASURY: "treasury",
}
