"""Price paths for replays: read from files and checked, or made by a seeded generator."""

from bulkhead.prices.crash import crash
from bulkhead.prices.path import DECIMALS, PricePath, moment
from bulkhead.prices.table import read

__all__ = ["DECIMALS", "PricePath", "crash", "moment", "read"]
