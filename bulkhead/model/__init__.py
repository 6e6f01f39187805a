"""The exact integer twin of the contracts: predicts every state, payment and refusal.

Written from docs/protocol.md and docs/protocol-pool.md alone, it imports nothing from
the contracts: an independent opinion.
"""

from bulkhead.model.core import Result
from bulkhead.model.errors import ModelError, OracleError, Refused
from bulkhead.model.market import MarketModel
from bulkhead.model.types import Bracket, Config, Params, Position, Reading, State, Ticket

__all__ = [
    "Bracket",
    "Config",
    "MarketModel",
    "ModelError",
    "OracleError",
    "Params",
    "Position",
    "Reading",
    "Refused",
    "Result",
    "State",
    "Ticket",
]
