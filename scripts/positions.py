"""`ape run positions`: positions and their health, as `bulkhead positions` lists them."""

from bulkhead.commands import for_ape
from bulkhead.deploy.positions_command import positions

cli = for_ape(positions)
