"""`ape run verify`: reading a deployment back, as `bulkhead verify` does it."""

from bulkhead.commands import for_ape
from bulkhead.deploy.command import verify

cli = for_ape(verify)
