"""Find the programs this project runs: the pinned one in node_modules first, then PATH."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from bulkhead.errors import BulkheadError

ROOT = Path(__file__).resolve().parents[2]
SOLC = ROOT / "tools" / "solcx" / "solc-v0.8.37"


class MissingBinary(BulkheadError):
    """A program is neither pinned in node_modules nor on PATH."""


def find(name: str) -> tuple[Path, str]:
    """Return a Foundry program (`anvil`, `forge`, `cast`) and where it was found."""
    pinned = ROOT / "node_modules" / ".bin" / name
    if pinned.is_file():
        return pinned, "pinned, node_modules"
    on_path = shutil.which(name)
    if on_path is None:
        raise MissingBinary(
            f"{name} is missing: npm has no pinned build for this platform and PATH has none. "
            "Run `make setup`; elsewhere than on 64-bit Linux install Foundry (getfoundry.sh)."
        )
    return Path(on_path), f"PATH, {on_path}"


def main() -> int:
    """Print which programs will be used; fail where Anvil, which all tests need, is missing."""
    missing = 0
    for name, needed_for in (("anvil", "tests and the demo"), ("forge", "make fmt and check")):
        try:
            print(f"{name}: {find(name)[1]}")
        except MissingBinary as problem:
            missing += name == "anvil"
            print(f"{problem} Needed for {needed_for}.", file=sys.stderr)
    return missing


if __name__ == "__main__":
    raise SystemExit(main())
